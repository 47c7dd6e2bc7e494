"""Cut a scan into tiles whose padded sides can be halved five times."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.networks.parts.windows import (
    Window,
    bounding_window,
    window_shape,
)

LEVELS = 5

# The deepest layer must keep 2 x 2 places: normalisation needs more than one, reflection too.
SMALLEST_SIDE = 2 << LEVELS


def scan_tiles(valid: NDArray[np.bool_], limit: int) -> list[Window]:
    """Tiles of about equal size that cover the valid area; each holds a valid pixel.

    Parameters
    ----------
    valid : (H, W) bool
        At least one pixel is valid.
    limit : int
        Most pixels per tile.
    """
    outer = bounding_window(valid)
    tile = window_shape(outer.shape, limit)
    windows = [
        Window(rows, columns)
        for rows in _parts(outer.rows, tile[0])
        for columns in _parts(outer.columns, tile[1])
    ]
    return [window for window in windows if valid[window.rows, window.columns].any()]


def padded_side(side: int) -> int:
    """The next side that can be halved five times, at least `SMALLEST_SIDE`."""
    step = 1 << LEVELS
    return max(SMALLEST_SIDE, math.ceil(side / step) * step)


def _parts(whole: slice, size: int) -> list[slice]:
    length = whole.stop - whole.start
    count = math.ceil(length / size)
    ends = [whole.start + length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]
