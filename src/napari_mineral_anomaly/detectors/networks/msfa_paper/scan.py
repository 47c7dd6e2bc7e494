"""A network on a whole scan, strip by strip, with the numbers of one pass over all pixels.

Encoder and decoder treat each pixel by itself, but the attention uses the whole image: means of
rows and columns, normalisation, and the orthogonal squeeze. Two passes over strips of rows gather
these first; a third pass applies them. The result does not depend on the
height of the strips, so there are no seams, and memory does not grow with the scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa_paper.attention import OrthogonalAttention
from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaPaperNetwork
from napari_mineral_anomaly.detectors.networks.parts.autoencoder import Encoded
from napari_mineral_anomaly.detectors.networks.parts.grid import (
    FoldedPooling,
    PixelGrid,
    pixel_rows,
)
from napari_mineral_anomaly.detectors.networks.parts.loading import sampled_pixels
from napari_mineral_anomaly.detectors.networks.parts.passes import AutoencoderScan, StripOutput
from napari_mineral_anomaly.detectors.networks.parts.windows import Window, strips


@dataclass(frozen=True, eq=False)
class Strip:
    """Some rows of a scan and, for the 3x3 convolution, the rows above and below.

    Attributes
    ----------
    window : Window
        Place of the strip in the scan, without the extra rows.
    valid : (h, w) bool
    pixels : (K, m)
        Scaled valid pixels, those of the extra rows included.
    outer, inner : PixelGrid
        Grid with and without the extra rows.
    inside : slice
        Rows of the outer grid that are the strip's own.
    """

    window: Window
    valid: NDArray[np.bool_]
    pixels: Tensor
    outer: PixelGrid
    inner: PixelGrid
    inside: slice


@dataclass(frozen=True, eq=False)
class AttentionContext:
    """What the attention uses of a whole scan of H x W pixels.

    Attributes
    ----------
    gates : (G, d, H) and (G, d, W)
        Gates of rows and columns.
    line_norm, area_norm : pairs of (G, d, 1)
        Factor and offset that normalise each channel of the two branches.
    line_share, area_share : (G, 1, d)
        Weights of the channels in the cross-spatial learning.
    """

    gates: tuple[Tensor, Tensor]
    line_norm: tuple[Tensor, Tensor]
    area_norm: tuple[Tensor, Tensor]
    line_share: Tensor
    area_share: Tensor


class ScanPasses(AutoencoderScan[MsfaPaperNetwork]):
    """Passes of the published network over a scan."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._windows = [
            window
            for window in strips(self.outer, self.limit)
            if self.cube.valid[window.rows, window.columns].any()
        ]
        self._context: AttentionContext | None = None
        self._phase = ""
        self._done = 0
        self._total = 0

    def measure_norms(self, seed: int) -> NDArray[np.float32]:
        """Set the batch normalisations to the statistics of the final weights on the whole scan.

        They are taken over a seeded sample of at most ``limit`` valid pixels: all of them where
        the scan was trained on as one window, and the numbers are then those of a training step.

        Returns
        -------
        (n, D) float32
            Latent features of the sample, after the attention.
        """
        sample, where = sampled_pixels(self.cube, self.preprocessing, self.limit, seed)
        picked = np.zeros(self.cube.shape, dtype=bool)
        picked.reshape(-1)[where] = True
        encoded = self.network.measure_encoder(torch.from_numpy(sample).to(self.device))
        latents = []
        for strip in self.outputs("statistics"):
            own = picked[strip.window.rows, strip.window.columns][strip.valid]
            latents.append(strip.latent[:, torch.from_numpy(own).to(self.device)])
        latent = torch.cat(latents, dim=1)
        self.network.measure_decoder(latent, encoded)
        return pixel_rows(latent)

    def outputs(self, phase: str) -> Iterator[StripOutput]:
        """Latent features of the whole scan, strip by strip, without gradients.

        ``phase`` names the passes in progress events. What the attention uses of the scan is
        gathered at the first call and kept: encoder and attention must not change afterwards.
        """
        attention = self.network.attention
        gathered = attention is None or self._context is not None
        self._phase, self._done = phase, 0
        self._total = len(self._windows) * (1 if gathered else 3)
        if attention is not None and self._context is None:
            self._context = self._gather_context(attention)
        for strip in self._strips():
            yield self._output(strip, attention, self._context)

    @torch.no_grad()
    def _output(
        self,
        strip: Strip,
        attention: OrthogonalAttention | None,
        context: AttentionContext | None,
    ) -> StripOutput:
        encoded = self.network.encode(strip.pixels)
        own = Encoded(
            *(
                strip.inner.to_list(strip.outer.to_grid(layer)[:, strip.inside])
                for layer in (encoded.first, encoded.second, encoded.latent)
            )
        )
        latent = own.latent
        if attention is not None and context is not None:
            line, area = self._branches(strip, encoded.latent, attention, context.gates)
            line = line * context.line_norm[0] + context.line_norm[1]
            area = area * context.area_norm[0] + context.area_norm[1]
            weights = attention.pixel_weights(line, area, context.line_share, context.area_share)
            grouped = latent.view(attention.groups, -1, latent.shape[-1])
            latent = (grouped * weights).flatten(0, 1)
        return StripOutput(strip.window, strip.valid, latent, own)

    @torch.no_grad()
    def _gather_context(self, attention: OrthogonalAttention) -> AttentionContext:
        gates = attention.gates(*self._line_means(attention.groups))
        valid = self.cube.valid[self.outer.rows, self.outer.columns].astype(np.float32)
        pooling = FoldedPooling(attention.filters, torch.from_numpy(valid).to(self.device))
        moments = (_Moments(), _Moments())
        squeezed = torch.zeros(attention.filters.shape[:2], device=self.device)
        for strip in self._strips():
            latent = self.network.encode(strip.pixels).latent
            branches = self._branches(strip, latent, attention, gates)
            weights = strip.inner.to_list(pooling.weights(self._inside_outer(strip)))
            for number, branch in enumerate(branches):
                moments[number].add(branch)
                squeezed[number] += (branch.flatten(0, 1) * weights[number]).sum(-1)
        norms, values = [], []
        layers = (attention.line_norm, attention.area_norm)
        for number, (layer, moment) in enumerate(zip(layers, moments, strict=True)):
            factor, offset = moment.normalising(layer, self.device)
            norms.append((factor, offset))
            # Squeezing is linear, so it may come before the normalisation.
            if attention.orthogonal:
                sums = squeezed[number].view_as(factor)
                ones = pooling.totals[number].view_as(factor)
            else:
                sums, ones = moment.mean_tensor(self.device), torch.ones_like(factor)
            values.append((factor * sums + offset * ones).flatten())
        shares = attention.channel_shares(values[0], values[1])
        return AttentionContext(gates, norms[0], norms[1], shares[0], shares[1])

    @torch.no_grad()
    def _line_means(self, groups: int) -> tuple[Tensor, Tensor]:
        """Means of rows (G, d, H) and columns (G, d, W) of the latent features of the scan."""
        height, width = self.outer.shape
        features = self.network.encoder3.weight.shape[0]
        rows = torch.zeros((features, height), device=self.device)
        columns = torch.zeros((features, width), device=self.device)
        for strip in self._strips():
            latent = strip.outer.to_grid(self.network.encode(strip.pixels).latent)
            own = latent[:, strip.inside]
            rows[:, self._inside_outer(strip)] = strip.inner.row_means(own)
            columns += own.sum(-2)
        counts = self.cube.valid[self.outer.rows, self.outer.columns].sum(axis=0)
        columns /= torch.from_numpy(counts).to(columns).clamp(min=1)
        return rows.view(groups, -1, height), columns.view(groups, -1, width)

    def _inside_outer(self, strip: Strip) -> slice:
        """Rows of the strip, counted from the first valid row of the scan."""
        return _shifted(strip.window.rows, -self.outer.rows.start)

    def _branches(
        self,
        strip: Strip,
        latent: Tensor,
        attention: OrthogonalAttention,
        gates: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Both branches (G, d, n) of the strip's own pixels, not normalised."""
        on_grid = strip.outer.to_grid(latent.view(attention.groups, -1, latent.shape[-1]))
        rows = self._inside_outer(strip)
        own = on_grid[..., strip.inside, :]
        line = attention.gated(own, gates[0][..., rows], gates[1])
        area = attention.convolved(on_grid)[..., strip.inside, :]
        return strip.inner.to_list(line), strip.inner.to_list(area)

    def _strips(self) -> Iterator[Strip]:
        for window in self._windows:
            self.task.check()
            top = max(window.rows.start - 1, self.outer.rows.start)
            bottom = min(window.rows.stop + 1, self.outer.rows.stop)
            valid = self.cube.valid[top:bottom, window.columns]
            inside = _shifted(window.rows, -top)
            block = self.preprocessing.scaled_block(self.cube, slice(top, bottom), window.columns)
            yield Strip(
                window,
                valid[inside],
                torch.from_numpy(block[:, valid]).to(self.device),
                PixelGrid(valid, self.device),
                PixelGrid(valid[inside], self.device),
                inside,
            )
            self._done += 1
            self.task.step(self._phase, self._done, self._total)


class _Moments:
    """Mean and variance of each channel over all pixels, merged strip by strip in float64."""

    def __init__(self) -> None:
        self._n = 0
        self._mean = np.zeros(())
        self._scatter = np.zeros(())

    def add(self, branch: Tensor) -> None:
        n = branch.shape[-1]
        variance, mean = torch.var_mean(branch, dim=-1, correction=0)
        shift = mean.cpu().numpy().astype(np.float64) - self._mean
        total = self._n + n
        self._scatter = (
            self._scatter
            + variance.cpu().numpy().astype(np.float64) * n
            + shift**2 * (self._n * n / total)
        )
        self._mean = self._mean + shift * (n / total)
        self._n = total

    def mean_tensor(self, device: torch.device) -> Tensor:
        """(G, d, 1) float32."""
        return torch.from_numpy(self._mean.astype(np.float32)).to(device)[..., None]

    def normalising(
        self, layer: torch.nn.GroupNorm | None, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Factor and offset (G, d, 1) that do what ``layer`` does over all pixels at once."""
        mean = self.mean_tensor(device)
        if layer is None:
            return torch.ones_like(mean), torch.zeros_like(mean)
        variance = torch.from_numpy((self._scatter / self._n).astype(np.float32)).to(device)
        factor = layer.weight[:, None] / torch.sqrt(variance[..., None] + layer.eps)
        return factor, layer.bias[:, None] - mean * factor


def _shifted(rows: slice, by: int) -> slice:
    return slice(rows.start + by, rows.stop + by)
