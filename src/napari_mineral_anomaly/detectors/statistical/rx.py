"""Global Reed-Xiaoli detector: the classic, fast detector that every other one must beat.

Reed and Yu (1990), IEEE Trans. ASSP 38(10), 1760-1770: the squared Mahalanobis distance
``(x - m)^T S^-1 (x - m)`` of a pixel to mean and covariance of the whole scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import Mahalanobis, gaussianised
from napari_mineral_anomaly.detectors.statistical.pixelwise import (
    PixelwiseConfig,
    PixelwiseDetector,
    scan_moments,
)
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube


class RxConfig(PixelwiseConfig):
    """Parameters of the Reed-Xiaoli detector."""


class MahalanobisBackground:
    """A mean and a whitening matrix as a `pixelwise.Background`."""

    def __init__(self, distance: Mahalanobis, about: dict[str, Any] | None = None) -> None:
        self._distance = distance
        self._about = about or {}

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Cube root of d^2 / rank, see `mahalanobis.gaussianised`."""
        return gaussianised(self._distance.squared_distance(pixels), self._distance.rank)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Mean (K,) and whitening (K, rank)."""
        return {"mean": self._distance.mean, "whitening": self._distance.whitening}

    def info(self) -> dict[str, Any]:
        """Rank of the covariance and what the fit recorded."""
        return {"rank": self._distance.rank} | self._about

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, NDArray[Any]], about: dict[str, Any] | None = None
    ) -> MahalanobisBackground:
        """Rebuild from `arrays`."""
        return cls(Mahalanobis(arrays["mean"], arrays["whitening"]), about)


class RxDetector(PixelwiseDetector[RxConfig]):
    """Global Reed-Xiaoli detector, see `RxConfig`."""

    name = "rx"
    config_class = RxConfig

    def learn(
        self, cube: ElementCube, preprocessing: Preprocessing, task: Task
    ) -> MahalanobisBackground:
        """Mean and covariance of all valid pixels, in one pass over blocks of rows."""
        moments = scan_moments(cube, preprocessing, task)
        return MahalanobisBackground(Mahalanobis.fit(moments))

    def restore(self, arrays: dict[str, NDArray[Any]]) -> MahalanobisBackground:
        """Rebuild from `MahalanobisBackground.arrays`."""
        return MahalanobisBackground.from_arrays(arrays)
