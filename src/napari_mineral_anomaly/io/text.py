"""Text matrices: one file per element, one line per row of the map, plain or gzipped."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.elements import parse_names
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.planes import MapFile, Plane, explained

TITLE = "text matrix"
EXTENSIONS = (".txt", ".csv", ".tsv", ".dat", ".asc", ".gz")

_GZIP_MAGIC = b"\x1f\x8b"
_MISSING = frozenset(("", "nan", "na", "n/a", "#n/a", "null"))
_COORDINATES = frozenset(("x", "y", "nx", "ny", "row", "column", "col", "line", "pixel"))
_INTEGER_DTYPES = (np.uint8, np.uint16, np.uint32, np.int16, np.int32, np.int64)
_LARGEST_EXACT = 2**53
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")


def can_read(path: Path) -> bool:
    """Whether the name is that of a text file that may hold a matrix."""
    return path.suffix.lower() in EXTENSIONS


def open_file(path: Path) -> MapFile:
    """Read a text matrix; its shape and dtype are not known before.

    Raises
    ------
    InputError
        When the text is not one matrix of numbers.
    """
    values, notes = read_matrix(path)
    values = in_smallest_dtype(values)
    return MapFile(path, (Plane(path, _shape(values), values.dtype, lambda: values),), notes=notes)


def read_matrix(path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The numbers of a text matrix (H, W) and notes for the report.

    Columns are separated by semicolon, tab, comma (with or without blanks) or blanks; separators
    at the end of the lines are dropped; one line of text may stand above the numbers. A comma is a
    decimal comma where another separator parts the columns and no point occurs. Missing values
    ("", nan, NA) become NaN.

    Raises
    ------
    InputError
    """
    lines = _lines(path)
    notes: tuple[str, ...] = ()
    if columns := _table_columns(lines):
        raise InputError(
            f"{path.name} is one long table with a row per pixel (columns {_listed(columns)}), "
            "which this version does not read; it reads one matrix per element."
        )
    separator = _separator(lines[min(1, len(lines) - 1)])
    if any(_is_word(field) for field in _fields(lines[0], separator)):
        title = lines[0].strip()[:40]
        lines = lines[1:]
        if not lines:
            raise InputError(f"{path.name} holds no numbers: its only line is {title!r}.")
        notes = (f"the first line is a heading and is left out ({title!r})",)
    if separator != "," and any("," in line for line in lines):
        lines = _point_decimals(path, lines)
    lines = _without_trailing_separators(lines, separator)
    values = _parse(path, lines, separator, first_line=1 + len(notes))
    if _is_indexed(values):
        values = values[1:, 1:]
        notes += ("the first row and column count 0, 1, 2 ... and are left out",)
    return values, notes


def in_smallest_dtype(values: NDArray[np.float64]) -> NDArray[Any]:
    """The same numbers in the smallest dtype that holds them exactly.

    Whole numbers become the first of uint8, uint16, uint32, int16, int32, int64 that fits, also
    when the file writes 6258.00000: they are counts. Other numbers become float32 if that changes
    none of them, else float64: 12.34 is not a float32, and a value in the cube equals the value in
    the file.
    """
    finite = np.isfinite(values)
    if finite.all() and np.array_equal(values, np.rint(values)):
        low, high = float(values.min()), float(values.max())
        if max(-low, high) <= _LARGEST_EXACT:
            for dtype in _INTEGER_DTYPES:
                if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                    return values.astype(dtype)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values


def table_columns(path: Path) -> tuple[str, ...]:
    """Column names of a long table (one row per pixel); () for anything else. Never raises."""
    try:
        return _table_columns(_lines(path, n_bytes=20_000))
    except InputError:
        return ()


def _lines(path: Path, n_bytes: int = -1) -> list[str]:
    """The lines of a file, decoded, without blank lines at either end."""
    with explained(path, TITLE), path.open("rb") as file:
        if file.read(2) == _GZIP_MAGIC:
            file.seek(0)
            with gzip.open(file) as unpacked:
                raw = unpacked.read(n_bytes)
        else:
            file.seek(0)
            raw = file.read(n_bytes)
    if not raw.strip():
        raise InputError(f"{path.name} is empty; export it again or move it out of the folder.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", errors="replace")
    elif b"\x00" in raw[:4096]:
        raise InputError(f"{path.name} is not text although its name says so.")
    else:
        text = raw.decode("utf-8-sig", errors="replace")
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    while not lines[0].strip():
        lines.pop(0)
    return lines


def _table_columns(lines: Sequence[str]) -> tuple[str, ...]:
    """Names of columns if one of the first lines reads as the heading of a long table."""
    for line in lines[:5]:
        separator = _separator(line)
        fields = [field.strip("\"' ") for field in _fields(line, separator)]
        words = [field for field in fields if field and not _is_number(field)]
        if len(words) < 3 or len(words) < len(fields) / 2:
            continue
        coordinates = {word.casefold() for word in words} & _COORDINATES
        named = [entry for entry in parse_names(words) if entry.role == "element"]
        if named and (len(coordinates) >= 2 or len(named) >= 2):
            return tuple(words)
    return ()


def _separator(line: str) -> str | None:
    """The character between the columns; None means blanks."""
    if ";" in line:
        return ";"
    if "\t" in line:
        return "\t"
    words = line.split()
    if "," in line and (len(words) == 1 or any(word.endswith(",") for word in words)):
        return ","
    return None


def _fields(line: str, separator: str | None) -> list[str]:
    return [field.strip() for field in line.split(separator)]


def _point_decimals(path: Path, lines: list[str]) -> list[str]:
    """Turn commas inside numbers into points, where they are surely decimal commas."""
    text = "\n".join(lines)
    words = re.findall(r"[+-]?\d+,\d+", text)
    if "." in text or all(_THOUSANDS.fullmatch(word) for word in words):
        raise InputError(
            f"{path.name} is ambiguous: the commas in its numbers may mark decimals or thousands; "
            "export it with a decimal point."
        )
    return text.replace(",", ".").splitlines()


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return field.casefold() in _MISSING
    return True


def _is_word(field: str) -> bool:
    return not _is_number(field.replace(",", ".")) and any(map(str.isalpha, field))


def _without_trailing_separators(lines: list[str], separator: str | None) -> list[str]:
    """Drop the empty last column of files that end every line with a separator."""
    if separator is None:
        return lines
    while all(line.rstrip(" ").endswith(separator) for line in lines):
        lines = [line.rstrip(" ")[: -len(separator)] for line in lines]
    return lines


def _parse(
    path: Path, lines: list[str], separator: str | None, first_line: int
) -> NDArray[np.float64]:
    try:
        return np.loadtxt(lines, dtype=np.float64, delimiter=separator, comments=None, ndmin=2)
    except ValueError:
        # Missing values, or something wrong: now find out what, field by field.
        return _parse_carefully(path, lines, separator, first_line)


def _parse_carefully(
    path: Path, lines: list[str], separator: str | None, first_line: int
) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=first_line):
        fields = _fields(line, separator)
        if rows and len(fields) != len(rows[0]):
            raise InputError(
                f"{path.name} is not a matrix: line {number} has {len(fields)} values, "
                f"the lines before have {len(rows[0])}."
            )
        wrong = [field for field in fields if not _is_number(field)]
        if wrong:
            raise InputError(
                f"{path.name} is not a matrix of numbers: line {number} holds {wrong[0][:40]!r}."
            )
        rows.append([np.nan if f.casefold() in _MISSING else float(f) for f in fields])
    return np.array(rows, dtype=np.float64)


def _is_indexed(values: NDArray[np.float64]) -> bool:
    """Whether a table library has written its row and column numbers around the matrix."""
    if min(values.shape) < 3 or not np.isnan(values[0, 0]):
        return False
    return np.array_equal(values[0, 1:], np.arange(values.shape[1] - 1)) and np.array_equal(
        values[1:, 0], np.arange(values.shape[0] - 1)
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _shape(values: NDArray[Any]) -> tuple[int, int]:
    return int(values.shape[0]), int(values.shape[1])
