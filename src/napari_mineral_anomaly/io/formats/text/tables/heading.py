"""The line of a table that names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from napari_mineral_anomaly.io.formats.text.numbers import is_number
from napari_mineral_anomaly.io.formats.text.separator import fields_of, separator_of
from napari_mineral_anomaly.io.formats.text.tables.coordinates import coordinate_names
from napari_mineral_anomaly.scan.names.map_names import parse_names

COMMENTS = ("#", "%", "//", "!")
# Programs write some lines about the measurement above the heading; our choice.
_HEAD_LINES, _PROBE_LINES = 40, 400
# Letters of words; that of an exponent is none.
_LETTER = re.compile(r"[^\W\d_eE]")
_QUOTES = "\"' "
# Names of the one column of values in a table of a single element.
_VALUES = frozenset(
    (
        *("z", "value", "values", "val", "count", "counts", "cts", "cps", "intensity", "int"),
        *("signal", "area", "net", "net counts", "netcounts", "peak area", "conc", "amount"),
        *("concentration", "ppm", "wt%", "data", "v", "i", "grid", "band 1", "band1"),
    )
)
# Names of the column that says which element a row is about, in a table with a row for each value.
_ELEMENTS = frozenset(
    (
        *("element", "elements", "analyte", "variable", "name", "channel", "line", "map", "key"),
        *("species", "isotope", "symbol", "el", "elem", "band", "oxide", "component"),
    )
)


@dataclass(frozen=True)
class Heading:
    """The heading of a table.

    Attributes
    ----------
    line : int
        Its index among the lines.
    names : list of str
        One for each column; "" for columns without a name.
    separator : str or None
        Between the columns of the rows below it.
    """

    line: int
    names: list[str]
    separator: str | None

    @property
    def named(self) -> tuple[str, ...]:
        """The names that there are."""
        return tuple(name for name in self.names if name)


def find_heading(lines: Sequence[str]) -> Heading | None:
    """The heading of a table with a row per pixel; None for other text.

    It names coordinates and at least one column of values, or several elements.
    """
    candidates = [i for i, line in enumerate(lines[:_HEAD_LINES]) if _LETTER.search(line)]
    if not candidates:
        return None
    head = lines[:_PROBE_LINES]
    separator = separator_of(head)
    width = len(fields_of(head[-1], separator))
    for number in candidates:
        is_last = number + 1 == len(lines)
        if not is_last and not _has_numbers(lines[number + 1], separator):
            if number + 2 >= len(lines) or not _has_numbers(lines[number + 2], separator):
                continue
            units = _names(lines[number + 1], separator, width)
            names = _names(lines[number], separator, width)
            if len(units) == len(names) and _is_heading(_words(names)):
                return Heading(number + 1, _joined(names, units), separator)
            continue
        names = _names(
            lines[number], separator, width if is_last else _count(lines[number + 1], separator)
        )
        words = _words(names)
        if len(words) >= max(3, len(names) / 2) and _is_heading(words):
            return Heading(number, names, separator)
    return None


def _count(line: str, separator: str | None) -> int:
    return len(fields_of(line, separator))


def _has_numbers(line: str, separator: str | None) -> bool:
    """Whether at least half of the fields of a line are numbers."""
    fields = [field for field in fields_of(line, separator) if field]
    return 2 * sum(map(is_number, fields)) >= max(len(fields), 1)


def _words(names: Sequence[str]) -> list[str]:
    return [name for name in names if name and not is_number(name)]


def _joined(names: Sequence[str], units: Sequence[str]) -> list[str]:
    """Names with the units that stand in a line of their own below them."""
    return [
        f"{name} ({unit.strip('()[] ')})" if unit.strip("()[] -") else name
        for name, unit in zip(names, units, strict=True)
    ]


def value_column(names: Sequence[str]) -> str | None:
    """The one column of values among names that are no elements; None where there is no such."""
    named = [name for name in names if name.casefold() in _VALUES]
    if len(named) == 1:
        return named[0]
    return names[0] if len(names) == 1 else None


def element_column(names: Sequence[str]) -> str | None:
    """The column that says which element a row is about; None for other tables."""
    return next((name for name in names if name.casefold() in _ELEMENTS), None)


def _is_heading(words: Sequence[str]) -> bool:
    coordinates = coordinate_names(words)
    rest = [w for w in words if w not in coordinates.all and w not in coordinates.spare]
    elements = [entry for entry in parse_names(rest) if entry.role == "element"]
    if not coordinates.all:
        return len({entry.element for entry in elements}) >= 2  # "c12", "c13" number columns
    return bool(elements or value_column(rest) or (element_column(rest) and len(rest) == 2))


def _names(line: str, separator: str | None, width: int) -> list[str]:
    """The names of the columns: the line cut so that it has as many fields as the rows.

    Names between blanks may hold blanks ("X (mm)"), a heading may stand between other signs than
    the numbers, and R writes no name for the column with the names of its rows.
    """
    if line.lstrip().startswith(COMMENTS):
        line = line.lstrip("#%/! ")  # numpy writes the heading as a comment
    found = _cut(line, separator)
    if len(found) == width:
        return found
    for other in dict.fromkeys((separator, ";", "\t", ",", None)):
        names = _cut(line, other)
        if len(names) == width:
            return names
        if other is None:
            merged = _with_units(names)
            if len(merged) == width:
                return merged
            names = merged
        if separator is None and len(names) == width - 1:
            return ["", *names]
    return found


def _cut(line: str, separator: str | None) -> list[str]:
    return [field.strip(_QUOTES) for field in fields_of(line, separator)]


def _with_units(names: Sequence[str]) -> list[str]:
    """Names with the unit in brackets behind them as one: "X", "(mm)" is "X (mm)"."""
    merged: list[str] = []
    for name in names:
        if merged and name.startswith(("(", "[")):
            merged[-1] += f" {name}"
        else:
            merged.append(name)
    return merged
