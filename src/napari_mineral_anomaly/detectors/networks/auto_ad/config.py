"""Parameters of Auto-AD; importable without torch."""

from __future__ import annotations

from pydantic import Field

from napari_mineral_anomaly.detectors.cost import ExpectedSeconds
from napari_mineral_anomaly.detectors.fitting import TransformConfig
from napari_mineral_anomaly.detectors.networks.parts.choices import LearningRate


class AutoAdConfig(TransformConfig):
    """Auto-AD with the values of its authors, except the width of the network.

    Their width is 128 features, which takes hours on a CPU for a scan of a quarter of a megapixel;
    the cost grows with the square of the width.
    """

    epochs: int = Field(
        1001,
        ge=1,
        le=100_000,
        description="Most training steps per tile; the stopping rule below mostly ends earlier.",
    )
    channels: int = Field(
        32,
        ge=2,
        le=512,
        description="Features of each layer; 128 as published, at sixteen times the time.",
    )
    learning_rate: LearningRate = 0.01
    jitter: float = Field(
        0.1, ge=0.0, le=10.0, description="Spread of the noise added to the input at every step."
    )
    reweight_every: int = Field(
        100,
        ge=1,
        le=100_000,
        description="Steps between two updates of the weights, which make badly learnt pixels "
        "count less.",
    )
    stop_below: float = Field(
        1.5e-5,
        ge=0.0,
        le=1.0,
        description="Stop when the loss changes by less than this per step, in the mean of 50; "
        "0 never stops early.",
    )
    tile_pixels: int = Field(
        65_536,
        ge=4_096,
        le=16_000_000,
        description="Most pixels optimised at once; a larger scan is cut into tiles, each with a "
        "network of its own.",
    )

    def expected_seconds(self, n_pixels: int, n_elements: int) -> ExpectedSeconds:
        """Rough time on a scan, see `DetectorConfig.expected_seconds`."""
        width = self.channels
        per_step = n_pixels * (2e-7 * width + 6e-9 * width**2)
        return ExpectedSeconds(fit=0.0, score=self.epochs * per_step)
