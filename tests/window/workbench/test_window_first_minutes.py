"""The first minutes: what a real window shows after a sample, a folder, a result, a project."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from napari._app_model import get_app_model
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_mineral_anomaly.project.new import make_project
from napari_mineral_anomaly.project.recent import remember_project
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.kit.opening import LAB, PLUGIN, open_dock, open_step
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import DECIDE, LOOK, OPEN, STEPS
from napari_mineral_anomaly.window.workbench.steps.first_minutes import FirstMinutes
from napari_mineral_anomaly.window.workbench.steps.look_step import LookStep

LONG = 90_000


@pytest.fixture
def window(make_napari_viewer: Callable[..., Any]) -> Any:
    return make_napari_viewer(show=True)


def in_colours(viewer: Any) -> list[str]:
    """The elements that are seen as colours."""
    shown = [layer for layer, _ in linked_layers(viewer, role="element") if layer.visible]
    return [layer.colormap.name for layer in shown]


def open_few(scan_folder: Path, folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.tif").symlink_to(scan_folder / f"{name}.tif")
    return folder


@pytest.mark.gui
def test_recent_projects_stand_right_below_the_buttons(
    window: Any, qtbot: Any, tmp_path: Path
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "project.json").write_text("{}")
    remember_project(tmp_path / "project", "slide 7")
    window.window._qt_window.resize(1400, 980)
    start = open_step(window, OPEN).step(OPEN).start
    qtbot.waitUntil(start.recent.isVisible, timeout=LONG)
    qtbot.wait(100)
    assert start.recent.count() == 1
    assert start.heading.height() < 40, "it does not take the free height"
    assert start.recent.geometry().top() - start.batch_button.geometry().bottom() < 60


def test_recent_projects_of_one_name_are_told_apart_by_their_folders(
    viewer: Any, tmp_path: Path
) -> None:
    for place, name in (("a/work", "maps"), ("b/work", "maps"), ("c", "slide 7")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "project.json").write_text("{}")
        remember_project(tmp_path / place, name)
    start = FirstMinutes(viewer, lambda: None)
    shown = [start.recent.item(row).text() for row in range(start.recent.count())]
    assert shown == ["slide 7", "maps · b/work", "maps · a/work"]


@pytest.mark.gui
def test_the_sample_is_announced_and_ends_on_look_with_colours(window: Any, qtbot: Any) -> None:
    workbench = open_step(window, OPEN)
    start = workbench.step(OPEN).start
    qtbot.waitUntil(start.isVisible, timeout=LONG)
    start.sample_button.click()
    assert workbench.header.doing.text().startswith("Simulating"), "said before it is computed"
    qtbot.waitUntil(lambda: workbench.state.step == LOOK, timeout=LONG)
    look = workbench.step(LOOK)
    qtbot.waitUntil(lambda: len(look.chips.chosen) == 3, timeout=LONG)
    qtbot.waitUntil(lambda: sorted(in_colours(window)) == ["blue", "green", "red"], timeout=LONG)
    assert workbench.header.section_combo.currentText() == "simulated, easy"
    assert not workbench.header.doing.isVisible()
    assert window.layers.selection.active.name == f"{look.chips.chosen[0]} · simulated, easy"


@pytest.mark.gui
def test_a_dropped_folder_opens_the_dock_on_look_and_results_on_decide(
    window: Any, scan_folder: Path, tmp_path: Path, qtbot: Any
) -> None:
    few = open_few(scan_folder, tmp_path / "few", "Si", "Fe", "Zr")
    window.open(few, plugin=PLUGIN)
    qtbot.waitUntil(lambda: open_step(window).state.step == LOOK, timeout=LONG)
    workbench = open_step(window)
    assert workbench.isVisible()
    qtbot.waitUntil(lambda: bool(workbench.step(LOOK).chips.chosen), timeout=LONG)
    scan_to_folder([few], tmp_path / "result", "rx")
    window.open(tmp_path / "result" / "anomaly_score.ome.tif", plugin=PLUGIN)
    qtbot.waitUntil(lambda: workbench.state.step == DECIDE, timeout=LONG)


@pytest.mark.gui
def test_a_project_with_a_result_opens_on_decide_with_the_list(
    window: Any, scan_folder: Path, tmp_path: Path, qtbot: Any
) -> None:
    few = open_few(scan_folder, tmp_path / "few", "Si", "Fe", "Zr")
    make_project(scan_to_folder([few], tmp_path / "result", "rx", threshold=3.5), [few])
    workbench = open_step(window)
    projects_of(window).open(tmp_path / "result")
    assert workbench.header.doing.text() == "Opening result…"
    qtbot.waitUntil(lambda: workbench.state.step == DECIDE, timeout=LONG)
    table = workbench.step(DECIDE).table
    qtbot.waitUntil(lambda: table.model.rowCount() > 0, timeout=LONG)
    assert table.isVisible()
    assert not workbench.header.doing.isVisible()
    shown = [link.role for layer, link in linked_layers(window) if layer.visible]
    assert "score" in shown


@pytest.mark.gui
def test_each_step_is_in_the_command_palette_and_on_a_key(window: Any, qtbot: Any) -> None:
    commands = get_app_model().commands
    workbench = open_step(window)
    qtbot.waitUntil(workbench.isVisible, timeout=LONG)
    for number, (step, name) in enumerate(
        zip(STEPS, ("load_maps", "look", "detect", "grain_table", "export"), strict=True), start=1
    ):
        command = commands[f"{PLUGIN}.{name}"]
        assert command.title.startswith(f"Step {number}")
        commands.execute_command(f"{PLUGIN}.{name}").result()
        assert workbench.state.step == step
    main = window.window._qt_window
    main.activateWindow()
    qtbot.waitUntil(main.isActiveWindow, timeout=LONG)
    for number, step in enumerate(STEPS, start=1):
        key = getattr(Qt.Key, f"Key_{number}")
        QTest.keyClick(main, key, Qt.KeyboardModifier.AltModifier)
        qtbot.waitUntil(lambda step=step: workbench.state.step == step, timeout=5000)


@pytest.mark.gui
def test_steps_and_docks_leave_the_map_where_it_is(
    window: Any, cube: ElementCube, qtbot: Any
) -> None:
    for data in element_layers(cube, scan="section", scan_id="a"):
        add(window, data)
    camera = window.scene.camera
    camera.center, camera.zoom = (0.0, 411.0, 613.0), 0.75
    workbench = open_step(window)
    for step in STEPS:
        workbench.go_to(step)
        qtbot.wait(30)
    open_dock(window, LAB[0])  # the spectra, below the map
    qtbot.wait(100)
    assert (tuple(camera.center), camera.zoom) == ((0.0, 411.0, 613.0), 0.75)


def test_the_choice_of_a_section_comes_back_with_it(
    scanned: ViewerModel, cube: ElementCube, make_dock: Callable[..., Any], scan_id: str
) -> None:
    look: LookStep = make_dock(LookStep, scanned)
    look.entered()
    assert len(look.chips.chosen) == 3, "a section at which nobody looked yet"
    look.choose_way(1)
    look.chips.choose("Au")
    for data in element_layers(cube, scan="two", scan_id="b"):
        add(scanned, data)
    assert look.chips.chosen == ()
    look.begin()
    assert len(look.chips.chosen) == 3
    scanned.layers["Si · section"].visible = True
    look.state.scan_id = scan_id
    assert look.chips.chosen == ("Au",)
    shown = [layer.name for layer in scanned.layers if layer.visible]
    assert shown == ["Au · section"], "and its layers are as they were left"


CLOSES = """
import sys, time
import napari
import numpy as np
from qtpy.QtCore import QTimer
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import FIND

viewer = napari.Viewer()
maps = np.random.default_rng(0).poisson(40, (6, 300, 400)).astype(np.uint16)
for data in element_layers(ElementCube(maps, list("OPKVYS")), scan="scan", scan_id="a"):
    add(viewer, data)
find = open_step(viewer, FIND).step(FIND)


class User:
    def end_run(self, sentence):
        print("asked", sentence, flush=True)
        return True


def close():
    if find.loss_plot.n_points < 1:
        return
    timer.stop()
    projects_of(viewer).asker = User()
    print("closing", time.time(), flush=True)
    viewer.window._qt_window.close()


find.choose_detector("msfa")
find.run_button.click()
timer = QTimer()
timer.timeout.connect(close)
timer.start(50)
napari.run()
"""


@pytest.mark.gui
@pytest.mark.slow
def test_a_window_that_is_closed_during_a_run_asks_and_ends_its_program(tmp_path: Path) -> None:
    script = tmp_path / "closes.py"
    script.write_text(CLOSES)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=240, check=False
    )
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "is not finished" in lines["asked"]
    assert float(lines["closing"]) > 0
    assert "epoch 60 of 60" not in done.stdout, "it does not wait for the end of the training"
