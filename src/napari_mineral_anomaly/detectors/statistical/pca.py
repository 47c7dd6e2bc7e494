"""Residual of principal components: what the main mixtures of the scan cannot explain.

Ordinary rock is a mixture of few minerals, so a few components describe it; a pixel far from
their span is odd (Jolliffe, Principal Component Analysis, 2002, section 10.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.detectors.fitting import Arrays
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.pixelwise import (
    PixelwiseDetector,
    ScaledConfig,
    element_scale,
    scan_moments,
)
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube


class PcaConfig(ScaledConfig):
    """Parameters of the PCA residual."""

    explained: float = Field(
        0.95,
        gt=0.0,
        lt=1.0,
        description="Share of the variance that the kept components must explain.",
    )


class PcaBackground:
    """Mean, scale and the principal components that are kept."""

    def __init__(
        self,
        mean: NDArray[np.float64],
        scale: NDArray[np.float64],
        components: NDArray[np.float64],
    ) -> None:
        self._mean, self._scale, self._components = mean, scale, components

    def statistic(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Length of the part of the pixel outside the span of the components."""
        centred = (pixels - self._mean) / self._scale
        inside = centred @ self._components
        total = np.einsum("ij,ij->i", centred, centred) - np.einsum("ij,ij->i", inside, inside)
        return np.asarray(np.sqrt(np.maximum(total, 0.0)), dtype=np.float64)

    def reconstruct(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The nearest point in the span of the components, (n, K)."""
        centred = (pixels - self._mean) / self._scale
        inside = centred @ self._components @ self._components.T
        return (inside * self._scale + self._mean).astype(np.float32)

    def info(self) -> dict[str, Any]:
        """Number of components kept."""
        return {"n_components": int(self._components.shape[1])}


class PcaDetector(PixelwiseDetector[PcaConfig]):
    """Reconstruction error of the main principal components, see `PcaConfig`."""

    name = "pca"
    config_class = PcaConfig

    def learn(self, cube: ElementCube, preprocessing: Preprocessing, task: Task) -> Arrays:
        """Principal components of all valid pixels; one direction at least stays unexplained."""
        moments = scan_moments(cube, preprocessing, task)
        scale = element_scale(moments, self.config.scaling, preprocessing)
        values, vectors = np.linalg.eigh(moments.covariance / np.outer(scale, scale))
        values, vectors = values[::-1], vectors[:, ::-1]
        share = np.cumsum(values) / values.sum()
        n = int(np.searchsorted(share, self.config.explained)) + 1
        n = min(n, len(values) - 1)
        components = np.ascontiguousarray(vectors[:, :n])
        return {"mean": moments.mean, "scale": scale, "components": components}

    def background(self, arrays: Arrays) -> PcaBackground:
        """Build the background from mean (K,), scale (K,) and components (K, n)."""
        return PcaBackground(arrays["mean"], arrays["scale"], arrays["components"])
