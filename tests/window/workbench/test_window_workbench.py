"""The workbench: sections, steps and their ticks, the header, the habits of the window."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QMainWindow,
    QScrollBar,
    QSpinBox,
    QWidget,
)

from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.kit.opening import LAB, PLUGIN, open_dock, open_step
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.links import Link, linked_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.plugin import commands
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import (
    DECIDE,
    FIND,
    HAND_OVER,
    LOOK,
    OPEN,
    STEPS,
    Activity,
)
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.workbench.frame.dock import Workbench
from napari_mineral_anomaly.window.workbench.frame.header import Header
from napari_mineral_anomaly.window.workbench.frame.section_facts import facts_of_section
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.look_step import LookStep

LONG = 60_000
MakeDock = Callable[..., Any]


def shown(viewer: Any) -> dict[str, int]:
    """Number of visible layers by section."""
    counts: dict[str, int] = {}
    for layer, link in linked_layers(viewer):
        counts[link.scan_id] = counts.get(link.scan_id, 0) + bool(layer.visible)
    return counts


@pytest.fixture
def two_sections(scanned: ViewerModel, cube: ElementCube) -> ViewerModel:
    state_of(scanned)
    part = cube.replace(maps=cube.maps[:, :40, :50], valid=cube.valid[:40, :50])
    for data in element_layers(part, scan="two", scan_id="b"):
        add(scanned, data)
    return scanned


# Sections


def test_a_new_section_becomes_active_and_hides_the_other(
    two_sections: ViewerModel, scan_id: str
) -> None:
    state = state_of(two_sections)
    assert [section.name for section in state.sections] == ["section", "two"]
    assert state.scan_id == "b"
    assert shown(two_sections) == {scan_id: 0, "b": 1}


def test_the_layers_of_a_section_come_back_as_they_were_left(
    two_sections: ViewerModel, scan_id: str
) -> None:
    state = state_of(two_sections)
    own = two_sections.add_image(np.zeros((4, 4)), name="of the user")
    state.scan_id = scan_id
    assert shown(two_sections) == {scan_id: 1, "b": 0}
    gold = two_sections.layers["Au · section"]
    two_sections.layers["Si · section"].visible, gold.visible = False, True
    camera = two_sections.scene.camera
    fitted = tuple(camera.center), camera.zoom
    camera.center, camera.zoom = (0.0, 100.0, 200.0), 3.0
    state.scan_id = "b"
    assert not gold.visible
    assert own.visible, "layers that are not ours stay"
    assert tuple(camera.center[-2:]) == pytest.approx((390.0, 490.0)), "the middle of 40 x 50"
    state.scan_id = scan_id
    assert [layer.name for layer in two_sections.layers if layer.visible] == [gold.name, own.name]
    assert (tuple(camera.center), camera.zoom) == fitted


def test_a_section_that_is_removed_gives_its_place_to_the_last_one(
    two_sections: ViewerModel, scan_id: str
) -> None:
    state = state_of(two_sections)
    for layer, _ in list(linked_layers(two_sections, "b")):
        two_sections.layers.remove(layer)
    assert [section.scan_id for section in state.sections] == [scan_id]
    assert state.scan_id == scan_id
    assert shown(two_sections) == {scan_id: 1}
    two_sections.layers.clear()
    assert (state.sections, state.scan_id, state.done) == ((), None, frozenset())


def test_the_header_tells_size_step_and_elements_of_the_active_section(
    two_sections: ViewerModel, make_dock: MakeDock, scan_id: str
) -> None:
    header: Header = make_dock(Header, two_sections)
    assert header.section_combo.currentText() == "two"
    assert header.facts.text() == "1 × 0.8 mm · 20 µm per pixel\n6 elements"
    header.section_combo.setCurrentIndex(0)
    header.section_combo.activated.emit(0)
    assert state_of(two_sections).scan_id == scan_id
    assert header.facts.text() == "1.92 × 1.28 mm · 20 µm per pixel\n6 elements"
    assert not header.thumbnail.pixmap().isNull()


# Steps


def test_the_steps_are_ticked_as_they_are_done(scanned: ViewerModel, make_dock: MakeDock) -> None:
    workbench: Workbench = make_dock(Workbench, scanned)

    def ticked() -> set[str]:
        return {name for name in STEPS if "✓" in workbench.rail.buttons[name].text()}

    assert ticked() == {OPEN}
    workbench.rail.buttons[FIND].click()
    find = workbench.step(FIND)
    assert workbench._stack.currentWidget() is find
    find.quick_button.click()
    assert ticked() == {OPEN, FIND}
    workbench.go_to(DECIDE)
    decide = workbench.step(DECIDE)
    decide.table.list_grains()
    assert decide.decided.text().startswith("0 of ")
    decide.table.next_grain()
    decide.table.accept()
    assert ticked() == {OPEN, FIND, DECIDE}
    assert decide.decided.text().startswith("1 of ")
    decide.table.undo_button.click()
    assert ticked() == {OPEN, FIND}


def test_a_section_without_a_result_is_not_met_with_a_list(
    run_rx: Any, scanned: ViewerModel, cube: ElementCube, make_dock: MakeDock, scan_id: str
) -> None:
    workbench: Workbench = make_dock(Workbench, scanned)
    workbench.go_to(HAND_OVER)
    for data in element_layers(cube, scan="two", scan_id="b"):
        add(scanned, data)
    assert workbench.state.step == LOOK
    workbench.state.scan_id = scan_id
    assert workbench.state.step == LOOK, "nobody is sent back either"


def test_another_section_ends_the_view_of_all_elements(
    two_sections: ViewerModel, cube: ElementCube, make_dock: MakeDock
) -> None:
    state = state_of(two_sections)
    look = make_dock(LookStep, two_sections)
    look.entered()
    look.all_button.click()
    assert shown(two_sections) == {"scan-a": 0, "b": 2}, "the picture and its names"
    look.all_button.click()
    state.scan_id = "scan-a"
    n_shown = shown(two_sections)["scan-a"]
    assert n_shown > 0, "hidden sections do not forget what they show"
    state.scan_id = "b"
    look.all_button.click()
    state.scan_id = "scan-a"
    assert shown(two_sections) == {"scan-a": n_shown, "b": 0}, "its layers come back with it"
    large = two_sections.scene.camera.center[-2:]
    height, width = cube.shape
    middle = [(height - 1) / 2 * cube.pixel_size[0], (width - 1) / 2 * cube.pixel_size[1]]
    assert large == pytest.approx(middle, abs=1.0)


def test_all_lists_of_scores_show_the_same_choice_of_the_active_section(
    run_rx: Any, scanned: ViewerModel, cube: ElementCube, make_dock: MakeDock, scan_id: str
) -> None:
    run_rx.choose_detector("pca")
    run_rx.run()
    workbench: Workbench = make_dock(Workbench, scanned)
    decide, hand_over = workbench.step(DECIDE), workbench.step(HAND_OVER)
    lists = (decide.table.score_combo, decide.threshold.score_combo, hand_over.score_combo)
    rx, pca = (layer for layer, _ in linked_layers(scanned, role="score"))
    assert {one.layer() for one in lists} == {pca}
    lists[2].choose(rx)
    assert {one.layer() for one in lists} == {rx}
    for data in element_layers(cube, scan="two", scan_id="b"):
        add(scanned, data)
    assert {one.layer() for one in lists} == {None}
    workbench.state.scan_id = scan_id
    assert {one.layer() for one in lists} == {pca}


def test_after_a_run_the_next_button_to_press_goes_to_the_grains(
    scanned: ViewerModel, make_dock: MakeDock
) -> None:
    find = make_dock(FindStep, scanned)
    assert find.next_button.isHidden()
    assert find.quick_button.styleSheet()
    find.quick_look()
    assert not find.next_button.isHidden()
    assert find.next_button.styleSheet()
    assert not find.quick_button.styleSheet(), "one button stands out"


def test_a_run_that_flags_nothing_says_what_the_list_holds(
    viewer: ViewerModel, make_dock: MakeDock
) -> None:
    noise = np.random.default_rng(3).poisson(50, (3, 30, 30)).astype(np.uint16)
    cube = ElementCube(maps=noise, elements=("Fe", "Si", "Ca"))
    for data in element_layers(cube, scan="noise", scan_id="n"):
        add(viewer, data)
    find = make_dock(FindStep, viewer)
    find.quick_look()
    assert "0 pixels in 0 grains" in find.status.text()
    assert "The list holds the oddest places" in find.status.text()


def test_what_runs_is_told_in_the_header(viewer: ViewerModel, make_dock: MakeDock) -> None:
    header: Header = make_dock(Header, viewer)
    state = state_of(viewer)
    assert header.progress.isHidden()
    state.report("find", Activity("Training · 3 min left", 40, is_run=True))
    state.report("open", Activity("Reading…"))
    assert header.doing.toolTip() == "Reading… (+1 more)"
    assert header.progress.isHidden(), "an end that is not known is said in words alone"
    assert state.run is not None
    state.report("open", None)
    assert header.doing.text() == "Training · 3 min left"
    assert header.progress.value() == 40
    state.report("find", None)
    assert header.progress.isHidden()


# Habits


def _turn_wheel(widget: QWidget) -> bool:
    """Turn the wheel over a widget; whether the widget took the event."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(QPoint(3, 3))),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_the_wheel_over_a_form_scrolls_the_form(viewer: ViewerModel, qtbot: Any) -> None:
    panel = Panel(viewer)
    qtbot.addWidget(panel)
    boxes = [panel.add(QSpinBox()) for _ in range(60)]
    panel.resize(330, 300)
    panel.show()
    qtbot.waitExposed(panel)
    bar: QScrollBar = panel._scroll.verticalScrollBar()
    boxes[0].setValue(50)
    assert not _turn_wheel(boxes[0]), "the form gets it"
    assert boxes[0].value() == 50
    if hasattr(QTest, "wheelEvent"):  # PyQt6 has none, and Qt passes only real events on
        place = QPointF(boxes[0].mapTo(panel, boxes[0].rect().center()))
        QTest.wheelEvent(panel.windowHandle(), place, QPoint(0, -120))
        qtbot.waitUntil(lambda: bar.value() > 0, timeout=5000)
        assert boxes[0].value() == 50
    panel.activateWindow()
    boxes[0].setFocus()
    qtbot.waitUntil(boxes[0].hasFocus, timeout=5000)
    assert _turn_wheel(boxes[0])
    assert boxes[0].value() == 49, "who works in a field may use the wheel"


def test_fields_that_come_late_let_the_wheel_scroll_too(scanned: ViewerModel, qtbot: Any) -> None:
    find = FindStep(scanned)
    qtbot.addWidget(find)
    find.show()
    qtbot.waitExposed(find)
    find.choose_detector("msfa-paper")  # a form that is built while it is in sight
    find.form._fields  # noqa: B018  all of it
    fields = [*find.findChildren(QComboBox), *find.findChildren(QAbstractSpinBox)]
    assert len(fields) > 10
    for field in fields:
        assert not _turn_wheel(field), field.toolTip()


def test_a_result_that_is_there_already_leads_on_to_its_grains(
    scanned: ViewerModel, scan_id: str, qtbot: Any
) -> None:
    late = Link(scan_id, "score", detector="rx").metadata()
    score = scanned.add_image(np.zeros((64, 96)), name="score", metadata=late)
    find = FindStep(scanned)
    qtbot.addWidget(find)
    assert not find.next_button.isHidden()
    scanned.layers.remove(score)
    assert find.next_button.isHidden()
    assert not find.state.is_done(FIND)
    scanned.layers.append(score)  # the step is there, then a project is read
    assert not find.next_button.isHidden()


# A real window


@pytest.fixture
def window(make_napari_viewer: Callable[..., Any]) -> Any:
    return make_napari_viewer(show=True)


def _places(viewer: Any) -> list[str]:
    docks = viewer.window._qt_window.findChildren(QDockWidget)
    return [dock.objectName() for dock in docks if isinstance(dock.widget(), Workbench)]


@pytest.mark.gui
def test_the_sample_opens_the_workbench_and_a_folder_does_not_open_another(
    window: Any, scan_folder: Path, qtbot: Any
) -> None:
    began = time.monotonic()
    window.open_sample(PLUGIN, "easy")
    qtbot.waitUntil(lambda: len(_places(window)) == 1, timeout=LONG)
    assert time.monotonic() - began < 60
    workbench = open_step(window)
    assert workbench.header.section_combo.currentText() == "simulated, easy"
    window.open(scan_folder, plugin=PLUGIN)
    qtbot.waitUntil(lambda: workbench.header.section_combo.currentText() == "scan", timeout=LONG)
    qtbot.wait(50)
    assert len(_places(window)) == 1
    assert len(workbench.state.sections) == 2
    # Three elements of the new section in colours, nothing of the other one.
    qtbot.waitUntil(lambda: sorted(shown(window).values()) == [0, 3], timeout=LONG)


@pytest.mark.gui
def test_the_list_lies_below_the_map_while_grains_are_decided(window: Any, qtbot: Any) -> None:
    workbench = open_step(window, DECIDE)
    table = workbench.step(DECIDE).table
    main: QMainWindow = window.window._qt_window
    qtbot.waitUntil(table.isVisible, timeout=LONG)
    assert main.dockWidgetArea(table.parent()) == Qt.DockWidgetArea.BottomDockWidgetArea
    commands.show_find()
    assert workbench.state.step == FIND
    qtbot.waitUntil(lambda: not table.isVisible(), timeout=LONG)
    # Qt gives a shortcut to the active window only. Without a window manager nobody makes a new
    # window active; here it asks for it.
    main.activateWindow()
    qtbot.waitUntil(main.isActiveWindow, timeout=LONG)
    qtbot.keyClick(workbench, Qt.Key.Key_4, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(table.isVisible, timeout=LONG)
    assert workbench.state.step == DECIDE
    lab = open_dock(window, LAB[-1])
    qtbot.waitUntil(lab.isVisible, timeout=LONG)
    # Qt does not hide a dock behind a tab of the same place at once, it moves it out of sight.
    qtbot.waitUntil(lambda: workbench.visibleRegion().isEmpty(), timeout=LONG)
    assert not lab.visibleRegion().isEmpty()
    assert table.isVisible(), "the grains of a sample are looked at with the list"
    window.window.remove_dock_widget(workbench.parent())
    assert table._connections == []
    assert not any(dock.widget() is table for dock in main.findChildren(QDockWidget))


@pytest.mark.gui
def test_a_lab_dock_is_opened_once_and_the_map_stays(window: Any, qtbot: Any) -> None:
    window.add_image(np.zeros((40, 60)))
    workbench = open_step(window)
    camera = window.scene.camera
    camera.center, camera.zoom = (0.0, 11.0, 13.0), 2.5
    for dock in LAB[1:]:
        first = open_dock(window, dock)
        workbench.rail.lab_menu.actions()[LAB.index(dock)].trigger()
        assert open_dock(window, dock) is first
    qtbot.wait(100)
    assert (tuple(camera.center), camera.zoom) == ((0.0, 11.0, 13.0), 2.5)


class _Stays:
    """A user who is asked before a run is given up."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gives_up = False

    def end_run(self, sentence: str) -> bool:
        self.asked.append(sentence)
        return self.gives_up


@pytest.mark.gui
def test_closing_during_a_run_asks_and_then_ends_the_run(
    window: Any, scan_folder: Path, qtbot: Any
) -> None:
    window.open(scan_folder, plugin=PLUGIN)
    workbench = open_step(window, FIND)
    qtbot.waitUntil(lambda: workbench.isVisible(), timeout=LONG)
    user = _Stays()
    projects_of(window).asker = user  # type: ignore[assignment]
    find = workbench.step(FIND)

    def work(cube: ElementCube, task: Task) -> Any:
        step = 0
        while True:
            step += 1
            task.step("training", step, 1000, loss=1.0 / step)
            time.sleep(0.01)

    find._start("A slow detector", work)
    qtbot.waitUntil(lambda: find.loss_plot.n_points > 0, timeout=LONG)
    main = window.window._qt_window
    main.close()
    assert len(user.asked) == 1
    assert "epoch" in user.asked[0]
    assert main.isVisible()
    assert workbench.state.run is not None
    handle = find.jobs.handles[-1][1]
    user.gives_up = True
    workbench.shut_down()
    assert handle.token.cancelled
    assert workbench.state.run is None


@pytest.mark.parametrize(
    ("pixel_size", "facts"),
    [
        ((1.66741, 1.66741), "50 × 33.3 µm · 1.667 µm per pixel"),
        ((2.0, 1.66741), "50 × 40 µm · 1.667 × 2 µm per pixel"),
        ((60.0, 60.0), "1.8 × 1.2 mm · 60 µm per pixel"),
        (None, "20 rows × 30 columns, pixel size unknown"),
    ],
)
def test_the_size_is_told_in_lengths_that_fit(pixel_size: Any, facts: str) -> None:
    viewer = ViewerModel()
    cube = ElementCube(np.ones((1, 20, 30), np.uint16), ["Fe"], pixel_size=pixel_size)
    for data in element_layers(cube, scan="one", scan_id="one"):
        add(viewer, data)
    assert facts_of_section(viewer, "one") == f"{facts}\n1 element"
