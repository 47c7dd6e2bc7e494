"""Text matrices: one file per element, one line per row of the map, plain or gzipped."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.text import table as tables
from napari_mineral_anomaly.io.formats.text.lines import (
    MISSING,
    fields_of,
    is_number,
    read_lines,
    separator_of,
)
from napari_mineral_anomaly.words import listed

TITLE = "text matrix"

_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")


def open_maps(path: Path) -> MapFile:
    """Read a text matrix, or a long table (see `text.table`).

    Raises
    ------
    InputError
        When the text is neither.
    """
    if tables.holds_grains(path) or tables.table_columns(path):
        return tables.open_maps(path)
    values, notes = read_matrix(path)
    values = in_smallest_dtype(values)
    return MapFile(path, (Plane(path, values.shape, values.dtype, lambda: values),), notes=notes)


def read_matrix(path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The numbers of a text matrix (H, W) and notes for the report.

    Columns are separated by semicolon, tab, comma (with or without blanks) or blanks; separators
    at the end of the lines are dropped; one line of text may stand above the numbers. A comma is a
    decimal comma where another separator is between the columns and no point occurs. Missing values
    ("", nan, NA) become NaN.

    Raises
    ------
    InputError
    """
    lines = read_lines(path, TITLE)
    notes: tuple[str, ...] = ()
    if columns := tables.columns_in(lines):
        raise InputError(
            f"{path.name} is one long table with a row per pixel (columns "
            f"{listed(columns, shown=6)}), not one matrix of numbers."
        )
    separator = separator_of(lines[min(1, len(lines) - 1)])
    if any(_is_word(field) for field in fields_of(lines[0], separator)):
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


def _point_decimals(path: Path, lines: list[str]) -> list[str]:
    """Turn decimal commas into points; refuses text where they may be thousands separators."""
    text = "\n".join(lines)
    words = re.findall(r"[+-]?\d+,\d+", text)
    if "." in text or all(_THOUSANDS.fullmatch(word) for word in words):
        raise InputError(
            f"{path.name} is ambiguous: the commas in its numbers may mark decimals or thousands; "
            "export it with a decimal point."
        )
    return text.replace(",", ".").splitlines()


def _is_word(field: str) -> bool:
    return not is_number(field.replace(",", ".")) and any(map(str.isalpha, field))


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
        # Some value is missing or is no number: find out which, field by field.
        return _parse_carefully(path, lines, separator, first_line)


def _parse_carefully(
    path: Path, lines: list[str], separator: str | None, first_line: int
) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=first_line):
        fields = fields_of(line, separator)
        if rows and len(fields) != len(rows[0]):
            raise InputError(
                f"{path.name} is not a matrix: line {number} has {len(fields)} values, "
                f"the lines before have {len(rows[0])}."
            )
        wrong = [field for field in fields if not is_number(field)]
        if wrong:
            raise InputError(
                f"{path.name} is not a matrix of numbers: line {number} holds {wrong[0][:40]!r}."
            )
        rows.append([np.nan if f.casefold() in MISSING else float(f) for f in fields])
    return np.array(rows, dtype=np.float64)


def _is_indexed(values: NDArray[np.float64]) -> bool:
    """Whether the first row and column count 0, 1, 2 ..., as table libraries write them."""
    if min(values.shape) < 3 or not np.isnan(values[0, 0]):
        return False
    return np.array_equal(values[0, 1:], np.arange(values.shape[1] - 1)) and np.array_equal(
        values[1:, 0], np.arange(values.shape[0] - 1)
    )
