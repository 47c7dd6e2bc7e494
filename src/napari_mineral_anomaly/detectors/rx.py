"""Global Reed-Xiaoli detector: the classic answer, in seconds, that every other must beat.

Reed and Yu (1990), IEEE Trans. ASSP 38(10), 1760-1770: the squared Mahalanobis distance
``(x - m)^T S^-1 (x - m)`` of a pixel to mean and covariance of the whole scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.base import ModelState
from napari_mineral_anomaly.detectors.mahalanobis import Mahalanobis, gaussianised
from napari_mineral_anomaly.detectors.pixelwise import (
    FittedPixelwise,
    PixelwiseConfig,
    scan_moments,
)
from napari_mineral_anomaly.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback


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
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> MahalanobisBackground:
        """Rebuild from `arrays`."""
        return cls(Mahalanobis(arrays["mean"], arrays["whitening"]))


class RxDetector:
    """Global Reed-Xiaoli detector, see `RxConfig`."""

    name = "rx"

    def __init__(self, config: RxConfig | None = None) -> None:
        self.config: RxConfig = config or RxConfig()

    def fit(
        self,
        cube: ElementCube,
        *,
        on_event: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> FittedPixelwise:
        """Mean and covariance of the transformed valid pixels, in one pass over blocks of rows.

        Raises
        ------
        InputError
            When no element varies over the valid area.
        CancelledError
        """
        preprocessing = fit_preprocessing(cube, self.config.transform, cancel=cancel)
        distance = Mahalanobis.fit(scan_moments(cube, preprocessing, on_event, cancel))
        background = MahalanobisBackground(distance)
        return FittedPixelwise(self.name, self.config, preprocessing, background)

    def load(self, state: ModelState) -> FittedPixelwise:
        """Rebuild a fitted detector from `FittedPixelwise.state`."""
        preprocessing = Preprocessing.from_saved(state.arrays, state.meta)
        background = MahalanobisBackground.from_arrays(state.arrays)
        return FittedPixelwise(self.name, self.config, preprocessing, background)
