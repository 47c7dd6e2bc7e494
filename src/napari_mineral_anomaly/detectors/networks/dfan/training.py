"""The two training stages of DFAN: all pixels alike, then without the small clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_mineral_anomaly.detectors.clusters.pseudo_labels import fit_clusters, sample_positions
from napari_mineral_anomaly.detectors.networks.dfan.config import DfanConfig
from napari_mineral_anomaly.detectors.networks.dfan.network import DfanNetwork
from napari_mineral_anomaly.detectors.networks.parts.grid import pixel_rows
from napari_mineral_anomaly.detectors.networks.parts.loading import WindowLoader
from napari_mineral_anomaly.detectors.networks.parts.losses import weighted_reconstruction
from napari_mineral_anomaly.detectors.networks.parts.steps import descend, finite_loss
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass
class TrainingLog:
    """Losses and left-out pixels of a training.

    Attributes
    ----------
    loss_curve : list of {"epoch", "stage", "loss"}
    left_out : list of float
        Share of the pixels left out at each step of the second stage.
    """

    loss_curve: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[float] = field(default_factory=list)


def train(
    network: DfanNetwork,
    cube: ElementCube,
    preprocessing: Preprocessing,
    config: DfanConfig,
    device: torch.device,
    *,
    task: Task = SILENT,
) -> TrainingLog:
    """Train a network on the valid pixels of a scan, in place.

    Raises
    ------
    InputError
        When the loss stops being a number, or no window holds two valid pixels.
    CancelledError

    A scan above the batch size is trained on in windows, one after the other.
    """
    log = TrainingLog()
    rng = np.random.default_rng(config.seed)
    windows = WindowLoader(cube, preprocessing, device).draw(config.batch_size, rng)
    network.train()
    for stage, steps in ((1, config.pre_epochs), (2, config.epochs)):
        phase = "training (first stage)" if stage == 1 else "training (small clusters left out)"
        optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
        for step in range(steps):
            task.check()
            window = windows[step % len(windows)]
            forward = network(window.pixels, window.grid)
            weights = torch.ones(window.grid.n_pixels, device=device)
            if stage == 2:
                weights = _without_small_clusters(forward.latent, config, rng, task)
                log.left_out.append(1 - weights.mean().item())
            loss = weighted_reconstruction(forward.output, window.pixels, weights)
            descend(optimiser, loss, task)
            where = f"step {step + 1} of stage {stage}"
            value = finite_loss(loss, where, config.learning_rate)
            log.loss_curve.append({"epoch": step + 1, "stage": stage, "loss": value})
            task.step(phase, step + 1, steps, loss=value)
    return log


def _without_small_clusters(
    latent: Tensor, config: DfanConfig, rng: np.random.Generator, task: Task
) -> Tensor:
    """Weights (n,): 0 for pixels of small clusters, 1 for all others, noise among them."""
    features = pixel_rows(latent.detach())
    clusters = fit_clusters(
        features[sample_positions(len(features), rng)],
        eps_mode="fixed",
        eps=config.eps,
        min_samples=config.min_samples,
        anomal_prop=config.anomal_prop,
        noise="dfan",
        task=task,
    )
    small = clusters.is_candidate(clusters.assign(features, task=task))
    return torch.from_numpy((~small).astype(np.float32)).to(latent.device)
