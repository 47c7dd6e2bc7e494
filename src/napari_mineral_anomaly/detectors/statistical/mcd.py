"""RX with the mean and covariance of the most concentrated pixels.

The minimum covariance determinant looks for the share of the pixels whose covariance has the
smallest determinant, by the fast algorithm of Rousseeuw and Van Driessen (1999), Technometrics 41,
212-223, as scikit-learn implements it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import Arrays, TransformConfig
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import (
    EIGENVALUE_CUTOFF,
    Mahalanobis,
    RunningMoments,
)
from napari_mineral_anomaly.detectors.statistical.pixelwise import PixelwiseDetector, draw_pixels
from napari_mineral_anomaly.detectors.statistical.rx import MahalanobisBackground
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube

# An element that has one value in at least this share of the sample (a trace element that counts
# nothing in most pixels) gets noise of `JITTER` of its spread before the search. Otherwise the
# search ends in pixels that all have that value, at a covariance without an inverse.
ONE_VALUE_SHARE = 0.25
JITTER = 0.5


class McdConfig(TransformConfig):
    """Parameters of RX with the minimum covariance determinant."""

    support: float = Field(
        0.5,
        ge=0.5,
        le=1.0,
        description="Share of the sample that mean and covariance are first taken from: the most "
        "concentrated pixels.",
    )
    sample: int = Field(
        20_000, ge=10, le=200_000, description="Pixels of the scan that are searched."
    )

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        searched = min(n_pixels, self.sample)
        return ExpectedSeconds(fit=3.5 + searched * 1.3e-5 * n_elements, score=0.0)


class McdDetector(PixelwiseDetector[McdConfig]):
    """Distance to the minimum covariance determinant, see `McdConfig`."""

    name = "mcd"
    config_class = McdConfig

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Mean (K,) and whitening (K, rank) of the most concentrated pixels of a sample."""
        config = self.config
        sample = draw_pixels(cube, preprocessing, config.sample, config.seed)
        task.check()
        return concentrated(sample, config.support, config.seed).arrays()

    def background(self, arrays: Arrays) -> MahalanobisBackground:
        """Build the background from mean and whitening."""
        return MahalanobisBackground(arrays, support=self.config.support)


def concentrated(pixels: NDArray[np.float32], support: float, seed: int) -> Mahalanobis:
    """The minimum covariance determinant of pixels (n, K).

    It does not depend on the units, so it is sought among whitened pixels, where copies and sums
    of elements are gone. With fewer than two pixels per element it is the plain covariance.
    """
    # Imported here: it takes seconds, and the window needs only the parameters of this module.
    from sklearn.covariance import MinCovDet

    moments = RunningMoments(pixels.shape[1])
    moments.add(pixels)
    plain = Mahalanobis.fit(moments)
    if len(pixels) <= 2 * plain.rank:
        return plain
    white = (with_jitter(pixels, seed) - plain.mean) @ plain.whitening
    found = MinCovDet(support_fraction=support, random_state=seed).fit(white)
    values, vectors = np.linalg.eigh(found.covariance_)
    # Half of the pixels may vary in fewer directions than all: what leaves these is far off. By
    # rounding such a variance can be negative.
    values = np.maximum(values, EIGENVALUE_CUTOFF * values[-1])
    mean = plain.mean + found.location_ @ np.linalg.pinv(plain.whitening)
    return Mahalanobis(mean, plain.whitening @ vectors / np.sqrt(values))


def with_jitter(pixels: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Pixels (n, K) with noise in the elements that mostly have one value, see `JITTER`."""
    out = pixels.astype(np.float64)
    rng = np.random.default_rng(seed)
    for k, column in enumerate(pixels.T):
        _, counts = np.unique(column, return_counts=True)
        if counts.max() >= ONE_VALUE_SHARE * len(column):
            out[:, k] += JITTER * column.std() * rng.standard_normal(len(column))
    return out
