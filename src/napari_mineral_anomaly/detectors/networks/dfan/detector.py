"""DFAN as a detector."""

from __future__ import annotations

from dataclasses import dataclass

from napari_mineral_anomaly.detectors.base import ModelState, finish_result
from napari_mineral_anomaly.detectors.networks.dfan.config import DfanConfig
from napari_mineral_anomaly.detectors.networks.dfan.network import DfanNetwork
from napari_mineral_anomaly.detectors.networks.dfan.scan import DfanScan
from napari_mineral_anomaly.detectors.networks.dfan.training import train
from napari_mineral_anomaly.detectors.networks.fitted import (
    FittedNetwork,
    load_weights,
    resolve_device,
)
from napari_mineral_anomaly.detectors.networks.parts.choices import ScoreKind
from napari_mineral_anomaly.detectors.networks.parts.residuals import ResidualModel
from napari_mineral_anomaly.detectors.preprocess import Preprocessing, fit_preprocessing
from napari_mineral_anomaly.detectors.results.contributions import residual_contributions
from napari_mineral_anomaly.detectors.results.reconstruction import in_map_units, unscale
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# DFAN stretches every reconstructed element to [0, 1], then takes the RX distance of the residual.
SCORE_KIND: ScoreKind = "rx_minmax"


@dataclass(eq=False)
class FittedDfan(FittedNetwork[DfanConfig, DfanNetwork]):
    """A trained network and the statistics of its residual."""

    residual_model: ResidualModel

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan by the RX distance of its residual; contributions are its robust z.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        task = task or SILENT
        preprocessing, model = self.preprocessing, self.residual_model
        passes = DfanScan(
            self.network, cube, preprocessing, self.config.batch_size, self.device, task
        )
        scaled = passes.reconstruct("scoring")
        reconstruction = in_map_units(cube, preprocessing, unscale(preprocessing, scaled))
        residual = model.residual(cube, preprocessing, scaled)
        statistic = model.statistic(cube, residual)
        contributions = residual_contributions(cube, preprocessing, residual, task=task)
        return finish_result(cube, statistic, contributions, None, self._info(), reconstruction)

    def state(self) -> ModelState:
        """Weights, statistics and names, for `detectors.bundle`."""
        return self._state({"residual": self.residual_model.arrays()})


class DfanDetector:
    """DFAN with the values of its authors, see `DfanConfig`.

    Differences from the public code, each because it cannot be used otherwise:

    - DBSCAN sees at most 20 000 pixels, the rest joins the nearest core point within eps; its
      memory would grow with the square of the scan.
    - The aggregation terms of the loss are left out. The code computes them outside the graph, so
      they have no gradient and train nothing: the weights come out the same.
    - The filters are 16 x 16 and look at a pooled image; the code's are as tall as the image and
      need a square one. They, the weights and the samples are seeded.
    - A scan above ``batch_size`` pixels is trained on up to eight windows in turn, and scored with
      the attention and the normalisation of the whole scan; the code takes one image per batch and
      fails otherwise.
    - Hidden layers have at least 8 and 4 features (the code: a half and a quarter of the bands,
      one or two for a handful of elements).
    - The covariance of the residual is steadied by a millionth of its mean variance.
    - Counts are variance-stabilised before they are brought to [0, 1], as for the other detectors
      here; other quantities are taken as they are, as published.

    Kept although harmful: noise of DBSCAN counts as one ordinary cluster, and most anomalies are
    noise; 200 + 10 steps hardly train the network; the skip connections reconstruct anomalies too;
    each reconstructed element is stretched.
    """

    name = "dfan"

    def __init__(self, config: DfanConfig | None = None) -> None:
        self.config: DfanConfig = config or DfanConfig()

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedDfan:
        """Train on the valid pixels of a scan, then learn what its residual looks like.

        With no steps at all the network stays untrained: the control for its score.

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
        network = DfanNetwork(len(preprocessing.elements), config).to(device)
        training = train(network, cube, preprocessing, config, device, task=task)
        passes = DfanScan(network, cube, preprocessing, config.batch_size, device, task)
        passes.measure_norms(config.seed)
        scaled = passes.reconstruct("statistics")
        residual_model = ResidualModel.fit(SCORE_KIND, cube, preprocessing, scaled)
        fit_info = preprocessing.meta() | {
            "loss_curve": training.loss_curve,
            "left_out_shares": training.left_out,
        }
        return FittedDfan(self.name, config, preprocessing, network, fit_info, residual_model)

    def load(self, state: ModelState) -> FittedDfan:
        """Rebuild a fitted detector from `FittedDfan.state`."""
        parts = state.parts()
        preprocessing = Preprocessing.from_saved(parts["scaling"], state.meta)
        network = DfanNetwork(len(preprocessing.elements), self.config)
        load_weights(network, state)
        residual_model = ResidualModel.from_saved(SCORE_KIND, parts["residual"])
        fit_info = state.meta["fit_info"]
        return FittedDfan(self.name, self.config, preprocessing, network, fit_info, residual_model)
