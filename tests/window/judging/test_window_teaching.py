"""Teaching in the step *Decide*: the list follows the brush, and undo brings it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import first_layer, layer_by_id, linked_layers
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import DECIDE
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.workbench.steps.decide_step import DecideStep
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

LONG = 60_000


@pytest.fixture
def decide(run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any]) -> DecideStep:
    step = make_dock(DecideStep, scanned)
    step.complete()
    step.table.list_grains()
    return step


def _scores(viewer: ViewerModel) -> dict[str | None, Any]:
    return {link.detector: layer for layer, link in linked_layers(viewer, role="score")}


def test_a_taught_grain_leaves_the_list_and_undo_brings_it_back(
    decide: DecideStep, scanned: ViewerModel
) -> None:
    board, teaching = board_of(scanned), decide.teaching
    listing = board.listing
    grain = int(listing.table["id"].iloc[0])
    y, x = listing.pixel_of(grain)
    untouched = _scores(scanned)["rx"].data.copy()
    board.choose(grain)
    decide.teach_grain()
    teaching.teach_now()
    taught = _scores(scanned)["rx+taught"]
    assert state_of(scanned).score_id == str(taught.unique_id)
    assert taught.data[y, x] <= 0
    np.testing.assert_array_equal(_scores(scanned)["rx"].data, untouched)
    assert "taught" in teaching.status.text()
    # The strokes and the verdicts lie over the new score and its mask.
    order = [link.role for _, link in linked_layers(scanned)]
    assert order.index("taught") > max(k for k, role in enumerate(order) if role == "mask")
    decide.table.list_grains()
    shown = board.listing
    assert shown.score_id == str(taught.unique_id)
    first = shown.pixel_of(int(shown.table["id"].iloc[0]))
    assert first != (y, x)

    teaching.undo()
    teaching.teach_now()
    assert set(_scores(scanned)) == {"rx"}
    assert state_of(scanned).score_id == str(_scores(scanned)["rx"].unique_id)
    decide.table.list_grains()
    assert board.listing.pixel_of(int(board.listing.table["id"].iloc[0])) == (y, x)

    teaching.redo()
    teaching.teach_now()
    assert _scores(scanned)["rx+taught"].data[y, x] <= 0
    teaching.forget()
    teaching.teach_now()
    assert set(_scores(scanned)) == {"rx"}


def test_a_score_from_a_file_cannot_be_taught_and_says_so(
    decide: DecideStep, scanned: ViewerModel
) -> None:
    score = _scores(scanned)["rx"]
    decide.session._runs.clear()
    decide.session.changed.emit()
    assert not decide.teaching.brush_button.isEnabled()
    assert decide.teaching.status.text().startswith("This score came from a file")
    assert layer_by_id(scanned, str(score.unique_id)) is score


@pytest.mark.gui
def test_the_brush_teaches_in_a_real_window_and_the_project_keeps_it(
    window_with_mask: Any, qtbot: Any, tmp_path: Path
) -> None:
    viewer = window_with_mask
    bench = open_step(viewer, DECIDE)
    step, board = bench.step(DECIDE), board_of(viewer)
    qtbot.waitUntil(lambda: board.listing is not None, timeout=LONG)
    grain = int(board.listing.table["id"].iloc[0])
    y, x = board.listing.pixel_of(grain)
    step.teaching_fold.open()
    qtbot.mouseClick(step.teaching.brush_button, Qt.MouseButton.LeftButton)
    layer = first_layer(viewer, "taught")
    assert viewer.layers.selection.active is layer
    assert layer.mode == "paint"
    layer.paint((y, x), 1)
    qtbot.waitUntil(lambda: "rx+taught" in _scores(viewer), timeout=LONG)
    taught = _scores(viewer)["rx+taught"]
    qtbot.waitUntil(
        lambda: board.listing is not None and board.listing.score_id == str(taught.unique_id),
        timeout=LONG,
    )
    assert taught.data[y, x] <= 0
    assert viewer.layers.selection.active is layer, "the next stroke teaches, too"
    assert layer.mode == "paint"
    assert taught.visible
    assert not _scores(viewer)["rx"].visible

    keeper = projects_of(viewer).keepers["s"]
    assert keeper.save_now()
    kept = load_project(keeper.folder)
    assert set(kept.results) == {"rx", "rx+taught"}
    np.testing.assert_array_equal(kept.results["rx+taught"].run.result.taught, layer.data != 0)
    np.testing.assert_array_equal(kept.results["rx+taught"].run.result.score, taught.data)

    step.teaching.undo_button.click()
    qtbot.waitUntil(lambda: set(_scores(viewer)) == {"rx"}, timeout=LONG)
    qtbot.waitUntil(lambda: state_of(viewer).score_id == str(_scores(viewer)["rx"].unique_id))
    assert _scores(viewer)["rx"].visible
    assert keeper.save_now()
    assert set(load_project(keeper.folder).results) == {"rx"}


def test_verdicts_are_a_truth_that_does_not_judge_what_they_taught(
    decide: DecideStep, scanned: ViewerModel, make_dock: Callable[..., Any]
) -> None:
    board = board_of(scanned)
    first, second = board.listing.table["id"].iloc[:2].tolist()
    board.decide([first], status="accept")
    truth = make_dock(TruthDock, scanned)
    truth.make_from_verdicts()
    assert first_layer(scanned, "truth") is None  # nothing is rejected yet
    board.decide([second], status="reject")
    truth.make_from_verdicts()
    labels = first_layer(scanned, "truth").data
    np.testing.assert_array_equal(labels == 1, board.listing.labels == first)
    np.testing.assert_array_equal(labels == 0, board.listing.labels == second)
    truth.compare_now()
    assert truth.auc.text() == "1.0000"

    board.choose(second)
    decide.teach_grain()
    decide.teaching.teach_now()
    truth.compare_now()
    assert truth.auc.text() == "–"
    assert "judge the untouched result" in truth.status.text()
