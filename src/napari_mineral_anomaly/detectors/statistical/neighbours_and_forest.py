"""Detectors that keep a sample of the scan and compare pixels with it: kNN, isolation forest."""

from __future__ import annotations

from typing import Any, TypeVar

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

# Distances of a block to the whole sample are held at once: 4096 x 10 000 float32 = 160 MB.
KNN_BLOCK_PIXELS = 4096


class KnnConfig(ScaledConfig):
    """Parameters of the nearest-neighbour distance."""

    neighbours: int = Field(
        25, ge=1, le=1000, description="Mean distance to this many most similar pixels."
    )
    sample: int = Field(
        10_000, ge=10, le=20_000, description="Pixels of the scan that others are compared with."
    )

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        sample = min(n_pixels, self.sample)
        return ExpectedSeconds(fit=0.0, score=n_pixels * sample * (1e-8 + 2.5e-10 * n_elements))


class IsolationForestConfig(ScaledConfig):
    """Parameters of the isolation forest."""

    trees: int = Field(200, ge=1, le=2000, description="Number of random trees.")
    sample: int = Field(
        20_000, ge=10, le=200_000, description="Pixels that the trees are drawn from."
    )

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        per_tree = 6.5e-8 + 5e-10 * n_elements
        grown = min(n_pixels, self.sample)
        return ExpectedSeconds(
            fit=2e-7 * grown * self.trees, score=n_pixels * self.trees * per_tree
        )


SampleConfigT = TypeVar("SampleConfigT", KnnConfig, IsolationForestConfig)


class SampleBackground:
    """A scaled sample of the scan and an index built from it."""

    def __init__(self, sample: NDArray[np.float32], scale: NDArray[np.float64]) -> None:
        self._sample, self._scale = sample, scale

    def scaled(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels on the scale on which distances are taken."""
        return (pixels / self._scale).astype(np.float32)

    def info(self) -> dict[str, Any]:
        """Size of the sample."""
        return {"n_sample": len(self._sample)}


class KnnBackground(SampleBackground):
    """Distance to the nearest pixels of the sample."""

    def __init__(
        self, sample: NDArray[np.float32], scale: NDArray[np.float64], neighbours: int
    ) -> None:
        # Imported here: it takes seconds, and the window needs only the parameters of this module.
        from sklearn.neighbors import NearestNeighbors

        super().__init__(sample, scale)
        n = min(neighbours, len(sample))
        self._index = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(self.scaled(sample))

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Cube root of the mean distance (n,), which keeps the order.

        Distances have a heavier tail than the exponential of `calibration`: with them, barren
        simulated sections show several times the promised false pixels. A pixel of the sample
        counts itself once among its neighbours.
        """
        distances, _ = self._index.kneighbors(self.scaled(pixels))
        return np.asarray(np.cbrt(distances.mean(axis=1, dtype=np.float64)))


class ForestBackground(SampleBackground):
    """How few random cuts it takes to isolate a pixel."""

    def __init__(
        self, sample: NDArray[np.float32], scale: NDArray[np.float64], trees: int, seed: int
    ) -> None:
        from sklearn.ensemble import IsolationForest

        super().__init__(sample, scale)
        # The same sample and seed grow the same trees, so only these are saved.
        self._forest = IsolationForest(n_estimators=trees, random_state=seed)
        self._forest.fit(self.scaled(sample))

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Anomaly score of the forest (n,), between 0 and 1."""
        return np.asarray(-self._forest.score_samples(self.scaled(pixels)), dtype=np.float64)


class SampleDetector(PixelwiseDetector[SampleConfigT]):
    """A detector that learns a sample (n, K) of the scan and the scale (K,) of distances."""

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Draw the sample; the index is built from it, and not saved."""
        config = self.config
        moments = scan_moments(cube, preprocessing, task)
        scale = element_scale(moments, config.scaling, preprocessing)
        task.check()
        sample = draw_pixels(cube, preprocessing, config.sample, config.seed)
        return {"sample": sample, "scale": scale}


class KnnDetector(SampleDetector[KnnConfig]):
    """Mean distance to the k most similar pixels of a sample.

    Ramaswamy, Rastogi and Shim (2000), SIGMOD Record 29, 427-438; the mean over the k distances
    after Angiulli and Pizzuti (2002). A sample bounds the cost: pixels x sample x elements.
    """

    name = "knn"
    config_class = KnnConfig
    block_pixels = KNN_BLOCK_PIXELS

    def background(self, arrays: Arrays) -> KnnBackground:
        """Index the sample."""
        return KnnBackground(arrays["sample"], arrays["scale"], self.config.neighbours)


class IsolationForestDetector(SampleDetector[IsolationForestConfig]):
    """Isolation forest: Liu, Ting and Zhou (2008), ICDM, 413-422; scikit-learn's trees."""

    name = "iforest"
    config_class = IsolationForestConfig

    def background(self, arrays: Arrays) -> ForestBackground:
        """Grow the trees: the same ones again from a saved sample."""
        config = self.config
        return ForestBackground(arrays["sample"], arrays["scale"], config.trees, config.seed)
