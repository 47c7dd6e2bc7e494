"""Gaussian elimination of many small matrices at once: each pixel its own covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Pixels at a time: enough that the steps of Python cost little beside those of the processor.
ELIMINATED_PIXELS = 1024

Doubles = NDArray[np.float64]


def distance_and_log_determinant(covariances: Doubles, centres: Doubles) -> tuple[Doubles, Doubles]:
    """Squared Mahalanobis distance (P,) and log determinant (P,), each pixel its own covariance.

    Several times as fast as a call of LAPACK for each pixel.

    Parameters
    ----------
    covariances : (n, n, P) float64
        Positive definite; only the upper half is read.
    centres : (n, P) float64
        Pixels minus the mean of their background.
    """
    n, pixels = centres.shape
    distance, log_determinant = np.zeros(pixels), np.zeros(pixels)
    most = min(pixels, ELIMINATED_PIXELS)
    kept_left, kept_centre = np.empty((n, n, most)), np.empty((n, most))
    kept_share, kept_taken = np.empty((n, most)), np.empty((n, most))
    for start in range(0, pixels, ELIMINATED_PIXELS):
        part = slice(start, min(start + ELIMINATED_PIXELS, pixels))
        size = part.stop - part.start
        left, centre = kept_left[..., :size], kept_centre[:, :size]
        share, taken = kept_share[:, :size], kept_taken[:, :size]
        centre[:] = centres[:, part]
        for j in range(n):
            left[j, j:] = covariances[j, j:, part]
        for k in range(n):
            pivot = left[k, k]
            log_determinant[part] += np.log(pivot)
            distance[part] += np.square(centre[k]) / pivot
            np.divide(left[k, k + 1 :], pivot, out=share[k + 1 :])
            centre[k + 1 :] -= np.multiply(share[k + 1 :], centre[k], out=taken[k + 1 :])
            # The matrix is symmetric, so its upper half is enough.
            for j in range(k + 1, n):
                left[j, j:] -= np.multiply(share[j], left[k, j:], out=taken[j:])
    return distance, log_determinant
