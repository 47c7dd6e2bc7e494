"""Outlines of grains along the edges of their pixels, to draw over the maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def pixel_outlines(mask: NDArray[Any], *, offset: tuple[float, float] = (0, 0)) -> list[FloatArray]:
    """Closed outlines of a mask along pixel edges, those of holes included.

    Pixel edges and not iso-lines (our choice): a grain of one pixel must look like one pixel.

    Parameters
    ----------
    mask : (H, W), non-zero = inside
    offset : (y, x)
        Added to all vertices: where the mask's first pixel lies.

    Returns
    -------
    list of (n, 2) float64
        Vertices (y, x) in pixels, the first repeated at the end; the centre of the first pixel
        is at ``offset``. Only corners are listed.
    """
    inside = np.pad(np.asarray(mask) != 0, 1)
    follows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Edges run with the inside on their right: along the top of a pixel to the right, and so on.
    for (dy, dx), start, end in (
        ((-1, 0), (0, 0), (0, 1)),
        ((0, 1), (0, 1), (1, 1)),
        ((1, 0), (1, 1), (1, 0)),
        ((0, -1), (1, 0), (0, 0)),
    ):
        border = inside & ~np.roll(inside, (-dy, -dx), axis=(0, 1))
        for y, x in np.argwhere(border).tolist():
            follows.setdefault((y + start[0], x + start[1]), []).append((y + end[0], x + end[1]))
    outlines = []
    while follows:
        first = next(iter(follows))
        ring = [first]
        while True:
            here = ring[-1]
            ahead = follows[here]
            ring.append(ahead.pop())
            if not ahead:
                del follows[here]
            if ring[-1] == first:
                break
        outlines.append(_corners(np.array(ring, dtype=np.float64)) - 1.5 + np.asarray(offset))
    return outlines


def _corners(ring: FloatArray) -> FloatArray:
    """The closed ring without vertices in the middle of a straight piece."""
    before = np.diff(np.vstack([ring[-2], ring[:-1]]), axis=0)
    after = np.diff(ring, axis=0)
    corners = ring[:-1][np.any(before != after, axis=1)]
    return np.vstack([corners, corners[:1]])
