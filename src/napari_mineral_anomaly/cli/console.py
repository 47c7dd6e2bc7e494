"""Printing that never fails a run: on consoles of any code page, into pipes, and with none at all.

A console may not know "µ" (code page 437, ``LC_ALL=C``); its reader may have gone (``| head``); it
may be closed (``>&-``, a scheduled task). The results are on the disk by then, or are still being
computed, and must not be lost for that.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.printable import one_line, shown

# What a reader of ASCII takes for the sign; other characters become escapes, such as \u03b1.
_SIMPLE = {"µ": "u", "μ": "u", "²": "2", "³": "3", "×": "x", "±": "+-", "–": "-", "—": "-"}
_SIMPLE |= {"“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "°": "deg", "Å": "A"}
_IN_ASCII = "mineral_anomaly_in_ascii"


def prepare_console() -> None:
    """Let stdout and stderr take any text, and stand in for those that are closed.

    Warnings of libraries about their own code do not reach stderr, unless Python is started with
    ``-W``: they tell a user nothing, and what concerns a scan is in our own warnings.

    A closed stream would give its number to the next file that is opened, and a library that prints
    would write into that file.
    """
    codecs.register_error(_IN_ASCII, _in_ascii)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _nothing("r" if name == "stdin" else "w"))
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors=_IN_ASCII)


def say(text: str) -> None:
    """Print a line on stderr; an error of the stream is not one of the run."""
    try:
        print(one_line(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        give_up(sys.stderr)


def answer(text: str) -> None:
    """Print the answer of a command on stdout; that its reader has gone (``| head``) is no error.

    Characters that steer a terminal are shown, not sent.

    Raises
    ------
    InputError
        When it cannot be written, as on a full disk.
    """
    _print("\n".join(map(shown, text.split("\n"))))


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        give_up(sys.stdout)
    except OSError as error:
        give_up(sys.stdout)
        reason = error.strerror or str(error)
        raise InputError(f"The answer cannot be written to the output: {reason}.") from None


def answer_json(text: str) -> None:
    """Print JSON on stdout, in UTF-8; as plain ASCII where the stream has another encoding.

    Raises
    ------
    InputError
        As `answer`.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    takes_all = encoding in ("utf8", "utf8sig")
    _print(_escaped_json(text, str.isprintable if takes_all else str.isascii))


def give_up(stream: Any) -> None:
    """Send a stream whose reader has gone to nowhere; else Python prints an error at its exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _nothing(mode: str) -> Any:
    """A stream of nothing; it takes the lowest free number, that of the closed stream."""
    return open(os.devnull, mode, encoding="utf-8", errors="replace")  # noqa: PTH123 (no Path)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    simple = "".join(_SIMPLE.get(c) or _escaped(c) for c in part)
    return simple, error.end


def _escaped(c: str) -> str:
    return c.encode("ascii", "backslashreplace").decode("ascii")


def _escaped_json(text: str, may_stay: Callable[[str], bool]) -> str:
    r"""JSON with \u escapes in place of some characters: the same values (RFC 8259, section 7)."""
    if all(map(may_stay, text.split("\n"))):
        return text
    return "".join(c if c == "\n" or may_stay(c) else _json_escape(c) for c in text)


def _json_escape(c: str) -> str:
    units = c.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
