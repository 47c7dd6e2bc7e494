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


def sampled_pixels(
    cube: ElementCube, preprocessing: Preprocessing, limit: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Draw at most ``limit`` valid pixels of a scan; all of them where they fit.

    Returns
    -------
    pixels : (K, n) float32
        Scaled values, in the order of ``where``.
    where : (n,) intp
        Their flat positions in the scan, rising.
    """
    where = np.flatnonzero(cube.valid)
    if len(where) > limit:
        where = np.sort(np.random.default_rng(seed).choice(where, limit, replace=False))
    pixels = np.empty((len(preprocessing.elements), len(where)), dtype=np.float32)
    for k in range(len(pixels)):
        values = preprocessing.plane(cube, k).reshape(-1)[where]
        low, high = preprocessing.low[k], preprocessing.high[k]
        pixels[k] = (values - np.float32(low)) / np.float32(high - low)
    return pixels, where


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
        # Windows without gaps share one grid, so that the attention can reuse its folded pooling.
        if not valid.all():
            return PixelGrid(valid, self._device)
        height, width = valid.shape
        if (height, width) not in self._full_grids:
            self._full_grids[height, width] = PixelGrid(valid, self._device)
        return self._full_grids[height, width]
