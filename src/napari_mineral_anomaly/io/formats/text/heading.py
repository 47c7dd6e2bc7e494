"""The line of a table that names its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_mineral_anomaly.io.formats.text.coordinates import coordinate_names
from napari_mineral_anomaly.io.formats.text.numbers import is_number
from napari_mineral_anomaly.io.formats.text.separator import fields_of, separator_of
from napari_mineral_anomaly.scan.names.map_names import parse_names

# Programs write some lines about the measurement above the heading; our choice.
_HEAD_LINES = 40
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
    separator = separator_of(lines[:400])
    width = len(fields_of(lines[min(len(lines), 400) - 1], separator))
    for number, line in enumerate(lines[:_HEAD_LINES]):
        if number + 1 < len(lines):
            below = fields_of(lines[number + 1], separator)
            width = len(below) if any(map(is_number, filter(None, below))) else width
        names = _names(line, separator, width)
        words = [name for name in names if name and not is_number(name)]
        if len(words) < 3 or len(words) < len(names) / 2:
            continue
        if _is_heading(words):
            return Heading(number, names, separator)
    return None


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
        return len(elements) >= 2
    return bool(elements or value_column(rest) or (element_column(rest) and len(rest) == 2))


def _names(line: str, separator: str | None, width: int) -> list[str]:
    """The names of the columns: the line cut so that it has as many fields as the rows.

    Names between blanks may hold blanks ("X (mm)"), a heading may stand between other signs than
    the numbers, and R writes no name for the column with the names of its rows.
    """
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
