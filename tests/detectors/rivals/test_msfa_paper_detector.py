from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.msfa_paper.detector import MsfaPaperDetector
from napari_mineral_anomaly.detectors.networks.msfa_paper.network import MsfaPaperNetwork
from napari_mineral_anomaly.detectors.networks.msfa_paper.scan import ScanPasses
from napari_mineral_anomaly.detectors.networks.msfa_paper.training import WindowTrainer
from napari_mineral_anomaly.detectors.networks.parts.loading import WindowLoader
from napari_mineral_anomaly.detectors.networks.parts.windows import bounding_window
from napari_mineral_anomaly.detectors.preprocess import fit_preprocessing
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.scan.cube import ElementCube

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


def test_the_pseudo_labels_are_made_anew_every_refresh(scan: ElementCube) -> None:
    assert [entry["epoch"] for entry in _run(scan).info["label_refreshes"]] == [0, 2]


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


@pytest.mark.parametrize("shape", [(4, 4), (5, 23), (1, 40)])
def test_scans_smaller_than_the_pooled_grid_work(make_scan: Any, shape: tuple[int, int]) -> None:
    result = _run(make_scan(shape), pool_size=16)
    assert np.isfinite(result.score).all()


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
    config = MsfaPaperConfig(**(SMALL | switch | {"seed": 1}))
    network = MsfaPaperNetwork(6, config)
    preprocessing = fit_preprocessing(scan)
    device = torch.device("cpu")
    loaded = WindowLoader(scan, preprocessing, device).load(bounding_window(valid))
    encoded = network.measure_encoder(loaded.pixels)
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
    loaded = WindowLoader(scan, fitted.preprocessing, torch.device("cpu")).load(
        bounding_window(scan.valid)
    )
    with torch.no_grad():
        scored = fitted.network(loaded.pixels, loaded.grid).output
        trained = fitted.network.train()(loaded.pixels, loaded.grid).output
    assert torch.allclose(scored, trained, atol=1e-5)


def test_events_tell_phase_epoch_and_loss(scan: ElementCube) -> None:
    events: list[ProgressEvent] = []
    _run(scan, task=Task(events.append))
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
        _run(scan, task=Task(listen, token), batch_size=200)
    assert len(seen) == 0


def test_without_a_background_cluster_training_goes_on_with_equal_weights(
    scan: ElementCube,
) -> None:
    events: list[ProgressEvent] = []
    result = _run(scan, eps_mode="fixed", eps=1e-4, noise="candidate", task=Task(events.append))
    assert all(entry["all_weights_equal"] for entry in result.info["label_refreshes"])
    assert any("no background cluster" in event.message for event in events)
    assert (result.pseudo_labels == 2).all()
    assert result.info["n_candidates"] == 0
    equal = _run(scan, eps_mode="fixed", eps=1e-4, noise="candidate", weight_mode="paper_up")
    np.testing.assert_array_equal(result.score, equal.score)


def test_training_that_comes_apart_is_told_in_a_sentence(scan: ElementCube) -> None:
    config = MsfaPaperConfig(**SMALL)
    trainer = WindowTrainer(scan, fit_preprocessing(scan), config, torch.device("cpu"))
    with torch.no_grad():
        trainer.network.encoder1.weight.fill_(torch.nan)
    with pytest.raises(InputError, match=r"the loss is not a number; try a learning rate below"):
        trainer.run()


def test_a_missing_graphics_card_is_told_in_a_sentence(scan: ElementCube) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the card that the test wants to miss")
    with pytest.raises(InputError, match="Device cuda was asked for, but torch"):
        _run(scan, device="cuda")
