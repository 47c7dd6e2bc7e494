"""Lines, separators and numbers of text files, as programs of many countries write them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.guards import (
    explained,
    read_limited,
    require_memory,
)

MISSING = frozenset(("", "nan", "na", "n/a", "#n/a", "null"))

_LINE_END = re.compile(r"\r\n|\r|\n")
# The text, its lines and its numbers are in memory together.
_TEXT_SHARE = 0.2
_GZIP_MAGIC = b"\x1f\x8b"


def is_gzip(path: Path) -> bool:
    """Whether a file is gzipped, by its content."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def read_lines(path: Path, kind: str, n_bytes: int = -1) -> list[str]:
    """The lines of a file, unpacked and decoded, without blank lines at either end.

    Parameters
    ----------
    path : Path
    kind : str
        What the file should be ("text matrix"), for the sentence.
    n_bytes : int
        How much of it to read (unpacked); -1 for all.

    Raises
    ------
    InputError
        When the file is empty, damaged or no text.
    """
    with explained(path, kind):
        if is_gzip(path):
            with gzip.open(path) as unpacked:
                raw = read_limited(path, unpacked, n_bytes, _TEXT_SHARE)
        else:
            if n_bytes < 0:
                needed = int(path.stat().st_size / _TEXT_SHARE)
                require_memory(path, needed, "its text and numbers")
            with path.open("rb") as file:
                raw = file.read(n_bytes)
    if not raw.strip():
        raise InputError(f"{path.name} is empty; export it again or move it out of the folder.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", errors="replace")
    elif b"\x00" in raw[:4096]:
        raise InputError(f"{path.name} is not text although its name says so.")
    else:
        text = raw.decode("utf-8-sig", errors="replace")
    # Not splitlines, which also splits at control characters; programs that read text do not.
    lines = _LINE_END.split(text)
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    if not lines:
        raise InputError(f"{path.name} is empty; export it again or move it out of the folder.")
    return lines


def separator_of(line: str) -> str | None:
    """The character between the columns; None means blanks."""
    if ";" in line:
        return ";"
    if "\t" in line:
        return "\t"
    words = line.split()
    if "," in line and (len(words) == 1 or any(word.endswith(",") for word in words)):
        return ","
    return None


def fields_of(line: str, separator: str | None) -> list[str]:
    """The fields of a line without blanks around them."""
    return [field.strip() for field in line.split(separator)]


def is_number(field: str) -> bool:
    """Whether a field is a number or stands for a missing one."""
    try:
        float(field)
    except ValueError:
        return field.casefold() in MISSING
    return True
