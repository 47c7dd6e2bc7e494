"""Global Reed-Xiaoli detector: the classic answer, in seconds, that every other must beat.

Reed and Yu (1990), IEEE Trans. ASSP 38(10), 1760-1770: the squared Mahalanobis distance
``(x - m)^T S^-1 (x - m)`` of a pixel to mean and covariance of the whole scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.base import DetectorConfig, ModelState, finish_result
from napari_mineral_anomaly.detectors.contributions import element_contributions
from napari_mineral_anomaly.detectors.mahalanobis import (
    BLOCK_PIXELS,
    Mahalanobis,
    RunningMoments,
    gaussianised,
)
from napari_mineral_anomaly.preprocess import Preprocessing, Transform, fit_preprocessing
from napari_mineral_anomaly.progress import (
    CancelToken,
    ProgressCallback,
    ProgressEvent,
    check,
    emit,
)
from napari_mineral_anomaly.result import AnomalyResult


class RxConfig(DetectorConfig):
    """Parameters of the Reed-Xiaoli detector."""

    transform: Transform = Field(
        "auto",
        description="Evens out the noise before the statistics; auto: Anscombe for counts, "
        "nothing for other quantities.",
    )


class FittedRx:
    """Mean and covariance of a scan, ready to score it or another scan of the same elements."""

    name = "rx"

    def __init__(
        self, config: RxConfig, preprocessing: Preprocessing, background: Mahalanobis
    ) -> None:
        self.config = config
        self.elements = preprocessing.elements
        self._preprocessing = preprocessing
        self._background = background

    def score(
        self,
        cube: ElementCube,
        *,
        on_event: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> AnomalyResult:
        """Score a scan by its distance to the background of the fit.

        The raw statistic is the cube root of ``d^2 / rank`` (`mahalanobis.gaussianised`).
        Contributions are robust z values of the transformed elements.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        statistic = np.zeros(cube.shape, dtype=np.float64)
        done = 0
        for rows in cube.row_blocks(BLOCK_PIXELS):
            check(cancel)
            valid = cube.valid[rows]
            pixels = self._preprocessing.block(cube, rows)[:, valid].T
            distance = self._background.squared_distance(pixels)
            statistic[rows][valid] = gaussianised(distance, self._background.rank)
            done += rows.stop - rows.start
            emit(on_event, ProgressEvent("scoring", done, cube.shape[0]))
        info: dict[str, Any] = self._preprocessing.meta() | {
            "rank": self._background.rank,
            "device": "cpu",
            "device_reason": "this detector has no network",
        }
        contributions = element_contributions(cube, self._preprocessing, cancel=cancel)
        return finish_result(cube, statistic, contributions, None, info)

    def state(self) -> ModelState:
        """Statistics and names, for `detectors.bundle`."""
        arrays: dict[str, NDArray[Any]] = {
            **self._preprocessing.arrays(),
            "mean": self._background.mean,
            "whitening": self._background.whitening,
        }
        return ModelState(arrays, self._preprocessing.meta())


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
    ) -> FittedRx:
        """Mean and covariance of the transformed valid pixels, in one pass over blocks of rows.

        Raises
        ------
        InputError
            When no element varies over the valid area.
        CancelledError
        """
        preprocessing = fit_preprocessing(cube, self.config.transform, cancel=cancel)
        moments = RunningMoments(len(preprocessing.elements))
        done = 0
        for rows in cube.row_blocks(BLOCK_PIXELS):
            check(cancel)
            moments.add(preprocessing.block(cube, rows)[:, cube.valid[rows]].T)
            done += rows.stop - rows.start
            emit(on_event, ProgressEvent("statistics", done, cube.shape[0]))
        return FittedRx(self.config, preprocessing, Mahalanobis.fit(moments))

    def load(self, state: ModelState) -> FittedRx:
        """Rebuild a fitted detector from `FittedRx.state`."""
        preprocessing = Preprocessing.from_saved(state.arrays, state.meta)
        background = Mahalanobis(state.arrays["mean"], state.arrays["whitening"])
        return FittedRx(self.config, preprocessing, background)
