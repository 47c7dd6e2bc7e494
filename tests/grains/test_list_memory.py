"""A list that is made again equals one that is made for the first time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection, teach_run
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains import concentrations as concentration_module
from napari_mineral_anomaly.grains.memory import ListMemory
from napari_mineral_anomaly.grains.pixels import growing
from napari_mineral_anomaly.grains.table import GrainList, list_grains
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

Counter = Callable[[Any, str], list[int]]


@pytest.fixture(scope="module")
def cube() -> ElementCube:
    return simulate_section("easy", shape=(60, 80), seed=3).cube


@pytest.fixture(scope="module")
def run(cube: ElementCube) -> DetectionRun:
    return run_detection(cube, "rx", make_config("rx"))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts the calls of a function of a module."""

    def count(module: Any, name: str) -> list[int]:
        calls: list[int] = []
        function = getattr(module, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, counting)
        return calls

    return count


def taught(cube: ElementCube, run: DetectionRun) -> AnomalyResult:
    """The run with its oddest grain taught to be ordinary."""
    y, x = np.unravel_index(np.nanargmax(run.result.score), cube.shape)
    grains = list_grains(run.result, cube=cube)
    return teach_run(cube, run, grains.labels == grains.labels[y, x]).result


def peaks(result: AnomalyResult) -> Any:
    """Pixels that are odder than those around them."""
    score = np.nan_to_num(result.score)
    return (ndimage.maximum_filter(score, 3) == score) & result.mask


def assert_same(one: GrainList, other: GrainList) -> None:
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.contributions, other.contributions)
    np.testing.assert_array_equal(one.drivers, other.drivers)
    assert one.signals is not None
    assert other.signals is not None
    for name in ("scan_median", "scan_low", "scan_rich"):
        np.testing.assert_array_equal(getattr(one.signals, name), getattr(other.signals, name))


def test_lists_with_and_without_memory_are_the_same(cube: ElementCube, run: DetectionRun) -> None:
    memory = ListMemory()
    brushed = run.result.mask.copy()
    brushed[20:24, 30:33] = True
    low = run.result.with_threshold(2.0)
    # Every second column is taken out: grains start at the same pixels and find others missing.
    cut = low.mask.copy()
    cut[:, 1::2] = False
    cut[peaks(low)] = True
    asked: list[tuple[AnomalyResult, Any]] = [
        (run.result, None),
        (taught(cube, run), None),
        (run.result, None),
        (low, None),
        (run.result, brushed),
        (run.result, None),
        (low, None),
        (low, cut),
        (taught(cube, run), None),
    ]
    for result, mask in asked:
        again = list_grains(result, mask=mask, cube=cube, memory=memory)
        assert_same(again, list_grains(result, mask=mask, cube=cube))


def test_only_what_changed_is_grown_and_measured_again(
    cube: ElementCube, run: DetectionRun, counted: Counter
) -> None:
    memory = ListMemory()
    grown = counted(growing, "find_extent")
    measured = counted(concentration_module, "_robust_z")
    first = list_grains(run.result, cube=cube, memory=memory)
    assert len(grown) >= len(first.table)
    assert len(measured) == cube.n_elements
    n = len(grown)
    list_grains(run.result, cube=cube, memory=memory)
    assert len(grown) == n
    after = taught(cube, run)  # its list has no memory
    grown.clear()
    measured.clear()
    list_grains(after, cube=cube, memory=memory)
    assert len(grown) < n / 2
    assert not measured


def test_a_memory_holds_what_the_last_list_needed(cube: ElementCube, run: DetectionRun) -> None:
    memory = ListMemory()
    list_grains(run.result, cube=cube, memory=memory)
    few = len(memory)
    list_grains(run.result.with_threshold(2.4), cube=cube, n_rows=200, memory=memory)
    many = len(memory)
    assert many > few
    list_grains(run.result, cube=cube, memory=memory)
    assert len(memory) == few


def test_a_cancelled_list_leaves_the_memory_as_it_was(
    cube: ElementCube, run: DetectionRun, counted: Counter
) -> None:
    memory = ListMemory()
    list_grains(run.result, cube=cube, memory=memory)
    n, token = len(memory), CancelToken()

    def cancel_late(event: Any) -> None:
        if event.message == "drivers":
            token.cancel()

    with pytest.raises(CancelledError):
        list_grains(
            run.result.with_threshold(2.4),
            cube=cube,
            n_rows=200,
            memory=memory,
            task=Task(cancel_late, token),
        )
    assert len(memory) == n
    grown = counted(growing, "find_extent")
    list_grains(run.result, cube=cube, memory=memory)
    assert not grown
