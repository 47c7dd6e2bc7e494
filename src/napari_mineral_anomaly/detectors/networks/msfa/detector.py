"""Our MSFA-Net as a detector: fit, score, save and load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.base import ModelState, finish_result
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import (
    CANDIDATE_LABEL,
    FIRST_BACKGROUND_LABEL,
)
from napari_mineral_anomaly.detectors.heads.answers import answer
from napari_mineral_anomaly.detectors.heads.fit import FittedHeads, fit_heads
from napari_mineral_anomaly.detectors.heads.join import join_answers
from napari_mineral_anomaly.detectors.heads.questions import NETWORK, QUESTIONS, asked_of
from napari_mineral_anomaly.detectors.networks.fitted import (
    FittedNetwork,
    load_weights,
    resolve_device,
)
from napari_mineral_anomaly.detectors.networks.msfa.candidates import (
    BackgroundClusters,
    Candidates,
    cluster_background,
    residual_sigma,
    squared_sigmas,
)
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import Features, fit_features
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.position import Position
from napari_mineral_anomaly.detectors.networks.msfa.predicting import (
    ScanPrediction,
    hidden_of,
    predict_scan,
    predict_with_residual,
)
from napari_mineral_anomaly.detectors.networks.msfa.surroundings import local_surprise, whitening
from napari_mineral_anomaly.detectors.networks.msfa.training import (
    built,
    candidates_of,
    train_in_stages,
)
from napari_mineral_anomaly.detectors.networks.msfa.view import ScanView
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.calibration import background_sigmas
from napari_mineral_anomaly.detectors.results.contributions import residual_contributions
from napari_mineral_anomaly.detectors.results.maps_on_demand import ExpectedMaps
from napari_mineral_anomaly.detectors.results.reconstruction import in_map_units
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.statistical.mahalanobis import gaussianised
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# What a saved model was made for. Models of the first design do not name it; they take a scan as it
# lies. Those of the second take it in its standard position.
FIRST_DESIGN, TURNED_DESIGN, JOINED_DESIGN = 1, 2, 3
DESIGN = JOINED_DESIGN


@dataclass(frozen=True, eq=False)
class ResidualStatistics:
    """Mean and spread of the residual over the background.

    Attributes
    ----------
    mean : (F,) float64
    spread : (F,) float64 or (F, F) float64
        Standard deviations, or the whitening matrix where pixels are judged by their surroundings.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @property
    def by_surroundings(self) -> bool:
        """Whether a pixel is judged by its surroundings, not by the whole scan."""
        return self.spread.ndim == 2


@dataclass(frozen=True, eq=False)
class SeenScan:
    """The scan of the fit and what its last prediction gave; candidates where they are its own."""

    cube: ElementCube
    prediction: ScanPrediction
    candidates: Candidates | None


@dataclass(eq=False)
class FittedMsfa(FittedNetwork[MsfaConfig, MaskedNetwork]):
    """A trained network with the statistics of its residual."""

    features: Features
    background: ResidualStatistics
    clusters: BackgroundClusters
    # The fit has just predicted its own scan: scoring that scan next does not predict it again.
    seen: SeenScan | None = None
    design: int = DESIGN
    # None: the error of the network is the score (``network_only``, and models saved before).
    heads: FittedHeads | None = None

    def score(self, cube: ElementCube, *, task: Task | None = None) -> AnomalyResult:
        """Score a scan by the error of the prediction, joined with the answers of the heads.

        Contributions are the signed residual of each element in sigmas of the background: the very
        terms whose squares add up to the error, unless pixels are judged by their surroundings.

        Raises
        ------
        InputError
            When the scan lacks an element of the fit.
        CancelledError
        """
        task = task or SILENT
        if self.seen is not None and self.seen.cube is not cube:
            self.seen = None
        position = Position.of(cube) if self.design >= TURNED_DESIGN else Position(False, False)
        turned = position.turned(cube)
        result = self._scored(turned, task)
        expected = self._expected(cube, turned, position)
        return position.turned_back(result, reconstruction=expected)

    def _scored(self, cube: ElementCube, task: Task) -> AnomalyResult:
        """Score a scan in its standard position; `seen` is its prediction where there is one."""
        seen, self.seen = self.seen, None
        predicted = self._predicted(cube, task) if seen is None else seen.prediction
        candidates = None if seen is None else seen.candidates
        del seen
        valid = cube.valid
        statistic = self._error(predicted, valid, task)
        if candidates is None:
            candidates = _candidates(predicted, valid, self.config, task)
        labels = np.full(cube.shape, CANDIDATE_LABEL, dtype=np.uint16)
        ordinary = valid & ~candidates.mask
        labels[ordinary] = FIRST_BACKGROUND_LABEL + self.clusters.assign(
            predicted.latent[:, ordinary].T, task=task
        )
        contributions = self._contributions(cube, predicted)
        # The join needs memory of its own.
        del predicted
        error, joined = None, None
        if self.heads is not None:
            answers: dict[str, NDArray[np.floating]] = {NETWORK: statistic}
            answers |= self._asked(cube, self.heads, task)
            task.check()
            joined = join_answers(answers, valid)
            task.check()
            error, _ = background_sigmas(statistic, valid)
            statistic = joined.statistic
        result = finish_result(
            cube,
            statistic,
            contributions,
            labels,
            self._info(n_candidates=int(candidates.mask.sum())),
            calibrated=None if joined is None else (joined.score, joined.tail),
        )
        if joined is None:
            return result
        result = result.with_info(
            questions={name: QUESTIONS[name] for name in joined.heads},
            trust=joined.trust,
            weights=joined.weights,
        )
        return replace(result, reconstruction_error=error, found_by=joined.found_by)

    def answers(self, cube: ElementCube, *, task: Task = SILENT) -> dict[str, NDArray[np.floating]]:
        """What each question says of a scan, before the answers are joined.

        Returns
        -------
        dict of str to (H, W) float
            Statistic of each question, larger = odder, 0 outside the valid area, as
            `heads.join.join_answers` takes them; that of the network alone when the model joins
            nothing.

        Raises
        ------
        CancelledError
        """
        position = Position.of(cube)
        turned = position.turned(cube)
        known = self.seen is not None and self.seen.cube is cube
        predicted = self.seen.prediction if self.seen and known else self._predicted(turned, task)
        answers: dict[str, NDArray[np.floating]] = {
            NETWORK: self._error(predicted, turned.valid, task)
        }
        if self.heads is not None:
            answers |= self._asked(turned, self.heads, task)
        return {name: position.turned_image(image) for name, image in answers.items()}

    def _asked(
        self, cube: ElementCube, heads: FittedHeads, task: Task
    ) -> dict[str, NDArray[np.float32]]:
        """What the questions beside that of the network say of a scan in its standard position."""
        return answer(cube, self.features, heads, asked_of(self.features.local), task=task)

    def _predicted(self, cube: ElementCube, task: Task) -> ScanPrediction:
        view = ScanView(cube, self.features, kept=False)
        return predict_with_residual(self.network, view, self.config, self.device, task=task)

    def _error(
        self, predicted: ScanPrediction, valid: NDArray[np.bool_], task: Task
    ) -> NDArray[np.float64]:
        """Statistic (H, W) of the error of the prediction."""
        mean, spread = self.background.mean, self.background.spread
        if self.background.by_surroundings:
            surprise = local_surprise(predicted.residual, valid, mean, spread, task=task)
            # A sum of squares has a long tail, its cube root hardly any (see `gaussianised`). The
            # least surprising pixel gets zero, because the logarithm in the sum has no origin.
            return np.asarray(np.cbrt(surprise - surprise[valid].min()), dtype=np.float64)
        squares = squared_sigmas(predicted.residual, mean, spread).astype(np.float64)
        return gaussianised(squares, self.features.n)

    def _contributions(self, cube: ElementCube, predicted: ScanPrediction) -> NDArray[np.float32]:
        features = self.features
        if features.reduced:
            # The noise unit of components is 1: this is a residual of the bands up to their mean.
            bands = features.transformed(predicted.residual)
            return residual_contributions(cube, self.preprocessing, bands)
        mean, sigma = self.background.mean, self.background.spread
        if self.background.by_surroundings:
            mean, sigma = residual_sigma(predicted.residual, cube.valid)
        positions = self.preprocessing.positions(cube)
        # Written over the residual, which nobody needs any more, where the planes are the same.
        out = predicted.residual
        if positions != list(range(cube.n_elements)):
            out = np.zeros((cube.n_elements, *cube.shape), dtype=np.float32)
        for k, c in enumerate(positions):
            np.subtract(predicted.residual[k], np.float32(mean[k]), out=out[c])
            out[c] /= np.float32(sigma[k])
        return out

    def _expected(self, cube: ElementCube, turned: ElementCube, position: Position) -> ExpectedMaps:
        """The prediction in the units of the maps, made where it is asked for."""
        network, view = self.network, ScanView(turned, self.features, kept=False)
        blocks, device = hidden_of(view, self.config), self.device

        def predicted(rows: slice, columns: slice) -> NDArray[np.float32]:
            window = position.turned_window((rows, columns), turned.shape)
            values = predict_scan(network, view, blocks, device, window=window)
            expected = in_map_units(cube, self.preprocessing, self.features.transformed(values))
            expected[:, ~turned.valid[window]] = np.nan
            return np.asarray(position.turned_image(expected))

        return ExpectedMaps((cube.n_elements, *cube.shape), predicted)

    def state(self) -> ModelState:
        """Weights, statistics and names, for `detectors.bundle`."""
        clusters = {name: np.asarray(array) for name, array in vars(self.clusters).items()}
        background = {"mean": self.background.mean, "spread": self.background.spread}
        parts: dict[str, dict[str, NDArray[Any]]] = {
            "clusters": clusters,
            "background": background,
            "features": self.features.arrays(),
        }
        if self.heads is not None:
            parts["heads"] = self.heads.arrays()
        return self._state(parts, local=self.features.local, design=self.design)


def _candidates(
    predicted: ScanPrediction, valid: NDArray[np.bool_], config: MsfaConfig, task: Task
) -> Candidates:
    if config.no_pseudo_labels:
        return Candidates(np.zeros(valid.shape, dtype=bool))
    return candidates_of(predicted.residual, valid, config, task)


class MsfaDetector:
    """Our MSFA-Net, see `MsfaConfig`."""

    name = "msfa"

    def __init__(self, config: MsfaConfig | None = None) -> None:
        self.config = config or MsfaConfig()

    def fit(self, cube: ElementCube, *, task: Task | None = None) -> FittedMsfa:
        """Train on the valid pixels of a scan, then learn what its residual looks like.

        With no epochs in either stage the result is the untrained network, the control in every
        table of results.

        Raises
        ------
        InputError
            When no element varies, the device is missing or training diverges.
        CancelledError
        """
        task = task or SILENT
        config = self.config
        device, _ = resolve_device(config.device)
        given, cube = cube, Position.of(cube).turned(cube)
        features, axes = fit_features(cube, config.transform, config.components, task=task)
        trained = train_in_stages(cube, features, axes, config, device, task)
        network, noisy = trained.network, trained.noisy
        view = ScanView(cube, features, kept=False)
        last = predict_with_residual(network, view, config, device, phase="statistics", task=task)
        candidates = trained.candidates
        if candidates is None:
            candidates = _candidates(last, cube.valid, config, task)
        ordinary = cube.valid & ~candidates.mask
        background = ResidualStatistics(
            *(whitening if features.local or noisy else residual_sigma)(last.residual, ordinary)
        )
        clusters = cluster_background(
            last.latent[:, ordinary].T, config.anomal_prop, config.seed, task=task
        )
        heads = None
        if not config.network_only:
            heads = fit_heads(
                cube,
                features,
                unit_noise=features.unit_noise,
                task=task,
            )
        fit_info = {
            "dropped_elements": list(features.preprocessing.dropped),
            "transform": features.preprocessing.transform,
            "predicted_from": "surroundings" if features.local else "other elements",
            "n_features": features.n,
            "bottleneck": int(last.latent.shape[0]),
            "multiply_adds_per_pixel": _multiply_adds(network, features, config),
            "epochs": trained.epochs[1],
            "noise_hides_candidates": noisy,
            "judged_by": "surroundings" if background.by_surroundings else "scan",
            "pre_epochs": trained.epochs[0],
            "trained_pixels": trained.pixels,
            "loss_curve": trained.loss_curve,
            "candidate_rounds": candidates.log,
            "n_background_clusters": len(clusters.centres),
        }
        return FittedMsfa(
            self.name,
            config,
            features.preprocessing,
            network,
            fit_info,
            features,
            background,
            clusters,
            SeenScan(given, last, None if trained.candidates else candidates),
            heads=heads,
        )

    def load(self, state: ModelState) -> FittedMsfa:
        """Rebuild a fitted detector from `FittedMsfa.state`."""
        parts = state.parts()
        preprocessing = Preprocessing.from_saved(parts["scaling"], state.meta)
        features = Features.from_saved(preprocessing, parts["features"], state.meta["local"])
        network = built(features, self.config)
        load_weights(network, state)
        return FittedMsfa(
            self.name,
            self.config,
            preprocessing,
            network,
            state.meta["fit_info"],
            features,
            ResidualStatistics(**parts["background"]),
            BackgroundClusters(**parts["clusters"]),
            design=state.meta.get("design", FIRST_DESIGN),
            heads=FittedHeads(**parts["heads"]) if "heads" in parts else None,
        )


def _multiply_adds(network: MaskedNetwork, features: Features, config: MsfaConfig) -> int:
    """Multiply-adds per pixel of one scoring: those of the network, times the passes."""
    hidden = 0 if features.local or config.no_masking else min(config.mask_blocks, features.n)
    return (1 + hidden) * network.multiply_adds()
