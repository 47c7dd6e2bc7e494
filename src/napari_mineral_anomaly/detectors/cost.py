"""How long the slow detectors take, roughly, so that nobody starts an hour without knowing.

Formulas of the work per pixel, with constants measured on one CPU core by
`benchmarks/detector_costs.py`. Computers differ by a factor of two or three, and so may the truth:
the numbers are for choosing between a coffee and a night.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import MAX_FITTED_PIXELS
from napari_mineral_anomaly.detectors.networks.auto_ad.config import AutoAdConfig
from napari_mineral_anomaly.detectors.networks.dfan.config import DfanConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.statistical.crd import CrdConfig
from napari_mineral_anomaly.detectors.statistical.local_rx import LocalRxConfig
from napari_mineral_anomaly.detectors.statistical.neighbours_and_forest import (
    IsolationForestConfig,
    KnnConfig,
)

# Below this nobody needs a warning.
WORTH_TELLING = 60.0


@dataclass(frozen=True)
class ExpectedSeconds:
    """Rough seconds of fit and of score on one CPU core."""

    fit: float
    score: float

    @property
    def total(self) -> float:
        """Fit and score together."""
        return self.fit + self.score


def expected_seconds(
    config: DetectorConfig, n_pixels: int, n_elements: int
) -> ExpectedSeconds | None:
    """Rough time of a detector on a scan; None for detectors that are never slow.

    Parameters
    ----------
    config : DetectorConfig
        The parameters of the detector; their type tells which one it is.
    n_pixels : int
        Valid pixels, or all pixels of the scan as an upper bound.
    n_elements : int
    """
    if isinstance(config, LocalRxConfig):
        n = min(n_elements, config.components)
        return ExpectedSeconds(0.0, n_pixels * (7e-8 * n**2 + 5e-10 * n**3))
    if isinstance(config, CrdConfig):
        n = n_elements + int(config.sum_to_one)
        ring = config.outer**2 - config.inner**2
        return ExpectedSeconds(
            0.0, n_pixels * (ring * (1.5e-8 * n + 2.5e-10 * n**2) + 5e-11 * n**3)
        )
    if isinstance(config, AutoAdConfig):
        width = config.channels
        per_step = n_pixels * (2e-7 * width + 6e-9 * width**2)
        return ExpectedSeconds(0.0, config.epochs * per_step)
    if isinstance(config, KnnConfig):
        sample = min(n_pixels, config.sample)
        return ExpectedSeconds(0.0, n_pixels * sample * (1e-8 + 2.5e-10 * n_elements))
    if isinstance(config, IsolationForestConfig):
        per_tree = 6.5e-8 + 5e-10 * n_elements
        grown = min(n_pixels, config.sample)
        return ExpectedSeconds(2e-7 * grown * config.trees, n_pixels * config.trees * per_tree)
    if isinstance(config, MsfaPaperConfig):
        trained = min(n_pixels, config.batch_size)
        sample = min(n_pixels, MAX_FITTED_PIXELS)
        steps = config.warm_up_epochs + config.epochs
        clusterings = -(-config.epochs // config.refresh)
        training = steps * trained * 8e-7 * config.latent_dim
        clustering = clusterings * sample**2 * config.latent_dim * 8e-11
        passes = n_pixels * 5e-7 * config.latent_dim
        return ExpectedSeconds(training + clustering + passes, passes)
    if isinstance(config, DfanConfig):
        trained = min(n_pixels, config.batch_size)
        per_pixel = 2.5e-8 * config.latent_dim + 8e-10 * n_elements**2
        sample = min(n_pixels, MAX_FITTED_PIXELS)
        clustering = sample * (sample + trained) * config.latent_dim * 8e-11
        training = (config.pre_epochs + config.epochs) * trained * per_pixel
        passes = n_pixels * per_pixel
        return ExpectedSeconds(training + config.epochs * clustering + passes, passes)
    return None


def slow_sentence(name: str, seconds: float, n_pixels: int) -> str:
    """One sentence for a run that takes long; empty for one that does not.

    Parameters
    ----------
    name : str
        The detector, as people know it.
    seconds : float
        From `expected_seconds`.
    n_pixels : int
    """
    if seconds < WORTH_TELLING:
        return ""
    return (
        f"{name} may take about {about(seconds)} on this scan of {n_pixels:,} pixels "
        "(rough figure for one CPU core)."
    )


def about(seconds: float) -> str:
    """A rough duration in words: "2 minutes", "3 hours", "2 days"."""
    for size, unit in ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute")):
        if seconds >= 1.5 * size or unit == "minute":
            n = max(1, round(seconds / size))
            return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
    raise AssertionError("the minutes take everything")
