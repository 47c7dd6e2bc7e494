"""Editing grains in the step *Decide*: the list, the verdicts, the project and the files follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_mineral_anomaly.cli.app import main
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.log import read_log
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.window.editing.brush import grain_brush
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.project.projects import Projects, projects_of
from napari_mineral_anomaly.window.state.model import DECIDE
from napari_mineral_anomaly.window.workbench.steps.decide_step import DecideStep
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

LONG = 60_000


@pytest.fixture
def decide(run_rx: FindStep, scanned: ViewerModel, make_dock: Callable[..., Any]) -> DecideStep:
    step = make_dock(DecideStep, scanned)
    step.complete()
    step.table.list_grains()
    return step


def _select(step: DecideStep, grains: list[int]) -> None:
    """Click the rows of some grains, with Ctrl from the second on."""
    for number, grain in enumerate(grains):
        step.table.view.select_grain(grain, add=number > 0)


def _areas(listing: GrainListing) -> dict[int, int]:
    return dict(zip(listing.table["id"], listing.table["area_px"], strict=True))


def _large(listing: GrainListing, n: int = 2) -> list[int]:
    """The ids of the largest grains, the oddest first."""
    chosen = listing.table.sort_values("area_px", ascending=False).head(n)
    return chosen.sort_values("peak_score", ascending=False)["id"].tolist()


def test_selected_rows_become_one_grain_and_undo_parts_them(
    decide: DecideStep, scanned: ViewerModel
) -> None:
    board, editing = board_of(scanned), decide.editing
    before = board.listing
    first, second = _large(before)
    _select(decide, [second])
    assert not editing.merge_button.isEnabled()
    _select(decide, [second, first])
    assert editing.merge_button.isEnabled()
    board.decide([first], status="accept", comment="native")
    board.decide([second], status="reject")
    editing.merge_button.click()
    listing = board.listing
    areas = _areas(listing)
    assert areas[first] == _areas(before)[first] + _areas(before)[second]
    assert second not in areas
    assert board.grain == first  # it is chosen, with its evidence
    assert board.verdicts()[first][0] == "undecided"
    assert "decide again" in editing.status.text()
    assert listing.table.set_index("id").loc[first, "edited"] == "merged"
    assert "1 edited grain stays as you drew it" in decide.table.status.text()
    view = decide.table.view
    shown = [view.model_.columns[k].key for k in view.shown_columns()]
    assert {"id", "edited"} <= set(shown)  # sentences name ids, which are no longer the ranks
    others = [grain for grain in areas if grain not in (first, second)]
    for grain in others:
        np.testing.assert_array_equal(listing.labels == grain, before.labels == grain)

    assert editing.undo_button.toolTip().startswith(f"Undo: merge grains {min(first, second)}")
    editing.undo_button.click()
    np.testing.assert_array_equal(board.listing.labels, before.labels)
    assert board.verdicts()[first] == ("accept", "native")
    assert board.verdicts()[second][0] == "reject"
    editing.redo_button.click()
    np.testing.assert_array_equal(board.listing.labels, listing.labels)


def test_a_drawn_line_parts_a_grain_and_a_short_one_says_why_not(
    decide: DecideStep, scanned: ViewerModel
) -> None:
    board, editing = board_of(scanned), decide.editing
    before = board.listing
    grain = _large(before, 1)[0]
    _select(decide, [grain])
    top, bottom, left, right = before.box(grain)
    middle = (left + right) // 2
    editing.draw("line")
    layer = grain_brush(scanned)
    assert scanned.layers.selection.active is layer
    assert (layer.mode, layer.brush_size) == ("paint", 1)
    assert editing.status.text().startswith(f"Draw a line right across grain {grain}")
    editing.apply()
    assert "right across" in editing.status.text()
    assert board.listing is before
    assert grain_brush(scanned) is layer  # go on drawing
    layer.data_setitem(np.nonzero(_column(before.labels.shape, top, bottom, middle)), 1)
    editing.apply()
    assert grain_brush(scanned) is None
    assert not editing.apply_button.isEnabled()
    listing = board.listing
    new = set(_areas(listing)) - set(_areas(before))
    assert len(new) >= 1
    own = before.labels == grain
    parts = np.unique(listing.labels[own])
    assert set(parts.tolist()) == {grain, *new}
    assert listing.labels[own].all()
    assert not listing.labels[~own & (before.labels == 0)].any()


def _column(shape: tuple[int, int], top: int, bottom: int, column: int) -> np.ndarray:
    line = np.zeros(shape, bool)
    line[max(top - 1, 0) : bottom + 2, column] = True
    return line


def test_a_grain_is_redrawn_and_leaving_the_brush_changes_nothing(
    decide: DecideStep, scanned: ViewerModel
) -> None:
    board, editing = board_of(scanned), decide.editing
    before = board.listing
    grain = _large(before, 1)[0]
    _select(decide, [grain])
    editing.draw("redraw")
    layer = grain_brush(scanned)
    np.testing.assert_array_equal(np.asarray(layer.data) != 0, before.labels == grain)
    scanned.layers.remove(layer)  # the user takes the layer away
    assert not editing.apply_button.isEnabled()
    active = scanned.layers[0]
    scanned.layers.selection.active = active
    editing.draw("redraw")
    assert scanned.layers.selection.active is grain_brush(scanned)
    editing.cancel()
    assert grain_brush(scanned) is None
    assert scanned.layers.selection.active is active
    assert board.listing is before
    editing.draw("redraw")
    layer = grain_brush(scanned)
    y, x = before.pixel_of(grain)
    layer.data_setitem(np.nonzero(np.asarray(layer.data)), 0)
    editing.apply()
    assert "Nothing is drawn" in editing.status.text()
    layer.data_setitem((np.array([y, y]), np.array([x, x + 1])), 1)
    editing.apply()
    assert _areas(board.listing)[grain] == 2
    assert board.listing.table.set_index("id").loc[grain, "edited"] == "redrawn"
    # The rest of the old grain is in none.
    gone = (before.labels == grain) & (board.listing.labels != grain)
    assert not board.listing.labels[gone].any()


def test_edits_stay_when_threshold_and_list_change(
    decide: DecideStep, scanned: ViewerModel
) -> None:
    board, editing = board_of(scanned), decide.editing
    first, second = _large(board.listing)
    pixels = np.isin(board.listing.labels, (first, second))
    _select(decide, [first, second])
    editing.merge()
    for threshold, rows in ((30.0, 20), (30.0, 1), (2.0, 40)):
        decide.threshold.threshold.setValue(threshold)
        decide.threshold.update_mask()
        decide.table.rows.setValue(rows)
        decide.table.list_grains()
        own = np.unique(board.listing.labels[pixels])
        assert own.size == 1
        np.testing.assert_array_equal(board.listing.labels == own[0], pixels)
        assert board.listing.n_edited == 1
        assert "stays as you drew it, whatever the threshold" in decide.table.status.text()


@pytest.mark.gui
def test_edits_in_a_real_window_are_kept_and_reach_every_file(
    window_with_mask: Any, qtbot: Any, tmp_path: Path, make_dock: Callable[..., Any]
) -> None:
    viewer = window_with_mask
    bench = open_step(viewer, DECIDE)
    step, board = bench.step(DECIDE), board_of(viewer)
    listed = lambda: board.listing is not None and not board.listing.pending  # noqa: E731
    qtbot.waitUntil(listed, timeout=LONG)
    before = board.listing
    first, second = _large(before)
    step.edit_fold.open()
    _select(step, [first, second])
    qtbot.mouseClick(step.editing.merge_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: board.listing.n_edited == 1 and listed(), timeout=LONG)
    merged = board.listing
    assert _areas(merged)[first] == _areas(before)[first] + _areas(before)[second]

    third = next(g for g in _large(merged, 3) if g != first)
    _select(step, [third])
    qtbot.mouseClick(step.editing.redraw_button, Qt.MouseButton.LeftButton)
    layer = grain_brush(viewer)
    assert viewer.layers.selection.active is layer
    inside = {tuple(place) for place in np.argwhere(merged.labels == third)}
    layer.mode = "erase"
    layer.paint(next(iter(inside - {merged.pixel_of(third)})), 0)
    layer.mode = "paint"
    layer.paint(tuple(np.argwhere(merged.allowed & (merged.labels == 0))[0]), 1)
    drawn = np.asarray(layer.data) != 0
    assert 0 < np.count_nonzero(drawn != (merged.labels == third)) <= 2
    editing = step.editing
    line = (editing.apply_button, editing.cancel_button, editing.undo_button, editing.redo_button)
    assert len({button.height() for button in line}) == 1
    qtbot.mouseClick(editing.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: board.listing.n_edited == 2 and listed(), timeout=LONG)
    board.decide([first], status="accept")
    np.testing.assert_array_equal(board.listing.labels == third, drawn & board.listing.allowed)
    final = board.listing

    keeper = projects_of(viewer).keepers["s"]
    assert keeper.save_now()
    folder = keeper.folder
    log = [entry.what for entry in read_log(folder)]
    assert any(what.startswith("grains: ") for what in log)
    note = read_project(folder).result_of("rx")
    np.testing.assert_array_equal(tifffile.imread(folder / note.grain_labels), final.labels)
    assert load_project(folder).verdicts.undo().undo_text == f"redraw grain {third}"

    # What the command line writes is what the window shows.
    out = tmp_path / "out"
    keeper.close()
    main(["export", str(folder), "-o", str(out), "--images", "grain_labels"])
    np.testing.assert_array_equal(tifffile.imread(out / "grain_labels.tif"), final.labels)
    table = pd.read_csv(out / "grains.csv", keep_default_na=False).set_index("id")
    shown = final.table.set_index("id")
    assert table["edited"].to_dict() == shown["edited"].to_dict()
    assert table["area_px"].to_dict() == shown["area_px"].to_dict()
    assert table.loc[first, "status"] == "accept"
    for name in ("grains_qupath.geojson", "grains_qgis.geojson"):
        assert '"edited": "merged"' in (out / name).read_text(encoding="utf-8"), name
    features = json.loads((out / "grains_qgis.geojson").read_text())["features"]
    assert {f["properties"]["id"] for f in features} == set(shown.index)
    main(["report", str(folder), "-o", str(tmp_path / "report.html")])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Edited by hand: " in page

    # Opened again, the list is the same, and undo goes on.
    assert not list(linked_layers(viewer, role="grain_brush"))
    model = ViewerModel()
    projects = Projects(model, SyncExecutor())
    projects.open(folder)
    qtbot.waitUntil(lambda: board_of(model).history_of(_only_scan(model)) is not None, timeout=LONG)
    again = make_dock(DecideStep, model)
    again.complete()
    again.table.list_grains()
    np.testing.assert_array_equal(board_of(model).listing.labels, final.labels)
    board_of(model).undo()  # the verdict
    board_of(model).undo()
    assert board_of(model).listing.n_edited == 1
    projects.close()


def _only_scan(viewer: ViewerModel) -> str:
    return next((link.scan_id for _, link in linked_layers(viewer)), "")
