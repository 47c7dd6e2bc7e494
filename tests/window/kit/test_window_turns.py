"""What the event loop is spared: worked out by workers, built late, drawn once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari._qt.widgets.qt_viewer_dock_widget import QtViewerDockWidget
from napari.components import ViewerModel
from qtpy.QtWidgets import QDockWidget

from napari_mineral_anomaly.grains.pixels import mask as mask_keeper
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.window.clusters.dock import PseudoLabelsDock
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.docks.ahead import import_ahead, still_missing
from napari_mineral_anomaly.window.kit.opening import PLUGIN
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import pixel_size_from
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

MakeDock = Callable[..., Any]


@pytest.fixture
def counted_in(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which grains were counted."""
    threads: list[threading.Thread] = []
    count_grains = mask_keeper.count_grains

    def counting(mask: Any) -> int:
        threads.append(threading.current_thread())
        return count_grains(mask)

    monkeypatch.setattr(mask_keeper, "count_grains", counting)
    return threads


def test_the_grains_of_a_run_are_counted_by_a_worker(
    scanned: ViewerModel, make_dock: MakeDock, counted_in: list[threading.Thread], qtbot: Any
) -> None:
    dock = make_dock(FindStep, scanned, QtExecutor())
    dock.choose_detector("rx")
    dock.run()
    qtbot.waitUntil(lambda: dock.status.text().startswith("Done"), timeout=20_000)
    mask, score = first_layer(scanned, "mask"), first_layer(scanned, "score")
    # A stroke and another smallest grain: both are known to the next run before it is shown.
    y, x = np.argwhere(np.asarray(mask.data) == 0)[7]
    mask.data_setitem((np.array([y]), np.array([x])), 1)
    dock.run()
    qtbot.waitUntil(dock.run_button.isEnabled, timeout=20_000)
    assert counted_in
    assert threading.main_thread() not in counted_in
    counts = session_of(scanned).count_mask(score, mask)
    assert counts.brushed == 1
    assert counts.grains == mask_keeper.count_grains(np.asarray(mask.data) != 0)
    assert f"{counts.grains} grains" in dock.status.text()


def test_a_run_can_be_cancelled_until_it_is_shown(
    scanned: ViewerModel, make_dock: MakeDock, by_hand: Any
) -> None:
    dock = make_dock(FindStep, scanned, by_hand)
    dock.choose_detector("rx")
    dock.run()
    by_hand.run_next()
    assert dock.cancel_button.isEnabled(), "the run is there, its mask is not yet"
    assert not dock.run_button.isEnabled()
    dock.cancel()
    assert "nothing was changed" in dock.status.text()
    assert dock.run_button.isEnabled()
    by_hand.run_next()
    assert not list(linked_layers(scanned, role="score"))
    dock.run()
    by_hand.run_next()
    by_hand.run_next()
    assert len(list(linked_layers(scanned, role="score"))) == 1


def test_a_run_keeps_the_smallest_grain_that_was_set(
    run_rx: FindStep, scanned: ViewerModel
) -> None:
    score, mask = first_layer(scanned, "score"), first_layer(scanned, "mask")
    session = session_of(scanned)
    session.show_judged(score, mask, mask_keeper.judge_score(score.data, 2.0, 7))
    run_rx.run()
    result = next(session.runs_of_scan(run_rx.scan_id)).result
    expected = mask_keeper.computed_mask(result.score, result.threshold, 7)
    assert expected.sum() < result.mask.sum(), "a grain is too small"
    assert np.array_equal(mask.data != 0, expected)


@pytest.fixture
def clustered(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, by_hand: Any
) -> tuple[PseudoLabelsDock, Any, Any]:
    """A dock whose jobs wait, with two clusters and candidates."""
    labels = np.full((64, 96), 2, dtype=np.uint16)
    labels[:, 60:] = 3
    labels[:8, :8] = 1
    layer = first_layer(scanned, "pseudo_labels")
    layer.data = labels
    dock = make_dock(PseudoLabelsDock, scanned, by_hand)
    by_hand.run_next()
    return dock, by_hand, layer


def test_what_is_brushed_while_clusters_are_computed_stays(
    clustered: tuple[PseudoLabelsDock, Any, Any],
) -> None:
    dock, by_hand, layer = clustered
    dock.table.select_codes([2, 3])
    dock.merge()
    layer.brush_size = 1
    layer.paint((20, 20), 1)
    layer.paint((20, 80), 1)
    by_hand.run_next()
    expected = np.full((64, 96), 2, dtype=np.uint16)
    expected[:8, :8] = expected[20, 20] = expected[20, 80] = 1
    assert np.array_equal(layer.data, expected)
    # The next change takes the strokes over, and each step can be taken back.
    dock.table.select_codes([2])
    dock.toggle_role()
    by_hand.run_next()
    assert dock.table.item(0, 3).text() == "66"
    dock.undo()
    dock.undo()
    dock.undo()
    assert [by_hand.run_next() for _ in range(3)]
    assert layer.data[20, 80] == 3


def test_looking_at_clusters_writes_nothing_into_their_layer(
    clustered: tuple[PseudoLabelsDock, Any, Any], scanned: ViewerModel
) -> None:
    dock, by_hand, layer = clustered
    session_of(scanned).changed.emit()
    layer.brush_size = 1
    layer.paint((20, 20), 1)
    by_hand.run_next()
    assert layer.data[20, 20] == 1
    assert dock.table.item(0, 3).text() == "64", "counted before the stroke"


def test_a_selection_is_told_once_and_only_thickens_the_curves(
    clustered: tuple[PseudoLabelsDock, Any, Any],
) -> None:
    dock, by_hand, _ = clustered
    told: list[list[int]] = []
    dock.table.itemSelectionChanged.connect(lambda: told.append(dock.table.selected_codes()))
    assert dock.plot.n_curves == 3
    curves = {code: curve for code, (curve, _) in dock.plot._curves.items()}
    dock.table.select_codes([1, 3])
    assert told == [[1, 3]]
    assert dock.plot.thick == {1, 3}
    assert {code: curve for code, (curve, _) in dock.plot._curves.items()} == curves
    dock.table.select_codes([2])
    assert dock.plot.thick == {2}
    dock.toggle_role()
    by_hand.run_next()
    assert dock.plot.thick == {2}, "the selection stays on its cluster"
    assert told == [[1, 3], [2]]


def test_the_loss_is_drawn_from_the_first_loss_on(
    scanned: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(FindStep, scanned)
    qtbot.wait(300)
    assert dock.loss_plot._bare is None, "most runs never train"
    dock.loss_plot.clear()
    dock.loss_plot.extend("training", [3.0, 2.0])
    dock.loss_plot.extend("training", [1.0])
    assert dock.loss_plot.n_points == 3
    assert dock.loss_plot._bare.listDataItems()[0].getData()[1].tolist() == [3.0, 2.0, 1.0]


def test_a_pixel_size_in_another_unit_is_converted() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((4, 4)), scale=(0.5, 0.25), units=("mm", "mm"))
    assert pixel_size_from(layer.scale, layer.units) == pytest.approx((500.0, 250.0))
    layer.units = ("µm", "µm")
    assert pixel_size_from(layer.scale, layer.units) == pytest.approx((0.5, 0.25))
    layer.units = ("pixel", "pixel")
    assert pixel_size_from(layer.scale, layer.units) is None


def test_libraries_are_imported_ahead_until_that_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"imported_ahead_{k}" for k in range(3)]
    token = CancelToken()
    for name in names:
        (tmp_path / f"{name}.py").write_text("value = 7")
    (tmp_path / f"{names[1]}.py").write_text("STOP()")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("builtins.STOP", token.cancel, raising=False)
    assert still_missing(names) == tuple(names)
    with pytest.raises(CancelledError):
        import_ahead(names, Task(token=token))
    assert still_missing(names) == (names[2],)
    for name in names[:2]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.gui
def test_the_first_dock_lets_a_worker_import_what_the_next_ones_need() -> None:
    """In a process of its own: here everything is imported already."""
    code = """
import sys, threading, time
import napari
from qtpy.QtWidgets import QApplication
from napari_mineral_anomaly.window.kit.docks.ahead import LIBRARIES, still_missing

def wait(done, seconds):
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)

viewer = napari.Viewer(show=True)
dock = viewer.window.add_plugin_dock_widget("napari-mineral-anomaly", "Mineral anomaly")[1]
before = still_missing()
wait(lambda: not still_missing(), 90)
print("before", len(before), "after", len(still_missing()))
wait(lambda: not any(handle.running for _, handle in dock.jobs.handles), 90)
viewer.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert int(words[1]) > 0, "the dock itself imports none of them"
    assert int(words[3]) == 0


@pytest.mark.gui
def test_a_dock_that_becomes_a_tab_is_not_reported_as_moved(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    reported: list[tuple[str, bool]] = []
    update = QtViewerDockWidget._update_default_dock_area

    def updating(self: QtViewerDockWidget, value: Any) -> None:
        window = self.window()
        reported.append((self.name, bool(window.tabifiedDockWidgets(self))))
        update(self, value)

    monkeypatch.setattr(QtViewerDockWidget, "_update_default_dock_area", updating)
    viewer = make_napari_viewer(show=True)
    window = viewer.window._qt_window
    first, second = (
        viewer.window.add_plugin_dock_widget(PLUGIN, name)[0]
        for name in ("Lab: judging", "Lab: ground truth")
    )
    qtbot.waitUntil(lambda: second in window.tabifiedDockWidgets(first), timeout=30_000)
    assert isinstance(second, QDockWidget)
    assert not second.signalsBlocked()
    assert second.toggleViewAction().isChecked()
    assert len([name for name, _ in reported if "ground truth" in name]) == 1, "only by napari"


def test_the_histogram_is_built_late_and_shows_what_came_before(
    run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock, qtbot: Any
) -> None:
    dock = make_dock(ThresholdPanel, scanned)
    plot = dock.plot
    assert plot._bare is None
    assert plot.minimumHeight() == 220, "its place is kept"
    dragged: list[float] = []
    plot.threshold_dragged.connect(dragged.append)
    dock.threshold.setValue(2.5)
    qtbot.waitUntil(lambda: plot._bare is not None, timeout=5_000)
    assert plot.sizeHint().height() == 220
    assert plot.line.value() == pytest.approx(2.5)
    assert plot.line.isVisible()
    counts = plot._bars.getData()[1]
    assert np.isclose(counts, np.log10(0.5)).sum() < counts.size, "bins that hold pixels"
    assert dragged == []
    plot.line.setValue(3.0)
    assert dragged == [3.0]
    assert dock.threshold.value() == 3.0
    scanned.layers.clear()
    assert not plot.line.isVisible()
