"""The docks that judge on a viewer model, their jobs run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    expected_false_pixels,
)
from napari_mineral_anomaly.grains.pixels.mask import computed_mask
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.layers.links import first_layer, link_of
from napari_mineral_anomaly.window.layers.session import mask_of, session_of
from napari_mineral_anomaly.window.threshold import panel as threshold_module
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]


# Threshold


def test_the_dock_shows_value_expected_false_pixels_and_flagged(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, section: SimulatedSection
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    result = detect(section.cube, "rx")
    assert dock.threshold.value() == pytest.approx(result.threshold, abs=0.005)
    n_valid = section.cube.n_valid
    expected = expected_false_pixels(dock.threshold.value(), n_valid)
    assert dock.expected.text() == f"{expected:,.3g} of {n_valid:,} pixels"
    assert dock.flagged.text().startswith(f"{np.count_nonzero(result.mask):,} pixels in ")
    assert dock.plot.line.value() == pytest.approx(result.threshold, abs=0.005)


def test_dragging_the_line_moves_the_mask(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    dock.plot.line.setValue(2.0)
    dock.update_mask()
    assert dock.threshold.value() == 2.0
    assert np.array_equal(mask.data != 0, score.data >= 2.0)
    assert link_of(score).threshold == 2.0
    dock.reset_threshold()
    dock.update_mask()
    assert dock.threshold.value() == pytest.approx(
        default_threshold(int(np.isfinite(score.data).sum())), abs=0.005
    )


def test_strokes_survive_in_the_live_mask_and_can_be_undone(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    y, x = (int(n) for n in np.unravel_index(np.nanargmin(score.data), score.data.shape))
    mask.brush_size = 1
    mask.paint((y, x), 1)
    assert mask.data[y, x] == 1
    mask.undo()
    assert mask.data[y, x] == 0
    mask.paint((y, x), 1)
    dock.threshold.setValue(3.0)
    dock.update_mask()
    assert mask.data[y, x] == 1
    assert "Your brush changed 1 pixel." in dock.status.text()


@pytest.mark.parametrize(("before", "after", "painted"), [(2.0, 3.5, 0), (3.5, 2.0, 1)])
def test_undo_brings_back_no_pixel_of_an_earlier_threshold(
    run_rx: FindStep,
    scanned: ViewerModel,
    make_dock: MakeDock,
    before: float,
    after: float,
    painted: int,
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    dock.threshold.setValue(before)
    dock.update_mask()
    y, x = np.argwhere((score.data >= 2.0) & (score.data < 3.5))[0]
    mask.mode, mask.brush_size = "paint", 1
    mask.paint((y, x), painted)
    dock.threshold.setValue(after)
    dock.update_mask()
    shown = mask.data.copy()
    mask.undo()
    assert np.array_equal(mask.data, shown)
    edits = session_of(scanned).strokes_on(mask, score)
    assert int(np.abs(edits).sum()) == 1
    assert edits[y, x] == (1 if painted else -1)
    assert (mask.mode, mask.editable) == ("paint", True)


def test_a_stroke_that_another_threshold_does_not_touch_can_be_undone(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    y, x = np.argwhere(score.data < 2.0)[0]
    mask.brush_size = 1
    mask.paint((y, x), 1)
    dock.threshold.setValue(3.5)
    dock.update_mask()
    mask.undo()
    assert mask.data[y, x] == 0
    assert session_of(scanned).count_mask(score, mask).brushed == 0


def test_grains_of_a_mask_that_was_brushed_are_counted_beside_the_window(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, by_hand: Any
) -> None:
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    mask.brush_size = 1
    mask.paint((5, 5), 1)
    dock = make_dock(ThresholdPanel, scanned, by_hand)
    assert dock.flagged.text() == "counting…"
    mask.paint((5, 9), 1)
    for _ in range(len(by_hand.waiting)):
        by_hand.run_next()
    assert dock.flagged.text() == "counting…", "brushed meanwhile: counted again"
    by_hand.run_next("Counting the grains")
    n, grains = int((mask.data != 0).sum()), int(label_grains(mask.data != 0).max())
    assert dock.flagged.text() == f"{n:,} pixels in {grains} grains"
    assert session_of(scanned).count_mask(score, mask).grains == grains
    assert "Your brush changed 2 pixels." in dock.status.text()


def test_small_grains_are_left_out_on_request(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    mask = first_layer(scanned, "mask")
    dock.threshold.setValue(3.0)
    dock.update_mask()
    before = int((mask.data != 0).sum())
    dock.min_grain.setValue(3)
    dock.update_mask()
    assert 0 < int((mask.data != 0).sum()) < before
    assert link_of(first_layer(scanned, "score")).min_grain_px == 3


@pytest.fixture
def judged_when_told(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list]]:
    """Masks that are computed only when the test says so, and the thresholds asked for."""
    gate, asked = threading.Event(), []
    judge = threshold_module.judge_score

    def gated_judge(*args: Any) -> Any:
        assert threading.current_thread() is not threading.main_thread()
        asked.append(args[1])
        gate.wait(30)
        return judge(*args)

    monkeypatch.setattr(threshold_module, "judge_score", gated_judge)
    yield gate, asked
    gate.set()


def test_masks_are_computed_beside_the_window_and_the_latest_threshold_wins(
    run_rx: FindStep,
    scanned: ViewerModel,
    make_dock: MakeDock,
    judged_when_told: tuple[threading.Event, list[float]],
    qtbot: Any,
) -> None:
    gate, asked = judged_when_told
    dock = make_dock(ThresholdPanel, scanned, QtExecutor())
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    before = mask.data.copy()
    dock.min_grain.setValue(3)
    for value in (2.0, 1.0, 0.5, 0.0):
        dock.threshold.setValue(value)
        dock.update_mask()
    assert np.array_equal(mask.data, before), "nothing was computed yet, and nobody waited"
    y, x = (int(n) for n in np.unravel_index(np.nanargmin(score.data), score.data.shape))
    mask.brush_size = 1
    mask.paint((y, x), 1)
    gate.set()
    expected = computed_mask(score.data, 0.0, 3)
    expected[y, x] = True
    qtbot.waitUntil(lambda: np.array_equal(mask.data != 0, expected), timeout=20_000)
    assert link_of(score).threshold == 0.0
    assert link_of(score).min_grain_px == 3
    assert 1.0 not in asked, "what was wished for in between is never computed"
    grains = int(label_grains(expected).max())
    shown = f"{np.count_nonzero(expected):,} pixels in {grains:,} grains"
    qtbot.waitUntil(lambda: dock.flagged.text() == shown, timeout=20_000)
    assert "Your brush changed 1 pixel." in dock.status.text()


def test_a_mask_of_replaced_numbers_is_not_shown(
    run_rx: FindStep,
    scanned: ViewerModel,
    make_dock: MakeDock,
    judged_when_told: tuple[threading.Event, list[float]],
    qtbot: Any,
) -> None:
    gate, _ = judged_when_told
    dock = make_dock(ThresholdPanel, scanned, QtExecutor())
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    dock.threshold.setValue(0.0)
    dock.update_mask()
    run_rx.form.set_value("transform", "none")
    run_rx.run()
    after = mask.data.copy()
    gate.set()
    qtbot.wait(400)
    assert np.array_equal(mask.data, after)
    assert dock.threshold.value() == pytest.approx(link_of(score).threshold, abs=0.005)


def test_a_score_opened_by_hand_gets_a_mask_on_its_grid(
    viewer: ViewerModel, make_dock: MakeDock
) -> None:
    score = np.random.default_rng(0).normal(size=(50, 60)).astype(np.float32)
    score[10, 10:14] = 30.0
    score[0, 0] = np.nan
    layer = viewer.add_image(score, name="mine", scale=(5, 5), units="µm")
    dock = make_dock(ThresholdPanel, viewer)
    assert dock.score_combo.layer() is layer
    assert "of 2,999 pixels" in dock.expected.text()
    dock.threshold.setValue(10.0)
    dock.update_mask()
    mask = mask_of(viewer, layer)
    assert int((mask.data != 0).sum()) == 4
    assert tuple(mask.scale) == (5, 5)
    assert [str(unit) for unit in viewer.layers.extent.units] == ["micrometer"] * 2


def test_an_empty_score_is_told(viewer: ViewerModel, make_dock: MakeDock) -> None:
    viewer.add_image(np.full((5, 6), np.nan, np.float32))
    dock = make_dock(ThresholdPanel, viewer)
    assert "every pixel is NaN" in dock.status.text()


def test_removing_the_score_empties_the_dock(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    scanned.layers.remove(first_layer(scanned, "score"))
    assert dock.score_combo.layer() is None
    assert "Run a detector first" in dock.status.text()
    dock.update_mask()


# Truth


def test_one_click_gives_a_registered_mask_and_the_brush(
    scanned: ViewerModel, make_dock: MakeDock, section: SimulatedSection
) -> None:
    dock = make_dock(TruthDock, scanned)
    dock.make_button.click()
    truth = first_layer(scanned, "truth")
    assert truth.data.shape == section.cube.shape
    assert tuple(truth.scale) == section.cube.pixel_size
    assert scanned.layers.selection.active is truth
    assert str(truth.mode) == "paint"
    assert truth.selected_label == 1
    dock.leave_out_button.click()
    assert truth.selected_label == 2
    dock.erase_button.click()
    assert str(truth.mode) == "erase"
    assert "score map" in dock.status.text(), "what is missing is said"


@pytest.fixture
def truth_dock(run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock) -> TruthDock:
    dock = make_dock(TruthDock, scanned)
    dock.make_truth()
    dock.compare_now()
    return dock


def test_auc_follows_the_brush_undo_and_redo(
    truth_dock: TruthDock, scanned: ViewerModel, section: SimulatedSection, qtbot: Any
) -> None:
    truth = first_layer(scanned, "truth")
    assert "Brush at least one anomalous pixel" in truth_dock.status.text()
    where = np.nonzero(section.truth)
    truth.data_setitem(where, 1)
    qtbot.waitUntil(lambda: truth_dock.auc.text() != "–", timeout=5000)
    from napari_mineral_anomaly.evaluation.metrics import auc_and_ap

    auc, ap = auc_and_ap(first_layer(scanned, "score").data, section.truth)
    assert truth_dock.auc.text() == f"{auc:.4f}"
    assert truth_dock.average_precision.text() == f"{ap:.4f}"
    truth.undo()
    qtbot.waitUntil(lambda: truth_dock.auc.text() == "–", timeout=5000)
    truth.redo()
    qtbot.waitUntil(lambda: truth_dock.auc.text() == f"{auc:.4f}", timeout=5000)


def test_left_out_pixels_count_neither_way(
    truth_dock: TruthDock, scanned: ViewerModel, section: SimulatedSection
) -> None:
    truth = first_layer(scanned, "truth")
    data = section.truth.copy()
    data[:, :10] = 2
    truth.data = data
    truth_dock.compare_now()
    assert f"{64 * 10} left out" in truth_dock.counts.text()


def test_removing_the_truth_while_it_is_watched(
    truth_dock: TruthDock, scanned: ViewerModel
) -> None:
    scanned.layers.remove(first_layer(scanned, "truth"))
    truth_dock.compare_now()
    assert truth_dock.auc.text() == "–"
    assert "Make a truth mask" in truth_dock.status.text()
