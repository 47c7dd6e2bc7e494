"""Local RX: distance of a pixel to the mean and covariance of the ring around it.

Dual-window form of Reed and Yu (1990); see also Molero et al. (2013), IEEE JSTARS 6, 801-814.
Sums over the ring come from cumulative sums, so the cost does not depend on the window size.

A small grain of a common mineral inside another is far from its ring too. Therefore the tail is
fitted to the pixels that are ordinary for the scan (`ordinary_for_the_scan`), not to all pixels:
our choice, because with all of them barren simulated sections show many times the false pixels
that the default threshold promises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import Arrays
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import (
    BLOCK_PIXELS,
    Mahalanobis,
    RunningMoments,
    gaussianised,
)
from napari_mineral_anomaly.detectors.statistical.pixelwise import scan_moments
from napari_mineral_anomaly.detectors.statistical.ring import (
    FittedRing,
    RingBlock,
    RingConfig,
    RingDetector,
    ring_sum,
)
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# Share of a scan that may be odd for the scan: the rest is ordinary. As `calibration.TAIL_SHARE`.
ODD_SHARE = 0.02


class LocalRxConfig(RingConfig):
    """Parameters of local RX."""

    ridge: float = Field(
        0.1,
        gt=0.0,
        le=10.0,
        description="Added to each variance of the ring, as a share of the element's variance over "
        "the scan (of the counting noise for counts); steadies rings with few pixels.",
    )
    components: int = Field(
        30,
        ge=2,
        le=200,
        description="Scans with more elements or bands than this are first reduced to so many "
        "principal components, since a ring holds too few pixels for a larger covariance.",
    )

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        n = min(n_elements, self.components)
        return ExpectedSeconds(fit=0.0, score=n_pixels * (7e-8 * n**2 + 5e-10 * n**3))


class LocalRxDetector(RingDetector[LocalRxConfig]):
    """Dual-window RX, see `LocalRxConfig`.

    Defaults: squares of 5 and 13 px (144 pixels in the ring) suit grains of up to 5 px.
    """

    name = "local-rx"
    config_class = LocalRxConfig

    def directions(self, moments: RunningMoments, scale: NDArray[np.float64]) -> Arrays:
        """The directions (K, n) in which covariances are taken."""
        n = min(self.config.components, len(scale))
        if n == len(scale):
            return {"basis": np.eye(n)}
        _, vectors = np.linalg.eigh(moments.covariance / np.outer(scale, scale))
        return {"basis": vectors[:, ::-1][:, :n]}

    def ready(self, preprocessing: Preprocessing, arrays: Arrays) -> FittedRing:
        """Build the fitted detector from scale and directions."""
        basis = arrays["basis"]
        n = basis.shape[1]
        return FittedRing(
            self.name,
            self.config,
            preprocessing,
            arrays,
            lambda block, task: local_distance(block, basis, self.config, task),
            bytes_per_pixel=8 * (3 * n * n + 4 * n),
            cost=f"one {n} x {n} covariance per pixel",
            ordinary=ordinary_for_the_scan,
        )


def local_distance(
    block: RingBlock, basis: NDArray[np.float64], config: LocalRxConfig, task: Task = SILENT
) -> NDArray[np.float64]:
    """Cube root of d^2 / K of every pixel of a block to its ring, (h, W) float64.

    Pixels whose ring holds fewer than two valid pixels score 0: there is nothing to compare with.
    """
    margin = config.outer // 2
    weight = block.valid.astype(np.float64)
    values = block.values @ basis
    n = values.shape[-1]
    count = ring_sum(weight, config.inner, config.outer)
    mean = np.stack(
        [ring_sum(values[..., i] * weight, config.inner, config.outer) for i in range(n)], axis=-1
    )
    enough = np.maximum(count, 1.0)
    mean /= enough[..., None]
    covariance = np.empty((*count.shape, n, n))
    for i in range(n):
        task.check()
        for j in range(i + 1):
            product = (
                ring_sum(values[..., i] * values[..., j] * weight, config.inner, config.outer)
                / enough
            )
            covariance[..., i, j] = product - mean[..., i] * mean[..., j]
            covariance[..., j, i] = covariance[..., i, j]
    covariance += config.ridge * np.eye(n)
    centre = values[margin:-margin, margin:-margin] - mean
    solved = np.linalg.solve(covariance, centre[..., None])[..., 0]
    distance = np.einsum("hwk,hwk->hw", centre, solved)
    return np.where(count >= 2, gaussianised(np.maximum(distance, 0.0), n), 0.0)


def ordinary_for_the_scan(
    cube: ElementCube, preprocessing: Preprocessing, task: Task = SILENT
) -> NDArray[np.bool_]:
    """Valid pixels (H, W) nearer to the mean of the scan than its oddest 2 %.

    Distances are those of RX, with the mean and covariance of the scan that is scored.
    """
    distance = Mahalanobis.fit(scan_moments(cube, preprocessing, task.quiet()))
    squared = np.full(cube.shape, np.inf)
    for rows in cube.row_blocks(BLOCK_PIXELS):
        task.check()
        valid = cube.valid[rows]
        pixels = preprocessing.pixels(cube, rows)
        squared[rows][valid] = distance.squared_distance(pixels)
    return np.asarray(squared <= np.quantile(squared[cube.valid], 1 - ODD_SHARE))
