"""Windows of a scan: seeded ones for training, strips of rows for scoring."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """A rectangle of the scan."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) in pixels."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def bounding_window(valid: NDArray[np.bool_]) -> Window:
    """The smallest rectangle that holds every valid pixel."""
    rows = np.flatnonzero(valid.any(axis=1))
    columns = np.flatnonzero(valid.any(axis=0))
    return Window(
        slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    )


def fits_whole(valid: NDArray[np.bool_], limit: int) -> bool:
    """Whether the valid area is trained on as one window.

    It holds at most ``limit`` valid pixels in a rectangle of at most twice as many pixels. A few
    valid pixels scattered over a huge scan are trained on in windows too, because memory would
    grow with the empty part.
    """
    height, width = bounding_window(valid).shape
    return int(np.count_nonzero(valid)) <= limit and height * width <= 2 * limit


def window_shape(shape: tuple[int, int], limit: int) -> tuple[int, int]:
    """The squarest (rows, columns) of at most ``limit`` pixels inside ``shape``."""
    height = max(1, min(shape[0], math.isqrt(limit)))
    width = max(1, min(shape[1], limit // height))
    return min(shape[0], max(1, limit // width)), width


def draw_windows(
    valid: NDArray[np.bool_], limit: int, count: int, rng: np.random.Generator
) -> list[Window]:
    """Training windows: the whole valid area where it fits, else ``count`` random ones.

    Each is placed around a random valid pixel and holds at least two valid pixels, the fewest
    that have a variance.
    """
    outer = bounding_window(valid)
    if fits_whole(valid, limit):
        return [outer]
    height, width = window_shape(outer.shape, limit)
    places = np.flatnonzero(valid)
    windows: list[Window] = []
    # More draws than windows: a window around an isolated pixel may hold only that pixel.
    for place in rng.choice(places, 20 * count):
        y, x = np.unravel_index(place, valid.shape)
        top = _clamped(int(y) - height // 2, outer.rows, height)
        left = _clamped(int(x) - width // 2, outer.columns, width)
        window = Window(slice(top, top + height), slice(left, left + width))
        if np.count_nonzero(valid[window.rows, window.columns]) > 1:
            windows.append(window)
        if len(windows) == count:
            break
    return windows


def strips(outer: Window, limit: int) -> list[Window]:
    """Strips over the full width of ``outer``, one below the other, each of about ``limit`` pixels.

    Never more than ``limit``, unless a single row is longer.
    """
    height, width = outer.shape
    step = max(1, limit // width)
    stop = outer.rows.start + height
    return [
        Window(slice(top, min(top + step, stop)), outer.columns)
        for top in range(outer.rows.start, stop, step)
    ]


def _clamped(start: int, outer: slice, size: int) -> int:
    return int(min(max(start, outer.start), outer.stop - size))
