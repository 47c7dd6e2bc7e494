"""The pixels of a window as a list, and their places on the window's grid.

Pixel-wise layers (encoder, decoder, normalisation, losses) work on lists of valid pixels only, so
pixels outside the valid area take part in none of them. The attention also needs neighbours, rows
and columns: there the pixels are laid out on the grid, and a place outside the valid area holds
zero, exactly like the padding beyond the edge of the image; means count valid pixels only.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class PixelGrid:
    """Places of the n valid pixels of an (H, W) window, row by row.

    Parameters
    ----------
    valid : (H, W) bool
    device : torch.device
    """

    def __init__(self, valid: NDArray[np.bool_], device: torch.device) -> None:
        self.height, self.width = valid.shape
        self.n_pixels = int(np.count_nonzero(valid))
        self.valid = torch.from_numpy(valid.astype(np.float32)).to(device)
        self._is_full = self.n_pixels == valid.size
        self._index = torch.from_numpy(np.flatnonzero(valid)).to(device)

    def to_grid(self, pixels: Tensor) -> Tensor:
        """(..., n) list to (..., H, W) grid, zero outside the valid area."""
        shape = (*pixels.shape[:-1], self.height, self.width)
        if self._is_full:
            return pixels.reshape(shape)
        flat = pixels.new_zeros((*pixels.shape[:-1], self.height * self.width))
        return flat.index_copy(-1, self._index, pixels).view(shape)

    def to_list(self, grid: Tensor) -> Tensor:
        """(..., H, W) grid to (..., n) list."""
        flat = grid.flatten(-2)
        return flat if self._is_full else flat.index_select(-1, self._index)

    def row_means(self, grid: Tensor) -> Tensor:
        """Mean over the valid pixels of each row, (..., H); 0 for a row without any."""
        return grid.sum(-1) / self.valid.sum(1).clamp(min=1)

    def column_means(self, grid: Tensor) -> Tensor:
        """Mean over the valid pixels of each column, (..., W); 0 for a column without any."""
        return grid.sum(-2) / self.valid.sum(0).clamp(min=1)


class FoldedPooling:
    """Average pooling folded into the filters that look at the pooled image.

    The inner product of a p x p filter with the adaptive average pool of an image
    (`torch.nn.functional.adaptive_avg_pool2d`) equals the inner product of `weights` with the
    image itself. The weights are constants of the valid area, so this costs one product per step,
    where pooling would cost a forward and a backward pass, and an image can be pooled in pieces.
    Bins hold valid pixels only; an empty bin counts as zero.

    Parameters
    ----------
    filters : (..., p, p)
    valid : (H, W) float
        1 inside the valid area, 0 outside.

    Attributes
    ----------
    totals : (...,)
        Sum of the weights of each filter: its value for an image of ones.
    """

    def __init__(self, filters: Tensor, valid: Tensor) -> None:
        pool = filters.shape[-1]
        self._valid = valid
        self._row_bins = _bins(valid.shape[0], pool).to(filters)
        self._column_bins = _bins(valid.shape[1], pool).to(filters)
        counts = self._row_bins @ valid @ self._column_bins.T
        seen = filters * (counts > 0)
        self._shares = seen / counts.clamp(min=1)
        self.totals = seen.sum((-2, -1))

    def weights(self, rows: slice = slice(None)) -> Tensor:
        """Weights (..., h, W) of some rows of the image; 0 outside the valid area."""
        return self._row_bins[:, rows].T @ self._shares @ self._column_bins * self._valid[rows]


def _bins(length: int, pool: int) -> Tensor:
    """(pool, length) 0/1: which positions fall into which bin of an adaptive average pool."""
    bin_number = torch.arange(pool)[:, None]
    start = bin_number * length // pool
    stop = ((bin_number + 1) * length + pool - 1) // pool
    position = torch.arange(length)[None]
    return ((position >= start) & (position < stop)).float()


def pixel_rows(latent: Tensor) -> NDArray[np.float32]:
    """Latent features (D, n) as pixels (n, D) for clustering."""
    rows: NDArray[np.float32] = np.ascontiguousarray(latent.cpu().numpy().T)
    return rows
