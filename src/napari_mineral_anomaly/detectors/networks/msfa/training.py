"""Training in two stages on tiles of a scan: all pixels alike, then without the candidates."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nnf
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.msfa.candidates import (
    BackgroundClusters,
    Candidates,
    cluster_background,
    find_candidates,
)
from napari_mineral_anomaly.detectors.networks.msfa.config import HIDDEN_ROUNDS, MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import Features
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.optimiser import OneCycleAdamW
from napari_mineral_anomaly.detectors.networks.msfa.predicting import (
    masked_input,
    plain_surroundings,
    predict_with_residual,
)
from napari_mineral_anomaly.detectors.networks.msfa.training_part import training_part
from napari_mineral_anomaly.detectors.networks.msfa.view import RINGS, ScanView
from napari_mineral_anomaly.detectors.networks.parts.autoencoder import Forward
from napari_mineral_anomaly.detectors.networks.parts.losses import (
    centre_cosines,
    cohesion,
    separation,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# A hidden feature counts five times a shown one: a quarter of them is hidden on average, and it is
# the prediction of hidden ones that is hard.
HIDDEN_EXTRA = 4.0
LEAST_HIDDEN, MOST_HIDDEN = 0.05, 0.5
# Huber loss: the pull of a difference does not grow beyond three counting sigmas.
HUBER_COUNTS, HUBER_OTHER = 3.0, 1.5

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

HELD_OUT_SHARE = 0.05
HELD_OUT_SIDE = 12
CHECK_EVERY = 25
TOLERANCE = 0.03
MEASURED_TILES = 64
# Any number: it keeps the second sequence of random numbers apart from the first.
SPARE = 1


@dataclass(frozen=True, eq=False)
class BackgroundMap:
    """Background clusters as the losses of the second stage use them.

    Attributes
    ----------
    own : (H, W) int64
        Cluster of every pixel.
    clusters : BackgroundClusters
    """

    own: NDArray[np.int64]
    clusters: BackgroundClusters


@dataclass(frozen=True, eq=False)
class Batch:
    """Tiles: ``inputs`` (I, B, h, w), ``target`` (F, B, h, w), ``hidden`` (F, B, 1, 1),
    ``weights`` and ``held_out`` (B, h, w), ``own`` (B, h, w).
    """

    inputs: Tensor
    target: Tensor
    hidden: Tensor
    weights: Tensor
    held_out: Tensor
    own: Tensor | None


class DrawnPixels:
    """Valid pixels drawn at random, so that a missing pixel changes few draws.

    Each draw is among all pixels of the scan. An invalid one is replaced by a valid one of a second
    sequence of random numbers; the first goes on as if nothing was missing. So where all other
    pixels are valid, a missing one changes only the draws that meet it. Where many are invalid, a
    draw that meets it shifts the replacements after it.
    """

    def __init__(self, valid: NDArray[np.bool_], seed: int) -> None:
        self._valid = valid.reshape(-1)
        self._valid_index = np.flatnonzero(valid)
        self._spare = np.random.default_rng([seed, SPARE])

    def draw(
        self, rng: np.random.Generator, n: int, places: NDArray[np.intp] | None = None
    ) -> NDArray[np.intp]:
        """Flat positions (n,) of valid pixels; among ``places`` where some of those are valid."""
        if places is None:
            drawn, instead = rng.integers(0, self._valid.size, n), self._valid_index
        else:
            drawn, instead = rng.choice(places, n), places[self._valid[places]]
        invalid = ~self._valid[drawn]
        if invalid.any():
            others = instead if instead.size else self._valid_index
            drawn[invalid] = self._spare.choice(others, int(invalid.sum()))
        return drawn


class TileTrainer:
    """Trains a network on tiles of one scan; the cost does not depend on the size of the scan.

    Attributes
    ----------
    loss_curve : list of {"epoch", "stage", "loss"} and, at each check, "held_out"
    """

    def __init__(
        self,
        network: MaskedNetwork,
        view: ScanView,
        config: MsfaConfig,
        device: torch.device,
        *,
        task: Task = SILENT,
    ) -> None:
        self.network = network
        self.loss_curve: list[dict[str, Any]] = []
        self._view = view
        self._config = config
        self._device = device
        self._task = task
        self._rng = np.random.default_rng(config.seed)
        self._centres = DrawnPixels(view.valid, config.seed)
        self._held_out = self._draw_held_out()
        self._weights = view.valid.astype(np.float32)
        self._background_map: BackgroundMap | None = None
        unit = torch.from_numpy(view.features.unit.astype(np.float32))
        self._unit = unit[:, None, None, None].to(device)
        self._delta = HUBER_COUNTS if view.features.unit_noise else HUBER_OTHER

    def weigh(self, candidates: NDArray[np.bool_], background_map: BackgroundMap | None) -> None:
        """Use pseudo-labels from the next stage on."""
        weights = self._view.valid.astype(np.float32)
        config = self._config
        weights[candidates] = 0.0 if config.weight_mode == "mask" else 1.0 + config.beta
        self._weights = weights
        self._background_map = background_map

    def run(self, steps: int, stage: int) -> None:
        """Train for at most ``steps`` steps; stop early when held-out squares do not improve.

        The last weights are kept, unless the best ones before were better by `TOLERANCE`: the
        held-out loss is noisy, and the last steps, at a small step width, change the weights least.

        Raises
        ------
        InputError
            When the loss is no longer a number.
        CancelledError
        """
        if steps == 0:
            return
        config, network = self._config, self.network
        optimiser = OneCycleAdamW(network, config.learning_rate, steps)
        check_batch = self._held_out_batch(np.random.default_rng(config.seed + stage))
        best, best_state, waited = math.inf, None, 0
        row: dict[str, Any] = {}
        for step in range(1, steps + 1):
            self._task.check()
            network.train()
            batch = self._draw()
            loss = self._loss(batch, batch.weights)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise InputError(
                    "Training diverged: the loss is no longer a number. Try a smaller learning "
                    "rate, and look for absurd values in the maps (inspect lists them)."
                )
            optimiser.follow(loss)
            row = {"epoch": step, "stage": stage, "loss": value}
            self.loss_curve.append(row)
            self._task.step("training", step, steps, f"stage {stage}", value)
            if step % CHECK_EVERY and step != steps:
                continue
            with torch.no_grad():
                row["held_out"] = float(self._loss(check_batch, check_batch.held_out))
            if row["held_out"] < best:
                best, best_state, waited = (
                    row["held_out"],
                    copy.deepcopy(network.state_dict()),
                    0,
                )
                continue
            waited += 1
            if waited >= config.patience:
                break
        if best_state is not None and row["held_out"] > best * (1 + TOLERANCE):
            network.load_state_dict(best_state)

    @torch.no_grad()
    def measure(self) -> None:
        """Set the statistics of normalisation and attention to those of the scan."""
        rng = np.random.default_rng(self._config.seed)
        self.network.start_measuring()
        for _ in range(max(1, MEASURED_TILES // self._config.batch_size)):
            self._task.check()
            self.network(self._draw(rng).inputs)
        self.network.stop_measuring()

    def _loss(self, batch: Batch, weights: Tensor) -> Tensor:
        forward: Forward = self.network(batch.inputs)
        predicted = forward.output
        if self._view.features.local:
            predicted = predicted + plain_surroundings(batch.inputs)
        difference = (batch.target - predicted) * self._unit
        each = nnf.huber_loss(
            difference, torch.zeros_like(difference), reduction="none", delta=self._delta
        )
        per_pixel = (each * (1 + HIDDEN_EXTRA * batch.hidden)).mean(0)
        loss = (per_pixel * weights).sum() / weights.sum().clamp(min=1)
        if batch.own is not None:
            loss = loss + self._cluster_loss(forward.latent, batch.own, weights)
        return loss

    def _cluster_loss(self, latent: Tensor, own: Tensor, weights: Tensor) -> Tensor:
        """L_BC and L_CD of the background pixels; gradients flow through the bottleneck."""
        background_map, config = self._background_map, self._config
        background = weights > 0
        if background_map is None or not bool(background.any()):
            return latent.new_zeros(())
        clusters = background_map.clusters
        low, span = (
            torch.from_numpy(array).to(latent)[:, None] for array in (clusters.low, clusters.span)
        )
        pixels = (latent[:, background] - low) / span
        cosines = centre_cosines(pixels, torch.from_numpy(clusters.centres).to(latent))
        of_pixel = own[background]
        return config.lambda_cohesion * cohesion(
            cosines, of_pixel
        ) + config.lambda_separation * separation(cosines, of_pixel, config.margin)

    def _draw(self, rng: np.random.Generator | None = None) -> Batch:
        rng = rng or self._rng
        return self._batch(self._centres.draw(rng, self._config.batch_size), rng)

    def _held_out_batch(self, rng: np.random.Generator) -> Batch:
        places, size = np.flatnonzero(self._held_out), self._config.batch_size
        return self._batch(self._centres.draw(rng, size, places), rng)

    def _batch(self, centres: NDArray[np.intp], rng: np.random.Generator) -> Batch:
        config, view = self._config, self._view
        height, width = view.cube.shape
        side = (min(config.tile, height), min(config.tile, width))
        targets, inputs, weights, held_out, own = [], [], [], [], []
        hidden = np.zeros((view.features.n, len(centres), 1, 1), dtype=np.float32)
        for number, centre in enumerate(centres):
            top = int(np.clip(centre // width - side[0] // 2, 0, height - side[0]))
            left = int(np.clip(centre % width - side[1] // 2, 0, width - side[1]))
            cut = (slice(top, top + side[0]), slice(left, left + side[1]))
            targets.append(view.values(*cut))
            if view.features.local:
                inputs.append(view.surroundings(*cut))
            elif not config.no_masking and rng.random() >= config.visible_share:
                share = rng.uniform(LEAST_HIDDEN, MOST_HIDDEN)
                hidden[:, number, 0, 0] = rng.random(view.features.n) < share
            weights.append(self._weights[cut] * ~self._held_out[cut])
            held_out.append((self._weights[cut] * self._held_out[cut]).astype(np.float32))
            if self._background_map is not None:
                own.append(self._background_map.own[cut])
        target, mask = self._tensor(targets, 1), torch.from_numpy(hidden).to(self._device)
        return Batch(
            self._tensor(inputs, 1)
            if view.features.local
            else masked_input(target, mask.expand_as(target)),
            target,
            mask,
            self._tensor(weights),
            self._tensor(held_out),
            self._tensor(own) if own else None,
        )

    def _tensor(self, tiles: list[NDArray[Any]], axis: int = 0) -> Tensor:
        return torch.from_numpy(np.stack(tiles, axis)).to(self._device)

    def _draw_held_out(self) -> NDArray[np.bool_]:
        """Small squares that no gradient uses: their loss shows when training is finished."""
        height, width = self._view.cube.shape
        out = np.zeros((height, width), dtype=bool)
        wanted = HELD_OUT_SHARE * self._view.valid.sum()
        rng = np.random.default_rng(self._config.seed)
        while (out & self._view.valid).sum() < wanted:
            top, left = divmod(int(self._centres.draw(rng, 1)[0]), width)
            side = min(HELD_OUT_SIDE, max(1, int(math.sqrt(wanted))))
            out[top : top + side, left : left + side] = True
        return out


@dataclass(frozen=True, eq=False)
class Trained:
    """A network, and what was found while it was trained.

    Attributes
    ----------
    network : MaskedNetwork
    candidates : Candidates or None
        None when a part of the scan was trained on.
    noisy : bool
        Whether noise hides the candidates.
    epochs : (int, int)
        Steps of the first stage, and of each later one.
    loss_curve : list
    pixels : int
        Valid pixels that training tiles were drawn from.
    """

    network: MaskedNetwork
    candidates: Candidates | None
    noisy: bool
    epochs: tuple[int, int]
    loss_curve: list[dict[str, Any]]
    pixels: int


def train_in_stages(
    cube: ElementCube,
    features: Features,
    axes: NDArray[np.float64],
    config: MsfaConfig,
    device: torch.device,
    task: Task,
) -> Trained:
    """Train a network on a scan, in stages. What only the training needs is freed after it."""
    # Tiles are drawn at random: from memory, in the number type of the file. Surroundings would
    # reach across the seams of a part.
    scan, cube = cube, cube.in_memory() if features.local else training_part(cube)
    view = ScanView(cube, features)
    started = _started(features, config, axes, SMALL_START).to(device)
    trainer = TileTrainer(started, view, config, device, task=task)
    candidates = Candidates(np.zeros(cube.shape, dtype=bool))
    first, second = config.warm_up_epochs, config.epochs
    if features.local:
        # Surroundings need no second stage; more steps would only learn the odd ones.
        first, second = max(first, second), 0
    noisy = False
    cost = config.cost(scan.n_valid, features.n, cube.n_valid)
    task.plan(*(cost.plan_from_surroundings() if features.local else cost.plan()))

    def search() -> tuple[NDArray[np.float32], Candidates]:
        trainer.measure()
        predicted = predict_with_residual(
            trainer.network, view, config, device, phase="labels", task=task
        )
        task.step("pseudo-labels", 0, 0, "searching for anomaly candidates")
        return predicted.latent, candidates_of(predicted.residual, cube.valid, config, task)

    trainer.run(first, stage=1)
    if not features.local:
        latent, found = search()
        noisy = bool(found.mask.sum() < HIDDEN_SHARE * cube.n_valid)
        if noisy and second:
            task.plan(*cost.noisy_plan(HIDDEN_ROUNDS))
            trainer.network = _started(features, config, axes, FULL_START).to(device)
            trainer.run(second, stage=2)
            latent, found = search()
        if not config.no_pseudo_labels:
            candidates = found
            trainer.weigh(found.mask, background_map_of(latent, cube.valid, found, config, task))
        del latent
    for number in range(HIDDEN_ROUNDS if noisy else 1):
        trainer.run(second, stage=2 + number + noisy)
    trainer.measure()
    return Trained(
        trainer.network,
        candidates if cube.shape == scan.shape else None,
        noisy,
        (first, second),
        trainer.loss_curve,
        cube.n_valid,
    )


def built(features: Features, config: MsfaConfig) -> MaskedNetwork:
    """A network of random weights for the features of a scan."""
    n_inputs = len(RINGS) * features.n if features.local else 2 * features.n
    return MaskedNetwork(features.n, n_inputs, config, features.local)


def _started(
    features: Features, config: MsfaConfig, axes: NDArray[np.float64], share_of_blocks: float
) -> MaskedNetwork:
    network = built(features, config)
    network.start_at(axes, features.unit, share_of_blocks)
    return network


def candidates_of(
    residual: NDArray[np.float32], valid: NDArray[np.bool_], config: MsfaConfig, task: Task
) -> Candidates:
    """`find_candidates` by the parameters of the detector."""
    return find_candidates(
        residual,
        valid,
        anomal_prop=config.anomal_prop,
        spectral_angle=config.spectral_angle,
        seed=config.seed,
        task=task,
    )


def background_map_of(
    latent: NDArray[np.float32],
    valid: NDArray[np.bool_],
    candidates: Candidates,
    config: MsfaConfig,
    task: Task,
) -> BackgroundMap | None:
    """Clusters of the background for the second stage, None where their losses are off."""
    if config.lambda_cohesion == 0 and config.lambda_separation == 0:
        return None
    clusters = cluster_background(
        latent[:, valid & ~candidates.mask].T, config.anomal_prop, config.seed, task=task
    )
    own = np.zeros(valid.shape, dtype=np.int64)
    own[valid] = clusters.assign(latent[:, valid].T, task=task)
    return BackgroundMap(own, clusters)
