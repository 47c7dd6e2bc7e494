"""MSFA-Net as a detector: fit, score, save and load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.base import ModelState, finish_result
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import (
    CANDIDATE_LABEL,
    Clusters,
    sample_positions,
)
from napari_mineral_anomaly.detectors.networks.fitted import (
    FittedNetwork,
    load_weights,
    resolve_device,
)
from napari_mineral_anomaly.detectors.networks.msfa_paper.aggregation import (
    cluster_latents,
    describe_clusters,
)
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaPaperNetwork
from napari_mineral_anomaly.detectors.networks.msfa_paper.scan import ScanPasses
from napari_mineral_anomaly.detectors.networks.msfa_paper.training import WindowTrainer
from napari_mineral_anomaly.detectors.networks.parts.passes import StripOutput
from napari_mineral_anomaly.detectors.networks.parts.residuals import ResidualModel
from napari_mineral_anomaly.detectors.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.detectors.results.contributions import residual_contributions
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass(eq=False)
class FittedMsfaPaper(FittedNetwork[MsfaPaperConfig, MsfaPaperNetwork]):
    """A trained network with its pseudo-label clusters and residual statistics."""

    clusters: Clusters
    residual_model: ResidualModel

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan by the residual of its reconstruction.

        Contributions are the signed robust z of the residual: positive where there is more of an
        element than the network expects.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        task = task or SILENT
        labels = np.zeros(cube.shape, dtype=np.uint16)

        def label_strip(strip: StripOutput, latent: NDArray[np.float32]) -> None:
            cluster = self.clusters.assign(latent, task=task)
            part = labels[strip.window.rows, strip.window.columns]
            part[strip.valid] = self.clusters.labels(cluster)

        preprocessing, model, limit = (
            self.preprocessing,
            self.residual_model,
            self.config.batch_size,
        )
        passes = ScanPasses(self.network, cube, preprocessing, limit, self.device, task=task)
        reconstruction = passes.reconstruct("scoring", label_strip)
        residual = model.residual(cube, preprocessing, reconstruction)
        statistic = model.statistic(cube, residual)
        info = self._info(n_candidates=int(np.count_nonzero(labels == CANDIDATE_LABEL)))
        contributions = residual_contributions(cube, preprocessing, residual, task=task)
        return finish_result(cube, statistic, contributions, labels, info)

    def state(self) -> ModelState:
        """Weights, clusters, statistics and names, for `detectors.bundle`."""
        parts = {"clusters": self.clusters.arrays(), "residual": self.residual_model.arrays()}
        return self._state(parts, clusters=self.clusters.meta())


class MsfaPaperDetector:
    """MSFA-Net as reconstructed from Lu et al. (2025), see `MsfaPaperConfig`."""

    name = "msfa-paper"

    def __init__(self, config: MsfaPaperConfig | None = None) -> None:
        self.config = config or MsfaPaperConfig()

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedMsfaPaper:
        """Train on the valid pixels of a scan, then learn what its residual looks like.

        With no epochs at all the result is the untrained network, the control in every table of
        results.

        Raises
        ------
        InputError
            When no element varies, the device is missing or training diverges.
        CancelledError
        """
        task = task or SILENT
        config = self.config
        device, _ = resolve_device(config.device)
        preprocessing = fit_preprocessing(cube, config.transform, task=task)
        trainer = WindowTrainer(cube, preprocessing, config, device, task=task)
        network = trainer.run()
        passes = ScanPasses(network, cube, preprocessing, config.batch_size, device, task=task)
        sample = passes.measure_norms(config.seed)
        reconstruction = passes.reconstruct("statistics")
        residual_model = ResidualModel.fit(config.score, cube, preprocessing, reconstruction)
        task.step("pseudo-labels", config.epochs, config.epochs, "final labels")
        picked = sample_positions(len(sample), np.random.default_rng(config.seed))
        clusters = cluster_latents(sample[picked], config, task=task)
        fit_info = {
            "dropped_elements": list(preprocessing.dropped),
            "transform": preprocessing.transform,
            "epochs": config.epochs,
            "pre_epochs": config.warm_up_epochs,
            "loss_curve": trainer.loss_curve,
            "label_refreshes": trainer.label_refreshes,
            "final_labels": describe_clusters(clusters),
        }
        return FittedMsfaPaper(
            self.name, config, preprocessing, network, fit_info, clusters, residual_model
        )

    def load(self, state: ModelState) -> FittedMsfaPaper:
        """Rebuild a fitted detector from `FittedMsfaPaper.state`."""
        parts = state.parts()
        preprocessing = Preprocessing.from_saved(parts["scaling"], state.meta)
        network = MsfaPaperNetwork(len(preprocessing.elements), self.config)
        load_weights(network, state)
        return FittedMsfaPaper(
            self.name,
            self.config,
            preprocessing,
            network,
            state.meta["fit_info"],
            Clusters.from_saved(parts["clusters"], state.meta["clusters"]),
            ResidualModel.from_saved(self.config.score, parts["residual"]),
        )
