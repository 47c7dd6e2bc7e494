"""How far each pixel is from its ring: the pixels between two squares around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.statistical.elimination import distance_and_log_determinant
from napari_mineral_anomaly.detectors.statistical.square_sums import SquareSums

# Squares (px) around a pixel: grains of up to 5 px do not enter their own background.
INNER, OUTER = 5, 13
MARGIN = OUTER // 2
# Rows and columns of a tile: its covariances take 13 MB for 20 features.
TILE = (32, 128)
# Images of products that are summed at once stay in the cache of a processor.
SUMMED_BYTES = 150_000

Doubles = NDArray[np.float64]


def ring_distance(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> Doubles:
    """Squared distance (h, w) of pixels to mean and covariance of the valid pixels in their ring.

    1 is added to each variance. Pixels with fewer than two pixels in their ring get 0: there is
    nothing to compare with.

    Parameters
    ----------
    values : (F, h + 2 MARGIN, w + 2 MARGIN) float32
        In units of the noise.
    valid : (h + 2 MARGIN, w + 2 MARGIN) bool
    """
    n, padded = len(values), valid.shape
    shape = (padded[0] - 2 * MARGIN, padded[1] - 2 * MARGIN)
    planes = min(n, max(1, SUMMED_BYTES // (8 * valid.size)))
    squares = SquareSums(planes, shape, MARGIN, (INNER, OUTER))
    everywhere = bool(valid.all())
    shown = values.astype(np.float64)
    if not everywhere:
        shown *= valid
    count = _summed(squares, valid[None])[0].copy()
    share = 1.0 / np.maximum(count, 1.0)
    mean = np.empty((n, *shape))
    for start in range(0, n, planes):
        part = slice(start, min(start + planes, n))
        np.multiply(_summed(squares, shown[part]), share, out=mean[part])
    covariance = np.empty((n, n, *shape))
    taken = np.empty((planes, *shape))
    for i in range(n):
        for start in range(0, i + 1, planes):
            part = slice(start, min(start + planes, i + 1))
            size = part.stop - part.start
            products = squares.padded(size)
            # A missing pixel is 0 in one factor, which is enough.
            np.multiply(shown[i], values[part], out=products)
            found = covariance[part, i]
            inner, outer = squares.sums(size)
            np.subtract(outer, inner, out=found)
            found *= share
            found -= np.multiply(mean[i], mean[part], out=taken[:size])
        covariance[i, i] += 1.0
    middle = slice(MARGIN, -MARGIN)
    centre = np.subtract(values[:, middle, middle], mean, out=mean)
    distance, _ = distance_and_log_determinant(covariance.reshape(n, n, -1), centre.reshape(n, -1))
    return np.where(count < 2, 0.0, distance.reshape(shape))


def _summed(squares: SquareSums, planes: NDArray[np.floating] | NDArray[np.bool_]) -> Doubles:
    """Sums (n, h, w) of images (n, h + 2 MARGIN, w + 2 MARGIN) over the ring of each pixel."""
    squares.padded(len(planes))[:] = planes
    inner, outer = squares.sums(len(planes))
    return np.subtract(outer, inner, out=outer)
