"""Isolation by nearest neighbours: in how large an empty sphere does a pixel lie?

Bandaragoda, Ting, Albrecht, Liu, Zhu and Wells (2018), Computational Intelligence 34, 968-998
(10.1111/coin.12156). A few pixels are drawn, and each gets a sphere that reaches to the nearest
other one. A pixel inside a sphere counts as odd by ``1 - r' / r``, where r is the radius of the
smallest sphere around it and r' that of the sphere of its centre's nearest neighbour; a pixel in
no sphere counts as 1. The statistic is the mean over many such sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import Arrays
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.pixelwise import (
    PixelwiseDetector,
    ScaledConfig,
    draw_pixels,
    element_scale,
    scan_moments,
)
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube

# Small enough for the distances to one set of centres to stay in the cache of a core.
INNE_BLOCK_PIXELS = 2048

# Rounding error of a squared distance, as a share of the squared lengths of both pixels: a pixel
# equal to a centre lies inside its sphere, even one of radius 0.
ROUNDING = 1e-12


class InneConfig(ScaledConfig):
    """Parameters of the isolation by nearest neighbours."""

    sets: int = Field(200, ge=1, le=2000, description="Number of random sets of spheres.")
    spheres: int = Field(16, ge=2, le=256, description="Spheres in each set.")

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        spheres = self.sets * self.spheres
        return ExpectedSeconds(fit=0.0, score=n_pixels * spheres * (1.45e-8 + 1e-10 * n_elements))


class InneBackground:
    """Sets of spheres; in each set the smallest come first."""

    def __init__(self, centres: NDArray[np.float32], scale: NDArray[np.float64]) -> None:
        scaled = centres / scale
        # Distances keep their digits when the values lie around zero.
        self._origin = scaled.mean(axis=(0, 1))
        scaled -= self._origin
        self._scale = scale
        apart = np.square(scaled[:, :, None] - scaled[:, None]).sum(axis=-1)
        apart[:, *np.diag_indices(apart.shape[1])] = np.inf
        squared = apart.min(axis=2)
        neighbour = np.take_along_axis(squared, apart.argmin(axis=2), axis=1)
        # Equal pixels have spheres of radius 0 around them, as ordinary as can be.
        ratio = np.divide(neighbour, squared, out=np.ones_like(squared), where=squared > 0)
        order = np.argsort(squared, axis=1, kind="stable")
        self._centres = np.take_along_axis(scaled, order[..., None], axis=1)
        self._squared_radius = np.take_along_axis(squared, order, axis=1)
        # A last column for pixels in no sphere.
        isolation = 1 - np.sqrt(np.take_along_axis(ratio, order, axis=1))
        self._isolation = np.pad(isolation, ((0, 0), (0, 1)), constant_values=1.0)

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean isolation (n,), between 0 and 1."""
        values = pixels / self._scale - self._origin
        own_length = np.square(values).sum(axis=1)[:, None]
        total = np.zeros(len(values))
        for centres, radius, isolation in zip(
            self._centres, self._squared_radius, self._isolation, strict=True
        ):
            lengths = np.square(centres).sum(axis=1) + own_length
            apart = lengths - 2 * values @ centres.T
            inside = apart <= radius + ROUNDING * lengths
            first = np.where(inside.any(axis=1), inside.argmax(axis=1), len(radius))
            total += isolation[first]
        return total / len(self._centres)

    def info(self) -> dict[str, Any]:
        """Nothing to add to the parameters."""
        return {}


class InneDetector(PixelwiseDetector[InneConfig]):
    """Isolation by nearest-neighbour spheres, see `InneConfig`."""

    name = "inne"
    config_class = InneConfig
    block_pixels = INNE_BLOCK_PIXELS

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Draw the centres (sets, spheres, K), and the scale (K,) of distances."""
        config = self.config
        moments = scan_moments(cube, preprocessing, task)
        scale = element_scale(moments, config.scaling, preprocessing)
        task.check()
        n = config.sets * config.spheres
        pool = draw_pixels(cube, preprocessing, n, config.seed)
        rng = np.random.default_rng(config.seed)
        spheres = min(config.spheres, len(pool))
        chosen = [rng.choice(len(pool), spheres, replace=False) for _ in range(config.sets)]
        return {"centres": pool[np.array(chosen)], "scale": scale}

    def background(self, arrays: Arrays) -> InneBackground:
        """Build the spheres around the centres."""
        return InneBackground(arrays["centres"], arrays["scale"])
