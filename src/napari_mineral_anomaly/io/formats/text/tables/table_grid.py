"""From the coordinates of the rows of a long table to the pixels of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.io.formats.text.tables.coordinates import CoordinateNames
from napari_mineral_anomaly.io.formats.text.tables.table_pixel_size import table_pixel_size

# Points further than this from the nearest grid point, in steps, are on no grid; our choice.
_TOLERANCE = 0.35
# Rows and columns count to thousands; 1e308 as an integer would overflow without an error.
_HIGHEST_NUMBER = 1e9
# A grid with more cells than this for each row of the table comes from a wrong coordinate.
_MOST_CELLS_PER_ROW = 100


@dataclass(frozen=True)
class Grid:
    """The grid of a table.

    Attributes
    ----------
    shape : (int, int)
    index : array (n,) of int
        Position of each row of the table in the flattened grid.
    pixel_size : FilePixelSize or None
    notes, steps : tuple of str
        As in `MapFile`.
    """

    shape: tuple[int, int]
    index: NDArray[np.intp]
    pixel_size: FilePixelSize | None
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def grid_of(
    file: str,
    names: CoordinateNames,
    values: Mapping[str, NDArray[np.float64]],
    default_unit: tuple[str, str] | None = None,
) -> Grid:
    """Find the pixel of every row of a table.

    The first row of the map has the smallest row number or Y; but where the table is written from
    the largest Y to the smallest, as for maps whose Y points up, its first row stays the first.

    Parameters
    ----------
    file : str
        Name of the file, for the sentences.
    names : CoordinateNames
        At least one of the two pairs.
    values : mapping of str to array (n,)
        The coordinate columns.
    default_unit : (str, str), optional
        The unit of positions that name none, and the program that writes them so.

    Raises
    ------
    InputError
        When pixels are missing or given twice, or when the points lie on no grid.
    """
    steps: tuple[str, ...] = ()
    if names.row is not None and names.column is not None:
        rows = _counted(file, names.row, values[names.row])
        columns = _counted(file, names.column, values[names.column])
    elif names.y is not None and names.x is not None:
        rows = _snapped(file, names.y, values[names.y])
        columns = _snapped(file, names.x, values[names.x])
        falls = _falls(rows, columns)
        if falls:
            rows = rows.max() - rows
        steps = (_direction_words(names.x, names.y, falls),)
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
    if names.x is None or names.y is None:
        return Grid(shape, index, None, steps=steps)
    size = table_pixel_size(
        (names.x, names.y),
        (_line_step(values[names.y], rows), _line_step(values[names.x], columns)),
        default_unit,
    )
    return Grid(shape, index, size.pixel_size, size.notes, (*steps, *size.steps))


def _falls(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> bool:
    """Whether a table goes from the largest Y to the smallest, without exception.

    Looked at along the first column of pixels, so that the table may be written by rows, by
    columns, or as a snake.
    """
    along = rows[columns == columns[0]]
    return along.size > 1 and bool((np.diff(along) < 0).all())


def _direction_words(x: str, y: str, falls: bool) -> str:
    """Which way is up, in words."""
    if falls:
        return (
            f"the first row of the map is the first of the table, which has the largest {y}: sort "
            f"the table by rising {y} to turn the map over; its first column has the smallest {x}"
        )
    return f"the first row of the map has the smallest {y}, its first column the smallest {x}"


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


def _line_step(positions: NDArray[np.float64], numbers: NDArray[np.intp]) -> float:
    """Length per pixel, from the first line to the last.

    Not from one line to the next: positions are rounded, 0, 0.33, 0.67, 1 for a step of 1/3.
    """
    if numbers.max() == 0:
        return 0.0
    middles = np.bincount(numbers, positions) / np.bincount(numbers)
    return abs(float(middles[-1] - middles[0])) / int(numbers.max())
