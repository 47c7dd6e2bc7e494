"""Two element maps against each other: how many pixels have which pair of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.measure import points_in_poly

_BINS = 64
# The few pixels beyond stand in the last bin: one hot pixel would squeeze all others together.
_HIGHEST = 99.95


@dataclass(frozen=True, eq=False)
class ElementScatter:
    """The pixels of a scan in the plane of two elements.

    Attributes
    ----------
    x, y : (H, W) float32
        Places of the pixels on the two axes (square roots where ``is_root``); NaN for missing ones.
    density : (B, B) int64
        Number of pixels by bin of x (first axis) and of y.
    x_range, y_range : (float, float)
        Ends of the axes.
    is_root : bool
        Whether the axes are square roots, on which counts of all sizes scatter alike.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    density: NDArray[np.int64]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    is_root: bool

    def inside(self, polygon: ArrayLike) -> NDArray[np.bool_]:
        """The pixels (H, W) within a polygon (V, 2) of (x, y) on the axes.

        A pixel beyond the end of an axis counts as one at its end, as it is drawn.
        """
        corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
        found = np.zeros(self.x.shape, dtype=bool)
        if len(corners) < 3:
            return found
        x, y = (
            np.clip(values, *ends)
            for values, ends in ((self.x, self.x_range), (self.y, self.y_range))
        )
        low, high = corners.min(axis=0), corners.max(axis=0)
        near = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
        inside: Any = points_in_poly  # has no types
        found[near] = inside(np.stack([x[near], y[near]], axis=1), corners)
        return found

    def counted(self, area: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Number of pixels by bin, of those in ``area`` (H, W)."""
        wanted = np.isfinite(self.x) & np.isfinite(self.y)
        if area is not None:
            wanted &= area
        pairs = np.stack(
            [_binned(self.x[wanted], self.x_range), _binned(self.y[wanted], self.y_range)]
        )
        flat = np.bincount(pairs[0] * _BINS + pairs[1], minlength=_BINS * _BINS)
        return flat.reshape(_BINS, _BINS).astype(np.int64)


def element_scatter(x_map: Any, y_map: Any, *, is_counts: bool) -> ElementScatter:
    """Prepare two maps (H, W) for a density plot.

    Parameters
    ----------
    x_map, y_map : (H, W) array
    is_counts : bool
        Counts are shown as their square roots; negative numbers count as 0 then.
    """
    planes = [np.asarray(plane, dtype=np.float32) for plane in (x_map, y_map)]
    if is_counts:
        planes = [np.sqrt(np.maximum(plane, 0.0)) for plane in planes]
    ends = [_range(plane) for plane in planes]
    empty = np.zeros((_BINS, _BINS), dtype=np.int64)
    made = ElementScatter(planes[0], planes[1], empty, ends[0], ends[1], is_counts)
    return ElementScatter(planes[0], planes[1], made.counted(), ends[0], ends[1], is_counts)


def _range(plane: NDArray[np.float32]) -> tuple[float, float]:
    finite = plane[np.isfinite(plane)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(np.percentile(finite, _HIGHEST))
    return (low, high) if high > low else (low, low + 1.0)


def _binned(values: NDArray[np.float32], ends: tuple[float, float]) -> NDArray[np.int64]:
    share = (np.clip(values, *ends) - ends[0]) / (ends[1] - ends[0])
    return np.minimum((share * _BINS).astype(np.int64), _BINS - 1)
