"""Prediction of a whole scan, tile by tile: with everything shown, and with blocks hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.network.frozen import FrozenNetwork
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.view import RINGS, ScanView
from napari_mineral_anomaly.detectors.networks.parts.torch_threads import in_torch_threads
from napari_mineral_anomaly.detectors.threads import in_threads
from napari_mineral_anomaly.progress import SILENT, Task

Window = tuple[slice, slice]

# Side of a tile (px): with its margin of five it is 128 wide, and the working memory of a pass
# stays in the cache of a processor.
TILE = 118


@dataclass(frozen=True, eq=False)
class ScanPrediction:
    """What the network makes of a scan.

    Attributes
    ----------
    residual : (F, H, W) float32
        Observed minus predicted features, smoothed, in units of the noise.
    latent : (D, H, W) float32
        The bottleneck.
    """

    residual: NDArray[np.float32]
    latent: NDArray[np.float32]


def hidden_blocks(n_features: int, n_blocks: int, seed: int) -> list[NDArray[np.intp]]:
    """Split the features at random into blocks that are hidden together."""
    order = np.random.default_rng(seed).permutation(n_features)
    return [np.sort(part) for part in np.array_split(order, min(n_blocks, n_features))]


def hidden_of(view: ScanView, config: MsfaConfig) -> list[NDArray[np.intp]]:
    """The blocks of features that are hidden in turn."""
    if config.no_masking:
        return []
    return hidden_blocks(view.features.n, config.mask_blocks, config.seed)


@dataclass(frozen=True, eq=False)
class PredictedTile:
    """A part of a scan and what the network makes of it.

    Attributes
    ----------
    rows, columns : slice
    values, prediction : (F, h, w) float32
        Observed and predicted features.
    latent : (D, h, w) float32
    """

    rows: slice
    columns: slice
    values: NDArray[np.float32]
    prediction: NDArray[np.float32]
    latent: NDArray[np.float32]


def predicted_tiles(
    network: MaskedNetwork,
    view: ScanView,
    blocks: list[NDArray[np.intp]],
    device: torch.device,
    *,
    window: Window | None = None,
    tile: int = TILE,
    phase: str = "scoring",
    task: Task = SILENT,
) -> Iterator[PredictedTile]:
    """Predict a scan, or the tiles that a window of it touches, tile by tile.

    The prediction is the mean of two passes (our choice: each finds what the other misses). In the
    first everything is shown: the bottleneck is too narrow for more than the common minerals of the
    rock. In the second each feature is predicted while its block is hidden: its own value cannot
    help. The bottleneck is that of the first pass.

    Parameters
    ----------
    network : MaskedNetwork
        In evaluation mode; its result for a pixel depends on at most ``network.reach`` pixels
        around it, so tiles give the numbers of the whole scan.
    view : ScanView
    blocks : list of arrays
        From `hidden_blocks`; empty: the first pass only.
    window : (slice, slice), optional
        Rows and columns. Tiles lie on one grid, so that a window gets the numbers of the scan.
    """
    height, width = view.cube.shape
    wanted = window or (slice(0, height), slice(0, width))
    tops, lefts = (range(part.start // tile * tile, part.stop, tile) for part in wanted)
    cuts = [
        (slice(top, min(top + tile, height)), slice(left, min(left + tile, width)))
        for top in tops
        for left in lefts
    ]
    found: Iterator[PredictedTile]
    if view.features.local:
        found = (_from_surroundings(network, view, *cut, device) for cut in cuts)
    else:
        frozen = FrozenNetwork(network, blocks)
        work = partial(_from_each_other, frozen, device)
        tiles = _shown_tiles(view, cuts, frozen.margin)
        found = in_torch_threads(work, tiles, task) if device.type == "cpu" else map(work, tiles)
    for cut, each in zip(cuts, found, strict=True):
        task.check()
        yield each
        if cut[1].stop == min(width, cuts[-1][1].stop):
            task.step(phase, cut[0].stop, height)


def predict_scan(
    network: MaskedNetwork,
    view: ScanView,
    blocks: list[NDArray[np.intp]],
    device: torch.device,
    *,
    window: Window | None = None,
    tile: int = TILE,
    task: Task = SILENT,
) -> NDArray[np.float32]:
    """Predicted features (F, h, w) of a scan or of a window; parameters of `predicted_tiles`."""
    height, width = view.cube.shape
    rows, columns = window or (slice(0, height), slice(0, width))
    # Whole tiles first, the window of them last.
    top, left = rows.start // tile * tile, columns.start // tile * tile
    bottom = min(-(-rows.stop // tile) * tile, height)
    right = min(-(-columns.stop // tile) * tile, width)
    out = np.empty((view.features.n, bottom - top, right - left), dtype=np.float32)
    for each in predicted_tiles(
        network, view, blocks, device, window=(rows, columns), tile=tile, task=task
    ):
        out[:, _before(each.rows, top), _before(each.columns, left)] = each.prediction
    return out[:, _before(rows, top), _before(columns, left)]


def _before(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)


def predict_with_residual(
    network: MaskedNetwork,
    view: ScanView,
    config: MsfaConfig,
    device: torch.device,
    *,
    tile: int = TILE,
    phase: str = "scoring",
    task: Task = SILENT,
) -> ScanPrediction:
    """Predict a scan and take the residual, averaged over about the beam."""
    shape = view.cube.shape
    residual = np.empty((view.features.n, *shape), dtype=np.float32)
    latent = np.empty((network.bottleneck.out_channels, *shape), dtype=np.float32)
    unit = view.features.unit.astype(np.float32)[:, None, None]
    blocks = hidden_of(view, config)
    tiles = predicted_tiles(network, view, blocks, device, tile=tile, phase=phase, task=task)
    for each in tiles:
        part = residual[:, each.rows, each.columns]
        np.subtract(each.values, each.prediction, out=part)
        part *= unit
        latent[:, each.rows, each.columns] = each.latent
    smooth(residual, view.valid, 0.0 if view.features.local else config.smoothing_px, task=task)
    return ScanPrediction(residual, latent)


@torch.no_grad()
def _from_surroundings(
    network: MaskedNetwork, view: ScanView, rows: slice, columns: slice, device: torch.device
) -> PredictedTile:
    around = torch.from_numpy(view.surroundings(rows, columns))[:, None].to(device)
    shown = network(around)
    prediction = (shown.output + plain_surroundings(around))[:, 0]
    return PredictedTile(
        rows,
        columns,
        view.values(rows, columns),
        prediction.cpu().numpy(),
        shown.latent[:, 0].cpu().numpy(),
    )


@dataclass(frozen=True, eq=False)
class _ShownTile:
    """Features (F, h + 2 m, w + 2 m) of a tile and a margin m; what of them lies in the scan."""

    rows: slice
    columns: slice
    values: NDArray[np.float32]
    inside: Window


def _shown_tiles(view: ScanView, cuts: list[Window], margin: int) -> Iterator[_ShownTile]:
    """The tiles of a scan, those of the same rows by one reading."""
    band, read = None, None
    for rows, columns in cuts:
        if band is None or rows != read:
            band, read = _Band.of(view, rows, margin), rows
        yield _ShownTile(rows, columns, *band.with_margin(columns, margin))


def _from_each_other(
    frozen: FrozenNetwork, device: torch.device, tile: _ShownTile
) -> PredictedTile:
    m = frozen.margin
    found = frozen.predict(torch.from_numpy(tile.values).to(device), tile.inside)
    prediction, latent = (part.cpu().numpy() for part in found)
    height, width = prediction.shape[1:]
    values = tile.values[:, m : m + height, m : m + width]
    return PredictedTile(tile.rows, tile.columns, values, prediction, latent)


@dataclass(frozen=True, eq=False)
class _Band:
    """Features (F, h + 2 m, W) of some rows and a margin, the rows at the border repeated."""

    values: NDArray[np.float32]
    inside: slice

    @classmethod
    def of(cls, view: ScanView, rows: slice, margin: int) -> _Band:
        height = view.cube.shape[0]
        cut, lacking, inside = _widened(rows, height, margin)
        return cls(np.pad(view.values(cut), ((0, 0), lacking, (0, 0)), mode="edge"), inside)

    def with_margin(
        self, columns: slice, margin: int
    ) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
        """Features of a tile and a margin, repeated beyond the border; what lies in the scan."""
        cut, lacking, inside = _widened(columns, self.values.shape[2], margin)
        padded = np.pad(self.values[:, :, cut], ((0, 0), (0, 0), lacking), mode="edge")
        return padded, (self.inside, inside)


def _widened(part: slice, size: int, margin: int) -> tuple[slice, tuple[int, int], slice]:
    """A part and its margin in the scan, the pixels that lack on both sides, and the rest."""
    start, stop = part.start - margin, part.stop + margin
    lacking = (max(0, -start), max(0, stop - size))
    return (
        slice(max(0, start), min(stop, size)),
        lacking,
        slice(lacking[0], min(stop, size) - start),
    )


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
