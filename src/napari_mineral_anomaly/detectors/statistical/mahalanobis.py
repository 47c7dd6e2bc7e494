"""Mean, covariance and Mahalanobis distance, block by block in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Pixels that are read and transformed at a time.
BLOCK_PIXELS = 32_768
# Pixels in double precision at a time: 20 elements take 0.3 MB, which stays in the cache of a core.
CACHED_PIXELS = 2048

# Eigenvalues of the correlation matrix below this share of the largest one are rounding noise of
# float32 data (a duplicate or a sum of other elements), not a direction of variation.
EIGENVALUE_CUTOFF = 1e-10


class RunningMoments:
    """Mean and covariance of pixels that arrive in blocks.

    Blocks are merged with the pairwise update of Chan, Golub and LeVeque (1983): one pass over
    the data, and no loss of precision when the mean is large against the spread.
    """

    def __init__(self, n_elements: int) -> None:
        self.n = 0
        self.mean = np.zeros(n_elements, dtype=np.float64)
        self._scatter = np.zeros((n_elements, n_elements), dtype=np.float64)

    def add(self, pixels: NDArray[np.floating]) -> None:
        """Take in a block of pixels, (n, C)."""
        for start in range(0, len(pixels), CACHED_PIXELS):
            values = pixels[start : start + CACHED_PIXELS].T.astype(np.float64)
            n = values.shape[1]
            mean = values.mean(axis=1)
            values -= mean[:, None]
            shift = mean - self.mean
            total = self.n + n
            self._scatter += values @ values.T + np.outer(shift, shift) * (self.n * n / total)
            self.mean = self.mean + shift * (n / total)
            self.n = total

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Sample covariance (C, C), divided by n - 1."""
        return self._scatter / max(1, self.n - 1)


@dataclass(frozen=True, eq=False)
class Mahalanobis:
    """A mean and a whitening matrix: the distance is the length of the whitened pixel.

    Attributes
    ----------
    mean : (C,) float64
    whitening : (C, rank) float64
        ``covariance^+ = whitening @ whitening.T``.
    """

    mean: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @property
    def rank(self) -> int:
        """Number of independent directions."""
        return int(self.whitening.shape[1])

    @classmethod
    def fit(cls, moments: RunningMoments, ridge: float = 0.0) -> Mahalanobis:
        """Invert the covariance in the directions in which the data vary.

        The covariance is brought to a correlation matrix first, so that elements of very
        different counts are treated alike, then decomposed; directions below
        `EIGENVALUE_CUTOFF` are left out (pseudo-inverse). An exact duplicate of an element, or a
        constant one, therefore changes no distance.

        Parameters
        ----------
        moments : RunningMoments
        ridge : float
            Share of the mean variance added to every variance (MSFA residuals use 1e-6).
        """
        covariance = moments.covariance
        if ridge:
            covariance = covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(
                len(covariance)
            )
        deviation = np.sqrt(np.diag(covariance))
        varies = deviation > 0
        if not varies.any():
            return cls(moments.mean, np.zeros((len(moments.mean), 1)))
        scale = np.zeros_like(deviation)
        scale[varies] = 1 / deviation[varies]
        values, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
        kept = values > EIGENVALUE_CUTOFF * values[-1]
        whitening = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
        return cls(moments.mean, whitening)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Mean and whitening, to save with a model."""
        return {"mean": self.mean, "whitening": self.whitening}

    def squared_distance(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Squared distance (n,) of pixels (n, C)."""
        out = np.empty(len(pixels))
        whitening = np.ascontiguousarray(self.whitening.T)
        for start in range(0, len(pixels), CACHED_PIXELS):
            part = slice(start, start + CACHED_PIXELS)
            centred = pixels[part].T.astype(np.float64)
            centred -= self.mean[:, None]
            whitened = whitening @ centred
            np.einsum("ij,ij->j", whitened, whitened, out=out[part])
        return out


def gaussianised(
    squared_distance: NDArray[np.float64], degrees_of_freedom: int
) -> NDArray[np.float64]:
    """Cube root of ``d^2 / degrees of freedom``.

    By Wilson and Hilferty (1931) the cube root of a chi-square variable is close to Gaussian, so
    that the tail of a Gaussian background falls at least as fast as the exponential that
    `results.calibration` fits to it. It is strictly increasing in the distance: ranks, ROC curves
    and precision are those of the distance itself.
    """
    return np.cbrt(squared_distance / max(1, degrees_of_freedom))
