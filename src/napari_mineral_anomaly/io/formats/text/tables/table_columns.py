"""The columns of a table as numbers, whatever dialect it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.text.columns import Numbers, careful_numbers, plain_numbers
from napari_mineral_anomaly.io.formats.text.encoding import Text
from napari_mineral_anomaly.io.formats.text.numbers import cleaned, is_number
from napari_mineral_anomaly.io.formats.text.separator import rows_of
from napari_mineral_anomaly.io.formats.text.tables.heading import Heading
from napari_mineral_anomaly.words import listed

TITLE = "long table"
# Sums and averages stand in a few rows below a table; our choice.
_MOST_TOTALS = 10


@dataclass(frozen=True)
class Columns:
    """Columns of a table.

    Attributes
    ----------
    numbers : dict of str to array (n,) of float64
    words : dict of str to list of str
        The columns that were asked for as words.
    notes, steps : tuple of str
        As in `MapFile`.
    """

    numbers: dict[str, NDArray[np.float64]]
    words: dict[str, list[str]]
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def read_columns(
    path: Path,
    text: Text,
    heading: Heading,
    places: Sequence[str],
    values: Sequence[str],
    words: Sequence[str] = (),
) -> Columns:
    """Read columns of a table.

    Rows at the end without a place (sums, averages) are left out with a note. Pixels whose row has
    a place and no value at all are missing.

    Parameters
    ----------
    path : Path
    text : Text
    heading : Heading
    places, values, words : sequences of str
        Names of the coordinates, of the columns of values, and of columns that hold words.

    Raises
    ------
    InputError
        When a column is named twice, a field is no number, or a row is cut short.
    """
    names = [*places, *values]
    twice = sorted({name for name in (*names, *words) if heading.names.count(name) > 1})
    if twice:
        raise InputError(f"{path.name} names the column {listed(twice)} twice; rename one of them.")
    body = text.lines[heading.line + 1 :]
    where = [heading.names.index(name) for name in names]
    found = None
    if not words:
        found = plain_numbers(body, heading.separator, where)
    if found is None:
        return _field_by_field(path, body, heading, places, values, words)
    numbers = {name: np.ascontiguousarray(found.values[:, i]) for i, name in enumerate(names)}
    notes = (*found.notes, *found.doubts(heading.separator))
    return Columns(numbers, {}, notes, found.steps(heading.separator))


def _field_by_field(
    path: Path,
    body: Sequence[str],
    heading: Heading,
    places: Sequence[str],
    values: Sequence[str],
    words: Sequence[str],
) -> Columns:
    names = [*places, *values, *words]
    where = [heading.names.index(name) for name in names]
    rows = []
    n_fields = []
    for fields in rows_of((line for line in body if line.strip()), heading.separator):
        rows.append([fields[i] if i < len(fields) else "" for i in where])
        n_fields.append(len(fields))
    _refuse_second_heading(path, rows, names)
    rows, notes = _without_totals(rows, len(places))
    if not rows:
        raise InputError(f"{path.name} is cut short: no row follows its heading.")
    n_places, n_numbers = len(places), len(places) + len(values)
    columns = list(zip(*rows, strict=True))
    is_cut = np.array(n_fields[: len(rows)]) <= max(where)
    is_cut[-1] |= not rows[-1][n_numbers - 1].strip()
    notes += _require_complete(path, columns[:n_places], columns[n_places:n_numbers], names, is_cut)
    most = max(n_fields[: len(rows) - 1], default=0)
    if n_fields[len(rows) - 1] <= max(where) < min(n_fields[: len(rows) - 1], default=0):
        raise InputError(
            f"{path.name} is cut short: its last row ends after {n_fields[len(rows) - 1]} of "
            f"{most} columns; export the whole map again."
        )

    def wrong(row: int, column: int, field: str) -> InputError:
        return InputError(
            f"{path.name} is not a table of numbers: row {row + 1} holds {field[:40]!r} in the "
            f"column {names[column]}."
        )

    found: Numbers = careful_numbers(
        path.name, columns[:n_numbers], wrong, heading.separator == ","
    )
    return Columns(
        {
            name: np.ascontiguousarray(found.values[:, i])
            for i, name in enumerate(names[:n_numbers])
        },
        {name: [cleaned(f) for f in columns[n_numbers + i]] for i, name in enumerate(words)},
        (*notes, *found.notes, *found.doubts(heading.separator)),
        found.steps(heading.separator),
    )


def _refuse_second_heading(path: Path, rows: Sequence[list[str]], names: Sequence[str]) -> None:
    for number, row in enumerate(rows, start=1):
        if [field.strip("\"' ") for field in row] == list(names):
            raise InputError(
                f"{path.name} holds two tables: row {number} names the columns again; keep one "
                "table per file."
            )


def _without_totals(
    rows: list[list[str]], n_places: int
) -> tuple[list[list[str]], tuple[str, ...]]:
    """The rows without those at the end that have no place: sums, averages, remarks."""
    end = len(rows)
    while end and len(rows) - end < _MOST_TOTALS and not _has_place(rows[end - 1][:n_places]):
        end -= 1
    left_out = rows[end:]
    if not left_out or not end or (end and not _has_place(rows[end - 1][:n_places])):
        return rows, ()
    first = next((field.strip() for field in left_out[0] if field.strip()), "")
    rows_are = "row without a place is" if len(left_out) == 1 else "rows without a place are"
    return rows[:end], (f"{len(left_out)} {rows_are} left out below the table ({first[:30]!r})",)


def _has_place(fields: Sequence[str]) -> bool:
    return all(is_number(field) and cleaned(field) for field in fields)


def _require_complete(
    path: Path,
    places: Sequence[Sequence[str]],
    values: Sequence[Sequence[str]],
    names: Sequence[str],
    is_cut: NDArray[np.bool_],
) -> tuple[str, ...]:
    """Refuse rows that are cut short or have no place; say how many values are missing."""
    empty = [np.array([not field.strip() for field in column]) for column in (*places, *values)]
    everywhere = np.all(empty[len(places) :], axis=0)
    if everywhere.all():
        everywhere[:] = False
    single = [column & ~everywhere for column in empty]
    for name, column in zip(names[len(places) :], empty[len(places) :], strict=False):
        if column.all() and not is_cut.all():
            raise InputError(
                f"{path.name} has no value at all in its column {name}: delete that column, or "
                "export the map again."
            )
    counts = [
        int((column if number < len(places) else column & is_cut).sum())
        for number, column in enumerate(single)
    ]
    worst = int(np.argmax(counts))
    if counts[worst]:
        raise InputError(
            f"{path.name} is incomplete: {counts[worst]} of its {everywhere.size} rows have no "
            f"value in the column {names[worst]}; export the whole map again."
        )
    n_empty = int(everywhere.sum())
    notes = [
        f"the column {name} has no value in {int(column.sum())} of {column.size} rows: these "
        "pixels are left out as missing"
        for name, column in zip(names[len(places) :], single[len(places) :], strict=False)
        if column.any()
    ]
    if not n_empty:
        return tuple(notes)
    rows = (
        "row has no value and its pixel is"
        if n_empty == 1
        else "rows have no value and their pixels are"
    )
    return (f"{n_empty} {rows} left out as missing", *notes)
