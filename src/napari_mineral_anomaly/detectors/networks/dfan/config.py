"""Parameters of DFAN; importable without torch."""

from __future__ import annotations

from pydantic import Field

from napari_mineral_anomaly.detectors.clusters.pseudo_labels import MAX_FITTED_PIXELS
from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import TransformConfig
from napari_mineral_anomaly.detectors.networks.parts.choices import (
    CoreNeighbours,
    LatentWidth,
    LearningRate,
    PoolSide,
    WindowPixels,
)


class DfanConfig(TransformConfig):
    """DFAN with the values of its authors."""

    epochs: int = Field(
        10,
        ge=0,
        le=100_000,
        description="Training steps of the second stage, in which small clusters of pixels are "
        "left out.",
    )
    pre_epochs: int = Field(
        200,
        ge=0,
        le=100_000,
        description="Training steps of the first stage, in which all pixels weigh the same.",
    )
    learning_rate: LearningRate = 1e-4
    latent_dim: LatentWidth = 64
    pool_size: PoolSide = 16
    eps: float = Field(
        0.3, ge=1e-4, le=10.0, description="DBSCAN radius in features scaled to 0-1."
    )
    min_samples: CoreNeighbours = 3
    anomal_prop: float = Field(
        0.003,
        ge=0.0,
        le=0.5,
        description="Clusters of at most this share of the pixels are left out of the second "
        "stage.",
    )
    batch_size: WindowPixels = 36_000

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        trained = min(n_pixels, self.batch_size)
        per_pixel = 2.5e-8 * self.latent_dim + 8e-10 * n_elements**2
        sample = min(n_pixels, MAX_FITTED_PIXELS)
        clustering = sample * (sample + trained) * self.latent_dim * 8e-11
        training = (self.pre_epochs + self.epochs) * trained * per_pixel
        passes = n_pixels * per_pixel
        return ExpectedSeconds(fit=training + self.epochs * clustering + passes, score=passes)
