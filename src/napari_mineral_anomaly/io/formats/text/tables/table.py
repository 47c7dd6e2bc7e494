"""Long tables: a row per pixel, a column per element (PyMca, CalcImage, PIXL and others)."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.shared.steps import Missing, with_steps
from napari_mineral_anomaly.io.formats.text.encoding import Text, read_text
from napari_mineral_anomaly.io.formats.text.tables.coordinates import (
    CoordinateNames,
    coordinate_names,
)
from napari_mineral_anomaly.io.formats.text.tables.heading import (
    Heading,
    element_column,
    find_heading,
    value_column,
)
from napari_mineral_anomaly.io.formats.text.tables.table_columns import TITLE, Columns, read_columns
from napari_mineral_anomaly.io.formats.text.tables.table_grid import Grid, grid_of
from napari_mineral_anomaly.io.formats.text.tables.table_tidy import by_element
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.columns import doubtful_columns, lookalike_columns
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import listed

_HEAD_BYTES = 100_000
_QUOTES = "\"' "
# Columns that only a list of grains has, as a run and as the simulator write it.
_GRAIN_COLUMNS = ({"id", "rank", "peak_score"}, {"grain_id", "mineral"})
GRAIN_TABLE = "a table of grains, one row per grain, not of pixels"
# Numbers that programs write in every column of a pixel without a measurement.
_NODATA = (-9999.0, -999.0, -99999.0, -32768.0, -9999.99, -1e30)
# Columns that only CalcImage writes; its positions are in mm.
_CALCIMAGE = {"NX", "NY", "NXY"}


def table_columns(path: Path) -> tuple[str, ...]:
    """Column names of a text file that is a long table; () for other text. Never raises."""
    if not path.is_file():
        return ()
    try:
        return columns_in(read_text(path, TITLE, _HEAD_BYTES).lines)
    except (InputError, csv.Error):
        return ()


def holds_grains(path: Path) -> bool:
    """Whether a text file lists grains, as our runs and the simulator write them. Never raises."""
    if not path.is_file():
        return False
    try:
        heading = read_text(path, TITLE, _HEAD_BYTES).lines[0]
    except InputError:
        return False
    # The heading alone: the table of a barren section has no row below it.
    columns = {field.strip(_QUOTES) for field in re.split("[,;\t]", heading)}
    return any(wanted <= columns for wanted in _GRAIN_COLUMNS)


def columns_in(lines: Sequence[str]) -> tuple[str, ...]:
    """The column names of a long table, from the first lines of a file; () for other text."""
    heading = find_heading(lines)
    return () if heading is None else heading.named


def open_maps(path: Path) -> MapFile:
    """Read a long table: every column but the coordinates becomes a plane named by its heading.

    Rows may be in any order. Their pixels come from columns that count (row and column, NX and NY,
    line and pixel) or from evenly spaced positions (X and Y, which also give the pixel size). The
    first row of the map has the smallest number or position (see `grid_of`). A table may also hold
    one column of values of an element that the name of the file says, or a row for each value with
    the element in a column of words.

    Raises
    ------
    InputError
        When the grid is incomplete (with the number of missing pixels), when numbers are missing,
        or when there are no coordinates.
    """
    if holds_grains(path):
        raise InputError(f"{path.name} is {GRAIN_TABLE}: open the scan it was made from.")
    again = partial(read_text, path, TITLE)
    with explained(path, TITLE):
        return maps_of_text(path, again(), again)


def maps_of_text(path: Path, text: Text, again: Callable[[], Text]) -> MapFile:
    """The maps in the lines of a text; ``again`` reads these lines once more, for other columns.

    Raises
    ------
    InputError
        As `open_maps`.
    """
    heading = find_heading(text.lines)
    if heading is None:
        raise InputError(f"{path.name} is no long table: no line names its columns.")
    coordinates = coordinate_names(heading.named)
    if not coordinates.all:
        raise InputError(
            f"{path.name} is a long table without coordinates: it needs columns row and column, or "
            f"X and Y; it has {listed(heading.named, shown=6)}."
        )
    if len(text.lines) == heading.line + 1:
        raise InputError(f"{path.name} is cut short: no row follows its heading.")
    names = [name for name in heading.names if name not in coordinates.spare]
    others = [name for name in names if name and name not in coordinates.all]
    wanted = _wanted(names, coordinates)
    in_words, in_numbers = element_column(others), value_column(others)
    if not wanted and in_numbers is None and in_words is not None and len(others) == 2:
        in_numbers = next(name for name in others if name != in_words)
    if not wanted and in_numbers is not None and in_words is not None and in_words != in_numbers:
        return _tidy(path, text, heading, coordinates, in_words, in_numbers)
    if not wanted:
        if in_numbers is None:
            raise InputError(
                f"{path.name} is a table of which no column names an element "
                f"({listed(others, shown=6)}); call each column of values by its element."
            )
        wanted = [in_numbers]
        names = [name for name in names if name != in_numbers]
    read = read_columns(path, text, heading, coordinates.all, wanted)
    grid = _grid(path, heading, coordinates, read.numbers)
    _require_declared(path, text.lines[: heading.line], grid)
    lookalikes = lookalike_columns(names, read.numbers, coordinates.all)
    wanted = [name for name in wanted if name not in lookalikes]
    planes = _planes(path, heading.names, {n: read.numbers.pop(n) for n in wanted}, grid)
    notes = _notes(path.name, names, coordinates, lookalikes)
    file = _file(path, text, planes, grid, read, notes, _quantity(wanted))
    left_out = (f"the column {name} is left out: it {what}" for name, what in lookalikes.items())
    rest = [name for name in others if name not in wanted]
    return replace(
        file,
        steps=(*file.steps, *left_out),
        others=_other_planes(path, again, heading, coordinates, rest, grid),
    )


def _other_planes(
    path: Path,
    again: Callable[[], Text],
    heading: Heading,
    coordinates: CoordinateNames,
    names: Sequence[str],
    grid: Grid,
) -> tuple[Plane, ...]:
    """The other columns, for a user who names one by its element; their numbers are read then."""

    def read(name: str) -> NDArray[Any]:
        with explained(path, TITLE):
            values = read_columns(path, again(), heading, coordinates.all, [name]).numbers[name]
        ordered = np.empty_like(values)
        ordered[grid.index] = values
        return ordered.reshape(grid.shape)

    return tuple(
        Plane(
            path,
            grid.shape,
            np.dtype(np.float64),
            partial(read, name),
            name,
            heading.names.index(name) + 1,
            grid.pixel_size,
        )
        for name in names
        if heading.names.count(name) == 1
    )


def _tidy(
    path: Path,
    text: Text,
    heading: Heading,
    coordinates: CoordinateNames,
    in_words: str,
    in_numbers: str,
) -> MapFile:
    """A table with a row for each value."""
    read = read_columns(path, text, heading, coordinates.all, [in_numbers], [in_words])
    elements = read.words[in_words]
    places, columns = by_element(
        path.name,
        elements,
        [read.numbers[name] for name in coordinates.all],
        read.numbers[in_numbers],
    )
    grid = _grid(path, heading, coordinates, dict(zip(coordinates.all, places, strict=True)))
    planes = _planes(path, list(columns), columns, grid)
    step = (
        f"the table has a row for each value: the column {in_words} names the element, "
        f"{in_numbers} holds the number"
    )
    file = _file(path, text, planes, grid, read, (), None)
    return MapFile(path, file.planes, notes=file.notes, steps=(*file.steps, step))


def _grid(
    path: Path,
    heading: Heading,
    coordinates: CoordinateNames,
    places: Mapping[str, NDArray[np.float64]],
) -> Grid:
    unit = ("mm", "CalcImage") if set(heading.names) >= _CALCIMAGE else None
    return grid_of(path.name, coordinates, places, unit)


def _file(
    path: Path,
    text: Text,
    planes: tuple[Plane, ...],
    grid: Grid,
    read: Columns,
    notes: tuple[str, ...],
    quantity: Quantity | None,
) -> MapFile:
    return MapFile(
        path,
        planes,
        notes=(*read.notes, *grid.notes, *notes),
        quantity=quantity,
        steps=(*text.steps, *read.steps, *grid.steps),
    )


def _wanted(names: Sequence[str], coordinates: CoordinateNames) -> list[str]:
    """The columns that may be maps: not coordinates, not uncertainties."""
    kept = [name for name in names if name and name not in coordinates.all]
    return [e.name for e in parse_names(kept) if e.role in ("element", "companion")]


def _notes(
    file: str, names: Sequence[str], coordinates: CoordinateNames, lookalikes: Mapping[str, str]
) -> tuple[str, ...]:
    """Notes about the columns that are left out, and about those that may be none."""
    others = parse_names([name for name in names if name and name not in coordinates.all])
    notes = []
    for role, what in (
        ("uncertainty", "columns of uncertainties"),
        ("derived", "columns computed from elements, mass fractions and limits"),
        ("unknown", "columns that name no element"),
    ):
        found = [entry.name for entry in others if entry.role == role]
        if found:
            notes.append(f"{what} are left out ({listed(found)})")
    doubtful = [n for n in doubtful_columns(names, coordinates.all) if n not in lookalikes]
    if doubtful:
        notes.append(
            f"{listed(doubtful)}, before the coordinates, may be no element: it is read as one; "
            f'if not, --name "{file}#{doubtful[0]}=-" leaves it out'
        )
    return tuple(notes)


def _quantity(names: Iterable[str]) -> Quantity | None:
    """The quantity that the headings name: "SiO2 WT%", "Fe_ppm" and "w(Fe)" are concentrations."""
    elements = [entry for entry in parse_names(list(names)) if entry.role == "element"]
    units = ("wt%", "wt.%", "ppm", "%")
    is_concentration = all(
        e.is_fraction or any(unit in e.name.casefold() for unit in units) for e in elements
    )
    return "concentration" if elements and is_concentration else None


def _require_declared(path: Path, above: Sequence[str], grid: Grid) -> None:
    """Compare with the numbers of columns and rows that CalcImage writes above the heading."""
    for line in above:
        numbers = [int(field) for field in line.split() if field.isdecimal()][:3]
        is_size = len(numbers) == 3 and numbers[0] * numbers[1] == numbers[2]
        if is_size and (numbers[1], numbers[0]) != grid.shape:
            raise InputError(
                f"{path.name} is incomplete: its first line declares {numbers[1]}x{numbers[0]} "
                f"pixels, its rows fill {grid.shape[0]}x{grid.shape[1]}; export it again."
            )


def _planes(
    path: Path, names: Sequence[str], columns: dict[str, NDArray[np.float64]], grid: Grid
) -> tuple[Plane, ...]:
    planes = []
    is_in_order = np.array_equal(grid.index, np.arange(grid.index.size))
    missing = _missing_rows(columns)
    for name in list(columns):
        values = columns.pop(name)
        if not is_in_order:
            ordered = np.empty_like(values)
            ordered[grid.index] = values
            values = ordered
        values = in_smallest_dtype(values.reshape(grid.shape))
        plane = Plane(
            path,
            grid.shape,
            values.dtype,
            partial(np.asarray, values),
            name,
            list(names).index(name) + 1,
            grid.pixel_size,
        )
        planes.append(with_steps(plane, *missing))
    return tuple(planes)


def _missing_rows(columns: Mapping[str, NDArray[np.float64]]) -> tuple[Missing, ...]:
    """The number that stands in every column of some rows and marks them as not measured."""
    first, *others = columns.values()
    for number in _NODATA if others else ():
        rows = np.flatnonzero(first == number)
        if rows.size and all((column[rows] == number).any() for column in others):
            together = np.logical_and.reduce([column[rows] == number for column in others])
            if together.any():
                return (Missing((number,), "rows that hold it in every column"),)
    return ()
