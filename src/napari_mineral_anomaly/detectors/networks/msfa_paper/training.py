"""Two-stage training on one scan: all pixels alike, then weighted by pseudo-labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa_paper.aggregation import (
    Aggregation,
    describe_clusters,
)
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaPaperNetwork
from napari_mineral_anomaly.detectors.networks.parts.autoencoder import Forward
from napari_mineral_anomaly.detectors.networks.parts.grid import pixel_rows
from napari_mineral_anomaly.detectors.networks.parts.loading import LoadedWindow, WindowLoader
from napari_mineral_anomaly.detectors.networks.parts.losses import weighted_reconstruction
from napari_mineral_anomaly.detectors.networks.parts.steps import descend, finite_loss
from napari_mineral_anomaly.detectors.networks.parts.windows import fits_whole
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


class WindowTrainer:
    """Trains a network on one scan.

    One epoch is one optimiser step on one window. The whole valid area is the window where it
    fits into ``batch_size``; of a larger scan up to eight seeded windows are drawn every
    ``refresh`` epochs and taken in turn.

    Attributes
    ----------
    network : MsfaPaperNetwork
    loss_curve : list of {"epoch", "stage", "loss"}
    label_refreshes : list of dict
        What each clustering found.
    """

    def __init__(
        self,
        cube: ElementCube,
        preprocessing: Preprocessing,
        config: MsfaPaperConfig,
        device: torch.device,
        *,
        task: Task = SILENT,
    ) -> None:
        self._config = config
        self._device = device
        self._task = task
        self._loader = WindowLoader(cube, preprocessing, device)
        self._rng = np.random.default_rng(config.seed)
        self._whole = fits_whole(cube.valid, config.batch_size)
        self._windows: list[LoadedWindow] = []
        network = MsfaPaperNetwork(len(preprocessing.elements), config)
        self.network = network.to(device)
        self.loss_curve: list[dict[str, Any]] = []
        self.label_refreshes: list[dict[str, Any]] = []

    def run(self) -> MsfaPaperNetwork:
        """Train both stages and return the network.

        Raises
        ------
        InputError
            When the loss stops being a number, or no window holds two valid pixels.
        CancelledError
        """
        self.network.train()
        self._warm_up()
        self._weighted()
        return self.network

    def _warm_up(self) -> None:
        epochs = self._config.warm_up_epochs
        optimiser = self._optimiser()
        for epoch in range(epochs):
            if epoch % self._config.refresh == 0:
                self._draw()
            window = self._windows[epoch % len(self._windows)]
            forward = self._forward(window)
            weights = torch.ones(window.grid.n_pixels, device=self._device)
            loss = weighted_reconstruction(forward.output, window.pixels, weights)
            descend(optimiser, loss, self._task)
            self._record(1, "training (warm-up)", epoch, epochs, loss)

    def _weighted(self) -> None:
        epochs = self._config.epochs
        optimiser = self._optimiser()
        aggregation: Aggregation | None = None
        for epoch in range(epochs):
            if aggregation is None or epoch % self._config.refresh == 0:
                self._draw()
                aggregation = self._aggregate(epoch)
            turn = epoch % len(self._windows)
            window, targets = self._windows[turn], aggregation.targets[turn]
            forward = self._forward(window)
            loss = weighted_reconstruction(forward.output, window.pixels, targets.weights)
            loss = loss + aggregation.loss(forward.latent, targets)
            descend(optimiser, loss, self._task)
            self._record(2, "training (weighted)", epoch, epochs, loss)

    def _optimiser(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.network.parameters(), lr=self._config.learning_rate)

    def _forward(self, window: LoadedWindow) -> Forward:
        self._task.check()
        forward: Forward = self.network(window.pixels, window.grid)
        return forward

    def _record(self, stage: int, phase: str, epoch: int, epochs: int, loss: Tensor) -> None:
        value = finite_loss(loss, f"epoch {epoch + 1} of {phase}", self._config.learning_rate)
        self.loss_curve.append({"epoch": epoch + 1, "stage": stage, "loss": value})
        self._task.step(phase, epoch + 1, epochs, f"loss {value:.4g}", loss=value)

    def _draw(self) -> None:
        if self._whole and self._windows:
            return
        self._windows = self._loader.draw(self._config.batch_size, self._rng)

    def _aggregate(self, epoch: int) -> Aggregation:
        epochs = self._config.epochs
        self._task.step("pseudo-labels", epoch, epochs, "clustering pixels")
        aggregation = Aggregation(
            [self._latent(window) for window in self._windows],
            self._config,
            self._rng,
            self._device,
            task=self._task,
        )
        share = aggregation.candidate_share
        numbers = describe_clusters(aggregation.clusters)
        self.label_refreshes.append({"epoch": epoch, **numbers, "candidate_share": share})
        message = (
            f"{numbers['background_clusters']} background clusters, {share:.1%} candidates"
            if aggregation.clusters.has_background
            else "no background cluster found: all pixels weigh the same"
        )
        self._task.step("pseudo-labels", epoch, epochs, message)
        return aggregation

    @torch.no_grad()
    def _latent(self, window: LoadedWindow) -> NDArray[np.float32]:
        return pixel_rows(self._forward(window).latent)
