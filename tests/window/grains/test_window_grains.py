"""The grain table, the outline, the camera, the keys and the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QComboBox

from napari_mineral_anomaly.grains.columns import drivers_text
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.grains.sem.fiducials import Fiducial, Fiducials
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.canvas import fly_to
from napari_mineral_anomaly.window.grains.model import GrainTableModel
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.state.model import DECIDE
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]

LONG = 30_000


def shown_ids(dock: GrainTable) -> list[int]:
    return [dock.model.grain_at(row) for row in range(dock.model.rowCount())]


def column(dock: GrainTable, key: str) -> int:
    return next(k for k, c in enumerate(dock.model.columns) if c.key == key)


def cell(dock: GrainTable, row: int, key: str) -> str:
    return str(dock.model.data(dock.model.index(row, column(dock, key))))


def click_row(dock: GrainTable, row: int) -> int:
    dock.view.setCurrentIndex(dock.model.index(row, 0))
    return dock.model.grain_at(row)


@pytest.fixture
def table_dock(brushed_mask: Any, scanned: ViewerModel, make_dock: MakeDock) -> GrainTable:
    session_of(scanned).strokes_on(brushed_mask, first_layer(scanned, "score"))
    dock = make_dock(GrainTable, scanned)
    dock.list_grains()
    return dock


# The list


def test_the_line_that_says_what_to_do_is_seen_in_a_low_dock(
    viewer: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(GrainTable, viewer)
    dock.resize(1000, dock.minimumSizeHint().height())
    dock.show()
    qtbot.waitExposed(dock)
    bottom = dock.status.mapTo(dock, dock.status.rect().bottomLeft()).y()
    assert dock.status.text()
    assert bottom <= dock.height()


def test_words_that_no_grain_fits_are_told_while_typing(table_dock: GrainTable) -> None:
    table_dock.filter.setText("unobtainium")
    table_dock._search()
    assert table_dock.model.rowCount() == 0
    assert table_dock.status.text().startswith("No grain fits")
    table_dock.filter.setText("")
    table_dock._search()
    assert table_dock.status.text().startswith("Click a row")


def test_the_list_is_that_of_the_core_worst_first(
    table_dock: GrainTable, scanned: ViewerModel, section: SimulatedSection
) -> None:
    listing = table_dock.board.listing
    mask = first_layer(scanned, "mask").data != 0
    expected = find_grains(listing.result, mask=mask, cube=section.cube)
    assert shown_ids(table_dock) == expected["id"].tolist()
    assert len(expected) > 5
    assert cell(table_dock, 0, "rank") == "1"
    assert cell(table_dock, 0, "peak_score") == f"{expected['peak_score'][0]:.1f}"
    assert cell(table_dock, 0, "driver_1") == drivers_text(
        expected.loc[0, [f"driver_{k}" for k in range(1, 6)]].tolist()
    )
    assert table_dock.count.text() == f"{len(expected)} grains"


def test_without_a_score_the_dock_says_what_to_do(viewer: ViewerModel, make_dock: MakeDock) -> None:
    dock = make_dock(GrainTable, viewer)
    dock.list_grains()
    assert "Run a detector first" in dock.status.text()
    for button in (dock.accept_button, dock.next_button, dock.copy_button, dock.files):
        assert not button.isEnabled()


def test_an_empty_mask_leaves_the_oddest_places_below_the_threshold(
    table_dock: GrainTable, scanned: ViewerModel
) -> None:
    first_layer(scanned, "mask").data = np.zeros(first_layer(scanned, "mask").data.shape, np.uint8)
    table_dock.list_grains()
    listing = table_dock.board.listing
    assert table_dock.model.rowCount() == len(listing.table) >= 20
    assert not listing.table["above_threshold"].any()
    # What was brushed out is in no grain.
    assert not (listing.result.mask & (listing.labels > 0)).any()


def test_the_threshold_is_a_line_in_the_list_and_the_rows_are_as_many_as_wanted(
    table_dock: GrainTable,
) -> None:
    table_dock.rows.setValue(60)
    table_dock.list_grains()
    table = table_dock.board.listing.table
    n_above = int(table["above_threshold"].sum())
    assert 0 < n_above < len(table)
    assert table_dock.model.threshold_row == n_above
    below = table_dock.model.index(n_above, column(table_dock, "rank"))
    assert table_dock.model.data(below, Qt.ItemDataRole.ForegroundRole) is not None
    above = table_dock.model.index(0, column(table_dock, "rank"))
    assert table_dock.model.data(above, Qt.ItemDataRole.ForegroundRole) is None
    table_dock.rows.setValue(n_above + 25)
    table_dock.list_grains()
    kinds = table_dock.board.listing.table["kind"]
    assert (kinds == "grain").sum() == n_above + 25
    table_dock.view.sortByColumn(column(table_dock, "area_px"), Qt.SortOrder.AscendingOrder)
    assert table_dock.model.threshold_row is None


def test_sorting_by_a_head_and_back(table_dock: GrainTable) -> None:
    listing = table_dock.board.listing
    table_dock.view.setSortingEnabled(True)
    table_dock.view.sortByColumn(column(table_dock, "area_px"), Qt.SortOrder.DescendingOrder)
    areas = [int(listing.row(grain)["area_px"]) for grain in shown_ids(table_dock)]
    assert areas == sorted(areas, reverse=True)
    table_dock.view.sortByColumn(column(table_dock, "rank"), Qt.SortOrder.AscendingOrder)
    assert shown_ids(table_dock) == listing.table["id"].tolist()


def test_the_filter_hides_rows_and_keeps_the_chosen_one(table_dock: GrainTable, qtbot: Any) -> None:
    listing = table_dock.board.listing
    element = listing.table["driver_1"][0].split("+")[0].split("-")[0]
    grain = click_row(table_dock, 0)
    table_dock.filter.setText(f"{element} peak>3")
    drivers = listing.table[[f"driver_{k}" for k in range(1, 6)]].to_numpy(str)
    has = np.char.startswith(drivers, (f"{element}+")) | np.char.startswith(drivers, f"{element}-")
    expected = listing.table["id"][has.any(axis=1) & (listing.table["peak_score"] > 3)].tolist()
    qtbot.waitUntil(lambda: shown_ids(table_dock) == expected, timeout=5000)
    assert table_dock.board.grain == grain
    assert f"of {len(listing.table)} grains" in table_dock.count.text()
    table_dock.filter.setText("no such words")
    qtbot.waitUntil(lambda: table_dock.model.rowCount() == 0, timeout=5000)


def test_the_list_follows_the_threshold_and_keeps_grain_and_verdict(
    table_dock: GrainTable, scanned: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    n = table_dock.model.n_all
    grain = click_row(table_dock, 0)
    pixel = table_dock.board.listing.pixel_of(grain)
    table_dock.accept()
    assert table_dock.board.grain == table_dock.model.grain_at(1), "on to the next one"
    click_row(table_dock, 0)
    threshold = make_dock(ThresholdPanel, scanned)
    threshold.threshold.setValue(2.0)
    threshold.update_mask()
    qtbot.waitUntil(lambda: table_dock.model.n_all != n, timeout=LONG)
    listing = table_dock.board.listing
    assert table_dock.board.grain == listing.labels[pixel] != 0
    row = table_dock.model.row_of(table_dock.board.grain)
    assert cell(table_dock, row, "status") == "accept"
    assert listing.table["status"].tolist().count("accept") == 1


def test_a_stroke_lists_again(table_dock: GrainTable, scanned: ViewerModel, qtbot: Any) -> None:
    mask = first_layer(scanned, "mask")
    n = table_dock.model.n_all
    y, x = (int(v) for v in np.argwhere(label_grains(mask.data) == 1)[0])
    mask.selected_label = 0
    mask.data_setitem(np.nonzero(label_grains(mask.data) == 1), 0)
    qtbot.waitUntil(lambda: table_dock.model.n_all == n - 1, timeout=LONG)
    assert table_dock.board.listing.grain_at(y, x) == 0


# Verdicts


def test_accept_reject_undo_and_redo(table_dock: GrainTable) -> None:
    click_row(table_dock, 0)
    table_dock.accept_button.click()
    assert cell(table_dock, 0, "status") == "accept"
    table_dock.view.selectAll()
    table_dock.reject()
    n = table_dock.model.rowCount()
    assert [cell(table_dock, row, "status") for row in range(n)] == ["reject"] * n
    assert f"{n} grains" in table_dock.undo_button.toolTip()
    table_dock.undo_button.click()
    assert cell(table_dock, 0, "status") == "accept"
    assert cell(table_dock, 1, "status") == "unseen"
    table_dock.undo_button.click()
    assert cell(table_dock, 0, "status") == "unseen"
    assert not table_dock.undo_button.isEnabled()
    table_dock.redo_button.click()
    assert cell(table_dock, 0, "status") == "accept"


def test_status_and_comment_are_edited_in_their_cells(table_dock: GrainTable) -> None:
    model = table_dock.model
    click_row(table_dock, 1)
    index = model.index(1, column(table_dock, "status"))
    delegate = table_dock.view.itemDelegateForColumn(index.column())
    editor = delegate.createEditor(table_dock.view.viewport(), None, index)
    assert isinstance(editor, QComboBox)
    editor.setCurrentText("SEM-true")
    delegate.setModelData(editor, model, index)
    model.setData(model.index(1, column(table_dock, "comment")), "arsenopyrite, twinned")
    assert cell(table_dock, 1, "status") == "SEM-true"
    assert cell(table_dock, 1, "comment") == "arsenopyrite, twinned"
    assert not model.flags(model.index(1, 0)) & Qt.ItemFlag.ItemIsEditable
    table_dock.undo_button.click()
    assert cell(table_dock, 1, "comment") == ""
    assert cell(table_dock, 1, "status") == "SEM-true"


def test_verdicts_can_be_searched(table_dock: GrainTable, qtbot: Any) -> None:
    grain = click_row(table_dock, 2)
    table_dock.accept()
    table_dock.filter.setText("accept")
    qtbot.waitUntil(lambda: shown_ids(table_dock) == [grain], timeout=5000)


def test_copy_and_csv_hold_what_is_shown(
    table_dock: GrainTable, tmp_path: Path, qtbot: Any
) -> None:
    click_row(table_dock, 0)
    table_dock.accept()
    table_dock.view.clearSelection()
    table_dock.view.selectRow(0)
    table_dock.copy()
    head, line, *rest = QApplication.clipboard().text().split("\n")
    assert rest == [""]
    cells = dict(zip(head.split("\t"), line.split("\t"), strict=True))
    assert cells["Rank"] == "1"
    assert cells["Status"] == "accept"
    assert "Id" not in cells, "hidden columns are not copied"
    table_dock.files.save_csv(tmp_path / "grains.csv")
    saved = pd.read_csv(tmp_path / "grains.csv")
    assert saved["id"].tolist() == shown_ids(table_dock)
    assert saved["status"][0] == "accept"
    assert saved["peak_score"].to_numpy() == pytest.approx(
        table_dock.board.listing.table["peak_score"].to_numpy()
    )


def test_verdicts_go_to_a_file_and_come_back(table_dock: GrainTable, tmp_path: Path) -> None:
    grain = click_row(table_dock, 0)
    table_dock.accept()
    table_dock.model.setData(table_dock.model.index(0, column(table_dock, "comment")), "gold?")
    table_dock.files.save_verdicts(tmp_path / "verdicts.json")
    assert "1 verdict in" in table_dock.status.text()
    table_dock.view.selectAll()
    table_dock.reject()
    table_dock.files.open_verdicts(tmp_path / "verdicts.json")
    assert table_dock.board.verdicts() == {grain: ("accept", "gold?")}
    assert cell(table_dock, 1, "status") == "unseen"
    table_dock.undo_button.click()
    assert cell(table_dock, 1, "status") == "reject"
    (tmp_path / "other.json").write_text("{}")
    table_dock.files.open_verdicts(tmp_path / "other.json")
    assert "holds no grain verdicts" in table_dock.status.text()


# The map


def test_the_chosen_grain_is_outlined_and_in_the_middle(
    table_dock: GrainTable, scanned: ViewerModel
) -> None:
    scanned.canvas.size = (600, 800)
    grain = click_row(table_dock, 1)
    listing = table_dock.board.listing
    outline = first_layer(scanned, "outline")
    score = first_layer(scanned, "score")
    assert tuple(outline.scale) == tuple(score.scale)
    assert [str(unit) for unit in scanned.layers.extent.units] == ["micrometer"] * 2
    rows, columns = np.nonzero(listing.labels == grain)
    corners = np.concatenate(outline.data)
    assert corners.min(axis=0) == pytest.approx((rows.min() - 0.5, columns.min() - 0.5))
    assert corners.max(axis=0) == pytest.approx((rows.max() + 0.5, columns.max() + 0.5))
    centre = np.array([rows.min() + rows.max(), columns.min() + columns.max()]) / 2
    assert np.array(scanned.scene.camera.center[-2:]) == pytest.approx(centre * 20.0)
    assert scanned.layers.selection.active is not outline
    click_row(table_dock, 2)
    assert len(list(linked_layers(scanned, role="outline"))) == 1


def test_a_small_scan_is_shown_as_a_whole() -> None:
    viewer = ViewerModel()
    viewer.canvas.size = (600, 800)
    layer = viewer.add_image(np.zeros((30, 40)), scale=(2.0, 2.0))
    for box in ((0, 2, 0, 2), (25, 29, 30, 39)):
        fly_to(viewer, layer, box)
        assert viewer.scene.camera.center[-2:] == pytest.approx((29.0, 39.0))
        assert viewer.scene.camera.zoom == pytest.approx(600 / 80)
    wide = viewer.add_image(np.zeros((300, 400)), scale=(2.0, 2.0))
    fly_to(viewer, wide, (250, 253, 100, 101))
    assert viewer.scene.camera.center[-2:] == pytest.approx((503.0, 201.0))


def test_the_outline_lies_above_layers_that_came_later(
    table_dock: GrainTable, scanned: ViewerModel
) -> None:
    click_row(table_dock, 0)
    scanned.add_labels(np.ones(first_layer(scanned, "score").data.shape, dtype=np.uint8))
    click_row(table_dock, 1)
    assert scanned.layers[-1] is first_layer(scanned, "outline")


def test_a_removed_outline_comes_back_with_the_next_grain(
    table_dock: GrainTable, scanned: ViewerModel
) -> None:
    click_row(table_dock, 0)
    scanned.layers.remove(first_layer(scanned, "outline"))
    click_row(table_dock, 1)
    assert len(first_layer(scanned, "outline").data) == 1


class Press:
    """A mouse event as napari hands it to callbacks."""

    def __init__(self, position: tuple[float, float], button: int = 1) -> None:
        self.type, self.position, self.button = "mouse_press", position, button
        self.modifiers: tuple[str, ...] = ()


def press(viewer: ViewerModel, position: Any, *, drag: bool = False) -> None:
    event = Press(position)
    for callback in list(viewer.mouse_drag_callbacks):
        steps = callback(viewer, event)
        if steps is None:
            continue
        next(steps, None)
        if drag:
            event.type = "mouse_move"
            next(steps, None)
        event.type = "mouse_release"
        next(steps, None)
        event.type = "mouse_press"


def test_a_click_on_a_grain_selects_its_row(table_dock: GrainTable, scanned: ViewerModel) -> None:
    listing = table_dock.board.listing
    grain = shown_ids(table_dock)[3]
    y, x = listing.pixel_of(grain)
    world = first_layer(scanned, "score").data_to_world((y, x))
    press(scanned, world)
    assert table_dock.board.grain == grain
    assert table_dock.view.selected_grains() == [grain]
    press(scanned, (-500.0, -500.0))
    assert table_dock.board.grain == grain
    other = first_layer(scanned, "score").data_to_world(listing.pixel_of(shown_ids(table_dock)[0]))
    press(scanned, other, drag=True)
    assert table_dock.board.grain == grain, "dragging the map chooses nothing"
    scanned.layers.selection.active = first_layer(scanned, "mask")
    first_layer(scanned, "mask").mode = "paint"
    press(scanned, other)
    assert table_dock.board.grain == grain, "nor does the brush"


def test_closing_gives_keys_clicks_and_outline_back(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    before = len(scanned.mouse_drag_callbacks), dict(scanned.keymap)
    calls = []
    scanned.bind_key("N", lambda viewer: calls.append("theirs"))
    kept = dict(scanned.keymap)
    dock = make_dock(GrainTable, scanned)
    dock.list_grains()
    dock.next_grain()
    assert len(scanned.mouse_drag_callbacks) == before[0] + 1
    assert dict(scanned.keymap) != kept
    dock.shut_down()
    assert len(scanned.mouse_drag_callbacks) == before[0]
    assert dict(scanned.keymap) == kept
    assert not list(linked_layers(scanned, role="outline"))


# A large table


def test_five_thousand_rows_are_sorted_filtered_and_decided(qapp: object) -> None:
    n = 5000
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": np.arange(1, n + 1),
            "rank": np.arange(1, n + 1),
            "peak_score": np.sort(rng.gamma(2, 5, n))[::-1],
            **{f"driver_{k}": rng.choice(["As+9.1", "Fe-3.0", ""], n) for k in range(1, 6)},
            "status": "unseen",
            "comment": "",
        }
    )
    model = GrainTableModel()
    model.set_table(table)
    keys = [column.key for column in model.columns]
    model.sort(keys.index("peak_score"), Qt.SortOrder.AscendingOrder)
    assert model.grain_at(0) == n
    model.show_verdicts(dict.fromkeys(range(1, n + 1, 2), ("reject", "")))
    model.set_filter("reject As")
    has = (table[[f"driver_{k}" for k in range(1, 6)]] == "As+9.1").any(axis=1)
    expected = table["id"][has & (table["id"] % 2 == 1)].tolist()[::-1]
    assert [model.grain_at(row) for row in range(model.rowCount())] == expected
    assert model.row_of(2) is None


# A real window


@pytest.mark.gui
def test_keys_work_from_the_canvas_and_from_the_table(window_with_mask: Any, qtbot: Any) -> None:
    viewer = window_with_mask
    bench = open_step(viewer, DECIDE)
    dock = bench.step(DECIDE).table
    qtbot.waitUntil(lambda: dock.model.rowCount() > 2 and not bench.is_changing, timeout=LONG)
    place = dock.parent()
    assert isinstance(dock.jobs.executor, QtExecutor)
    window = viewer.window._qt_window
    assert window.dockWidgetArea(place) == Qt.DockWidgetArea.BottomDockWidgetArea

    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_N)
    assert dock.board.grain == dock.model.grain_at(0)
    qtbot.waitUntil(lambda: bool(list(linked_layers(viewer, role="outline"))), timeout=LONG)
    qtbot.keyClick(canvas, Qt.Key.Key_A)
    assert cell(dock, 0, "status") == "accept"

    viewer.window.activate()
    dock.view.setFocus()
    qtbot.waitUntil(dock.view.hasFocus, timeout=LONG)
    assert dock.board.grain == dock.model.grain_at(1), "a verdict goes on to the next grain"
    qtbot.keyClick(dock.view, Qt.Key.Key_R)
    assert cell(dock, 1, "status") == "reject"
    qtbot.keyClick(canvas, Qt.Key.Key_U)
    assert cell(dock, 2, "status") == "undecided"
    assert dock.board.grain == dock.model.grain_at(3)
    qtbot.keyClick(dock.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert cell(dock, 2, "status") == "unseen"
    qtbot.keyClick(dock.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert cell(dock, 1, "status") == "unseen"
    dock.filter.setFocus()
    qtbot.keyClicks(dock.filter, "ar")
    assert dock.filter.text() == "ar"
    assert cell(dock, 1, "status") == "unseen", "letters that are being written decide nothing"
    assert board_of(viewer) is dock.board


@pytest.mark.gui
def test_keys_on_the_map_decide_while_points_of_ours_are_active(
    window_with_mask: Any, qtbot: Any
) -> None:
    """napari gives A to the active layer, where it selects all points, and R and M likewise."""
    viewer = window_with_mask
    dock = open_step(viewer, DECIDE).step(DECIDE).table
    qtbot.waitUntil(lambda: dock.model.rowCount() > 2, timeout=LONG)
    points = sem_points_of(viewer).put(
        "s", Fiducials((Fiducial("A", 3.0, 4.0), Fiducial("B", 5.0, 80.0))), "section", {}
    )
    assert viewer.layers.selection.active is points
    points.selected_data = {0}
    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_N)
    qtbot.keyClick(canvas, Qt.Key.Key_A)
    assert cell(dock, 0, "status") == "accept"
    assert points.selected_data == {0}
    # A layer of the user keeps its keys, and so do all in another step.
    own = viewer.add_points([(3.0, 4.0), (5.0, 6.0)])
    qtbot.keyClick(canvas, Qt.Key.Key_A)
    assert own.selected_data == {0, 1}
    assert cell(dock, 1, "status") == "unseen"
    viewer.layers.selection.active = points
    dock.canvas_keys.close()
    qtbot.keyClick(canvas, Qt.Key.Key_A)
    assert points.selected_data == {0, 1}
