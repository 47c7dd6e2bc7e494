"""Three columns without a heading: X, Y and the value of one element, a line per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.text.tables.coordinates import CoordinateNames
from napari_mineral_anomaly.io.formats.text.tables.table_grid import grid_of

# A matrix of three columns and fewer rows may look like a grid by chance; our choice.
_FEWEST_ROWS = 12


@dataclass(frozen=True)
class ThreeColumns:
    """The map (H, W) in three columns, and notes for the report."""

    values: NDArray[np.float64]
    notes: tuple[str, ...]


def as_map(file: str, values: NDArray[np.float64], has_names: bool) -> ThreeColumns | None:
    """The map, where the first two of three columns visit every pixel of a grid once; else None."""
    if has_names or values.shape[1] != 3 or values.shape[0] < _FEWEST_ROWS:
        return None
    names, where = CoordinateNames(x="X", y="Y"), {"X": values[:, 0], "Y": values[:, 1]}
    try:
        grid = grid_of(file, names, where)
    except InputError:
        return None
    ordered = np.empty(values.shape[0])
    ordered[grid.index] = values[:, 2]
    note = (
        "no line names its three columns; they are read as X, Y and the value of each pixel, "
        f"{grid.steps[0]}"
    )
    return ThreeColumns(ordered.reshape(grid.shape), (note, *grid.notes))
