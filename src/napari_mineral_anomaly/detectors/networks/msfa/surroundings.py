"""How odd a residual is among its surroundings: for reflectance, and where noise hides grains.

In a thin section each mineral recurs all over the scan, so one background serves all pixels, and a
rare mineral in large crystals is odd although it is its own surroundings. In an airborne scene the
background of a pixel is what lies around it. The same holds where counts are so few that the
residual is noise: its size and direction then depend on the mineral at the place, and only grains
of a few pixels can be found. A ring holds too few pixels for a covariance of its own. Therefore its
covariance is drawn towards that of the scan, as if the ring held `PRIOR_PIXELS` more pixels with
the covariance of the scan (the conjugate, inverse-Wishart estimate of a Gaussian; Gelman et al.
2013, Bayesian Data Analysis, ch. 3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from napari_mineral_anomaly.detectors.networks.msfa.view import MARGIN, RINGS
from napari_mineral_anomaly.detectors.statistical.elimination import distance_and_log_determinant
from napari_mineral_anomaly.detectors.statistical.mahalanobis import RunningMoments
from napari_mineral_anomaly.detectors.statistical.ring import mirrored
from napari_mineral_anomaly.detectors.statistical.square_sums import SquareSums
from napari_mineral_anomaly.detectors.threads import in_threads
from napari_mineral_anomaly.progress import SILENT, Task

PRIOR_PIXELS = 15.0
# Rows whose mean and covariance are taken at once.
COUNTED_ROWS = 64
# Side of a tile (px): its three covariances per pixel take 40 MB for 20 elements.
TILE = 64
# Products that are summed at once, so that they stay in the cache of a processor.
SUMMED_PLANES = 2


def whitening(
    residual: NDArray[np.float32], background: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (F,) and whitening matrix (F, F) of residuals (F, H, W) over background pixels."""
    moments = RunningMoments(len(residual))
    for top in range(0, len(background), COUNTED_ROWS):
        rows = slice(top, top + COUNTED_ROWS)
        moments.add(residual[:, rows][:, background[rows]].T)
    mean, covariance = moments.mean, moments.covariance
    ridge = 1e-6 * np.trace(covariance) / len(covariance)
    factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))
    return mean, np.linalg.inv(factor).T


def local_surprise(
    residual: NDArray[np.float32],
    valid: NDArray[np.bool_],
    mean: NDArray[np.float64],
    white: NDArray[np.float64],
    *,
    task: Task = SILENT,
) -> NDArray[np.float64]:
    """Squared distance to the ring minus the log predictive density, summed over `RINGS`. (H, W).

    The distance alone favours noisy surroundings, the density alone quiet ones; their sum did best
    on simulated and real scenes (our choice).

    Parameters
    ----------
    residual : (F, H, W) float32
    valid : (H, W) bool
    mean, white
        From `whitening`.
    """
    height, width = valid.shape
    out = np.zeros((height, width))
    tiles = [
        (np.arange(top, min(top + TILE, height)), np.arange(left, min(left + TILE, width)))
        for top in range(0, height, TILE)
        for left in range(0, width, TILE)
    ]

    def surprise(tile: tuple[NDArray[np.intp], NDArray[np.intp]]) -> NDArray[np.float64]:
        where = np.ix_(*map(_with_margin, tile, valid.shape))
        part = residual[:, where[0], where[1]].astype(np.float64)
        part -= mean[:, None, None]
        values = (white.T @ part.reshape(len(part), -1)).reshape(part.shape)
        return _surprise(values, valid[where].astype(np.float64))

    for (rows, columns), found in zip(tiles, in_threads(surprise, tiles, task), strict=True):
        out[np.ix_(rows, columns)] = found
        task.step("surroundings", int(rows[-1]) + 1, height)
    return np.where(valid, out, 0.0)


def _with_margin(index: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Positions of a tile and of `MARGIN` more on both sides, mirrored at the border."""
    return mirrored(np.arange(index[0] - MARGIN, index[-1] + 1 + MARGIN), size)


def _surprise(values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Surprise (h, w) of a tile of white residuals (F, h + 2 m, w + 2 m) with its margin."""
    n = len(values)
    middle = slice(MARGIN, -MARGIN)
    shape = (values.shape[1] - 2 * MARGIN, values.shape[2] - 2 * MARGIN)
    sides = sorted({side for ring in RINGS for side in ring})
    squares = SquareSums(SUMMED_PLANES, shape, MARGIN, sides)

    def ring_sums(planes: int, totals: list[NDArray[np.float64]]) -> None:
        by_side = dict(zip(sides, squares.sums(planes), strict=True))
        for (inner, outer), total in zip(RINGS, totals, strict=True):
            np.subtract(by_side[outer], by_side[inner], out=total)

    shown = values * weight
    counts = [np.empty(shape) for _ in RINGS]
    squares.padded(1)[:] = weight
    ring_sums(1, [count[None] for count in counts])
    for count in counts:
        np.maximum(count, 1e-9, out=count)
    means = [np.empty((n, *shape)) for _ in RINGS]
    for start in range(0, n, SUMMED_PLANES):
        part = slice(start, min(start + SUMMED_PLANES, n))
        squares.padded(part.stop - start)[:] = shown[part]
        ring_sums(part.stop - start, [mean[part] for mean in means])
    for mean, count in zip(means, counts, strict=True):
        mean /= count
    scatters = [np.empty((n, n, *shape)) for _ in RINGS]
    for i in range(n):
        scaled = [count * mean[i] for count, mean in zip(counts, means, strict=True)]
        for start in range(0, i + 1, SUMMED_PLANES):
            part = slice(start, min(start + SUMMED_PLANES, i + 1))
            size = part.stop - start
            # One sum over each square serves all rings.
            np.multiply(shown[i], values[part], out=squares.padded(size))
            ring_sums(size, [scatter[part, i] for scatter in scatters])
            for scatter, mean, factor in zip(scatters, means, scaled, strict=True):
                scatter[part, i] -= factor * mean[part]
    out = np.zeros(shape)
    for scatter, mean, count in zip(scatters, means, counts, strict=True):
        freedom = count + PRIOR_PIXELS
        scatter[np.arange(n), np.arange(n)] += PRIOR_PIXELS
        centre = values[:, middle, middle] - mean
        distance, log_determinant = distance_and_log_determinant(
            scatter.reshape(n, n, -1), centre.reshape(n, -1)
        )
        # Of the scatter; the covariance is the scatter over the degrees of freedom.
        distance = distance.reshape(shape) * freedom
        log_determinant = log_determinant.reshape(shape) - n * np.log(freedom)
        # Predictive density: a multivariate t with as many degrees of freedom as pixels were seen.
        log_density = (
            gammaln((freedom + n) / 2)
            - gammaln(freedom / 2)
            - n / 2 * np.log(np.pi * freedom)
            - log_determinant / 2
            - (freedom + n) / 2 * np.log1p(distance / freedom)
        )
        out += distance - log_density
    return out
