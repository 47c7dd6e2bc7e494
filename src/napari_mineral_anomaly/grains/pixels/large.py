"""Comparing and handing on images of a slab on the main thread.

To fill memory that is new takes the system ten times as long as to read an image. So images are
compared in blocks of rows, and copies are made by a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_BLOCK_BYTES = 1 << 18


class Spare:
    """A copy of an image for a layer, whose pixels the brush writes into.

    Parameters
    ----------
    image : array
    dtype : optional
        Of the copy; default: as the image.
    """

    def __init__(self, image: NDArray[Any], dtype: DTypeLike | None = None) -> None:
        self._image, self._dtype = image, dtype
        self._copy: NDArray[Any] | None = self._copied()

    def take(self) -> NDArray[Any]:
        """The copy, which belongs to the caller; after the first time a new one."""
        copy, self._copy = self._copy, None
        return self._copied() if copy is None else copy

    def _copied(self) -> NDArray[Any]:
        return np.array(self._image, dtype=self._dtype)


def same_pixels(one: NDArray[Any], two: NDArray[Any]) -> bool:
    """Whether two images are equal, as `numpy.array_equal` tells."""
    if one is two:
        return True
    return one.shape == two.shape and all(
        np.array_equal(one[rows], two[rows]) for rows in row_blocks(one)
    )


def copy_unless_same(image: NDArray[Any], known: NDArray[Any] | None) -> NDArray[Any]:
    """``known`` itself where it is equal to the image, else a copy of the image."""
    return known if known is not None and same_pixels(image, known) else np.array(image)


def painted_rows(numbers: NDArray[Any], mask: NDArray[np.bool_]) -> slice | None:
    """Rows outside which ``numbers`` are 0 where ``mask`` is False; None if they are everywhere."""
    changed = [
        rows for rows in row_blocks(numbers) if not np.array_equal(numbers[rows] != 0, mask[rows])
    ]
    return slice(changed[0].start, changed[-1].stop) if changed else None


def row_blocks(image: NDArray[Any]) -> Iterator[slice]:
    """The rows of an image in blocks that a processor holds in its cache."""
    n = max(1, _BLOCK_BYTES * len(image) // max(image.nbytes, 1))
    return (slice(row, row + n) for row in range(0, len(image), n))
