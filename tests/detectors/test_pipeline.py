"""The main job as window and command line call it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.pipeline import apply_detector, run_detection
from napari_mineral_anomaly.detectors.registry import (
    config_class,
    detector_names,
    make_config,
    make_detector,
)
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    promised_false_pixels,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task


@pytest.fixture(scope="module")
def cube() -> ElementCube:
    maps = np.random.default_rng(0).poisson(40, (4, 24, 30)).astype(np.uint16)
    maps[3, 12, 15] = 400
    return ElementCube(maps, ["Si", "Al", "Fe", "Zr"], pixel_size=20, source="test scan")


def test_result_says_what_run_json_needs(cube: ElementCube) -> None:
    events: list[ProgressEvent] = []
    result = detect(cube, "rx", seed=5, task=Task(events.append))
    assert result.info["detector"] == "rx"
    assert result.info["seed"] == 5
    assert result.info["parameters"]["transform"] == "auto"
    assert result.info["quantity"] == "counts"
    assert result.info["n_valid"] == 24 * 30
    assert result.info["promised_false_pixels"] == promised_false_pixels(720)
    assert set(result.info["timings"]) == {"fit", "score"}
    assert result.threshold == default_threshold(720)
    assert result.pixel_size == (20.0, 20.0)
    assert {event.phase for event in events} >= {"statistics", "scoring"}
    assert np.unravel_index(np.nanargmax(result.score), (24, 30)) == (12, 15)
    np.testing.assert_array_equal(result.mask, result.score >= result.threshold)


def test_a_given_threshold_replaces_the_default(cube: ElementCube) -> None:
    strict = detect(cube, "rx", threshold=100.0)
    assert strict.threshold == 100.0
    assert not strict.mask.any()


def test_a_fitted_detector_scores_another_scan_with_elements_in_any_order(
    cube: ElementCube,
) -> None:
    run = run_detection(cube, "rx", make_config("rx"))
    other = cube.replace(maps=cube.maps[::-1], elements=cube.elements[::-1])
    again = apply_detector(other, run.fitted).result
    np.testing.assert_allclose(again.score, run.result.score, atol=1e-4)
    np.testing.assert_allclose(again.contributions[::-1], run.result.contributions, atol=1e-4)


def test_a_scan_without_sample_is_refused() -> None:
    empty = ElementCube(np.zeros((2, 5, 5), dtype=np.uint16), ["Si", "Fe"], source="glass slide")
    with pytest.raises(InputError, match="glass slide has 0 valid pixels"):
        detect(empty, "rx")


def test_a_cancelled_run_ends_with_cancelled(cube: ElementCube) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        detect(cube, "rx", task=Task(token=token))


def test_unknown_names_are_answered_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"no detector 'lof'.*msfa, msfa-paper, rx"):
        make_config("lof")
    with pytest.raises(InputError, match=r"no parameter colour.*seed, device"):
        make_config("rx", colour="red")
    with pytest.raises(InputError, match=r"epochs = -3 is not possible"):
        make_config("msfa", epochs=-3)


@pytest.mark.parametrize("name", detector_names())
def test_every_detector_keeps_the_protocol(name: str) -> None:
    detector = make_detector(name)
    assert detector.name == name
    assert isinstance(detector.config, config_class(name))
    assert {"seed", "device"} <= set(type(detector.config).model_fields)
