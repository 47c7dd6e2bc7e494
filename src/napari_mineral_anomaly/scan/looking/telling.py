"""Which elements show the most of the rock: what one looks at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Pixels a side that are looked at: in the middle of a larger scan.
_SIDE = 384


def telling_elements(maps: Sequence[Any], n: int = 3) -> tuple[int, ...]:
    """Choose maps that show texture, and each something else than those before it.

    The texture of a map is the correlation of the square roots of neighbouring pixels: 0 for
    counting noise, near 1 for large crystals with many counts. The first map is the one with the
    most texture. Each further one has the largest product of its texture and its share of variance
    that the chosen maps do not explain by a straight line.

    Parameters
    ----------
    maps : sequence of (H, W) arrays
        Of one shape; lazy ones are read in their middle only.
    n : int
        How many are wanted.

    Returns
    -------
    tuple of int
        At most ``n`` numbers of maps, the most telling first. Maps without any texture are left
        out, so the tuple may be shorter or empty.
    """
    planes = [_middle(plane) for plane in maps]
    texture = np.array([_texture(plane) for plane in planes])
    left = texture.copy()
    chosen: list[int] = []
    while len(chosen) < n and left.size and left.max() > 0:
        best = int(np.argmax(left))
        chosen.append(best)
        left[best] = 0.0
        for other in np.flatnonzero(left > 0):
            left[other] *= 1.0 - _correlation(planes[best], planes[other]) ** 2
    return tuple(chosen)


def _middle(plane: Any) -> NDArray[np.float32]:
    """The square roots of the middle of a map; negative numbers count as 0."""
    height, width = plane.shape[-2:]
    top, left = max(0, (height - _SIDE) // 2), max(0, (width - _SIDE) // 2)
    values = np.asarray(plane[top : top + _SIDE, left : left + _SIDE], dtype=np.float32)
    return np.sqrt(np.maximum(values, 0.0))


def _texture(plane: NDArray[np.float32]) -> float:
    """The lower of the correlations with the next row and the next column; a streak is none."""
    down = _correlation(plane[1:], plane[:-1])
    right = _correlation(plane[:, 1:], plane[:, :-1])
    return max(0.0, min(down, right))


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Pearson's r of the pixels that are finite in both; 0 where one of them is constant."""
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < 3:
        return 0.0
    a, b = first[both].astype(np.float64), second[both].astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0
