"""How our network learns: what a step looks at, when a stage ends, and what candidates weigh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from napari_mineral_anomaly.detectors.networks.msfa.candidates import cluster_background
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import fit_features
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.training import (
    BackgroundMap,
    DrawnPixels,
    TileTrainer,
)
from napari_mineral_anomaly.detectors.networks.msfa.view import ScanView
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube

SMALL: dict[str, Any] = {"width": 8, "groups": 2, "tile": 12, "batch_size": 4}
MakeScan = Callable[..., ElementCube]


def _trainer(cube: ElementCube, **changes: Any) -> TileTrainer:
    config = MsfaConfig(**(SMALL | changes))
    features, _ = fit_features(cube, config.transform, config.components)
    network = MaskedNetwork(features.n, 2 * features.n, config, features.local)
    return TileTrainer(network, ScanView(cube, features), config, torch.device("cpu"))


def _background_map(trainer: TileTrainer) -> BackgroundMap:
    """Background clusters of the latent of the network as it is."""
    network = trainer.network.eval()
    view = trainer._view
    values = torch.from_numpy(view.values(slice(0, view.cube.shape[0])))[:, None]
    with torch.no_grad():
        latent = network(torch.cat([values, torch.zeros_like(values)])).latent[:, 0].numpy()
    pixels = latent.reshape(len(latent), -1).T
    clusters = cluster_background(pixels, 0.01, seed=0)
    return BackgroundMap(clusters.assign(pixels).reshape(view.cube.shape), clusters)


def test_training_lowers_the_loss(scan: ElementCube) -> None:
    trainer = _trainer(scan, learning_rate=0.02, visible_share=1.0, patience=100)
    trainer.run(75, stage=1)
    losses = [row["loss"] for row in trainer.loss_curve]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    checks = [row["held_out"] for row in trainer.loss_curve if "held_out" in row]
    assert len(checks) == 3
    assert checks[-1] < checks[0]
    assert [row["epoch"] for row in trainer.loss_curve] == list(range(1, 76))


@pytest.mark.parametrize("patience", [1, 2])
def test_a_stage_ends_when_the_held_out_squares_gain_nothing(
    scan: ElementCube, patience: int
) -> None:
    noise = np.random.default_rng(0).poisson(50, scan.maps.shape).astype(np.uint16)
    trainer = _trainer(scan.replace(maps=noise), patience=patience, learning_rate=0.05)
    trainer.run(1500, stage=1)
    assert len(trainer.loss_curve) < 1500
    checks = [row["held_out"] for row in trainer.loss_curve if "held_out" in row]
    assert len(trainer.loss_curve) == 25 * len(checks)
    # Nothing better than the best came in the last checks, and before there was no such pause.
    waits, best = [], np.inf
    for value in checks:
        waits.append(0 if value < best else waits[-1] + 1)
        best = min(best, value)
    assert waits[-1] == patience
    assert max(waits[:-1]) < patience


def test_no_steps_leave_the_weights_alone(scan: ElementCube) -> None:
    trainer = _trainer(scan)
    before = torch.cat([p.detach().flatten() for p in trainer.network.parameters()])
    trainer.run(0, stage=1)
    after = torch.cat([p.detach().flatten() for p in trainer.network.parameters()])
    assert torch.equal(before, after)
    assert trainer.loss_curve == []


def test_held_out_squares_are_a_twentieth_and_no_gradient_sees_them(
    masked_scan: ElementCube,
) -> None:
    trainer = _trainer(masked_scan)
    share = (trainer._held_out & masked_scan.valid).sum() / masked_scan.valid.sum()
    assert 0.05 <= share <= 0.15
    batch = trainer._held_out_batch(np.random.default_rng(0))
    assert float(batch.held_out.sum()) > 0
    assert float((batch.weights * batch.held_out).sum()) == 0
    trainer.network.train()
    plain = trainer._loss(batch, batch.weights).item()
    with torch.no_grad():
        batch.target[:, batch.held_out.bool()] += 100
    assert trainer._loss(batch, batch.weights).item() == pytest.approx(plain, rel=1e-6)


def test_pixels_outside_the_valid_area_weigh_nothing(masked_scan: ElementCube) -> None:
    trainer = _trainer(masked_scan, tile=24)
    batch = trainer._draw()
    assert batch.weights.shape == (4, 24, 20)
    assert float(batch.weights[:, ~torch.from_numpy(masked_scan.valid)].sum()) == 0


def test_a_missing_pixel_changes_only_the_draws_that_meet_it() -> None:
    valid = np.ones((40, 50), dtype=bool)
    with_hole = valid.copy()
    with_hole[7, 9] = False
    whole, holed = DrawnPixels(valid, 3), DrawnPixels(with_hole, 3)
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    missing = 7 * 50 + 9
    met = 0
    for _ in range(2000):
        drawn, instead = whole.draw(first, 8), holed.draw(second, 8)
        at_hole = drawn == missing
        met += int(at_hole.sum())
        np.testing.assert_array_equal(drawn[~at_hole], instead[~at_hole])
        assert missing not in instead
    assert met > 3


def test_pixels_are_drawn_among_places_where_some_are_valid() -> None:
    valid = np.zeros((40, 50), dtype=bool)
    valid[20:] = True
    pixels, rng = DrawnPixels(valid, 0), np.random.default_rng(0)
    drawn = pixels.draw(rng, 5000)
    assert valid.flat[drawn].all()
    assert len(np.unique(drawn)) > 900
    places = np.arange(900, 1100)
    assert set(pixels.draw(rng, 5000, places)) == set(range(1000, 1100))
    # None of these is valid: any valid pixel will do.
    assert valid.flat[pixels.draw(rng, 500, np.arange(10))].all()


def test_hidden_elements_are_blank_in_the_input_and_counted(scan: ElementCube) -> None:
    trainer = _trainer(scan, batch_size=64)
    batch = trainer._draw()
    hidden = batch.hidden[:, :, 0, 0].bool()
    values, flags = batch.inputs.chunk(2)
    assert (values[hidden] == 0).all()
    assert torch.equal(values[~hidden], batch.target[~hidden])
    assert torch.equal(flags, batch.hidden.expand_as(flags))
    # 0.6 of the tiles hide between 5 and 50 percent of their elements.
    assert 0.08 < hidden.float().mean() < 0.26
    for open_switch in ({"no_masking": True}, {"visible_share": 1.0}):
        assert not _trainer(scan, **open_switch)._draw().hidden.any()


@pytest.mark.parametrize(("mode", "wanted"), [("mask", 0.0), ("paper_up", 5.0)])
def test_candidates_are_left_out_or_weigh_more(scan: ElementCube, mode: str, wanted: float) -> None:
    trainer = _trainer(scan, weight_mode=mode)
    candidates = np.zeros(scan.shape, dtype=bool)
    candidates[9:12, 12:15] = True
    trainer.weigh(candidates, None)
    assert (trainer._weights[candidates] == wanted).all()
    assert (trainer._weights[~candidates] == 1).all()


@pytest.mark.parametrize("part", ["lambda_cohesion", "lambda_separation"])
def test_the_cluster_losses_move_the_bottleneck(make_scan: MakeScan, part: str) -> None:
    off = {"lambda_cohesion": 0.0, "lambda_separation": 0.0}
    scan = make_scan((40, 40))
    trainer = _trainer(scan, margin=2.0, **(off | {part: 1.0}))
    aggregation = _background_map(trainer)
    assert len(aggregation.clusters.centres) > 1
    trainer.weigh(np.zeros(scan.shape, dtype=bool), aggregation)
    batch = trainer._draw()
    latent = trainer.network(batch.inputs).latent
    latent.retain_grad()
    loss = trainer._cluster_loss(latent, batch.own, batch.weights)
    loss.backward()
    assert loss.item() > 0
    moved = latent.grad.abs().sum(0)
    assert (moved[batch.weights > 0] > 0).float().mean() > 0.5
    assert (moved[batch.weights == 0] == 0).all()
    assert trainer.network.bottleneck.weight.grad.abs().sum() > 0
    assert trainer.network.entry.weight.grad.abs().sum() > 0
    without = _trainer(scan, **off)
    without.weigh(np.zeros(scan.shape, dtype=bool), aggregation)
    assert without._cluster_loss(latent, batch.own, batch.weights).item() == 0


def test_training_that_comes_apart_is_told_in_a_sentence_by_ours(scan: ElementCube) -> None:
    trainer = _trainer(scan)
    with torch.no_grad():
        trainer.network.entry.weight.fill_(torch.nan)
    with pytest.raises(InputError, match="Training diverged: the loss is no longer a number"):
        trainer.run(3, stage=1)
