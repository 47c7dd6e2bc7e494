"""Windows of a scan as tensors: scaled, valid pixels only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.parts.grid import PixelGrid
from napari_mineral_anomaly.detectors.networks.parts.windows import Window, draw_windows
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

# Windows held at a time: enough to see most of a thin section, few enough to label in seconds.
MAX_WINDOWS = 8


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

    def draw(self, limit: int, rng: np.random.Generator) -> list[LoadedWindow]:
        """Windows to train on: the whole valid area where it fits, else up to `MAX_WINDOWS`.

        Parameters
        ----------
        limit : int
            Pixels of a window.
        rng : numpy.random.Generator
            Draws their places.

        Raises
        ------
        InputError
            When no window holds two valid pixels.
        """
        count = min(MAX_WINDOWS, math.ceil(self._cube.n_valid / limit))
        drawn = draw_windows(self._cube.valid, limit, count, rng)
        if not drawn:
            raise InputError(
                f"The valid pixels lie so far apart that hardly any window of {limit} pixels holds "
                "two of them; train with a larger batch size."
            )
        return [self.load(window) for window in drawn]

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
