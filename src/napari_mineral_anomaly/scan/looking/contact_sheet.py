"""All maps of a section in one picture, small and side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.progress import SILENT, Task

# The longer side of one map in the picture, in pixels; and the room between two maps.
CELL_PX = 400
_GAP_PX = 6


@dataclass(frozen=True, eq=False)
class MapToShow:
    """One map, and how it is coloured.

    Attributes
    ----------
    plane : (H, W) array
        In memory or on disk.
    limits : (float, float)
        The numbers of the first and of the last colour.
    colours : (N, 3) uint8
        Equal steps from the first number to the last.
    """

    plane: Any
    limits: tuple[float, float]
    colours: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """The picture.

    Attributes
    ----------
    image : (H, W, 3) uint8
    corners : (n, 2) int
        Row and column of the upper left corner of each map in the picture.
    step : int
        Pixels of a map, along each axis, for one pixel of the picture.
    """

    image: NDArray[np.uint8]
    corners: NDArray[np.intp]
    step: int


def contact_sheet(
    maps: Sequence[MapToShow], *, aspect: float = 1.5, task: Task = SILENT
) -> ContactSheet:
    """Make the picture; of large maps every n-th pixel is shown.

    Parameters
    ----------
    maps : sequence of MapToShow
        All of one shape.
    aspect : float
        Width by height of the place for the picture.
    task : Task
        Asked after each map whether to stop.
    """
    height, width = maps[0].plane.shape[-2:]
    step = max(1, math.ceil(max(height, width) / CELL_PX))
    cell = np.array([-(-height // step), -(-width // step)])
    n_columns = _columns(len(maps), aspect * cell[0] / cell[1])
    corners = np.array([divmod(k, n_columns) for k in range(len(maps))]) * (cell + _GAP_PX)
    size = corners.max(axis=0) + cell
    image = np.zeros((*size, 3), dtype=np.uint8)
    for k, (one, (top, left)) in enumerate(zip(maps, corners, strict=True)):
        task.step("showing the maps", k, len(maps))
        small = np.asarray(one.plane[..., ::step, ::step], dtype=np.float32)
        image[top : top + cell[0], left : left + cell[1]] = _coloured(small, one)
    return ContactSheet(image, corners, step)


def _columns(n: int, cells_across: float) -> int:
    """Columns that make ``n`` cells largest in a place ``cells_across`` cells wide and one high."""
    return max(range(1, n + 1), key=lambda some: min(cells_across / some, 1 / -(-n // some)))


def _coloured(plane: NDArray[np.float32], one: MapToShow) -> NDArray[np.uint8]:
    low, high = one.limits
    share = np.clip((plane - low) / max(high - low, 1e-12), 0.0, 1.0)
    last = len(one.colours) - 1
    # Missing pixels take the first colour.
    coloured: NDArray[np.uint8] = one.colours[np.round(np.nan_to_num(share) * last).astype(np.intp)]
    return coloured
