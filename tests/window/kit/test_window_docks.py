"""The docks that load and detect on a viewer model, their jobs run at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.simulate import SimulatedSection
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.kit.fold import Fold
from napari_mineral_anomaly.window.kit.opening import BATCH, WORKBENCH, open_dock
from napari_mineral_anomaly.window.kit.panel import PANEL_WIDTH
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps import find_step as detect_module
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep
from napari_mineral_anomaly.window.workbench.steps.open_step import OpenStep

ALL_DOCKS = [OpenStep, FindStep, ThresholdPanel, TruthDock, HandOverStep]
MakeDock = Callable[..., Any]


def add_layers(dock: OpenStep, qtbot: Any) -> None:
    """Press the button and wait until every layer is there."""
    dock.found.add_button.click()
    qtbot.waitUntil(lambda: dock.status.text().startswith("Added"), timeout=20_000)


# All docks


@pytest.mark.parametrize("dock_class", ALL_DOCKS)
def test_an_empty_viewer_is_met_with_what_to_do_next(
    dock_class: type, viewer: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(dock_class, viewer)
    assert dock.status.text() or dock.task.text()
    for name in ("run_button", "export_button", "make_button", "mask_button"):
        button = getattr(dock, name, None)
        assert button is None or not button.isEnabled()


@pytest.mark.parametrize("dock_class", ALL_DOCKS)
def test_every_control_explains_itself_and_the_dock_fits_a_laptop(
    dock_class: type, run_rx: FindStep, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(dock_class, scanned)
    for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit):
        for control in dock.findChildren(kind):
            inside_another = isinstance(control.parent(), (QAbstractSpinBox, QComboBox))
            own = not control.objectName().startswith("qt_") and not inside_another
            if own:
                assert control.toolTip(), f"{kind.__name__} {control.objectName()!r}"
    content = dock._scroll.widget()
    assert content.minimumSizeHint().width() <= PANEL_WIDTH - 16
    assert dock.minimumSizeHint().height() < 600


@pytest.mark.parametrize("dock_class", ALL_DOCKS)
def test_a_closed_dock_hears_nothing_any_more(
    dock_class: type, scanned: ViewerModel, make_dock: MakeDock
) -> None:
    for lasting in (session_of, state_of, projects_of, sem_points_of):
        lasting(scanned)  # listens for the viewer's life, docks or no docks
    before = [len(emitter.callbacks) for emitter in scanned.layers.events.emitters.values()]
    dock = make_dock(dock_class, scanned)
    dock.shut_down()
    after = [len(emitter.callbacks) for emitter in scanned.layers.events.emitters.values()]
    assert after == before


# Load maps


def test_loading_shows_the_report_before_any_layer(
    viewer: ViewerModel,
    scan_folder: Path,
    make_dock: MakeDock,
    section: SimulatedSection,
    qtbot: Any,
) -> None:
    (scan_folder / "notes.txt").write_text("hello")
    dock = make_dock(OpenStep, viewer)
    dock.load([scan_folder])
    assert len(viewer.layers) == 0
    assert not dock.found.isHidden()
    uses = {row.file: row.use for row in dock.found.files.rows}
    assert uses["notes.txt"] == "leave out"
    assert uses["Zr.tif"] == "element"
    assert "ImageJ tag" in dock.found.size.note.text()
    add_layers(dock, qtbot)
    assert len(viewer.layers) == section.cube.n_elements
    assert tuple(viewer.layers[0].scale) == section.cube.pixel_size
    assert np.array_equal(viewer.layers["Zr · scan"].data, section.cube.plane(4))
    assert viewer.canvas.overlays.scale_bar.visible
    assert sum(layer.visible for layer in viewer.layers) == 1


def test_an_unknown_pixel_size_is_asked_once_per_folder(
    viewer: ViewerModel, tmp_path: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    folder = tmp_path / "text maps"
    folder.mkdir()
    for element in ("Fe", "Ca"):
        np.savetxt(folder / f"{element}.txt", np.arange(24).reshape(4, 6), fmt="%d")
    dock = make_dock(OpenStep, viewer)
    dock.load([folder])
    assert "please type it" in dock.found.size.note.text()
    assert dock.found.size.x.value() == 0
    dock.found.size.x.setValue(12.5)
    add_layers(dock, qtbot)
    assert tuple(viewer.layers[0].scale) == (12.5, 12.5)
    again = make_dock(OpenStep, viewer)
    again.load([folder])
    assert again.found.size.x.value() == 12.5
    assert "last time" in again.found.size.note.text()


def test_maps_can_be_added_without_a_pixel_size(
    viewer: ViewerModel, tmp_path: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    np.savetxt(tmp_path / "Fe.txt", np.arange(24).reshape(4, 6), fmt="%d")
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path])
    add_layers(dock, qtbot)
    assert str(viewer.layers[0].units[0]) == "pixel"


def test_an_oblong_pixel_keeps_both_sides_and_all_digits(
    viewer: ViewerModel, tmp_path: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    for element in ("Fe", "Ca"):
        tifffile.imwrite(
            tmp_path / f"{element}.tif",
            np.ones((4, 6), np.uint16),
            imagej=True,
            resolution=(1 / 2.00125, 1 / 5.0),
            metadata={"unit": "um"},
        )
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path])
    assert not dock.found.size.y.isHidden()
    assert dock.found.size.y.value() == 5.0
    add_layers(dock, qtbot)
    assert tuple(viewer.layers[0].scale) == pytest.approx((5.0, 2.00125), abs=1e-7)


def test_a_missing_folder_is_told_in_the_dock(
    viewer: ViewerModel, tmp_path: Path, make_dock: MakeDock
) -> None:
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path / "nowhere"])
    assert "does not exist" in dock.status.text()
    assert dock.found.isHidden()
    assert len(viewer.layers) == 0


def test_a_folder_of_several_samples_offers_them(
    viewer: ViewerModel, tmp_path: Path, make_dock: MakeDock, qtbot: Any
) -> None:
    for sample in ("01", "02"):
        for element in ("Fe", "Ca"):
            np.savetxt(
                tmp_path / f"Sample_{sample}_{element}.txt",
                np.full((4, 6), int(sample)),
                fmt="%d",
            )
    dock = make_dock(OpenStep, viewer)
    dock.load([tmp_path])
    assert dock.sample_combo.count() == 3
    dock.sample_combo.activated.emit(2)
    add_layers(dock, qtbot)
    assert {int(layer.data.max()) for layer in viewer.layers} == {2}


# Detect


def test_a_run_in_the_window_gives_the_numbers_of_the_library(
    run_rx: FindStep, scanned: ViewerModel, section: SimulatedSection
) -> None:
    result = detect(section.cube, "rx")
    assert np.array_equal(first_layer(scanned, "score").data, result.score, equal_nan=True)
    assert np.array_equal(first_layer(scanned, "mask").data != 0, result.mask)
    assert f"{np.count_nonzero(result.mask):,} pixels" in run_rx.status.text()
    assert run_rx.models.save_button.isEnabled()
    assert run_rx.run_button.isEnabled()


def test_the_summary_and_the_form_follow_the_detector(
    scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(FindStep, scanned)
    dock.choose_detector("msfa")
    assert "epochs" in dock.form.values()
    dock.choose_detector("rx")
    assert "epochs" not in dock.form.values()
    assert "Mahalanobis" in dock.expert.summary.text()


def test_seed_device_and_parameters_reach_the_run(
    scanned: ViewerModel, scan_id: str, make_dock: MakeDock
) -> None:
    dock = make_dock(FindStep, scanned)
    dock.choose_detector("rx")
    dock.expert.seed.setValue(5)
    dock.expert.device_combo.setCurrentText("cpu")
    dock.form.set_value("transform", "log1p")
    dock.run()
    info = next(dock.session.runs_of_scan(scan_id)).result.info
    assert (info["seed"], info["device"]) == (5, "cpu")
    assert info["parameters"]["transform"] == "log1p"


def test_an_impossible_parameter_is_told_and_starts_nothing(
    scanned: ViewerModel, make_dock: MakeDock
) -> None:
    dock = make_dock(FindStep, scanned)
    dock.choose_detector("msfa")
    dock.form.set_value("width", 50)  # not a multiple of the 4 groups
    dock.run()
    assert "50 features cannot be split into 4 equal groups" in dock.status.text()
    assert dock.run_button.isEnabled()


def test_a_scan_without_valid_pixels_is_told(scanned: ViewerModel, make_dock: MakeDock) -> None:
    for layer in scanned.layers:
        layer.data = np.zeros_like(layer.data)
    dock = make_dock(FindStep, scanned)
    dock.choose_detector("rx")
    dock.run()
    assert "valid pixels" in dock.status.text()
    assert "Traceback" not in dock.status.text()
    assert not list(linked_layers(scanned, role="score"))


def test_a_model_is_saved_and_applied_to_the_same_numbers(
    run_rx: FindStep, scanned: ViewerModel, tmp_path: Path
) -> None:
    before = first_layer(scanned, "score").data.copy()
    run_rx.save_model(tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "weights.safetensors",
        "model.json",
    }
    run_rx.apply_model(tmp_path / "model")
    after = first_layer(scanned, "score").data
    assert after is not before
    assert np.array_equal(before, after, equal_nan=True)
    assert len(list(linked_layers(scanned, role="score"))) == 1


def test_a_folder_that_is_no_model_is_told(run_rx: FindStep, tmp_path: Path) -> None:
    run_rx.apply_model(tmp_path)
    assert str(tmp_path) in run_rx.status.text()
    assert run_rx.run_button.isEnabled()


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """RX runs that begin only when the test says so, as a long step would."""
    gate = threading.Event()
    run_detection = detect_module.run_detection

    def gated_run(*args: Any, **kwargs: Any) -> Any:
        gate.wait(30)
        return run_detection(*args, **kwargs)

    monkeypatch.setattr(detect_module, "run_detection", gated_run)
    yield gate
    gate.set()


def test_cancel_frees_the_dock_and_leaves_the_earlier_result(
    run_rx: FindStep, scanned: ViewerModel, gated: threading.Event, qtbot: Any
) -> None:
    before = first_layer(scanned, "score").data
    run_rx.jobs.executor = QtExecutor()
    run_rx.form.set_value("transform", "none")
    run_rx.run()
    assert not run_rx.run_button.isEnabled()
    assert run_rx.cancel_button.isEnabled()
    run_rx.cancel_button.click()
    assert run_rx.run_button.isEnabled()
    assert "cancelled" in run_rx.status.text()
    gated.set()
    qtbot.wait(300)
    assert first_layer(scanned, "score").data is before


def test_a_run_whose_layers_were_removed_keeps_its_result(
    scanned: ViewerModel, make_dock: MakeDock, gated: threading.Event, qtbot: Any
) -> None:
    dock = make_dock(FindStep, scanned, QtExecutor())
    dock.choose_detector("rx")
    dock.run()
    scanned.layers.clear()
    gated.set()
    qtbot.waitUntil(lambda: "removed meanwhile" in dock.status.text(), timeout=20_000)
    assert [link.role for _, link in linked_layers(scanned)] == ["pseudo_labels", "score", "mask"]
    assert not dock.run_button.isEnabled()


def test_closing_the_dock_gives_its_run_up(
    scanned: ViewerModel, make_dock: MakeDock, gated: threading.Event, qtbot: Any
) -> None:
    dock = make_dock(FindStep, scanned, QtExecutor())
    dock.choose_detector("rx")
    dock.run()
    dock.shut_down()
    gated.set()
    qtbot.wait(300)
    assert not list(linked_layers(scanned, role="score"))


def test_a_dock_destroyed_with_its_window_gives_its_run_up(
    scanned: ViewerModel, gated: threading.Event, qtbot: Any
) -> None:
    dock = FindStep(scanned, QtExecutor())
    dock.choose_detector("rx")
    dock.run()
    _, handle = dock.jobs.handles[-1]
    with qtbot.waitSignal(dock.destroyed):
        dock.deleteLater()
    assert handle.token.cancelled
    gated.set()
    qtbot.wait(300)
    assert not list(linked_layers(scanned, role="score"))


@pytest.mark.gui
def test_the_header_stays_in_sight_while_a_dock_of_the_lab_is_in_front(
    make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    workbench = open_dock(viewer, WORKBENCH)
    header, place = workbench.header, workbench.parent()
    qtbot.waitUntil(header.isVisible, timeout=20_000)
    batch = open_dock(viewer, BATCH)
    window = viewer.window._qt_window
    qtbot.waitUntil(lambda: bool(window.tabifiedDockWidgets(place)), timeout=20_000)
    qtbot.waitUntil(lambda: not batch.visibleRegion().isEmpty(), timeout=20_000)
    assert header.isVisible()
    bottom = header.mapTo(window, header.rect().bottomLeft()).y()
    assert bottom < batch.mapTo(window, batch.rect().topLeft()).y()
    # It is as high as its text.
    low = header.height()
    header.not_saved.warning("This project is open in another window. " * 6)
    qtbot.waitUntil(lambda: header.height() > low + 40, timeout=20_000)
    assert header.height() >= header.column.heightForWidth(header.width())
    high = header.height()
    header.not_saved.warning("")
    qtbot.waitUntil(lambda: header.height() < high - 40, timeout=20_000)
    # It goes and comes with the workbench, whether that is hidden or closed.
    place.hide()
    qtbot.waitUntil(lambda: not header.isVisible(), timeout=20_000)
    open_dock(viewer, WORKBENCH)
    qtbot.waitUntil(header.isVisible, timeout=20_000)
    place.destroyOnClose()
    assert not [one for one in window.findChildren(type(header)) if one.isVisible()]
    again = open_dock(viewer, WORKBENCH)
    qtbot.waitUntil(again.header.isVisible, timeout=20_000)


def test_what_is_folded_open_by_a_click_comes_into_sight(qtbot: Any) -> None:
    area, inner = QScrollArea(), QWidget()
    column = QVBoxLayout(inner)
    above, fold, late = QLabel("above"), Fold("More", ""), QLabel("late")
    above.setMinimumHeight(350)
    late.setMinimumHeight(300)
    late.hide()
    fold.column.addWidget(late)
    column.addWidget(above)
    column.addWidget(fold)
    area.setWidget(inner)
    area.setWidgetResizable(True)
    area.resize(300, 400)
    qtbot.addWidget(area)
    area.show()
    fold.head.click()
    QTimer.singleShot(100, late.show)  # as a plot that a worker prepares
    qtbot.waitUntil(lambda: late.visibleRegion().boundingRect().height() == 300, timeout=5000)
    assert not fold.head.visibleRegion().isEmpty()
