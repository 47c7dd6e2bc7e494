"""RX with the covariance of the background only.

A few odd pixels inflate the covariance of a whole scan and so hide in it. The classic remedy of
robust statistics: estimate, leave out what lies far from the estimate, and estimate again (iterated
trimming, as in the concentration step of the minimum covariance determinant: Rousseeuw and Van
Driessen 1999, Technometrics 41, 212-223).
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from napari_mineral_anomaly.detectors.fitting import Arrays, TransformConfig
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import Mahalanobis, RunningMoments
from napari_mineral_anomaly.detectors.statistical.pixelwise import (
    PixelwiseDetector,
    scan_moments,
    valid_blocks,
)
from napari_mineral_anomaly.detectors.statistical.rx import MahalanobisBackground
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube


class RobustRxConfig(TransformConfig):
    """Parameters of RX with a trimmed covariance."""

    trim: float = Field(
        0.03,
        ge=0.0,
        le=0.5,
        description="Share of the pixels, the oddest ones, left out of mean and covariance.",
    )
    rounds: int = Field(
        3, ge=1, le=20, description="How often the background is estimated again after trimming."
    )


class RobustRxDetector(PixelwiseDetector[RobustRxConfig]):
    """RX whose mean and covariance leave the oddest pixels out, see `RobustRxConfig`.

    The share left out is fixed (default 3 per cent, our choice). It helps where the anomalies are
    common, and does harm where trimming removes a whole minor mineral from the background; see
    docs/benchmarks.md for both.
    """

    name = "robust-rx"
    config_class = RobustRxConfig

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Estimate, trim, estimate again."""
        distance = Mahalanobis.fit(scan_moments(cube, preprocessing, task))
        for _ in range(self.config.rounds if self.config.trim else 0):
            distances = np.concatenate(
                [
                    distance.squared_distance(pixels)
                    for pixels in valid_blocks(cube, preprocessing, "trimming", task)
                ]
            )
            cut = float(np.quantile(distances, 1.0 - self.config.trim))
            moments = RunningMoments(len(preprocessing.elements))
            start = 0
            for pixels in valid_blocks(cube, preprocessing, "trimming", task):
                kept = distances[start : start + len(pixels)] <= cut
                moments.add(pixels[kept])
                start += len(pixels)
            distance = Mahalanobis.fit(moments)
        return distance.arrays()

    def background(self, arrays: Arrays) -> MahalanobisBackground:
        """Build the background from mean (K,) and whitening (K, rank)."""
        return MahalanobisBackground(arrays, trimmed_share=self.config.trim)
