"""Global Reed-Xiaoli detector: the fast classic with which all others are compared.

Reed and Yu (1990), IEEE Trans. ASSP 38(10), 1760-1770: the squared Mahalanobis distance
``(x - m)^T S^-1 (x - m)`` of a pixel to mean and covariance of the whole scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.fitting import Arrays, TransformConfig
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import Mahalanobis, gaussianised
from napari_mineral_anomaly.detectors.statistical.pixelwise import PixelwiseDetector, scan_moments
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube


class RxConfig(TransformConfig):
    """Parameters of the Reed-Xiaoli detector."""


class MahalanobisBackground:
    """A mean and a whitening matrix as a `pixelwise.Background`."""

    def __init__(self, arrays: Arrays, **about: Any) -> None:
        self._distance = Mahalanobis(arrays["mean"], arrays["whitening"])
        self._about = about

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Cube root of d^2 / rank, see `mahalanobis.gaussianised`."""
        return gaussianised(self._distance.squared_distance(pixels), self._distance.rank)

    def info(self) -> dict[str, Any]:
        """Rank of the covariance and what the fit recorded."""
        return {"rank": self._distance.rank} | self._about


class RxDetector(PixelwiseDetector[RxConfig]):
    """Global Reed-Xiaoli detector, see `RxConfig`."""

    name = "rx"
    config_class = RxConfig

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Mean and covariance of all valid pixels, in one pass over blocks of rows."""
        return Mahalanobis.fit(scan_moments(cube, preprocessing, task)).arrays()

    def background(self, arrays: Arrays) -> MahalanobisBackground:
        """Build the background from mean (K,) and whitening (K, rank)."""
        return MahalanobisBackground(arrays)
