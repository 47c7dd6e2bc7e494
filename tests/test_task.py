"""`Task`: one value that tells progress and answers a cancel."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.registry import config_class, detector_names
from napari_mineral_anomaly.progress import SILENT, CancelledError, CancelToken, ProgressEvent, Task


@pytest.fixture(scope="module")
def cube() -> ElementCube:
    maps = np.random.default_rng(0).poisson(40, (3, 16, 20)).astype(np.uint16)
    return ElementCube(maps, ["Si", "Fe", "Zr"])


def cancelled() -> CancelToken:
    token = CancelToken()
    token.cancel()
    return token


def test_a_step_is_told_as_an_event() -> None:
    events: list[ProgressEvent] = []
    Task(events.append).step("training", 3, 10, "stage 1", loss=0.5, partial="map")
    assert events == [ProgressEvent("training", 3, 10, "stage 1", 0.5, "map")]


def test_a_step_checks_before_it_tells() -> None:
    events: list[ProgressEvent] = []
    task = Task(events.append, cancelled())
    with pytest.raises(CancelledError):
        task.step("training", 3, 10)
    assert events == []


def test_a_listener_that_cancels_stops_the_next_step() -> None:
    token = CancelToken()
    task = Task(lambda event: token.cancel(), token)
    task.step("training", 1, 10)
    assert task.cancelled
    with pytest.raises(CancelledError):
        task.check()


def test_silent_does_nothing_and_is_never_cancelled() -> None:
    SILENT.step("training", 1, 10)
    SILENT.check()
    assert not SILENT.cancelled


def test_a_quiet_task_hears_of_a_cancel_and_tells_nobody() -> None:
    events: list[ProgressEvent] = []
    token = CancelToken()
    quiet = Task(events.append, token).quiet()
    quiet.step("grains", 1, 2)
    assert events == []
    token.cancel()
    with pytest.raises(CancelledError):
        quiet.step("grains", 2, 2)


def test_a_task_with_nothing_attached_goes_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(SILENT)) == Task()


def test_old_arguments_of_detect_still_work_and_warn(cube: ElementCube) -> None:
    new: list[ProgressEvent] = []
    old: list[ProgressEvent] = []
    expected = detect(cube, "rx", task=Task(new.append))
    with pytest.warns(DeprecationWarning, match=r"use task=Task\(on_event, cancel\)") as caught:
        result = detect(cube, "rx", on_event=old.append)
    assert caught[0].filename == __file__, "the warning points at the caller"
    assert old == new != []
    np.testing.assert_array_equal(result.score, expected.score)
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(CancelledError):
        detect(cube, "rx", cancel=cancelled())


@pytest.mark.parametrize("old", [{"on_event": print}, {"cancel": CancelToken()}])
def test_task_and_an_old_argument_together_are_refused(
    cube: ElementCube, old: dict[str, object]
) -> None:
    with pytest.raises(TypeError, match=r"detect\(\) takes task, or the old on_event and cancel"):
        detect(cube, "rx", task=SILENT, **old)


def test_detect_without_any_of_them_does_not_warn(cube: ElementCube) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detect(cube, "rx")
        detect(cube, "rx", task=None, on_event=None, cancel=None)


@pytest.mark.parametrize("name", detector_names())
def test_no_parameter_of_a_detector_is_called_like_them(name: str) -> None:
    assert not {"task", "on_event", "cancel"} & set(config_class(name).model_fields)
