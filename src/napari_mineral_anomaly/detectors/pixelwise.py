"""What detectors share that judge each pixel by itself: fit on blocks, score in blocks.

A pixelwise detector is a `Background`: something that learnt the valid pixels of a scan and gives
a statistic for any others. This module does the rest: preprocessing, blocks, progress, cancel,
contributions, saving.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.base import DetectorConfig, ModelState, finish_result
from napari_mineral_anomaly.detectors.contributions import element_contributions
from napari_mineral_anomaly.detectors.mahalanobis import BLOCK_PIXELS, RunningMoments
from napari_mineral_anomaly.preprocess import Preprocessing, Transform
from napari_mineral_anomaly.progress import (
    CancelToken,
    ProgressCallback,
    ProgressEvent,
    check,
    emit,
)
from napari_mineral_anomaly.result import AnomalyResult

Scaling = Literal["auto", "none", "standard"]


class PixelwiseConfig(DetectorConfig):
    """Parameters of every detector that works on transformed pixels."""

    transform: Transform = Field(
        "auto",
        description="Evens out the noise before the statistics; auto: Anscombe for counts, "
        "nothing for other quantities.",
    )


class ScaledConfig(PixelwiseConfig):
    """Parameters of detectors whose distances depend on the scale of each element."""

    scaling: Scaling = Field(
        "auto",
        description="standard: every element gets the same spread; none: as transformed; auto: "
        "none for Anscombe counts, whose noise is already 1, standard for the rest.",
    )


class Background(Protocol):
    """What a pixelwise detector knows after the fit."""

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Statistic (n,) of transformed pixels (n, K), larger = odder."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers to save."""
        ...

    def info(self) -> dict[str, Any]:
        """What run.json should tell of the fit."""
        ...


class FittedPixelwise:
    """A fitted detector that judges each pixel by itself."""

    def __init__(
        self,
        name: str,
        config: DetectorConfig,
        preprocessing: Preprocessing,
        background: Background,
        block_pixels: int | None = None,
    ) -> None:
        self.name = name
        self.config = config
        self.elements = preprocessing.elements
        self._preprocessing = preprocessing
        self._background = background
        self._block_pixels = block_pixels or BLOCK_PIXELS

    def score(
        self,
        cube: ElementCube,
        *,
        on_event: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> AnomalyResult:
        """Score a scan; contributions are robust z values of the transformed elements.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        statistic = np.zeros(cube.shape, dtype=np.float64)
        for rows in cube.row_blocks(self._block_pixels):
            check(cancel)
            valid = cube.valid[rows]
            pixels = self._preprocessing.block(cube, rows)[:, valid].T
            if len(pixels):
                statistic[rows][valid] = self._background.statistic(pixels)
            emit(on_event, ProgressEvent("scoring", rows.stop, cube.shape[0]))
        info: dict[str, Any] = self._preprocessing.meta() | self._background.info()
        info |= {"device": "cpu", "device_reason": "this detector has no network"}
        contributions = element_contributions(cube, self._preprocessing, cancel=cancel)
        return finish_result(cube, statistic, contributions, None, info)

    def state(self) -> ModelState:
        """Statistics and names, for `detectors.bundle`."""
        arrays = {**self._preprocessing.arrays(), **self._background.arrays()}
        return ModelState(arrays, self._preprocessing.meta())


def valid_blocks(
    cube: ElementCube,
    preprocessing: Preprocessing,
    phase: str,
    on_event: ProgressCallback | None,
    cancel: CancelToken | None,
) -> Iterator[NDArray[np.float32]]:
    """Transformed valid pixels (n, K), block of rows by block of rows."""
    for rows in cube.row_blocks(BLOCK_PIXELS):
        check(cancel)
        yield preprocessing.block(cube, rows)[:, cube.valid[rows]].T
        emit(on_event, ProgressEvent(phase, rows.stop, cube.shape[0]))


def scan_moments(
    cube: ElementCube,
    preprocessing: Preprocessing,
    on_event: ProgressCallback | None,
    cancel: CancelToken | None,
) -> RunningMoments:
    """Mean and covariance of all valid pixels."""
    moments = RunningMoments(len(preprocessing.elements))
    for pixels in valid_blocks(cube, preprocessing, "statistics", on_event, cancel):
        moments.add(pixels)
    return moments


def sample_pixels(
    cube: ElementCube, preprocessing: Preprocessing, n: int, seed: int
) -> NDArray[np.float32]:
    """At most ``n`` transformed valid pixels (n, K), drawn without repetition by ``seed``."""
    total = cube.n_valid
    if total <= n:
        chosen = np.arange(total)
    else:
        chosen = np.sort(np.random.default_rng(seed).choice(total, size=n, replace=False))
    out = np.empty((chosen.size, len(preprocessing.elements)), dtype=np.float32)
    valid = cube.valid
    for k in range(len(preprocessing.elements)):
        out[:, k] = preprocessing.plane(cube, k)[valid][chosen]
    return out


def element_scale(
    moments: RunningMoments, scaling: Scaling, preprocessing: Preprocessing
) -> NDArray[np.float64]:
    """What each element is divided by before distances are taken, (K,) float64."""
    if scaling == "auto":
        scaling = "none" if preprocessing.transform == "anscombe" else "standard"
    if scaling == "none":
        return np.ones(len(preprocessing.elements))
    deviation = np.sqrt(np.diag(moments.covariance))
    return np.where(deviation > 0, deviation, 1.0)
