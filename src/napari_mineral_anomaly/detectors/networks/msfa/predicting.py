"""Prediction of a whole scan, strip by strip: with everything shown, and with blocks hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa.network import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.view import RINGS, ScanView
from napari_mineral_anomaly.progress import SILENT, Task

# Pixels of a strip: the network's working memory stays below 100 MB.
STRIP_PIXELS = 40_000

LatentSink = Callable[[slice, NDArray[np.float32]], None]


def hidden_blocks(n_features: int, n_blocks: int, seed: int) -> list[NDArray[np.intp]]:
    """Split the features at random into blocks that are hidden together."""
    order = np.random.default_rng(seed).permutation(n_features)
    return [np.sort(part) for part in np.array_split(order, min(n_blocks, n_features))]


def predict_scan(
    network: MaskedNetwork,
    view: ScanView,
    blocks: list[NDArray[np.intp]],
    device: torch.device,
    *,
    latent_sink: LatentSink | None = None,
    strip_pixels: int = STRIP_PIXELS,
    phase: str = "scoring",
    task: Task = SILENT,
) -> NDArray[np.float32]:
    """Predicted features (F, H, W) of every pixel.

    The mean of two passes (our choice: each finds what the other misses). In the first everything
    is shown: the bottleneck is too narrow for more than the common minerals of the rock. In the
    second each feature is predicted while its block is hidden: its own value cannot help.

    Parameters
    ----------
    network : MaskedNetwork
        In evaluation mode; its result for a pixel depends on at most ``network.reach`` rows
        around it, so strips give the numbers of the whole scan.
    view : ScanView
    blocks : list of arrays
        From `hidden_blocks`; empty: the first pass only.
    latent_sink : callable, optional
        Called with the rows and the bottleneck (D, h, W) of each strip.
    """
    height, width = view.cube.shape
    out = np.empty((view.features.n, height, width), dtype=np.float32)
    step = max(1, strip_pixels // width)
    for start in range(0, height, step):
        task.check()
        rows = slice(start, min(start + step, height))
        halo = slice(max(0, start - network.reach), min(height, rows.stop + network.reach))
        inside = slice(rows.start - halo.start, rows.stop - halo.start)
        for prediction, latent in _passes(network, view, halo, blocks, device, task):
            if latent is None:
                out[:, rows] = 0.5 * (out[:, rows] + prediction[:, inside])
            else:
                out[:, rows] = prediction[:, inside]
                if latent_sink is not None:
                    latent_sink(rows, latent[:, inside])
        task.step(phase, rows.stop, height)
    return out


@torch.no_grad()
def _passes(
    network: MaskedNetwork,
    view: ScanView,
    rows: slice,
    blocks: list[NDArray[np.intp]],
    device: torch.device,
    task: Task,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
    """The pass with everything shown and its bottleneck, then the pass with hidden blocks."""
    if view.features.local:
        around = torch.from_numpy(view.surroundings(rows, slice(0, view.cube.shape[1])))
        shown = network(around[None].to(device))
        predicted = shown.output + plain_surroundings(around[None].to(device))
        yield predicted[0].cpu().numpy(), shown.latent[0].cpu().numpy()
        return
    values = torch.from_numpy(np.ascontiguousarray(view.values(rows)))[None].to(device)
    mask = torch.zeros_like(values)
    shown = network(masked_input(values, mask))
    yield shown.output[0].cpu().numpy(), shown.latent[0].cpu().numpy()
    if not blocks:
        return
    hidden = torch.empty_like(values)
    for block in blocks:
        task.check()
        mask.zero_()
        mask[:, block] = 1
        hidden[:, block] = network(masked_input(values, mask)).output[:, block]
    yield hidden[0].cpu().numpy(), None


def masked_input(values: Tensor, mask: Tensor) -> Tensor:
    """Input (B, 2 F, H, W): values, 0 where hidden, and the mask of what is hidden."""
    return torch.cat([values * (1 - mask), mask], dim=1)


def plain_surroundings(around: Tensor) -> Tensor:
    """Mean over the rings (B, F, H, W) of their means (B, 3 F, H, W): the network corrects it."""
    batch, channels, height, width = around.shape
    rings = len(RINGS)
    return around.view(batch, rings, channels // rings, height, width).mean(1)


def smoothed(
    residual: NDArray[np.float32], valid: NDArray[np.bool_], sigma: float
) -> NDArray[np.float32]:
    """Average residuals (F, H, W) over about the beam, valid pixels only; 0 outside."""
    if sigma <= 0:
        return np.where(valid, residual, np.float32(0))
    weight = ndimage.gaussian_filter(valid.astype(np.float32), sigma, mode="nearest")
    out = np.empty_like(residual)
    for number, plane in enumerate(residual):
        filled = np.where(valid, plane, np.float32(0))
        out[number] = ndimage.gaussian_filter(filled, sigma, mode="nearest")
        out[number] /= np.maximum(weight, np.float32(1e-6))
        out[number][~valid] = 0
    return out
