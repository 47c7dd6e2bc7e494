from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
import pytest
import torch

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.detectors.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.msfa_paper.detector import MsfaPaperDetector
from napari_mineral_anomaly.detectors.msfa_paper.loading import WindowLoader
from napari_mineral_anomaly.detectors.msfa_paper.network import MsfaNetwork
from napari_mineral_anomaly.detectors.msfa_paper.scan import ScanPasses
from napari_mineral_anomaly.detectors.msfa_paper.training import Trainer
from napari_mineral_anomaly.detectors.msfa_paper.windows import bounding_window
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.preprocess import fit_preprocessing
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent
from napari_mineral_anomaly.result import AnomalyResult

# Small, and with the switches at their other end where the published one hides what is tested.
SMALL: dict[str, Any] = {
    "transform": "auto",
    "weight_mode": "mask",
    "score": "rx",
    "epochs": 4,
    "pre_epochs": 3,
    "refresh": 2,
    "latent_dim": 16,
    "groups": 4,
    "pool_size": 4,
    "min_samples": 5,
    "eps_mode": "kdist",
    "anomal_prop": 0.05,
}


PUBLISHED: dict[str, Any] = {"transform": "none", "weight_mode": "paper_up", "score": "l2"}


def _run(cube: ElementCube, **changes: Any) -> AnomalyResult:
    return detect(cube, "msfa-paper", **({"seed": 0} | SMALL | changes))


def test_the_appendix_gives_the_defaults() -> None:
    config = MsfaPaperConfig()
    appendix = {
        "epochs": 150,
        "batch_size": 36_000,
        "learning_rate": 0.0015,
        "n_clusters": 4,
        "latent_dim": 64,
        "anomal_prop": 0.015,
        "bandwidth": 0.3,
        "eps": 0.1,
        "min_samples": 25,
    }
    contract = {"eps_mode": "fixed", "noise": "dfan", "weight_mode": "paper_up", "score": "l2"}
    for name, value in (appendix | contract | {"transform": "none"}).items():
        assert getattr(config, name) == value, name


def test_the_first_stage_takes_as_many_epochs_as_the_second_by_default() -> None:
    assert MsfaPaperConfig(epochs=7).warm_up_epochs == 7
    assert MsfaPaperConfig(epochs=7, pre_epochs=0).warm_up_epochs == 0


def test_groups_that_do_not_divide_the_features_are_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="64 features cannot be split into 7 equal groups"):
        make_config("msfa-paper", groups=7)


def test_every_parameter_has_bounds_and_a_description() -> None:
    for name, field in MsfaPaperConfig.model_fields.items():
        assert field.description, name
        if field.annotation in (int, float) and name != "seed":
            kinds = {type(bound).__name__ for bound in field.metadata}
            assert {"Ge", "Le"} <= kinds, name


@pytest.mark.parametrize("switches", [{}, PUBLISHED], ids=["ours", "published"])
def test_the_contract_holds_inside_and_outside_the_valid_area(
    masked_scan: ElementCube, switches: dict[str, Any]
) -> None:
    before = masked_scan.valid.copy()
    result = _run(masked_scan, **switches)
    valid = masked_scan.valid
    np.testing.assert_array_equal(valid, before)
    assert result.score.dtype == np.float32
    assert np.isnan(result.score[~valid]).all()
    assert np.isfinite(result.score[valid]).all()
    assert result.contributions.shape == (6, 24, 20)
    assert np.isnan(result.contributions[:, ~valid]).all()
    assert np.isfinite(result.contributions[:, valid]).all()
    assert (result.pseudo_labels[~valid] == 0).all()
    assert (result.pseudo_labels[valid] >= 1).all()
    assert result.info["n_candidates"] == np.count_nonzero(result.pseudo_labels == 1)
    assert result.info["device"] in ("cpu", "cuda", "mps")
    assert result.info["epochs"] == 4
    assert [entry["stage"] for entry in result.info["loss_curve"]] == [1, 1, 1, 2, 2, 2, 2]
    assert [entry["epoch"] for entry in result.info["label_refreshes"]] == [0, 2]
    assert json.loads(json.dumps(result.info)) == result.info  # run.json can hold it


def test_same_seed_same_numbers_and_another_seed_others(scan: ElementCube) -> None:
    torch.manual_seed(1)
    first = _run(scan)
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002 (the point: global random state must not matter)
    again = _run(scan)
    np.testing.assert_array_equal(first.score, again.score)
    np.testing.assert_array_equal(first.contributions, again.contributions)
    np.testing.assert_array_equal(first.pseudo_labels, again.pseudo_labels)
    assert first.info["loss_curve"] == again.info["loss_curve"]
    assert not np.array_equal(first.score, _run(scan, seed=1).score)


@pytest.mark.parametrize(
    "change",
    [
        {"no_attention": True},
        {"no_groups": True},
        {"no_orthogonal": True},
        {"ortho_init": "uniform_gs"},
        {"skip": "none"},
        {"head": "sigmoid"},
        {"transform": "log1p"},
        {"cluster_loss": False},
        {"lambda_common": 1.0},
        {"weight_mode": "paper_up"},
        {"weight_mode": "sad_down"},
        {"score": "l2"},
        {"score": "rx_minmax"},
        {"pre_epochs": 0},
        {"epochs": 0},
    ],
    ids=lambda change: "-".join(f"{key}={value}" for key, value in change.items()),
)
def test_each_switch_changes_the_scores(scan: ElementCube, change: dict[str, Any]) -> None:
    plain, switched = _run(scan), _run(scan, **change)
    assert np.isfinite(switched.score).all()
    assert not np.allclose(plain.score, switched.score, atol=1e-4)


def test_training_lowers_the_loss(scan: ElementCube) -> None:
    curve = _run(scan, pre_epochs=60, epochs=0, learning_rate=0.02).info["loss_curve"]
    assert curve[-1]["loss"] < 0.3 * curve[0]["loss"]


def test_the_odd_grain_stands_out_and_zr_is_in_excess(scan: ElementCube) -> None:
    result = _run(scan, pre_epochs=30, epochs=30)
    worst = np.unravel_index(np.argsort(result.score.ravel())[-4:], scan.shape)
    assert {(int(y), int(x)) for y, x in zip(*worst, strict=True)} == {
        (9, 12), (9, 13), (10, 12), (10, 13)
    }  # fmt: skip
    assert (result.contributions[scan.elements.index("Zr"), 9:11, 12:14] > 3).all()


def test_an_untrained_network_still_scores(scan: ElementCube) -> None:
    result = _run(scan, epochs=0, pre_epochs=0)
    assert result.info["loss_curve"] == []
    assert np.isfinite(result.score).all()
    assert result.score.std() > 0


def test_a_zero_channel_gives_no_nan_and_is_recorded(make_scan: Any) -> None:
    scan = make_scan()
    with_zero = ElementCube(
        np.concatenate([scan.maps, np.zeros_like(scan.maps[:1])]), [*scan.elements, "Au"]
    )
    result = _run(with_zero)
    assert result.info["dropped_elements"] == ["Au"]
    np.testing.assert_array_equal(result.score, _run(scan).score)
    assert (result.contributions[6] == 0).all()


def test_missing_values_inside_a_given_area_get_a_finite_score(make_scan: Any) -> None:
    scan = make_scan()
    maps = scan.maps.astype(np.float32)
    maps[2, 5, 5] = np.nan
    result = _run(scan.replace(maps=maps, valid=np.ones(scan.shape, dtype=bool)))
    assert np.isfinite(result.score).all()
    assert np.isfinite(result.contributions).all()


def test_pixels_outside_the_valid_area_have_no_say(masked_scan: ElementCube) -> None:
    spoilt = np.array(masked_scan.maps)
    spoilt[:, ~masked_scan.valid] = 60_000
    plain, other = _run(masked_scan), _run(masked_scan.replace(maps=spoilt))
    np.testing.assert_array_equal(plain.score, other.score)
    np.testing.assert_array_equal(plain.pseudo_labels, other.pseudo_labels)


@pytest.mark.parametrize("shape", [(4, 4), (5, 23), (1, 40)])
def test_scans_smaller_than_the_pooled_grid_work(make_scan: Any, shape: tuple[int, int]) -> None:
    result = _run(make_scan(shape), pool_size=16)
    assert np.isfinite(result.score).all()


def test_lazy_maps_give_the_same_numbers(scan: ElementCube) -> None:
    lazy = scan.replace(maps=dask.array.from_array(scan.maps, chunks=(1, 7, 9)))
    for batch_size in (36_000, 200):
        plain = _run(scan, batch_size=batch_size)
        np.testing.assert_array_equal(_run(lazy, batch_size=batch_size).score, plain.score)


def test_pixels_too_far_apart_to_share_a_window_are_told_in_a_sentence(make_scan: Any) -> None:
    valid = np.zeros((60, 60), dtype=bool)
    valid[0, 0] = valid[59, 0] = valid[0, 59] = True
    with pytest.raises(InputError, match="so far apart"):
        _run(make_scan((60, 60), valid=valid), batch_size=100)


def test_large_scans_are_trained_and_scored_in_windows(make_scan: Any) -> None:
    scan = make_scan((40, 36))
    whole = _run(scan, epochs=6, refresh=3)
    windows = _run(scan, epochs=6, refresh=3, batch_size=300)
    again = _run(scan, epochs=6, refresh=3, batch_size=300)
    np.testing.assert_array_equal(windows.score, again.score)
    assert np.isfinite(windows.score).all()
    assert not np.array_equal(windows.score, whole.score)
    assert (windows.pseudo_labels >= 1).all()
    assert windows.score[9:11, 12:14].min() > np.quantile(windows.score, 0.98)


@pytest.mark.parametrize(
    "switch", [{}, {"no_attention": True}, {"no_groups": True}, {"no_orthogonal": True}], ids=str
)
def test_scoring_in_strips_gives_the_numbers_of_one_pass_over_the_whole_scan(
    make_scan: Any, switch: dict[str, bool]
) -> None:
    valid = np.ones((24, 20), dtype=bool)
    valid[:3] = valid[10:13] = valid[5:9, 4:7] = valid[:, 18:] = False
    scan = make_scan(valid=valid)
    config = MsfaPaperConfig(**(SMALL | switch))
    network = MsfaNetwork(6, config, seed=1)
    preprocessing = fit_preprocessing(scan)
    device = torch.device("cpu")
    loaded = WindowLoader(scan, preprocessing, device).load(bounding_window(valid))
    encoded = network.calibrate_encoder(loaded.pixels)
    with torch.no_grad():
        whole = network(loaded.pixels, loaded.grid)  # in evaluation mode since the calibration
    for limit in (10_000, 100, 18):
        passes = ScanPasses(network, scan, preprocessing, limit, device)
        outputs = list(passes.outputs("test"))
        assert len(outputs) == {10_000: 1, 100: 5, 18: 18}[limit]
        latent = torch.cat([output.latent for output in outputs], dim=1)
        assert torch.allclose(latent, whole.latent, atol=2e-5)
        first = torch.cat([output.encoded.first for output in outputs], dim=1)
        assert torch.allclose(first, encoded.first, atol=1e-5)


def test_the_fit_measures_the_normalisations_of_the_final_weights(scan: ElementCube) -> None:
    """Scoring the scan of the fit gives what the last weights give in training mode."""
    fitted = MsfaPaperDetector(MsfaPaperConfig(**SMALL)).fit(scan)
    loaded = WindowLoader(scan, fitted._preprocessing, torch.device("cpu")).load(
        bounding_window(scan.valid)
    )
    with torch.no_grad():
        scored = fitted._network(loaded.pixels, loaded.grid).output
        trained = fitted._network.train()(loaded.pixels, loaded.grid).output
    assert torch.allclose(scored, trained, atol=1e-5)


def test_events_tell_phase_epoch_and_loss(scan: ElementCube) -> None:
    events: list[ProgressEvent] = []
    _run(scan, on_event=events.append)
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases == [
        "training (warm-up)",
        "pseudo-labels",
        "training (weighted)",
        "statistics",
        "scoring",
    ]
    warm_up = [event for event in events if event.phase == "training (warm-up)"]
    assert [(event.step, event.total) for event in warm_up] == [(1, 3), (2, 3), (3, 3)]
    assert all(event.loss is not None and event.loss > 0 for event in warm_up)


@pytest.mark.parametrize(
    "phase", ["training (warm-up)", "pseudo-labels", "training (weighted)", "scoring"]
)
def test_cancelling_in_any_phase_stops_before_the_next_step(scan: ElementCube, phase: str) -> None:
    token = CancelToken()
    seen: list[ProgressEvent] = []

    def listen(event: ProgressEvent) -> None:
        if token.cancelled:
            seen.append(event)
        if event.phase == phase:
            token.cancel()

    with pytest.raises(CancelledError):
        _run(scan, on_event=listen, cancel=token, batch_size=200)
    assert len(seen) == 0


def test_without_a_background_cluster_training_goes_on_with_equal_weights(
    scan: ElementCube,
) -> None:
    events: list[ProgressEvent] = []
    result = _run(scan, eps_mode="fixed", eps=1e-4, noise="candidate", on_event=events.append)
    assert all(entry["all_weights_equal"] for entry in result.info["label_refreshes"])
    assert any("no background cluster" in event.message for event in events)
    assert (result.pseudo_labels == 2).all()
    assert result.info["n_candidates"] == 0
    equal = _run(scan, eps_mode="fixed", eps=1e-4, noise="candidate", weight_mode="paper_up")
    np.testing.assert_array_equal(result.score, equal.score)


def test_training_that_comes_apart_is_told_in_a_sentence(scan: ElementCube) -> None:
    config = MsfaPaperConfig(**SMALL)
    trainer = Trainer(scan, fit_preprocessing(scan), config, torch.device("cpu"))
    with torch.no_grad():
        trainer.network.encoder1.weight.fill_(torch.nan)
    with pytest.raises(InputError, match=r"the loss is not a number; try a learning rate below"):
        trainer.run()


def test_a_missing_graphics_card_is_told_in_a_sentence(scan: ElementCube) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the card that the test wants to miss")
    with pytest.raises(InputError, match="Device cuda was asked for, but torch"):
        _run(scan, device="cuda")


def test_a_model_scores_another_scan_by_the_names_of_its_elements(
    make_scan: Callable[..., ElementCube],
) -> None:
    fitted = MsfaPaperDetector(MsfaPaperConfig(**SMALL)).fit(make_scan(seed=0))
    other = make_scan(seed=1)
    order = [5, 3, 1, 0, 2, 4]
    turned = ElementCube(other.maps[order], [other.elements[c] for c in order])
    plain, mixed = fitted.score(other), fitted.score(turned)
    np.testing.assert_array_equal(mixed.score, plain.score)
    np.testing.assert_array_equal(mixed.contributions, plain.contributions[order])
    with pytest.raises(InputError, match="no map of Zr"):
        fitted.score(ElementCube(other.maps[:5], other.elements[:5]))
