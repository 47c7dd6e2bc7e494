"""Residual of principal components: what the main mixtures of the scan cannot explain.

Ordinary rock is a mixture of few minerals, so a few components describe it; a pixel far from
their span is odd (Jolliffe, Principal Component Analysis, 2002, section 10.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.base import ModelState
from napari_mineral_anomaly.detectors.pixelwise import (
    FittedPixelwise,
    ScaledConfig,
    element_scale,
    scan_moments,
)
from napari_mineral_anomaly.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback


class PcaConfig(ScaledConfig):
    """Parameters of the PCA residual."""

    explained: float = Field(
        0.95,
        gt=0.0,
        lt=1.0,
        description="Share of the variance that the kept components must explain.",
    )


class PcaBackground:
    """Mean, scale and the directions that are *not* explained."""

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

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Mean (K,), scale (K,), components (K, n)."""
        return {"mean": self._mean, "scale": self._scale, "components": self._components}

    def info(self) -> dict[str, Any]:
        """Number of components kept."""
        return {"n_components": int(self._components.shape[1])}


class PcaDetector:
    """Reconstruction error of the main principal components, see `PcaConfig`."""

    name = "pca"

    def __init__(self, config: PcaConfig | None = None) -> None:
        self.config: PcaConfig = config or PcaConfig()

    def fit(
        self,
        cube: ElementCube,
        *,
        on_event: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> FittedPixelwise:
        """Principal components of all valid pixels; at least one direction stays unexplained.

        Raises
        ------
        InputError
            When no element varies over the valid area.
        CancelledError
        """
        preprocessing = fit_preprocessing(cube, self.config.transform, cancel=cancel)
        moments = scan_moments(cube, preprocessing, on_event, cancel)
        scale = element_scale(moments, self.config.scaling, preprocessing)
        values, vectors = np.linalg.eigh(moments.covariance / np.outer(scale, scale))
        values, vectors = values[::-1], vectors[:, ::-1]
        share = np.cumsum(values) / values.sum()
        n = int(np.searchsorted(share, self.config.explained)) + 1
        n = min(n, len(values) - 1)
        background = PcaBackground(moments.mean, scale, np.ascontiguousarray(vectors[:, :n]))
        return FittedPixelwise(self.name, self.config, preprocessing, background)

    def load(self, state: ModelState) -> FittedPixelwise:
        """Rebuild a fitted detector from `FittedPixelwise.state`."""
        preprocessing = Preprocessing.from_saved(state.arrays, state.meta)
        background = PcaBackground(*(state.arrays[key] for key in ("mean", "scale", "components")))
        return FittedPixelwise(self.name, self.config, preprocessing, background)
