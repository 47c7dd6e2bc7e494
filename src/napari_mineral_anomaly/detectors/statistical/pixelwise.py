"""Shared by detectors that judge each pixel by itself: fit on blocks, score in blocks.

Such a detector defines a `Background`, which learns from the valid pixels of a scan and gives a
statistic of any others. This module does the rest: preprocessing, blocks, progress, cancel,
contributions, saving.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.base import finish_result, info_without_network
from napari_mineral_anomaly.detectors.fitting import (
    ArrayDetector,
    Arrays,
    FittedArrays,
    TransformConfig,
    TransformConfigT,
)
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.contributions import (
    element_contributions,
    residual_contributions,
)
from napari_mineral_anomaly.detectors.results.reconstruction import in_map_units
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.statistical.mahalanobis import BLOCK_PIXELS, RunningMoments
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

Scaling = Literal["auto", "none", "standard"]


class ScaledConfig(TransformConfig):
    """Parameters of detectors whose distances depend on the scale of each element."""

    scaling: Scaling = Field(
        "auto",
        description="standard: every element gets the same spread; none: as transformed; auto: "
        "none for Anscombe counts, whose noise is already 1, standard for the rest.",
    )


class Background(Protocol):
    """What a pixelwise detector has learnt from its fit."""

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Statistic (n,) of transformed pixels (n, K), larger = odder."""
        ...

    def info(self) -> dict[str, Any]:
        """What run.json records of the fit."""
        ...


@runtime_checkable
class ReconstructingBackground(Background, Protocol):
    """A background that also predicts each element of a pixel."""

    def reconstruct(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Expected transformed values (n, K) of transformed pixels (n, K)."""
        ...


@dataclass(eq=False)
class FittedPixelwise(FittedArrays[TransformConfig]):
    """A fitted detector that judges each pixel by itself."""

    background: Background
    block_pixels: int

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan.

        Contributions are robust z values: of the residual where the background reconstructs,
        of the transformed elements otherwise.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        task = task or SILENT
        background, preprocessing = self.background, self.preprocessing
        statistic = np.zeros(cube.shape, dtype=np.float64)
        expected: NDArray[np.float32] | None = None
        if isinstance(background, ReconstructingBackground):
            expected = np.zeros((len(preprocessing.elements), *cube.shape), dtype=np.float32)
        for rows in cube.row_blocks(self.block_pixels):
            task.check()
            valid = cube.valid[rows]
            pixels = preprocessing.pixels(cube, rows)
            if len(pixels):
                statistic[rows][valid] = background.statistic(pixels)
                if isinstance(background, ReconstructingBackground) and expected is not None:
                    # The slice gives a view, so the values land in `expected`.
                    expected[:, rows][:, valid] = background.reconstruct(pixels).T
            task.step("scoring", rows.stop, cube.shape[0])
        info = info_without_network(preprocessing.meta() | background.info())
        if expected is None:
            on_demand = element_contributions(cube, preprocessing, task=task)
            return finish_result(cube, statistic, on_demand, None, info)
        reconstruction = in_map_units(cube, preprocessing, expected)
        for k in range(len(expected)):
            expected[k] = preprocessing.plane(cube, k) - expected[k]
        contributions = residual_contributions(cube, preprocessing, expected, task=task)
        return finish_result(cube, statistic, contributions, None, info, reconstruction)


class PixelwiseDetector(ArrayDetector[TransformConfigT, FittedPixelwise]):
    """A detector that judges each pixel by itself; subclasses define what it learns.

    Attributes
    ----------
    block_pixels : int
        Pixels scored at a time.
    """

    block_pixels: ClassVar[int] = BLOCK_PIXELS

    @abstractmethod
    def background(self, arrays: Arrays) -> Background:
        """Build the background from the learned arrays."""

    def ready(self, preprocessing: Preprocessing, arrays: Arrays) -> FittedPixelwise:
        """Build the fitted detector."""
        background = self.background(arrays)
        return FittedPixelwise(
            self.name, self.config, preprocessing, arrays, background, self.block_pixels
        )


def valid_blocks(
    cube: ElementCube, preprocessing: Preprocessing, phase: str, task: Task
) -> Iterator[NDArray[np.float32]]:
    """Transformed valid pixels (n, K), block of rows by block of rows."""
    for rows in cube.row_blocks(BLOCK_PIXELS):
        task.check()
        yield preprocessing.pixels(cube, rows)
        task.step(phase, rows.stop, cube.shape[0])


def scan_moments(cube: ElementCube, preprocessing: Preprocessing, task: Task) -> RunningMoments:
    """Mean and covariance of all valid pixels."""
    moments = RunningMoments(len(preprocessing.elements))
    for pixels in valid_blocks(cube, preprocessing, "statistics", task):
        moments.add(pixels)
    return moments


def draw_pixels(
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
    """Divisor (K,) float64 of each element before distances are taken."""
    if scaling == "auto":
        scaling = "none" if preprocessing.transform == "anscombe" else "standard"
    if scaling == "none":
        return np.ones(len(preprocessing.elements))
    deviation = np.sqrt(np.diag(moments.covariance))
    return np.where(deviation > 0, deviation, 1.0)
