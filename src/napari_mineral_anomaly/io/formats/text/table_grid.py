"""From the coordinates of the rows of a long table to the pixels of a grid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize

_ROWS = frozenset(("row", "line", "ny", "iy"))
_COLUMNS = frozenset(("column", "col", "nx", "ix", "pixel"))
_COORDINATE = re.compile(
    r"(?P<axis>row|line|ny|iy|column|col|nx|ix|pixel|x|y)"
    r"(?:[\s_]*(?:pos(?:ition)?|coord(?:inate)?|stage))?"
    r"(?:[\s_]*[(\[/]?\s*(?P<unit>[µμu]m|mm|nm|cm|px|pixels?)\s*[)\]]?)?",
    re.IGNORECASE,
)
# Points further than this from the nearest grid point, in steps, are on no grid; our choice.
_TOLERANCE = 0.35
# Steps without a unit are in mm below the first number and in µm above the second; our choice.
_LARGEST_STEP_IN_MM, _SMALLEST_STEP_IN_UM = 0.4, 2.0
# Rows and columns count to thousands; 1e308 as an integer would overflow without an error.
_HIGHEST_NUMBER = 1e9
# A grid with more cells than this for each row of the table comes from a wrong coordinate.
_MOST_CELLS_PER_ROW = 100


@dataclass(frozen=True)
class CoordinateNames:
    """The columns of a table that hold coordinates; None where there is none.

    ``row`` and ``column`` count pixels, ``x`` and ``y`` are positions.
    """

    row: str | None = None
    column: str | None = None
    x: str | None = None
    y: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all coordinates that the table has."""
        return tuple(name for name in (self.row, self.column, self.x, self.y) if name is not None)


@dataclass(frozen=True)
class Grid:
    """The grid of a table.

    Attributes
    ----------
    shape : (int, int)
    index : array (n,) of int
        Position of each row of the table in the flattened grid.
    pixel_size : FilePixelSize or None
    notes : tuple of str
    """

    shape: tuple[int, int]
    index: NDArray[np.intp]
    pixel_size: FilePixelSize | None
    notes: tuple[str, ...] = ()


def coordinate_names(names: list[str]) -> CoordinateNames:
    """Find the coordinates among the columns. ``Y`` is yttrium where there is no ``X``."""
    found: dict[str, str] = {}
    for name in names:
        match = _COORDINATE.fullmatch(name.strip())
        if match is None:
            continue
        axis = match["axis"].casefold()
        kind = "row" if axis in _ROWS else "column" if axis in _COLUMNS else axis
        found.setdefault(kind, name)
    if not {"row", "column"} <= found.keys():
        found.pop("row", None)
        found.pop("column", None)
    if not {"x", "y"} <= found.keys():
        found.pop("x", None)
        found.pop("y", None)
    return CoordinateNames(**found)


def grid_of(file: str, names: CoordinateNames, values: Mapping[str, NDArray[np.float64]]) -> Grid:
    """Find the pixel of every row of a table.

    Parameters
    ----------
    file : str
        Name of the file, for the sentences.
    names : CoordinateNames
        At least one of the two pairs.
    values : mapping of str to array (n,)
        The coordinate columns.

    Raises
    ------
    InputError
        When pixels are missing or given twice, or when the points lie on no grid.
    """
    notes: tuple[str, ...] = ()
    if names.row is not None and names.column is not None:
        rows = _counted(file, names.row, values[names.row])
        columns = _counted(file, names.column, values[names.column])
    elif names.y is not None and names.x is not None:
        rows = _snapped(file, names.y, values[names.y])
        columns = _snapped(file, names.x, values[names.x])
    else:
        raise InputError(
            f"{file} is a long table without coordinates: it needs columns row and column, or X "
            "and Y."
        )
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    n_cells = shape[0] * shape[1]
    missing = n_cells - rows.size
    if n_cells <= _MOST_CELLS_PER_ROW * rows.size:
        index = rows * shape[1] + columns
        missing = n_cells - np.unique(index).size
        twice = rows.size - np.unique(index).size
        if twice and not missing:
            raise InputError(
                f"{file} gives {twice} pixels of its {shape[0]}x{shape[1]} grid more than once; "
                "export one scan per table."
            )
    if missing:
        raise InputError(
            f"{file} is incomplete: {missing} of the {n_cells} pixels of its {shape[0]}x{shape[1]} "
            "grid have no row in the table; export the whole map again."
        )
    if min(shape) == 1:
        raise InputError(
            f"{file} is no map: its {n_cells} pixels lie on one line; is the table cut short?"
        )
    pixel_size = None
    if names.x is not None and names.y is not None:
        pixel_size, notes = _pixel_size(names.x, names.y, values, rows, columns)
    return Grid(shape, index, pixel_size, notes)


def _counted(file: str, name: str, values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Row or column numbers, shifted so that they start at 0."""
    whole = np.isfinite(values).all() and np.array_equal(values, np.rint(values))
    if not whole or np.abs(values).max() > _HIGHEST_NUMBER:
        raise InputError(f"{file} cannot be put on a grid: its column {name} must count pixels.")
    return np.asarray(values - values.min(), dtype=np.intp)


def _snapped(file: str, name: str, values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Positions as numbers of steps from the smallest."""
    if not np.isfinite(values).all():
        raise InputError(f"{file} cannot be put on a grid: its column {name} has missing values.")
    step = _step(values)
    if step == 0:
        return np.zeros(values.size, dtype=np.intp)
    steps = (values - values.min()) / step
    # The step is refined over the whole length, so that rounding does not add up.
    steps *= np.rint(steps.max()) / steps.max()
    nearest = np.rint(steps)
    if np.abs(steps - nearest).max() > _TOLERANCE:
        raise InputError(
            f"{file} cannot be put on a grid: the positions in its column {name} are not evenly "
            "spaced; export it with row and column numbers, or as one matrix per element."
        )
    return np.asarray(nearest, dtype=np.intp)


def _step(values: NDArray[np.float64]) -> float:
    """The distance of neighbouring lines; 0 where there is only one line.

    A stage does not return exactly to a position. So positions closer than 0.3 of the largest gap
    count as one line, and the step is the median distance between the means of the lines.
    """
    positions = np.unique(values)
    gaps = np.diff(positions)
    if not gaps.size:
        return 0.0
    lines = np.split(positions, np.flatnonzero(gaps > 0.3 * gaps.max()) + 1)
    return float(np.median(np.diff([line.mean() for line in lines])))


def _pixel_size(
    x: str, y: str, values: Mapping[str, NDArray[Any]], rows: NDArray[Any], columns: NDArray[Any]
) -> tuple[FilePixelSize | None, tuple[str, ...]]:
    steps = _line_step(values[y], rows), _line_step(values[x], columns)
    known = [step for step in steps if step]
    if not known:
        return None, ()
    step_y, step_x = steps[0] or known[0], steps[1] or known[0]
    origin = f"{x} and {y} columns"
    unit = (_COORDINATE.fullmatch(x.strip()) or {"unit": None})["unit"]
    if unit is not None:
        return length_in_um((step_y, step_x), unit, origin), ()
    if np.isclose(step_x, 1) and np.isclose(step_y, 1):
        return None, ()  # they count pixels
    guess = "mm" if max(step_y, step_x) < _LARGEST_STEP_IN_MM else "µm"
    if guess == "µm" and min(step_y, step_x) < _SMALLEST_STEP_IN_UM:
        return None, (f"the columns {x} and {y} do not name their unit",)
    size = length_in_um((step_y, step_x), guess, origin)
    note = f"the columns {x} and {y} do not name their unit; {guess} is assumed from their step"
    return size, (note,)


def _line_step(positions: NDArray[Any], numbers: NDArray[Any]) -> float:
    """Length per pixel: the median distance between the means of neighbouring lines."""
    if numbers.max() == 0:
        return 0.0
    middles = np.bincount(numbers, positions) / np.bincount(numbers)
    return abs(float(np.median(np.diff(middles))))
