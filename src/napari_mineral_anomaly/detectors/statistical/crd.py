"""Collaborative representation: can the surroundings of a pixel compose it?

Li and Du (2015), IEEE TGRS 53(3), 1463-1474 (10.1109/TGRS.2014.2343955): with the ring's pixels
as columns of X, alpha = (X^T X + lambda Gamma^2)^-1 X^T y with Gamma = diag |y - x_j|, and the
score |y - X alpha|. The matrix inversion lemma turns the system of the size of the ring into one
of the size of the element list: y - X alpha = (I + X (lambda Gamma^2)^-1 X^T)^-1 y.

We take the cube root of that length. It keeps the order, and its tail is light enough for the
exponential of `calibration`: with the length itself, barren simulated sections show many times the
promised false pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import Arrays
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.ring import (
    FittedRing,
    RingBlock,
    RingConfig,
    RingDetector,
    ring_offsets,
)
from napari_mineral_anomaly.progress import SILENT, Task

# Least squared distance per element between a pixel and one of its ring, on a scale where noise
# (counts) or spread (the rest) is 1: quantised data hold exact duplicates.
SMALLEST_SQUARE = 1e-4


class CrdConfig(RingConfig):
    """Parameters of the collaborative representation detector."""

    ridge: float = Field(
        1e-2,
        ge=1e-4,
        le=1e6,
        description="lambda of the method: how much it costs to use a pixel that differs.",
    )
    sum_to_one: bool = Field(
        True, description="The weights of the surroundings should add up to one."
    )

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        n = n_elements + int(self.sum_to_one)
        ring = self.outer**2 - self.inner**2
        per_pixel = ring * (1.5e-8 * n + 2.5e-10 * n**2) + 5e-11 * n**3
        return ExpectedSeconds(fit=0.0, score=n_pixels * per_pixel)


class CrdDetector(RingDetector[CrdConfig]):
    """Collaborative representation, see `CrdConfig`."""

    name = "crd"
    config_class = CrdConfig

    def ready(self, preprocessing: Preprocessing, arrays: Arrays) -> FittedRing:
        """Build the fitted detector; it needs nothing but the scale."""
        n = len(arrays["scale"]) + int(self.config.sum_to_one)
        ring = self.config.outer**2 - self.config.inner**2
        return FittedRing(
            self.name,
            self.config,
            preprocessing,
            arrays,
            lambda block, task: representation_error(block, self.config, task),
            bytes_per_pixel=16 * n,
            cost=f"{ring} surrounding pixels and one {n} x {n} system per pixel",
        )


def representation_error(
    block: RingBlock, config: CrdConfig, task: Task = SILENT
) -> NDArray[np.float64]:
    """Cube root of the length of the part that the ring cannot compose, (h, W) float64.

    A ring pixel equal to the centre would have infinite weight: see `SMALLEST_SQUARE`.
    """
    margin = config.outer // 2
    values = block.values.astype(np.float64)
    if config.sum_to_one:
        values = np.concatenate([values, np.ones((*values.shape[:2], 1))], axis=-1)
    height, width = (side - 2 * margin for side in values.shape[:2])
    n = values.shape[-1]
    smallest = SMALLEST_SQUARE * n
    dy, dx = np.array(ring_offsets(config.inner, config.outer)).T
    error = np.empty((height, width), dtype=np.float64)
    for row in range(height):
        task.check()
        centre = values[margin + row, margin : margin + width]
        where = (margin + row + dy)[None, :], (margin + np.arange(width))[:, None] + dx[None, :]
        ring = values[where]
        apart = np.square(ring - centre[:, None, :]).sum(axis=-1)
        weight = block.valid[where] / (config.ridge * np.maximum(apart, smallest))
        system = np.matmul((ring * weight[..., None]).transpose(0, 2, 1), ring) + np.eye(n)
        left = np.linalg.solve(system, centre[..., None])[..., 0]
        if config.sum_to_one:
            left = left[:, :-1]
        error[row] = np.cbrt(np.sqrt(np.square(left).sum(axis=-1)))
    return error
