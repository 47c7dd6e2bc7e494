"""Passes of a trained network over a scan, strip by strip, with the gains of the whole scan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.dfan.config import DfanConfig
from napari_mineral_anomaly.detectors.networks.dfan.network import DfanNetwork
from napari_mineral_anomaly.detectors.networks.parts.grid import FoldedPooling
from napari_mineral_anomaly.detectors.networks.parts.loading import (
    LoadedWindow,
    WindowLoader,
    sampled_pixels,
)
from napari_mineral_anomaly.detectors.networks.parts.windows import Window, bounding_window, strips
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


class DfanScan:
    """Passes of a network in evaluation mode over the valid area of a scan."""

    def __init__(
        self,
        network: DfanNetwork,
        cube: ElementCube,
        preprocessing: Preprocessing,
        config: DfanConfig,
        device: torch.device,
        *,
        task: Task = SILENT,
    ) -> None:
        self._network = network
        self._cube = cube
        self._preprocessing = preprocessing
        self._config = config
        self._device = device
        self._loader = WindowLoader(cube, preprocessing, device)
        self._outer = bounding_window(cube.valid)
        self._task = task

    @torch.no_grad()
    def measure_norms(self) -> None:
        """Set the normalisations to the statistics of the final weights.

        Taken over a seeded sample of at most ``batch_size`` valid pixels: all of them where the
        scan was trained on as one window.
        """
        limit, seed = self._config.batch_size, self._config.seed
        sample, _ = sampled_pixels(self._cube, self._preprocessing, limit, seed)
        encoded = self._network.measure_encoder(torch.from_numpy(sample).to(self._device))
        latent = encoded.latent * self.gains("statistics")
        self._network.measure_decoder(latent, encoded)

    @torch.no_grad()
    def gains(self, phase: str) -> Tensor:
        """Channel attention (D, 1) of the whole scan."""
        rows, columns = self._outer.rows, self._outer.columns
        valid = torch.from_numpy(self._cube.valid[rows, columns].astype(np.float32))
        channels = self._network.channels
        folded = FoldedPooling(channels.filters, valid.to(self._device))
        squeezed = torch.zeros(len(channels.filters), device=self._device)
        for strip, loaded in self._strips(phase):
            inside = slice(strip.rows.start - rows.start, strip.rows.stop - rows.start)
            weights = loaded.grid.to_list(folded.weights(inside))
            squeezed += (self._network.encode(loaded.pixels).latent * weights).sum(1)
        return channels.gains(squeezed)

    @torch.no_grad()
    def reconstruct(self, phase: str) -> NDArray[np.float32]:
        """Reconstruct the scan, (K, H, W) in scaled units; zero outside the valid area."""
        gains = self.gains(phase)
        n_elements = self._network.encoder1.weight.shape[1]
        out = np.zeros((n_elements, *self._cube.shape), dtype=np.float32)
        for strip, loaded in self._strips(phase):
            encoded = self._network.encode(loaded.pixels)
            output = self._network.decode(encoded.latent * gains, encoded)
            valid = self._cube.valid[strip.rows, strip.columns]
            # The first index gives a view, so the values land in `out`.
            out[:, strip.rows, strip.columns][:, valid] = output.cpu().numpy()
        return out

    def _strips(self, phase: str) -> Iterator[tuple[Window, LoadedWindow]]:
        height = self._cube.shape[0]
        for strip in strips(self._outer, self._config.batch_size):
            self._task.check()
            loaded = self._loader.load(strip)
            if loaded.grid.n_pixels:
                yield strip, loaded
            self._task.step(phase, strip.rows.stop, height)
