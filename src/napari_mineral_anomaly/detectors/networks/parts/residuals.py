"""Scores from the residual of a reconstruction: its length, or its Mahalanobis distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.networks.parts.choices import ScoreKind
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.statistical.mahalanobis import (
    BLOCK_PIXELS,
    Mahalanobis,
    RunningMoments,
    gaussianised,
)
from napari_mineral_anomaly.scan.cube import ElementCube

# Share of the mean residual variance added to each variance before inversion.
RESIDUAL_RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class ResidualModel:
    """Statistics of the residual over the background.

    Attributes
    ----------
    kind : {"rx", "rx_minmax", "l2"}
    low, high : (K,) float64
        Range of the reconstruction over the fit; rx_minmax stretches it to [0, 1].
    background : Mahalanobis
        Mean and covariance of the residual over the fit.
    """

    kind: ScoreKind
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    background: Mahalanobis

    @classmethod
    def fit(
        cls,
        kind: ScoreKind,
        cube: ElementCube,
        preprocessing: Preprocessing,
        reconstruction: NDArray[np.float32],
    ) -> ResidualModel:
        """Learn the statistics of the residual; ``reconstruction`` (K, H, W) is overwritten."""
        n_elements = len(reconstruction)
        low, high = np.zeros(n_elements), np.ones(n_elements)
        if kind == "rx_minmax":
            for k in range(n_elements):
                values = reconstruction[k][cube.valid]
                low[k], high[k] = values.min(), values.max()
            high = np.where(high > low, high, low + 1)
        subtract_reconstruction(cube, preprocessing, reconstruction, low, high)
        moments = RunningMoments(n_elements)
        for rows in cube.row_blocks(BLOCK_PIXELS):
            moments.add(reconstruction[:, rows][:, cube.valid[rows]].T)
        return cls(kind, low, high, Mahalanobis.fit(moments, ridge=RESIDUAL_RIDGE))

    def residual(
        self,
        cube: ElementCube,
        preprocessing: Preprocessing,
        reconstruction: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Observed minus reconstructed, written over ``reconstruction``."""
        subtract_reconstruction(cube, preprocessing, reconstruction, self.low, self.high)
        return reconstruction

    def statistic(self, cube: ElementCube, residual: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw statistic (H, W): cube root of the squared length or Mahalanobis distance.

        The cube root brings the bulk close to a Gaussian (`mahalanobis.gaussianised`) and keeps
        the order of pixels.
        """
        out = np.zeros(cube.shape, dtype=np.float64)
        for rows in cube.row_blocks(BLOCK_PIXELS):
            valid = cube.valid[rows]
            pixels = residual[:, rows][:, valid].T
            if self.kind == "l2":
                squared = np.square(pixels, dtype=np.float64).sum(axis=1)
                out[rows][valid] = gaussianised(squared, len(residual))
            else:
                squared = self.background.squared_distance(pixels)
                out[rows][valid] = gaussianised(squared, self.background.rank)
        return out

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers to save with a model."""
        return {
            "low": self.low,
            "high": self.high,
            "mean": self.background.mean,
            "whitening": self.background.whitening,
        }

    @classmethod
    def from_saved(cls, kind: ScoreKind, arrays: dict[str, NDArray[Any]]) -> ResidualModel:
        """Rebuild from `arrays`."""
        background = Mahalanobis(arrays["mean"], arrays["whitening"])
        return cls(kind, arrays["low"], arrays["high"], background)


def subtract_reconstruction(
    cube: ElementCube,
    preprocessing: Preprocessing,
    reconstruction: NDArray[np.float32],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:
    """Write ``observed - (reconstruction - low) / (high - low)`` over the reconstruction."""
    offset = low.astype(np.float32)[:, None, None]
    span = (high - low).astype(np.float32)[:, None, None]
    for rows in cube.row_blocks(BLOCK_PIXELS):
        stretched = (reconstruction[:, rows] - offset) / span
        reconstruction[:, rows] = preprocessing.scaled_block(cube, rows) - stretched
