"""Windows of a scan as tensors: scaled, valid pixels only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.msfa_paper.grid import PixelGrid
from napari_mineral_anomaly.detectors.msfa_paper.windows import Window
from napari_mineral_anomaly.preprocess import Preprocessing


@dataclass(frozen=True, eq=False)
class LoadedWindow:
    """Scaled valid pixels (K, n) of a window and their places on its grid."""

    pixels: Tensor
    grid: PixelGrid


class WindowLoader:
    """Reads windows of a scan as tensors."""

    def __init__(
        self, cube: ElementCube, preprocessing: Preprocessing, device: torch.device
    ) -> None:
        self._cube = cube
        self._preprocessing = preprocessing
        self._device = device
        self._full_grids: dict[tuple[int, int], PixelGrid] = {}

    def load(self, window: Window) -> LoadedWindow:
        """Scaled valid pixels of a window."""
        valid = self._cube.valid[window.rows, window.columns]
        block = self._preprocessing.scaled_block(self._cube, window.rows, window.columns)
        pixels = torch.from_numpy(block[:, valid]).to(self._device)
        return LoadedWindow(pixels, self._grid(valid))

    def _grid(self, valid: NDArray[np.bool_]) -> PixelGrid:
        # Windows without gaps share one grid, and with it the folded pooling of the attention.
        if not valid.all():
            return PixelGrid(valid, self._device)
        height, width = valid.shape
        if (height, width) not in self._full_grids:
            self._full_grids[height, width] = PixelGrid(valid, self._device)
        return self._full_grids[height, width]
