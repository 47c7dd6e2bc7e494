"""What the heads learn from a scan: means, covariances, a regression and a sample."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.heads.blocks import (
    BLOCK_PIXELS,
    HeadFeatures,
    head_block,
)
from napari_mineral_anomaly.detectors.statistical.mahalanobis import Mahalanobis, RunningMoments
from napari_mineral_anomaly.detectors.threads import in_threads
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# About so many pixels tell the backgrounds: enough for covariances of 40 features.
LEARNT_PIXELS = 100_000
# Pixels that others are compared with.
SAMPLE = 4000
# The regression of the cells leaves out this share of the oddest pixels, so many times.
TRIMMED_SHARE, TRIM_ROUNDS = 0.03, 3
# Added to each variance before the regression, as a share of the mean variance.
RIDGE = 1e-9

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FittedHeads:
    """The backgrounds of all heads but that of the network.

    Attributes
    ----------
    mean, whitening : (F,), (F, R) float64
        Of the beam-averaged features.
    cell_mean : (F,) float64
    cell_weights : (F, F) float64
        ``(pixel - cell_mean) @ cell_weights`` is the residual of each feature from its linear
        prediction by the others.
    cell_median, cell_spread : (F,) float64
        Robust location and spread of that residual.
    sample : (n, F) float32
        Beam-averaged pixels.
    noise : (F,) float64
        Standard deviation of the noise of one measured pixel.
    """

    mean: Doubles
    whitening: Doubles
    cell_mean: Doubles
    cell_weights: Doubles
    cell_median: Doubles
    cell_spread: Doubles
    sample: NDArray[np.float32]
    noise: Doubles

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays, to save with a model; `FittedHeads(**arrays)` is the reverse."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}


def fit_heads(
    cube: ElementCube,
    features: HeadFeatures,
    *,
    unit_noise: bool,
    task: Task = SILENT,
) -> FittedHeads:
    """Learn the backgrounds from the valid pixels, from about `LEARNT_PIXELS` where there are more.

    Each pixel of the scan gets a random number by its place, the same in every run; the pixels with
    the lowest numbers are taken. So the seed of a network changes nothing here, and a missing pixel
    next to nothing.

    Parameters
    ----------
    cube : ElementCube
    features : HeadFeatures
    unit_noise : bool
        Whether the noise of a measured pixel is 1 in every feature (Anscombe counts). Otherwise it
        is estimated from second differences along the rows, which cancel slow changes.

    Raises
    ------
    CancelledError
    """
    share = min(1.0, LEARNT_PIXELS / cube.n_valid)
    blocks = list(cube.row_blocks(BLOCK_PIXELS))

    def drawn(rows: slice) -> tuple[Floats, Floats, Floats, Floats | None]:
        block = head_block(cube, features, rows, 0)
        number = _by_place(rows, cube.shape[1])[block.valid]
        here = number < share
        change = None
        if not unit_noise:
            change = _second_differences(block.measured, block.valid, share)
        measured, averaged = block.pixels(block.measured), block.pixels(block.averaged)
        return measured[here], averaged[here], number[here], change

    measured, averaged, numbers, changes = [], [], [], []
    for rows, (as_measured, near_it, number, change) in zip(
        blocks, in_threads(drawn, blocks, task), strict=True
    ):
        measured.append(as_measured)
        averaged.append(near_it)
        numbers.append(number)
        if change is not None:
            changes.append(change)
        task.step("heads", rows.stop, cube.shape[0])
    noise = np.ones(features.n) if unit_noise else _noise_of(np.concatenate(changes, axis=1))
    near = np.concatenate(averaged)
    moments = RunningMoments(features.n)
    moments.add(near)
    scan = Mahalanobis.fit(moments)
    task.check()
    sample = near[np.argsort(np.concatenate(numbers), kind="stable")[:SAMPLE]]
    return FittedHeads(
        scan.mean, scan.whitening, *_cell_regression(np.concatenate(measured)), sample, noise
    )


def _by_place(rows: slice, width: int) -> Floats:
    """A random number (h, W) from 0 to 1 for each pixel of some rows, always the same."""
    rng = np.random.default_rng(rows.start)
    return rng.random((rows.stop - rows.start, width), dtype=np.float32)


def _cell_regression(pixels: NDArray[np.float32]) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Each feature predicted linearly from the others, without the oddest pixels.

    After Rousseeuw and Van den Bossche (2018), "Detecting deviating data cells", Technometrics 60,
    135-145. All regressions at once: the residual of feature j is
    ``(P (x - mean))_j / P_jj`` with the inverse P of the covariance.
    """
    values = pixels.astype(np.float64)
    kept = np.ones(len(values), dtype=bool)
    for _ in range(TRIM_ROUNDS):
        moments = RunningMoments(values.shape[1])
        moments.add(values[kept])
        covariance = moments.covariance
        covariance[np.diag_indices_from(covariance)] += (
            RIDGE * np.trace(covariance) / len(covariance) + np.finfo(np.float64).tiny
        )
        inverse = np.linalg.pinv(covariance, hermitian=True)
        scale = np.diag(inverse)
        weights = inverse / np.where(scale > 0, scale, 1.0)
        residual = (values - moments.mean) @ weights
        median = np.median(residual, axis=0)
        spread = 1.4826 * np.median(np.abs(residual - median), axis=0)
        spread = np.where(spread > 0, spread, np.maximum(residual.std(axis=0), 1e-9))
        oddness = np.square((residual - median) / spread).sum(axis=1)
        kept = oddness <= np.quantile(oddness, 1.0 - TRIMMED_SHARE)
    return moments.mean, weights, median, spread


def _second_differences(
    planes: NDArray[np.float32], valid: NDArray[np.bool_], share: float
) -> NDArray[np.float32]:
    """Sizes (F, n) of second differences along the rows, about ``share`` of all."""
    every = max(1, round(1.0 / share))
    complete = valid[:, :-2] & valid[:, 1:-1] & valid[:, 2:]
    change = planes[:, :, :-2] - 2 * planes[:, :, 1:-1] + planes[:, :, 2:]
    return np.asarray(np.abs(change[:, complete])[:, ::every])


def _noise_of(changes: NDArray[np.float32]) -> Doubles:
    """Noise (F,) from sizes of second differences, whose variance is six times that of a pixel."""
    if changes.shape[1] == 0:
        return np.ones(len(changes))
    found = 1.4826 * np.median(changes, axis=1).astype(np.float64) / np.sqrt(6.0)
    return np.asarray(np.maximum(found, 1e-3))
