"""Rows of maps that stay on disk, so that a pass over a scan reads each chunk twice at most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Chunks that lie beside each other are kept in memory up to this size.
LARGEST_BAND_BYTES = 256_000_000


class LazyRows:
    """Reads blocks of rows from lazy maps (C, H, W).

    Detectors go through a scan in blocks of few rows, and a chunk of a store has some hundred. So
    the chunks of the last rows are kept: without that, each would be read anew for every block. A
    block that reaches over the border of two chunks reads both. Parts of rows are read from the
    kept ones, or by themselves.
    """

    def __init__(self, maps: Any) -> None:
        self._maps = maps
        self._kept: tuple[int, NDArray[Any]] | None = None  # first row, and the rows from there

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Some rows and columns (C, h, w) in their native dtype; may be a view."""
        n_elements, height, width = self._maps.shape
        start, stop, _ = rows.indices(height)
        kept = self._kept
        if kept is None or start < kept[0] or stop > kept[0] + kept[1].shape[1]:
            if columns.indices(width)[1] - columns.indices(width)[0] < width:
                return np.asarray(self._maps[:, rows, columns])
            tall = self._maps.chunksize[1]
            first, last = start // tall * tall, min(-(-stop // tall) * tall, height)
            n_bytes = n_elements * (last - first) * width * self._maps.dtype.itemsize
            if n_bytes > LARGEST_BAND_BYTES:
                return np.asarray(self._maps[:, rows, columns])
            self._kept = None  # freed before the next is read
            kept = first, np.asarray(self._maps[:, first:last])
            self._kept = kept
        return kept[1][:, start - kept[0] : stop - kept[0], columns]
