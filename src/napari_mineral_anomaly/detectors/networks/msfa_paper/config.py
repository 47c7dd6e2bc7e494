"""Parameters of MSFA-Net; importable without torch.

The defaults of `MsfaPaperConfig` are the values of the appendix of Lu et al., Minerals 2025, 15,
970 (doi 10.3390/min15090970) where it gives one. What the paper's public record does not say is
chosen by us, and the description says so.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import MAX_FITTED_PIXELS
from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.networks.parts.choices import (
    CohesionWeight,
    CoreNeighbours,
    LatentWidth,
    LearningRate,
    Margin,
    OrthoInit,
    PoolSide,
    ScoreKind,
    SeparationWeight,
    WindowPixels,
    equal_groups_of,
)
from napari_mineral_anomaly.scan.transforms import Transform

EpsMode = Literal["fixed", "kdist"]
NoiseMode = Literal["candidate", "dfan"]
WeightMode = Literal["mask", "paper_up", "sad_down"]
SkipMode = Literal["concat", "none"]
HeadMode = Literal["bn_sigmoid", "sigmoid"]

SAME_AS_EPOCHS = -1


class MsfaPaperConfig(DetectorConfig):
    """MSFA-Net as published, as far as the public record goes."""

    epochs: int = Field(
        150,
        ge=0,
        le=100_000,
        description="Training steps of the second stage, in which pseudo-labels weight the pixels.",
    )
    pre_epochs: int = Field(
        SAME_AS_EPOCHS,
        ge=SAME_AS_EPOCHS,
        le=100_000,
        description="Training steps of the first stage, in which all pixels weigh the same; "
        "-1 takes as many as the second stage.",
    )
    learning_rate: LearningRate = 0.0015
    batch_size: WindowPixels = 36_000
    latent_dim: LatentWidth = 64
    groups: Annotated[int, equal_groups_of("latent_dim")] = Field(
        8,
        ge=1,
        le=128,
        description="Groups of features in the attention; must divide the number of features.",
    )
    pool_size: PoolSide = 16
    ortho_init: OrthoInit = Field(
        "gaussian_qr",
        description="How the orthogonal filters are drawn: Gaussian noise and QR (ours), or "
        "uniform noise and Gram-Schmidt (as in OrthoNets).",
    )
    skip: SkipMode = Field(
        "concat", description="Whether the decoder also sees the encoder's earlier layers."
    )
    head: HeadMode = Field(
        "sigmoid",
        description="Last layer: sigmoid alone, or batch normalisation and sigmoid as in DFAN, "
        "whose gain 300 steps hardly learn.",
    )
    transform: Transform = Field(
        "none",
        description="Evens out the noise before scaling to 0-1; auto: Anscombe for counts, "
        "nothing for other quantities.",
    )
    anomal_prop: float = Field(
        0.015,
        ge=0.0,
        le=0.5,
        description="Clusters of at most this share of the pixels count as anomaly candidates.",
    )
    eps_mode: EpsMode = Field(
        "fixed",
        description="DBSCAN radius: the fixed value below, or set from the data so that only "
        "twice the share above can remain noise.",
    )
    eps: float = Field(
        0.1, ge=1e-4, le=10.0, description="Fixed DBSCAN radius in features scaled to 0-1."
    )
    min_samples: CoreNeighbours = 25
    noise: NoiseMode = Field(
        "dfan",
        description="DBSCAN noise is a set of anomaly candidates, or one ordinary cluster as in "
        "DFAN, the parent of MSFA-Net.",
    )
    refresh: int = Field(
        25, ge=1, le=100_000, description="Steps of the second stage between new pseudo-labels."
    )
    weight_mode: WeightMode = Field(
        "paper_up",
        description="Weight of anomaly candidates in training: left out (mask), more than "
        "ordinary pixels (paper_up), or less with growing spectral angle (sad_down).",
    )
    beta: float = Field(
        4.0, ge=0.0, le=1000.0, description="paper_up: extra weight of the oddest candidate."
    )
    bandwidth: float = Field(
        0.3, ge=1e-3, le=10.0, description="sad_down: spectral-angle divergence that still counts."
    )
    cluster_loss: bool = Field(
        True, description="Train towards tight, well separated background clusters too."
    )
    lambda_cohesion: CohesionWeight = 1 / 64
    lambda_separation: SeparationWeight = 1 / 64
    lambda_common: float = Field(
        0.0,
        ge=0.0,
        le=100.0,
        description="Weight of the pull of background clusters to one point (L_CI).",
    )
    margin: Margin = 0.2
    score: ScoreKind = Field(
        "l2",
        description="Score of the residual: squared length (l2), Mahalanobis distance (rx), or "
        "the same after re-stretching each reconstructed element (rx_minmax, as in DFAN).",
    )
    n_clusters: int = Field(
        4,
        ge=1,
        le=100,
        description="Listed in the paper's appendix; without effect, as in DFAN.",
    )
    no_attention: bool = Field(False, description="Ablation: leave the attention out.")
    no_groups: bool = Field(False, description="Ablation: one group in the attention.")
    no_orthogonal: bool = Field(
        False, description="Ablation: plain averages instead of orthogonal filters."
    )

    @property
    def warm_up_epochs(self) -> int:
        """Steps of the first stage, `SAME_AS_EPOCHS` resolved."""
        return self.epochs if self.pre_epochs == SAME_AS_EPOCHS else self.pre_epochs

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        trained = min(n_pixels, self.batch_size)
        sample = min(n_pixels, MAX_FITTED_PIXELS)
        steps = self.warm_up_epochs + self.epochs
        clusterings = -(-self.epochs // self.refresh)
        training = steps * trained * 8e-7 * self.latent_dim
        clustering = clusterings * sample**2 * self.latent_dim * 8e-11
        passes = n_pixels * 5e-7 * self.latent_dim
        return ExpectedSeconds(fit=training + clustering + passes, score=passes)
