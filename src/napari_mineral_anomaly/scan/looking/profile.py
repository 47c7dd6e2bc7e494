"""The numbers of all elements along a line on the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError

Floats = NDArray[np.float64]


def profile_along(
    maps: Sequence[Any],
    elements: Sequence[str],
    line: ArrayLike,
    *,
    pixel_size: tuple[float, float] | None = None,
    is_counts: bool = False,
    width: int = 1,
) -> pd.DataFrame:
    """Read maps along a line.

    A step is as long as a pixel is wide on its shorter side. At each step the nearest pixels are
    read, so the numbers are those of the maps; nothing is interpolated.

    Parameters
    ----------
    maps : sequence of (H, W) arrays
    elements : sequence of str
        Names of the maps.
    line : (V, 2) array
        Corners of the line, as (row, column) in pixels; the centre of the first pixel is (0, 0).
    pixel_size : (float, float), optional
        (y, x) in µm.
    is_counts : bool
        Whether the maps hold counts, which have a counting error.
    width : int
        Pixels across the line over which the mean is taken.

    Returns
    -------
    DataFrame
        One row per step: ``distance_um`` from the start of the line (``distance_px`` without a
        pixel size), ``row``, ``column``; for each element its number, and for counts
        ``<element>_sigma``: the counting error sqrt(N) of the mean of N counts over the width.
        NaN where the line runs outside the map; pixels outside do not count in the mean.

    Raises
    ------
    InputError
        For a line without length.
    """
    corners = np.asarray(line, dtype=np.float64).reshape(-1, 2)
    sides = np.array(pixel_size or (1.0, 1.0))
    lengths = np.hypot(*(np.diff(corners, axis=0) * sides).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    if corners.shape[0] < 2 or not along[-1] > 0:
        raise InputError("The line has no length: draw it from one place to another.")
    step = sides.min()
    distance = np.arange(np.floor(along[-1] / step + 1e-9) + 1) * step
    middle = np.stack([np.interp(distance, along, corners[:, k]) for k in (0, 1)], axis=1)
    places = _across(middle, corners, along, distance, sides, width)
    name = "distance_px" if pixel_size is None else "distance_um"
    columns: dict[str, Any] = {name: distance, "row": middle[:, 0], "column": middle[:, 1]}
    for element, plane in zip(elements, maps, strict=True):
        values = _values(plane, places)
        n = np.count_nonzero(np.isfinite(values), axis=1)
        total = np.where(n > 0, np.nansum(values, axis=1), np.nan)
        columns[element] = total / np.maximum(n, 1)
        if is_counts:
            columns[f"{element}_sigma"] = np.sqrt(np.maximum(total, 0.0)) / np.maximum(n, 1)
    return pd.DataFrame(columns)


def _across(
    middle: Floats, corners: Floats, along: Floats, distance: Floats, sides: Floats, width: int
) -> NDArray[np.int64]:
    """(N, width, 2): the pixels across the line at each step."""
    part = np.clip(np.searchsorted(along, distance, side="right") - 1, 0, len(corners) - 2)
    way = np.diff(corners, axis=0)[part] * sides
    way /= np.maximum(np.hypot(*way.T), 1e-12)[:, None]
    normal = np.stack([-way[:, 1], way[:, 0]], axis=1)
    offsets = np.arange(width) - (width - 1) / 2.0
    # Steps across are as long as steps along.
    shift = offsets[None, :, None] * normal[:, None, :] * sides.min() / sides
    places: NDArray[np.int64] = np.rint(middle[:, None, :] + shift).astype(np.int64)
    return places


def _values(plane: Any, places: NDArray[np.int64]) -> Floats:
    """(N, width): the numbers at these pixels; NaN outside the map."""
    height, width = plane.shape
    rows, columns = places[..., 0], places[..., 1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    top, left = max(0, int(rows.min())), max(0, int(columns.min()))
    block = np.asarray(plane[top : int(rows.max()) + 1, left : int(columns.max()) + 1])
    values = np.full(rows.shape, np.nan)
    values[inside] = block[rows[inside] - top, columns[inside] - left]
    return values
