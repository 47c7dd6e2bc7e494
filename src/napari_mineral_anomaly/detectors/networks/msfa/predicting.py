"""Prediction of a whole scan, tile by tile: with everything shown, and with blocks hidden."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa.frozen import FrozenNetwork
from napari_mineral_anomaly.detectors.networks.msfa.network import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.view import RINGS, ScanView
from napari_mineral_anomaly.detectors.threads import in_threads
from napari_mineral_anomaly.progress import SILENT, Task

# Side of a tile (px): with its margin of five it is 128 wide, and the working memory of a pass
# stays in the cache of a processor.
TILE = 118


def hidden_blocks(n_features: int, n_blocks: int, seed: int) -> list[NDArray[np.intp]]:
    """Split the features at random into blocks that are hidden together."""
    order = np.random.default_rng(seed).permutation(n_features)
    return [np.sort(part) for part in np.array_split(order, min(n_blocks, n_features))]


@torch.no_grad()
def predict_scan(
    network: MaskedNetwork,
    view: ScanView,
    blocks: list[NDArray[np.intp]],
    device: torch.device,
    *,
    tile: int = TILE,
    phase: str = "scoring",
    task: Task = SILENT,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predicted features (F, H, W) and bottleneck (D, H, W) of every pixel.

    The mean of two passes (our choice: each finds what the other misses). In the first everything
    is shown: the bottleneck is too narrow for more than the common minerals of the rock. In the
    second each feature is predicted while its block is hidden: its own value cannot help. The
    bottleneck is that of the first pass.

    Parameters
    ----------
    network : MaskedNetwork
        In evaluation mode; its result for a pixel depends on at most ``network.reach`` pixels
        around it, so tiles give the numbers of the whole scan.
    view : ScanView
    blocks : list of arrays
        From `hidden_blocks`; empty: the first pass only.
    """
    height, width = view.cube.shape
    out = np.empty((view.features.n, height, width), dtype=np.float32)
    latent = np.empty((network.bottleneck.out_channels, height, width), dtype=np.float32)
    frozen = None if view.features.local else FrozenNetwork(network, blocks)
    for top in range(0, height, tile):
        rows = slice(top, min(top + tile, height))
        for left in range(0, width, tile):
            task.check()
            columns = slice(left, min(left + tile, width))
            if frozen is None:
                found = _from_surroundings(network, view, rows, columns, device)
            else:
                values, inside = _with_margin(view, rows, columns, frozen.margin)
                found = frozen.predict(torch.from_numpy(values).to(device), inside)
            out[:, rows, columns], latent[:, rows, columns] = (part.cpu().numpy() for part in found)
        task.step(phase, rows.stop, height)
    return out, latent


def _from_surroundings(
    network: MaskedNetwork, view: ScanView, rows: slice, columns: slice, device: torch.device
) -> tuple[Tensor, Tensor]:
    around = torch.from_numpy(view.surroundings(rows, columns))[:, None].to(device)
    shown = network(around)
    return (shown.output + plain_surroundings(around))[:, 0], shown.latent[:, 0]


def _with_margin(
    view: ScanView, rows: slice, columns: slice, margin: int
) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
    """Features of a tile and a margin, repeated beyond the border; which part is in the scan."""
    cut, lacking, inside = [], [(0, 0)], []
    for part, size in zip((rows, columns), view.cube.shape, strict=True):
        start, stop = part.start - margin, part.stop + margin
        lacking.append((max(0, -start), max(0, stop - size)))
        cut.append(slice(max(0, start), min(stop, size)))
        inside.append(slice(max(0, -start), min(stop, size) - start))
    return np.pad(view.values(*cut), lacking, mode="edge"), (inside[0], inside[1])


def masked_input(values: Tensor, mask: Tensor) -> Tensor:
    """Input (2 F, B, H, W): values, 0 where hidden, and the mask of what is hidden."""
    return torch.cat([values * (1 - mask), mask])


def plain_surroundings(around: Tensor) -> Tensor:
    """Mean over the rings (F, B, H, W) of their means (3 F, B, H, W): the network corrects it."""
    rings = len(RINGS)
    return around.view(rings, -1, *around.shape[1:]).mean(0)


def smooth(
    residual: NDArray[np.float32], valid: NDArray[np.bool_], sigma: float, *, task: Task = SILENT
) -> None:
    """Average residuals (F, H, W) over about the beam, in place: valid pixels only; 0 outside."""
    weight = None
    if sigma > 0 and not valid.all():
        weight = ndimage.gaussian_filter(valid.astype(np.float32), sigma, mode="nearest")
        weight = np.maximum(weight, np.float32(1e-6))

    def average(plane: NDArray[np.float32]) -> None:
        plane[~valid] = 0
        if sigma <= 0:
            return
        ndimage.gaussian_filter(plane, sigma, mode="nearest", output=plane)
        if weight is not None:
            plane /= weight
            plane[~valid] = 0

    for _ in in_threads(average, residual, task):
        pass
