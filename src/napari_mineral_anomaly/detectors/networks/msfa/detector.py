"""Our MSFA-Net as a detector: fit, score, save and load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.base import ModelState, finish_result
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import (
    CANDIDATE_LABEL,
    FIRST_BACKGROUND_LABEL,
)
from napari_mineral_anomaly.detectors.heads.answers import answer
from napari_mineral_anomaly.detectors.heads.fit import FittedHeads, fit_heads
from napari_mineral_anomaly.detectors.heads.join import join_answers
from napari_mineral_anomaly.detectors.heads.proposals import propose
from napari_mineral_anomaly.detectors.heads.questions import NETWORK, QUESTIONS
from napari_mineral_anomaly.detectors.networks.fitted import (
    FittedNetwork,
    load_weights,
    resolve_device,
)
from napari_mineral_anomaly.detectors.networks.msfa.candidates import (
    BackgroundClusters,
    Candidates,
    cluster_background,
    find_candidates,
    residual_sigma,
    squared_sigmas,
)
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import Features, fit_features
from napari_mineral_anomaly.detectors.networks.msfa.network import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.position import Position
from napari_mineral_anomaly.detectors.networks.msfa.predicting import (
    hidden_blocks,
    predict_scan,
    smooth,
)
from napari_mineral_anomaly.detectors.networks.msfa.surroundings import local_surprise, whitening
from napari_mineral_anomaly.detectors.networks.msfa.training import BackgroundMap, TileTrainer
from napari_mineral_anomaly.detectors.networks.msfa.view import RINGS, ScanView
from napari_mineral_anomaly.detectors.preprocess import Preprocessing
from napari_mineral_anomaly.detectors.results.calibration import background_sigmas
from napari_mineral_anomaly.detectors.results.contributions import residual_contributions
from napari_mineral_anomaly.detectors.results.reconstruction import in_map_units
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.statistical.mahalanobis import gaussianised
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.transforms import unstabilise

# The blocks start small beside the linear path, so that they first learn the rock, not its rare
# minerals. With fewer candidates than `HIDDEN_SHARE` after the first stage, noise still hides what
# is odd (our choice: simulated sections of few counts show one candidate in 10 000 pixels, mineral
# maps one in 50). Such a scan needs the blocks, which average over neighbours. Therefore a network
# with full blocks is trained instead, and for longer: averaging takes more steps, and the blocks do
# not learn anomalies that noise hides. (`patience` would end one long stage early.) The residual is
# then noise that differs from mineral to mineral, so pixels are judged by their surroundings
# (average precision on the simulated sections hard:10 and hard:11 .37 and .38, against .23 and .24
# by the sum of squares). Elsewhere that would hide minerals in large crystals.
SMALL_START, FULL_START = 0.1, 1.0
HIDDEN_SHARE = 5e-4
HIDDEN_ROUNDS = 2

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
class ScanPrediction:
    """What the network makes of a scan.

    Attributes
    ----------
    residual : (F, H, W) float32
        Observed minus predicted features, smoothed, in units of the noise.
    prediction : (F, H, W) float32
        Predicted features.
    latent : (D, H, W) float32
        The bottleneck.
    """

    residual: NDArray[np.float32]
    prediction: NDArray[np.float32]
    latent: NDArray[np.float32]


@dataclass(eq=False)
class FittedMsfa(FittedNetwork[MsfaConfig, MaskedNetwork]):
    """A trained network with the statistics of its residual."""

    features: Features
    background: ResidualStatistics
    clusters: BackgroundClusters
    # The fit has just predicted its own scan: scoring that scan next does not predict it again.
    seen: tuple[ElementCube, ScanPrediction] | None = None
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
        if self.seen is not None and self.seen[0] is not cube:
            self.seen = None
        if self.design < TURNED_DESIGN:
            return self._scored(cube, task)
        position = Position.of(cube)
        return position.turned_back(self._scored(position.turned(cube), task))

    def _scored(self, cube: ElementCube, task: Task) -> AnomalyResult:
        """Score a scan in its standard position; `seen` is its prediction where there is one."""
        seen, self.seen = self.seen, None
        predicted = self._predicted(cube, task) if seen is None else seen[1]
        del seen
        valid = cube.valid
        statistic = self._error(predicted, valid, task)
        candidates = self._candidates(predicted, valid, task)
        labels = np.full(cube.shape, CANDIDATE_LABEL, dtype=np.uint16)
        ordinary = valid & ~candidates.mask
        labels[ordinary] = FIRST_BACKGROUND_LABEL + self.clusters.assign(
            predicted.latent[:, ordinary].T
        )
        contributions = self._contributions(cube, predicted)
        reconstruction = self._reconstruction(cube, predicted.prediction)
        # The join needs memory of its own.
        del predicted
        error, joined, proposals = None, None, None
        if self.heads is not None:
            answers: dict[str, NDArray[np.floating]] = {NETWORK: statistic}
            answers |= answer(cube, self.features, self.heads, task=task)
            joined = join_answers(answers, valid)
            proposals = propose(answers, valid)
            error, _ = background_sigmas(statistic, valid)
            statistic = joined.statistic
        result = finish_result(
            cube,
            statistic,
            contributions,
            labels,
            self._info(n_candidates=int(candidates.mask.sum())),
            reconstruction,
            calibrated=None if joined is None else (joined.score, joined.tail),
        )
        if joined is None:
            return result
        result = result.with_info(
            questions={name: QUESTIONS[name] for name in joined.heads},
            trust=joined.trust,
            weights=joined.weights,
            proposals=proposals,
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
        known = self.seen is not None and self.seen[0] is cube
        predicted = self.seen[1] if self.seen and known else self._predicted(turned, task)
        answers: dict[str, NDArray[np.floating]] = {
            NETWORK: self._error(predicted, turned.valid, task)
        }
        if self.heads is not None:
            answers |= answer(turned, self.features, self.heads, task=task)
        return {name: position.turned_image(image) for name, image in answers.items()}

    def _predicted(self, cube: ElementCube, task: Task) -> ScanPrediction:
        view = ScanView(cube, self.features)
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

    def _candidates(
        self, predicted: ScanPrediction, valid: NDArray[np.bool_], task: Task
    ) -> Candidates:
        if self.config.no_pseudo_labels:
            return Candidates(np.zeros(valid.shape, dtype=bool))
        return _find(predicted.residual, valid, self.config, task)

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

    def _reconstruction(
        self, cube: ElementCube, prediction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The prediction in the units of the maps, in place where the planes are the same."""
        features, used = self.features, self.preprocessing
        if features.reduced or used.positions(cube) != list(range(cube.n_elements)):
            return in_map_units(cube, used, features.transformed(prediction))
        for plane, mean, sd in zip(prediction, features.mean, features.sd, strict=True):
            plane *= np.float32(sd)
            plane += np.float32(mean)
            plane[:] = unstabilise(plane, used.transform)
        return prediction

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
        view = ScanView(cube, features)
        started = _started(features, config, axes, SMALL_START).to(device)
        trainer = TileTrainer(started, view, config, device, task=task)
        candidates = Candidates(np.zeros(cube.shape, dtype=bool))
        first, second = config.warm_up_epochs, config.epochs
        if features.local:
            # Surroundings need no second stage; more steps would only learn the odd ones.
            first, second = max(first, second), 0
        noisy = False

        def search() -> tuple[NDArray[np.float32], Candidates]:
            trainer.measure()
            predicted = predict_with_residual(
                trainer.network, view, config, device, phase="labels", task=task
            )
            task.step("pseudo-labels", 0, 0, "searching for anomaly candidates")
            return predicted.latent, _find(predicted.residual, cube.valid, config, task)

        trainer.run(first, stage=1)
        if not features.local:
            latent, found = search()
            noisy = bool(found.mask.sum() < HIDDEN_SHARE * cube.n_valid)
            if noisy and second:
                trainer.network = _started(features, config, axes, FULL_START).to(device)
                trainer.run(second, stage=2)
                latent, found = search()
            if not config.no_pseudo_labels:
                candidates = found
                trainer.weigh(found.mask, _background_map(latent, cube.valid, found, config))
            del latent
        for number in range(HIDDEN_ROUNDS if noisy else 1):
            trainer.run(second, stage=2 + number + noisy)
        network = trainer.network
        trainer.measure()
        last = predict_with_residual(network, view, config, device, phase="statistics", task=task)
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
                seed=config.seed,
                task=task,
            )
        fit_info = {
            "dropped_elements": list(features.preprocessing.dropped),
            "transform": features.preprocessing.transform,
            "predicted_from": "surroundings" if features.local else "other elements",
            "n_features": features.n,
            "bottleneck": int(last.latent.shape[0]),
            "multiply_adds_per_pixel": _multiply_adds(network, features, config),
            "epochs": second,
            "noise_hides_candidates": noisy,
            "judged_by": "surroundings" if background.by_surroundings else "scan",
            "pre_epochs": first,
            "loss_curve": trainer.loss_curve,
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
            (given, last),
            heads=heads,
        )

    def load(self, state: ModelState) -> FittedMsfa:
        """Rebuild a fitted detector from `FittedMsfa.state`."""
        parts = state.parts()
        preprocessing = Preprocessing.from_saved(parts["scaling"], state.meta)
        features = Features.from_saved(preprocessing, parts["features"], state.meta["local"])
        network = _build(features, self.config)
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


def predict_with_residual(
    network: MaskedNetwork,
    view: ScanView,
    config: MsfaConfig,
    device: torch.device,
    *,
    phase: str = "scoring",
    task: Task = SILENT,
) -> ScanPrediction:
    """Predict a scan and take the residual, averaged over about the beam."""
    prediction, latent = predict_scan(
        network,
        view,
        []
        if config.no_masking
        else hidden_blocks(view.features.n, config.mask_blocks, config.seed),
        device,
        phase=phase,
        task=task,
    )
    residual = np.empty_like(prediction)
    for rows in view.cube.row_blocks():
        np.subtract(view.values(rows), prediction[:, rows], out=residual[:, rows])
    residual *= view.features.unit.astype(np.float32)[:, None, None]
    sigma = 0.0 if view.features.local else config.smoothing_px
    smooth(residual, view.valid, sigma, task=task)
    return ScanPrediction(residual, prediction, latent)


def _build(features: Features, config: MsfaConfig) -> MaskedNetwork:
    n_inputs = len(RINGS) * features.n if features.local else 2 * features.n
    return MaskedNetwork(features.n, n_inputs, config, features.local)


def _started(
    features: Features, config: MsfaConfig, axes: NDArray[np.float64], share_of_blocks: float
) -> MaskedNetwork:
    network = _build(features, config)
    network.start_at(axes, features.unit, share_of_blocks)
    return network


def _multiply_adds(network: MaskedNetwork, features: Features, config: MsfaConfig) -> int:
    """Multiply-adds per pixel of one scoring: those of the network, times the passes."""
    hidden = 0 if features.local or config.no_masking else min(config.mask_blocks, features.n)
    return (1 + hidden) * network.multiply_adds()


def _find(
    residual: NDArray[np.float32], valid: NDArray[np.bool_], config: MsfaConfig, task: Task
) -> Candidates:
    return find_candidates(
        residual,
        valid,
        anomal_prop=config.anomal_prop,
        spectral_angle=config.spectral_angle,
        seed=config.seed,
        task=task,
    )


def _background_map(
    latent: NDArray[np.float32],
    valid: NDArray[np.bool_],
    candidates: Candidates,
    config: MsfaConfig,
) -> BackgroundMap | None:
    """Clusters of the background for the second stage, None where their losses are off."""
    if config.lambda_cohesion == 0 and config.lambda_separation == 0:
        return None
    clusters = cluster_background(
        latent[:, valid & ~candidates.mask].T, config.anomal_prop, config.seed
    )
    own = np.zeros(valid.shape, dtype=np.int64)
    own[valid] = clusters.assign(latent[:, valid].T)
    return BackgroundMap(own, clusters)
