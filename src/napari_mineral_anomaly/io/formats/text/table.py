"""Long tables: a row per pixel, a column per element (PyMca, CalcImage, PIXL and others)."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype
from napari_mineral_anomaly.io.formats.shared.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.text.lines import (
    MISSING,
    fields_of,
    is_gzip,
    is_number,
    read_lines,
    separator_of,
)
from napari_mineral_anomaly.io.formats.text.table_grid import (
    CoordinateNames,
    Grid,
    coordinate_names,
    grid_of,
)
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.columns import doubtful_columns, lookalike_columns
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import listed

TITLE = "long table"

_HEAD_BYTES = 100_000
_HEAD_LINES = 5
_QUOTES = "\"' "
# Columns that only a list of grains has, as a run and as the simulator write it.
_GRAIN_COLUMNS = ({"id", "rank", "peak_score"}, {"grain_id", "mineral"})
GRAIN_TABLE = "a table of grains, one row per grain, not of pixels"


def table_columns(path: Path) -> tuple[str, ...]:
    """Column names of a text file that is a long table; () for other text. Never raises."""
    if not path.is_file():
        return ()
    try:
        return columns_in(read_lines(path, TITLE, _HEAD_BYTES))
    except InputError:
        return ()


def holds_grains(path: Path) -> bool:
    """Whether a text file lists grains, as our runs and the simulator write them. Never raises."""
    if not path.is_file():
        return False
    try:
        heading = read_lines(path, TITLE, _HEAD_BYTES)[0]
    except InputError:
        return False
    # The heading alone: the table of a barren section has no row below it.
    columns = {field.strip(_QUOTES) for field in re.split("[,;\t]", heading)}
    return any(wanted <= columns for wanted in _GRAIN_COLUMNS)


def columns_in(lines: Sequence[str]) -> tuple[str, ...]:
    """The column names of a long table, from the first lines of a file; () for other text."""
    heading = _heading(lines)
    return () if heading is None else tuple(name for name in heading[1] if name)


def open_maps(path: Path) -> MapFile:
    """Read a long table: every column but the coordinates becomes a plane named by its heading.

    Rows may be in any order. Their pixels come from columns that count (row and column, NX and NY,
    line and pixel) or from evenly spaced positions (X and Y, which also give the pixel size). The
    first row of the map has the smallest number or position.

    Raises
    ------
    InputError
        When the grid is incomplete (with the number of missing pixels), when numbers are missing,
        or when there are no coordinates.
    """
    if holds_grains(path):
        raise InputError(f"{path.name} is {GRAIN_TABLE}: open the scan it was made from.")
    lines = read_lines(path, TITLE, _HEAD_BYTES)
    heading = _heading(lines)
    if heading is None:
        raise InputError(f"{path.name} is no long table: no line names its columns.")
    first, names = heading
    coordinates = coordinate_names([name for name in names if name])
    if not coordinates.all:
        raise InputError(
            f"{path.name} is a long table without coordinates: it needs columns row and column, or "
            f"X and Y; it has {listed([name for name in names if name], shown=6)}."
        )
    if len(lines) == first + 1:
        raise InputError(f"{path.name} is cut short: no row follows its heading.")
    wanted = _wanted(names, coordinates)
    columns = _read_columns(path, lines, first, names, [*wanted, *coordinates.all])
    lookalikes = lookalike_columns(names, columns, coordinates.all)
    columns = {name: column for name, column in columns.items() if name not in lookalikes}
    where = {name: columns.pop(name) for name in coordinates.all}
    grid = grid_of(path.name, coordinates, where)
    _require_declared(path, lines[:first], grid)
    return MapFile(
        path,
        _planes(path, names, columns, grid),
        notes=grid.notes + _notes(names, coordinates, lookalikes),
        quantity=_quantity(columns),
        steps=tuple(
            f"the column {name} is left out: it {what}" for name, what in lookalikes.items()
        ),
        others=_other_planes(path, lines, first, names, [*columns, *coordinates.all], grid),
    )


def _heading(lines: Sequence[str]) -> tuple[int, list[str]] | None:
    """Index of the line that names the columns, and the names ("" for columns without one)."""
    for number, line in enumerate(lines[:_HEAD_LINES]):
        separator = _separator(lines, number)
        fields = [field.strip(_QUOTES) for field in fields_of(line, separator)]
        words = [field for field in fields if field and not is_number(field)]
        if len(words) < 3 or len(words) < len(fields) / 2:
            continue
        named = [entry for entry in parse_names(words) if entry.role == "element"]
        if named and (coordinate_names(words).all or len(named) >= 2):
            return number, fields
    return None


def _separator(lines: Sequence[str], heading: int) -> str | None:
    """The separator of the first row of numbers: names may contain blanks ("X (mm)")."""
    return separator_of(lines[min(heading + 1, len(lines) - 1)])


def _wanted(names: Sequence[str], coordinates: CoordinateNames) -> list[str]:
    """The columns that may be maps: not coordinates, not uncertainties."""
    kept = [name for name in names if name and name not in coordinates.all]
    return [e.name for e in parse_names(kept) if e.role in ("element", "companion")]


def _notes(
    names: Sequence[str], coordinates: CoordinateNames, lookalikes: Mapping[str, str]
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
            f'if not, --name "FILE#{doubtful[0]}=-" leaves it out'
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


def _other_planes(
    path: Path,
    lines: Sequence[str],
    heading: int,
    names: Sequence[str],
    taken: Sequence[str],
    grid: Grid,
) -> tuple[Plane, ...]:
    """The other columns, for a user who names one by its element; their numbers are read then."""

    def read(name: str) -> NDArray[Any]:
        [values] = _read_columns(path, lines, heading, names, [name]).values()
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
            position,
            grid.pixel_size,
        )
        for position, name in enumerate(names, start=1)
        if name and name not in taken and list(names).count(name) == 1
    )


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


def _read_columns(
    path: Path, lines: Sequence[str], heading: int, names: Sequence[str], wanted: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """The wanted columns as float64 (n,); ``lines`` are the first of the file."""
    twice = sorted({name for name in wanted if list(names).count(name) > 1})
    if twice:
        raise InputError(f"{path.name} names the column {listed(twice)} twice; rename one of them.")
    separator = _separator(lines, heading)
    first = lines[heading + 1 : heading + 51]
    has_comma = separator != "," and any("," in line for line in first)
    if has_comma and any("." in line for line in first):
        raise InputError(
            f"{path.name} is ambiguous: the commas in its numbers may mark decimals or thousands; "
            "export it with a decimal point."
        )
    where = [list(names).index(name) for name in wanted]
    with explained(path, TITLE), closing(_text_after(path, lines[heading])) as text:
        rows = (line.replace(",", ".") for line in text) if has_comma else text
        try:
            values = np.loadtxt(
                rows, delimiter=separator, usecols=where, quotechar='"', comments=None, ndmin=2
            )
        except ValueError:
            values = None
    if values is None:
        # Some value is missing or is no number: find out which, row by row.
        columns = dict(zip(wanted, where, strict=True))
        values = _read_carefully(path, lines[heading], columns, separator, has_comma)
    return {name: np.ascontiguousarray(values[:, i]) for i, name in enumerate(wanted)}


def _read_carefully(
    path: Path, heading: str, where: dict[str, int], separator: str | None, has_comma: bool
) -> NDArray[np.float64]:
    """The same, but "nan" and the like are allowed; empty fields and other words are refused."""
    missing: Counter[str] = Counter()
    rows: list[list[float]] = []
    with explained(path, TITLE), closing(_text_after(path, heading)) as text:
        for line in text:
            if not line.strip():
                continue
            fields = fields_of(line.replace(",", ".") if has_comma else line, separator)
            row = []
            for name, column in where.items():
                field = fields[column].strip(_QUOTES) if column < len(fields) else ""
                if not is_number(field):
                    raise InputError(
                        f"{path.name} is not a table of numbers: row {len(rows) + 1} holds "
                        f"{field[:40]!r} in the column {name}."
                    )
                missing[name] += field == ""
                row.append(np.nan if field.casefold() in MISSING else float(field))
            rows.append(row)
    worst, count = missing.most_common(1)[0]
    if count:
        raise InputError(
            f"{path.name} is incomplete: {count} of its {len(rows)} rows have no value in the "
            f"column {worst}; export the whole map again."
        )
    return np.array(rows, dtype=np.float64)


def _text_after(path: Path, heading: str) -> TextIO:
    """The file opened as text, positioned at the first line below the heading."""
    with gzip.open(path) if is_gzip(path) else path.open("rb") as probe:
        start = probe.read(2)
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    opened = gzip.open if is_gzip(path) else open
    text: TextIO = opened(path, "rt", encoding=encoding, errors="replace")
    for line in text:
        if line.rstrip("\r\n") == heading:
            break
    return text


def _planes(
    path: Path, names: Sequence[str], columns: dict[str, NDArray[np.float64]], grid: Grid
) -> tuple[Plane, ...]:
    planes = []
    is_in_order = np.array_equal(grid.index, np.arange(grid.index.size))
    for name in list(columns):
        values = columns.pop(name)
        if not is_in_order:
            ordered = np.empty_like(values)
            ordered[grid.index] = values
            values = ordered
        values = in_smallest_dtype(values.reshape(grid.shape))
        planes.append(
            Plane(
                path,
                grid.shape,
                values.dtype,
                partial(np.asarray, values),
                name,
                list(names).index(name) + 1,
                grid.pixel_size,
            )
        )
    return tuple(planes)
