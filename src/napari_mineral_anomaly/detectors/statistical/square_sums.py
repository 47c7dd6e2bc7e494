"""Sums over the squares around every pixel, by doubling.

The sum over 13 neighbours is that of 8, of 4 and of 1; the sum over 8 is twice that over 4. Each
step adds two images that lie in the cache of a processor. Nothing is taken off, so less is lost to
rounding than in a summed-area table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


class SquareSums:
    """Sums over centred squares of images of one shape; its working memory is used again.

    Parameters
    ----------
    planes : int
        Most images at a time.
    shape : (int, int)
        Rows and columns of an image without its margin.
    margin : int
        Pixels around an image, of which each square takes what it needs.
    sides : sequence of int
        Of the squares; odd, at most ``2 margin + 1``.
    """

    def __init__(
        self, planes: int, shape: tuple[int, int], margin: int, sides: Sequence[int]
    ) -> None:
        self._height, self._width = shape
        self._margin, self._sides = margin, tuple(sides)
        self._row = self._width + 2 * margin
        n_powers = max(sides).bit_length()
        padded, kept = (self._height + 2 * margin) * self._row, self._height * self._row
        self.planes = planes
        self._down = [np.empty((planes, padded)) for _ in range(n_powers)]
        self._right = [np.empty((planes, kept)) for _ in range(n_powers)]
        self._out = [np.empty((planes, kept)) for _ in sides]

    def padded(self, planes: int) -> Doubles:
        """Memory (planes, h + 2 margin, w + 2 margin) to write the images into."""
        return self._down[0][:planes].reshape(planes, -1, self._row)

    def sums(self, planes: int) -> list[Doubles]:
        """Sums (planes, h, w) for each side over the images in `padded`, until the next call."""
        length, margin = self._height * self._row, self._margin
        _double(self._down, planes, self._row)
        inside = length - 2 * margin
        found = []
        for side, out in zip(self._sides, self._out, strict=True):
            run = self._right[0][:planes]
            _centred(self._down, planes, self._row, margin, side, run)
            _double(self._right[: side.bit_length()], planes, 1)
            _centred(self._right, planes, 1, margin, side, out[:planes, :inside])
            found.append(out[:planes].reshape(planes, -1, self._row)[..., : self._width])
        return found


def _double(powers: list[Doubles], planes: int, step: int) -> None:
    """Fill ``powers[p][:, i]`` with the sum of the 2^p values from i on, so many steps apart.

    Images are rows of numbers: at the end of a line the sums run into the next one, which nobody
    reads.
    """
    size = powers[0].shape[1]
    for power in range(1, len(powers)):
        half = step << (power - 1)
        size -= half
        last = powers[power - 1][:planes]
        np.add(last[:, :size], last[:, half : half + size], out=powers[power][:planes, :size])


def _centred(
    powers: list[Doubles], planes: int, step: int, margin: int, length: int, out: Doubles
) -> None:
    """Sum of ``length`` values around each one, the first of which has ``margin`` before it."""
    size = out.shape[1]
    start, parts = (margin - length // 2) * step, []
    for power in reversed(range(length.bit_length())):
        if length >> power & 1:
            parts.append(powers[power][:planes, start : start + size])
            start += step << power
    if len(parts) == 1:
        out[:] = parts[0]
        return
    np.add(parts[0], parts[1], out=out)
    for part in parts[2:]:
        out += part
