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
from napari_mineral_anomaly.detectors.statistical.ring import mirrored
from napari_mineral_anomaly.progress import SILENT, Task

PRIOR_PIXELS = 15.0
# Side of a tile (px): its three covariances per pixel take 90 MB for 20 elements.
TILE = 96
# Pixels whose covariances stay in the cache of a processor while they are inverted.
ELIMINATED_PIXELS = 512


def whitening(
    residual: NDArray[np.float32], background: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (F,) and whitening matrix (F, F) of residuals (F, H, W) over background pixels."""
    pixels = residual[:, background].T.astype(np.float64)
    mean = pixels.mean(axis=0)
    covariance = np.atleast_2d(np.cov(pixels.T))
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
    for top in range(0, height, TILE):
        rows = np.arange(top, min(top + TILE, height))
        for left in range(0, width, TILE):
            task.check()
            columns = np.arange(left, min(left + TILE, width))
            where = np.ix_(*map(_with_margin, (rows, columns), valid.shape))
            part = residual[:, where[0], where[1]].astype(np.float64)
            part -= mean[:, None, None]
            values = np.einsum("fhw,fg->ghw", part, white, optimize=True)
            out[np.ix_(rows, columns)] = _surprise(values, valid[where].astype(np.float64))
        task.step("surroundings", int(rows[-1]) + 1, height)
    return np.where(valid, out, 0.0)


def _with_margin(index: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Positions of a tile and of `MARGIN` more on both sides, mirrored at the border."""
    return mirrored(np.arange(index[0] - MARGIN, index[-1] + 1 + MARGIN), size)


def _surprise(values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Surprise (h, w) of a tile of white residuals (F, h + 2 m, w + 2 m) with its margin."""
    n = len(values)
    middle = slice(MARGIN, -MARGIN)
    counts = [np.maximum(count, 1e-9) for count in _ring_sums(weight)]
    means = [
        total / count for total, count in zip(_ring_sums(values * weight), counts, strict=True)
    ]
    shape = counts[0].shape
    scatters = [np.empty((n, n, *shape)) for _ in RINGS]
    for i in range(n):
        # One table of sums serves all rings.
        products = _ring_sums(values[i] * weight * values[: i + 1])
        for scatter, total, mean, count in zip(scatters, products, means, counts, strict=True):
            total -= count * mean[i] * mean[: i + 1]
            scatter[: i + 1, i] = total
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


def distance_and_log_determinant(
    covariances: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared Mahalanobis distance (P,) and log determinant (P,), each pixel its own covariance.

    Gaussian elimination of many pixels at once, several times as fast as a call of LAPACK for each.

    Parameters
    ----------
    covariances : (n, n, P) float64
        Positive definite; only the upper half is read.
    centres : (n, P) float64
    """
    n, pixels = centres.shape
    distance, log_determinant = np.zeros(pixels), np.zeros(pixels)
    for start in range(0, pixels, ELIMINATED_PIXELS):
        part = slice(start, start + ELIMINATED_PIXELS)
        left, centre = covariances[:, :, part].copy(), centres[:, part].copy()
        for k in range(n):
            pivot = left[k, k]
            log_determinant[part] += np.log(pivot)
            distance[part] += np.square(centre[k]) / pivot
            share = left[k, k + 1 :] / pivot
            centre[k + 1 :] -= share * centre[k]
            # The matrix is symmetric, so its upper half is enough.
            for j in range(k + 1, n):
                left[j, j:] -= share[j - k - 1] * left[k, j:]
    return distance, log_determinant


def _ring_sums(planes: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Sums over each of `RINGS` around every pixel (..., h, w) of planes with a `MARGIN`."""
    sums = np.zeros((*planes.shape[:-2], planes.shape[-2] + 1, planes.shape[-1] + 1))
    np.cumsum(planes, axis=-2, out=sums[..., 1:, 1:])
    np.cumsum(sums[..., 1:, 1:], axis=-1, out=sums[..., 1:, 1:])
    return [_square(sums, outer) - _square(sums, inner) for inner, outer in RINGS]


def _square(sums: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Sum over the square of a side around every pixel, from a summed-area table."""
    first = MARGIN - side // 2
    last = first + side
    height, width = (size - 1 - 2 * MARGIN for size in sums.shape[-2:])
    top, bottom = (slice(start, start + height) for start in (first, last))
    left, right = (slice(start, start + width) for start in (first, last))
    return np.asarray(
        sums[..., bottom, right]
        - sums[..., top, right]
        - sums[..., bottom, left]
        + sums[..., top, left]
    )
