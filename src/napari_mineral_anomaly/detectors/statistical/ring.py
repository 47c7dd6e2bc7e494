"""The ring of a dual window: the pixels between an inner and an outer square around a pixel.

Shared by the detectors that compare a pixel with its surroundings (`local_rx`, `crd`): blocks of
rows with a margin and mirrored borders; pixels off the sample are left out of the ring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_mineral_anomaly.detectors.base import finish_result, info_without_network
from napari_mineral_anomaly.detectors.fitting import ArrayDetector, Arrays, FittedArrays
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.contributions import element_contributions
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.statistical.mahalanobis import RunningMoments
from napari_mineral_anomaly.detectors.statistical.pixelwise import (
    ScaledConfig,
    element_scale,
    scan_moments,
)
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# Working memory per block of rows; blocks shrink as elements and windows grow.
BLOCK_BYTES = 256 * 1024 * 1024


class RingConfig(ScaledConfig):
    """Parameters of detectors that use the ring around a pixel."""

    inner: int = Field(
        5, ge=1, le=101, description="Inner square (px, odd): larger than the grains looked for."
    )
    outer: int = Field(
        13, ge=3, le=201, description="Outer square (px, odd): the surroundings compared with."
    )

    @model_validator(mode="after")
    def _squares_fit(self) -> RingConfig:
        if self.inner % 2 == 0 or self.outer % 2 == 0 or self.inner >= self.outer:
            raise ValueError("inner and outer must be odd and inner smaller than outer")
        return self


@dataclass(frozen=True, eq=False)
class RingBlock:
    """Some rows of a scan with the margin that their rings need.

    Attributes
    ----------
    rows : slice
        The rows of the scan that are scored.
    values : (h + 2 m, W + 2 m, K) float32
        Scaled pixels, borders mirrored, m = half the outer square.
    valid : (h + 2 m, W + 2 m) bool
    """

    rows: slice
    values: NDArray[np.float32]
    valid: NDArray[np.bool_]


def ring_offsets(inner: int, outer: int) -> list[tuple[int, int]]:
    """(dy, dx) of the ring's pixels."""
    reach, hole = outer // 2, inner // 2
    span = range(-reach, reach + 1)
    return [(dy, dx) for dy in span for dx in span if max(abs(dy), abs(dx)) > hole]


def ring_blocks(
    cube: ElementCube,
    preprocessing: Preprocessing,
    scale: NDArray[np.float64],
    margin: int,
    bytes_per_pixel: int,
) -> Iterator[RingBlock]:
    """Blocks of rows of at most `BLOCK_BYTES` working memory, with mirrored margins."""
    height, width = cube.shape
    step = max(1, BLOCK_BYTES // (bytes_per_pixel * (width + 2 * margin)))
    columns = mirrored(np.arange(-margin, width + margin), width)
    valid = cube.valid
    for start in range(0, height, step):
        stop = min(start + step, height)
        wanted = mirrored(np.arange(start - margin, stop + margin), height)
        low, high = int(wanted.min()), int(wanted.max()) + 1
        part = preprocessing.block(cube, slice(low, high))
        part = part[:, wanted - low][:, :, columns].transpose(1, 2, 0)
        values = np.ascontiguousarray(part / scale, dtype=np.float32)
        yield RingBlock(slice(start, stop), values, valid[wanted][:, columns])


def mirrored(index: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Reflect positions beyond the border back into 0..size-1 (the border itself repeats)."""
    index = index % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)


def ring_sum(plane: NDArray[np.floating[Any]], inner: int, outer: int) -> NDArray[np.floating[Any]]:
    """Sum over the ring of every pixel (..., h, w) of planes with a margin of half ``outer``."""
    inset = outer // 2 - inner // 2
    sums = np.zeros((*plane.shape[:-2], plane.shape[-2] + 1, plane.shape[-1] + 1))
    np.cumsum(plane, axis=-2, out=sums[..., 1:, 1:], dtype=np.float64)
    np.cumsum(sums[..., 1:, 1:], axis=-1, out=sums[..., 1:, 1:])
    cut = slice(inset, -inset or None)
    return _square_sum(sums, outer) - _square_sum(sums[..., cut, cut], inner)


def _square_sum(sums: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray(
        sums[..., size:, size:]
        - sums[..., :-size, size:]
        - sums[..., size:, :-size]
        + sums[..., :-size, :-size]
    )


# From a scan, its preprocessing and a task: the background pixels (H, W).
OrdinaryPixels = Callable[[ElementCube, Preprocessing, Task], NDArray[np.bool_]]


@dataclass(eq=False)
class FittedRing(FittedArrays[RingConfig]):
    """A fitted detector that compares each pixel with its ring.

    Attributes
    ----------
    statistic : callable
        Maps a `RingBlock` to the (h, W) float64 statistic of its rows.
    bytes_per_pixel : int
        Working memory.
    cost : str
        What scoring computes, for the first message of progress.
    ordinary : callable, optional
        Finds the pixels (H, W) of a scan that are background by other means.
    """

    statistic: Callable[[RingBlock, Task], NDArray[np.float64]]
    bytes_per_pixel: int
    cost: str
    ordinary: OrdinaryPixels | None = None

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan against its own surroundings.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        task = task or SILENT
        preprocessing, margin = self.preprocessing, self.config.outer // 2
        task.step("scoring", 0, cube.shape[0], self.cost)
        statistic = np.zeros(cube.shape, dtype=np.float64)
        blocks = ring_blocks(
            cube, preprocessing, self.arrays["scale"], margin, self.bytes_per_pixel
        )
        for block in blocks:
            task.check()
            statistic[block.rows] = self.statistic(block, task)
            task.step("scoring", block.rows.stop, cube.shape[0])
        info = info_without_network(preprocessing.meta())
        contributions = element_contributions(cube, preprocessing, task=task)
        ordinary = self.ordinary(cube, preprocessing, task) if self.ordinary else None
        return finish_result(cube, statistic, contributions, None, info, ordinary=ordinary)


RingConfigT = TypeVar("RingConfigT", bound=RingConfig)


class RingDetector(ArrayDetector[RingConfigT, FittedRing]):
    """A detector that compares each pixel with its ring; subclasses define how.

    The background is local: the fit learns the scale (K,) of the elements, and little else.
    """

    def directions(self, moments: RunningMoments, scale: NDArray[np.float64]) -> Arrays:
        """What the detector learns besides the scale of each element; by default nothing."""
        return {}

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Learn the scale of each element and the `directions`."""
        moments = scan_moments(cube, preprocessing, task)
        scale = element_scale(moments, self.config.scaling, preprocessing)
        return {"scale": scale, **self.directions(moments, scale)}
