"""Passes of a trained network over a scan, strip by strip, with the gains of the whole scan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.dfan.network import DfanNetwork
from napari_mineral_anomaly.detectors.networks.parts.grid import FoldedPooling
from napari_mineral_anomaly.detectors.networks.parts.loading import (
    LoadedWindow,
    WindowLoader,
    sampled_pixels,
)
from napari_mineral_anomaly.detectors.networks.parts.passes import AutoencoderScan, StripOutput
from napari_mineral_anomaly.detectors.networks.parts.windows import Window, strips


class DfanScan(AutoencoderScan[DfanNetwork]):
    """Passes of a network in evaluation mode over the valid area of a scan."""

    @torch.no_grad()
    def measure_norms(self, seed: int) -> None:
        """Set the normalisations to the statistics of the final weights.

        Taken over a seeded sample of at most ``limit`` valid pixels: all of them where the scan
        was trained on as one window.
        """
        sample, _ = sampled_pixels(self.cube, self.preprocessing, self.limit, seed)
        encoded = self.network.measure_encoder(torch.from_numpy(sample).to(self.device))
        latent = encoded.latent * self.gains("statistics")
        self.network.measure_decoder(latent, encoded)

    @torch.no_grad()
    def gains(self, phase: str) -> Tensor:
        """Channel attention (D, 1) of the whole scan."""
        rows, columns = self.outer.rows, self.outer.columns
        valid = torch.from_numpy(self.cube.valid[rows, columns].astype(np.float32))
        channels = self.network.channels
        folded = FoldedPooling(channels.filters, valid.to(self.device))
        squeezed = torch.zeros(len(channels.filters), device=self.device)
        for strip, loaded in self._strips(phase):
            inside = slice(strip.rows.start - rows.start, strip.rows.stop - rows.start)
            weights = loaded.grid.to_list(folded.weights(inside))
            squeezed += (self.network.encode(loaded.pixels).latent * weights).sum(1)
        return channels.gains(squeezed)

    @torch.no_grad()
    def outputs(self, phase: str) -> Iterator[StripOutput]:
        """Latent features of the whole scan, strip by strip, after the channel attention."""
        gains = self.gains(phase)
        for strip, loaded in self._strips(phase):
            encoded = self.network.encode(loaded.pixels)
            valid = self.cube.valid[strip.rows, strip.columns]
            yield StripOutput(strip, valid, encoded.latent * gains, encoded)

    def _strips(self, phase: str) -> Iterator[tuple[Window, LoadedWindow]]:
        loader = WindowLoader(self.cube, self.preprocessing, self.device)
        height = self.cube.shape[0]
        for strip in strips(self.outer, self.limit):
            self.task.check()
            loaded = loader.load(strip)
            if loaded.grid.n_pixels:
                yield strip, loaded
            self.task.step(phase, strip.rows.stop, height)
