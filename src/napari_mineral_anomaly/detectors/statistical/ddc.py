"""Deviating cells: what a linear prediction from the other elements gets wrong.

Each element is predicted from all others by a linear regression that leaves its worst cells out
(trimmed and iterated). The residual of each cell is brought to robust sigmas, and the squares are
summed over the elements. A cell is one element of one pixel. The idea is that of Rousseeuw and Van
den Bossche (2018), "Detecting deviating data cells", Technometrics 60(2), 135-145: a few odd
elements must not hide behind many ordinary ones. Their method predicts each element from pairwise
regressions, since its tables have missing cells; a scan has none, so one regression takes all
other elements together (our choice).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.fitting import Arrays, TransformConfig
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import gaussianised
from napari_mineral_anomaly.detectors.statistical.pixelwise import PixelwiseDetector, draw_pixels
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.robust import robust_centre_and_sigma

# Eigenvalues of the normal equations below this share of the largest one are rounding noise of
# float32 data: an element that copies or sums others.
EIGENVALUE_CUTOFF = 1e-10

# A residual never counts in smaller units than this share of the spread of its element. Without
# it, an element that the others give exactly would judge pixels by rounding errors.
SMALLEST_SIGMA = 1e-3


class DdcConfig(TransformConfig):
    """Parameters of the deviating cells."""

    trim: float = Field(
        0.03,
        ge=0.0,
        le=0.5,
        description="Share of the cells of each element, those predicted worst, that its "
        "regression leaves out.",
    )
    rounds: int = Field(
        3, ge=1, le=20, description="How often the regressions are fitted again after trimming."
    )
    sample: int = Field(
        100_000, ge=10, le=1_000_000, description="Pixels of the scan that they are fitted to."
    )


class DdcBackground:
    """A linear prediction of every element from the others, and the sigma of its residual."""

    def __init__(
        self,
        slopes: NDArray[np.float64],
        intercept: NDArray[np.float64],
        sigma: NDArray[np.float64],
    ) -> None:
        self._slopes, self._intercept, self._sigma = slopes, intercept, sigma

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Cube root of the mean squared z of the cells of each pixel."""
        z = (pixels - pixels @ self._slopes - self._intercept) / self._sigma
        return gaussianised(np.einsum("ij,ij->i", z, z), z.shape[1])

    def reconstruct(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each element as the others predict it, (n, K)."""
        return (pixels @ self._slopes + self._intercept).astype(np.float32)

    def info(self) -> dict[str, Any]:
        """Nothing to add to the parameters."""
        return {}


class DdcDetector(PixelwiseDetector[DdcConfig]):
    """Squared residuals of robust predictions of each element from the others."""

    name = "ddc"
    config_class = DdcConfig

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Slopes (K, K), intercept (K,) and sigma (K,) in transformed units."""
        config = self.config
        sample = draw_pixels(cube, preprocessing, config.sample, config.seed).astype(np.float64)
        centre, scale = sample.mean(axis=0), sample.std(axis=0)
        # An element may vary over the scan and not over the sample.
        scale[scale == 0] = 1.0
        sample = (sample - centre) / scale
        weights, residual = trimmed_regressions(sample, config.trim, config.rounds, task)
        robust = [robust_centre_and_sigma(column) for column in residual.T]
        middle, sigma = np.array(robust).T
        slopes = weights[:-1] * scale / scale[:, None]
        intercept = centre + (weights[-1] + middle) * scale - centre @ slopes
        return {
            "slopes": slopes,
            "intercept": intercept,
            "sigma": np.maximum(sigma, SMALLEST_SIGMA) * scale,
        }

    def background(self, arrays: Arrays) -> DdcBackground:
        """Build the background from its three arrays."""
        return DdcBackground(arrays["slopes"], arrays["intercept"], arrays["sigma"])


def trimmed_regressions(
    values: NDArray[np.float64], trim: float, rounds: int, task: Task
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Regress every column on all others and leave its worst cells out, round by round.

    The normal equations of each column are those of all rows less those of its trimmed rows, so
    the cost grows with the trimmed rows only.

    Parameters
    ----------
    values : (n, K) float64
        Columns of similar spread.
    trim : float
        Share of the rows left out of each regression.
    rounds : int
        Fits after the first one, which takes all rows.

    Returns
    -------
    weights : (K + 1, K) float64
        Column k predicts column k of ``values``; its k-th number is 0 and the last one is the
        intercept.
    residual : (n, K) float64
        Of all rows, the trimmed ones too.
    """
    n, n_columns = values.shape
    design = np.column_stack([values, np.ones(n)])
    whole = design.T @ design
    weights = np.zeros((n_columns + 1, n_columns))
    residual = values
    n_trimmed = int(trim * n)
    for step in range(rounds + 1 if n_trimmed else 1):
        fresh = np.empty_like(values)
        for k in range(n_columns):
            task.check()
            system = whole
            if step and n_trimmed:
                off = np.abs(residual[:, k] - np.median(residual[:, k]))
                worst = design[np.argpartition(off, n - n_trimmed)[n - n_trimmed :]]
                system = whole - worst.T @ worst
            others = np.arange(n_columns + 1) != k
            inverse = np.linalg.pinv(
                system[np.ix_(others, others)], rcond=EIGENVALUE_CUTOFF, hermitian=True
            )
            weights[others, k] = inverse @ system[others, k]
            fresh[:, k] = values[:, k] - design @ weights[:, k]
        residual = fresh
        task.step("regressions", step + 1, rounds + 1)
    return weights, residual
