"""From arguments to an exit code: 0 success, 1 some failed, 2 bad input, 130 interrupted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from napari_mineral_anomaly.cli.commands import COMMAND_NAMES, COMMANDS, make_parser
from napari_mineral_anomaly.cli.console import give_up, prepare_console, say
from napari_mineral_anomaly.cli.options import PROGRAM
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.out_of_memory import is_out_of_memory, memory_sentence

SUCCESS = 0
BAD_INPUT = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default ``sys.argv[1:]``.

    Returns
    -------
    int
        0 on success; 1 from ``batch`` when some sections failed; 2 after bad input, with one
        sentence on stderr; 130 after an interruption.
        A defect of ours keeps its traceback.
    """
    prepare_console()
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        # A command that can half succeed gives its own code.
        code: int | None = COMMANDS[arguments.command].run(arguments)
        sys.stdout.flush()
    except InputError as error:
        hint = f" ({error.option})" if error.option else ""
        say(" ".join(str(error).split()) + hint)
        return BAD_INPUT
    except KeyboardInterrupt:
        say("Interrupted: nothing was left half-written.")
        return INTERRUPTED
    except SystemExit as leaving:  # argparse, after --help and --version
        return leaving.code if isinstance(leaving.code, int) else SUCCESS
    except BrokenPipeError:
        give_up(sys.stdout)  # after --help: the program that reads our output has ended
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        say(memory_sentence())
        return BAD_INPUT
    else:
        return code or SUCCESS
    return SUCCESS


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The parsed arguments of one command.

    Raises
    ------
    InputError
        For arguments that are not understood; the message is one sentence.
    SystemExit
        After ``--help`` and ``--version``, as argparse does.
    """
    command = next((word for word in argv if not word.startswith("-")), None)
    known = ", ".join(COMMAND_NAMES)
    if not argv:
        raise InputError(f"Give a command: {known}; see {PROGRAM} --help.")
    if command is not None and command not in COMMAND_NAMES:
        raise InputError(f"There is no command {command!r} in this version; there are: {known}.")
    return make_parser().parse_args(argv)
