"""From arguments to an exit code: 0 success, 2 bad input in one sentence, 130 interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from napari_mineral_anomaly.cli.options import parse_arguments
from napari_mineral_anomaly.errors import InputError

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
        0 on success; 2 after bad input, with one sentence on stderr; 130 after an interruption.
        A defect of ours keeps its traceback.
    """
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        # Here, so that --help does not wait for numpy, pydantic and the readers.
        from napari_mineral_anomaly.cli.reading import COMMANDS

        COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except InputError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("Interrupted: nothing was left half-written.", file=sys.stderr)
        return INTERRUPTED
    except SystemExit as leaving:  # argparse, after --help and --version
        return leaving.code if isinstance(leaving.code, int) else SUCCESS
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return SUCCESS
