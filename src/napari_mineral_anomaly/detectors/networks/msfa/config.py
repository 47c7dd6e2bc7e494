"""Parameters of our MSFA-Net; importable without torch.

Values without a source in the description are our choice: they were chosen on simulated sections
with seeds from 10 up and on the mineral maps, see docs/benchmarks.md.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.networks.msfa.cost import MsfaCost
from napari_mineral_anomaly.detectors.networks.parts.choices import (
    CohesionWeight,
    Margin,
    SeparationWeight,
    equal_groups_of,
)
from napari_mineral_anomaly.progress import Part
from napari_mineral_anomaly.scan.transforms import Transform

WeightMode = Literal["mask", "paper_up"]
# Element lists end at about 40; more channels than that are the bands of a spectrometer, which
# repeat each other.
MOST_ELEMENTS = 40
# Training sees about 1.5 million pixels, for every size of scan. In a larger scan than this it
# would meet most pixels less than three times, and predicting all of them to find the anomaly
# candidates of the first stage would take longer than all steps (our choice).
TRAINED_PIXELS = 500_000
# Later stages where noise hides what is odd, see `training`.
HIDDEN_ROUNDS = 2
AUTO = 0
HALF_OF_EPOCHS = -1


class MsfaConfig(DetectorConfig):
    """Our MSFA-Net: masked elements predicted from the others and from the neighbouring pixels."""

    quick: bool = Field(
        False,
        description="Ask only the questions that need no training: rare in the scan, unlike its "
        "surroundings, unlike every other pixel, elements that do not follow each other; in scenes "
        "of reflectance only: unlike its surroundings. Takes seconds; what only the network finds "
        "is missing.",
    )
    epochs: int = Field(
        120,
        ge=0,
        le=100_000,
        description="Training steps of the second stage, in which anomaly candidates are left out; "
        "three times as many where noise still hides what is odd. Scenes predicted from their "
        "surroundings (reflectance) have one stage only, the longer of the two.",
    )
    pre_epochs: int = Field(
        HALF_OF_EPOCHS,
        ge=HALF_OF_EPOCHS,
        le=100_000,
        description="Training steps of the first stage, in which all pixels weigh the same; "
        "-1 takes half as many as the second stage.",
    )
    patience: int = Field(
        4,
        ge=1,
        le=1000,
        description="Stop a stage when the loss of held-out squares has not fallen for this many "
        "checks (one every 25 steps).",
    )
    learning_rate: float = Field(
        0.004, ge=1e-6, le=1.0, description="Largest step width of the AdamW optimiser."
    )
    tile: int = Field(32, ge=8, le=512, description="Side of a training tile (px).")
    batch_size: int = Field(8, ge=1, le=256, description="Tiles per training step.")
    width: int = Field(32, ge=4, le=512, description="Features per pixel inside the network.")
    blocks: int = Field(2, ge=1, le=8, description="Residual blocks between input and bottleneck.")
    latent_dim: int = Field(
        AUTO,
        ge=0,
        le=64,
        description="Features of the bottleneck; 0 takes three tenths of the elements, at least 3.",
    )
    groups: Annotated[int, equal_groups_of("width")] = Field(
        4,
        ge=1,
        le=64,
        validate_default=True,
        description="Groups of features in the attention; must divide the width.",
    )
    mask_blocks: int = Field(
        10,
        ge=2,
        le=256,
        description="Elements are hidden in this many blocks in turn when a scan is scored.",
    )
    visible_share: float = Field(
        0.4,
        ge=0.0,
        le=1.0,
        description="Share of the training tiles of which nothing is hidden.",
    )
    components: int = Field(
        24,
        ge=2,
        le=200,
        description="Scans of more than 40 elements or bands are reduced to so many principal "
        "components.",
    )
    transform: Transform = Field(
        "auto",
        description="Evens out the noise; auto: Anscombe for counts, nothing for the rest.",
    )
    smoothing_px: float = Field(
        0.65,
        ge=0.0,
        le=10.0,
        description="Gaussian that averages the residual over about the beam before it is judged "
        "(standard deviation in px).",
    )
    weight_mode: WeightMode = Field(
        "mask",
        description="Anomaly candidates are left out of training (mask) or given more weight "
        "(paper_up, as the paper says).",
    )
    beta: float = Field(
        4.0, ge=0.0, le=1000.0, description="paper_up: extra weight of a candidate."
    )
    anomal_prop: float = Field(
        0.01,
        ge=0.0,
        le=0.5,
        description="Candidates that form a larger cluster than this share of the scan are a "
        "mineral of their own and go back to the background.",
    )
    spectral_angle: float = Field(
        0.15,
        ge=0.01,
        le=1.0,
        description="DBSCAN radius between the directions of two residuals (radians, about).",
    )
    lambda_cohesion: CohesionWeight = 1 / 64
    lambda_separation: SeparationWeight = 1 / 64
    margin: Margin = 0.2
    network_only: bool = Field(
        False,
        description="Score by the error of the network alone, without the other questions: rare in "
        "the scan, unlike its surroundings, unlike every other pixel, elements that do not follow "
        "each other (in scenes of reflectance: unlike its surroundings).",
    )
    no_attention: bool = Field(False, description="Ablation: leave the attention out.")
    no_groups: bool = Field(False, description="Ablation: one group in the attention.")
    no_orthogonal: bool = Field(
        False, description="Ablation: plain averages instead of orthogonal filters."
    )
    no_pseudo_labels: bool = Field(
        False, description="Ablation: no candidates, no clusters; all pixels weigh the same."
    )
    no_masking: bool = Field(
        False, description="Ablation: hide nothing, neither in training nor in scoring."
    )
    no_context: bool = Field(
        False, description="Ablation: each pixel by itself, without its neighbours."
    )
    no_linear_path: bool = Field(
        False,
        description="Ablation: no linear path that starts at the principal components; all "
        "weights start at random.",
    )

    @model_validator(mode="after")
    def _something_is_asked(self) -> MsfaConfig:
        if self.quick and self.network_only:
            raise ValueError("quick asks everything but the network, and network_only nothing else")
        return self

    @property
    def warm_up_epochs(self) -> int:
        """Steps of the first stage, `HALF_OF_EPOCHS` resolved."""
        return self.epochs // 2 if self.pre_epochs == HALF_OF_EPOCHS else self.pre_epochs

    def cost(self, n_pixels: int, n_features: int, n_trained: int) -> MsfaCost:
        """What a run with these parameters takes."""
        default = 8 * 32**2 * 32
        return MsfaCost(
            n_pixels,
            n_trained,
            n_features,
            (self.warm_up_epochs, self.epochs),
            self.batch_size * self.tile**2 * self.width / default,
            asks=not self.network_only,
        )

    def scoring_parts(self, n_pixels: int, n_elements: int) -> tuple[Part, ...]:
        """See `DetectorConfig.scoring_parts`."""
        cost = self._expected_cost(n_pixels, n_elements)
        return (Part("heads", cost.asking()),) if self.quick else cost.scoring()

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        cost = self._expected_cost(n_pixels, n_elements)
        score = sum(part.seconds for part in self.scoring_parts(n_pixels, n_elements))
        if self.quick:
            return ExpectedSeconds(fit=0.0, score=score)
        # Noise may hide what is odd: then the second stage takes three times as many steps.
        plans = cost.plan(), cost.noisy_plan(HIDDEN_ROUNDS)
        fits = [sum(part.seconds for part in plan) for plan in plans]
        return ExpectedSeconds(fit=sum(fits) / len(fits), score=score)

    def _expected_cost(self, n_pixels: int, n_elements: int) -> MsfaCost:
        n = n_elements if n_elements <= MOST_ELEMENTS else self.components
        return self.cost(n_pixels, n, min(n_pixels, TRAINED_PIXELS))
