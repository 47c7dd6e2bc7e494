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
from napari_mineral_anomaly.detectors.statistical.ring import mirrored, ring_sum
from napari_mineral_anomaly.progress import SILENT, Task

PRIOR_PIXELS = 15.0
BLOCK_BYTES = 256 * 1024 * 1024


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
    n = len(residual)
    columns = mirrored(np.arange(-MARGIN, width + MARGIN), width)
    out = np.zeros((height, width))
    # Four (n, n) matrices in double precision per pixel at a time.
    step = max(1, BLOCK_BYTES // (32 * n * n * width))
    for start in range(0, height, step):
        task.check()
        stop = min(start + step, height)
        rows = mirrored(np.arange(start - MARGIN, stop + MARGIN), height)
        where = np.ix_(rows, columns)
        part = residual[:, where[0], where[1]].astype(np.float64)
        values = np.einsum("fhw,fg->ghw", part - mean[:, None, None], white, optimize=True)
        weight = valid[where].astype(np.float64)
        for inner, outer in RINGS:
            task.check()
            inset = MARGIN - outer // 2
            cut = slice(inset, -inset or None)
            out[start:stop] += _ring_surprise(values[:, cut, cut], weight[cut, cut], inner, outer)
        task.step("surroundings", stop, height)
    return np.where(valid, out, 0.0)


def _ring_surprise(
    values: NDArray[np.float64], weight: NDArray[np.float64], inner: int, outer: int
) -> NDArray[np.float64]:
    n = len(values)
    half = outer // 2
    count = np.maximum(ring_sum(weight, inner, outer), 1e-9)
    mean = ring_sum(values * weight, inner, outer) / count
    scatter = np.empty((*count.shape, n, n))
    for i in range(n):
        products = ring_sum(values[i] * values[: i + 1] * weight, inner, outer)
        products -= count * mean[i] * mean[: i + 1]
        scatter[..., i, : i + 1] = np.moveaxis(products, 0, -1)
        scatter[..., : i + 1, i] = scatter[..., i, : i + 1]
    freedom = count + PRIOR_PIXELS
    scatter += PRIOR_PIXELS * np.eye(n)
    factor = np.linalg.cholesky(scatter / freedom[..., None, None])
    centre = np.moveaxis(values[:, half:-half, half:-half] - mean, 0, -1)
    solved = np.linalg.solve(factor, centre[..., None])[..., 0]
    distance = np.square(solved).sum(-1)
    log_determinant = 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
    # Predictive density: a multivariate t with as many degrees of freedom as pixels were seen.
    log_density = (
        gammaln((freedom + n) / 2)
        - gammaln(freedom / 2)
        - n / 2 * np.log(np.pi * freedom)
        - log_determinant / 2
        - (freedom + n) / 2 * np.log1p(distance / freedom)
    )
    return np.asarray(distance - log_density)
