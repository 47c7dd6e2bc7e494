"""A project opens in a real window, in each way that a user knows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.new import make_project
from napari_mineral_anomaly.project.recent import remember_project
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder
from napari_mineral_anomaly.window.kit.opening import PLUGIN, open_step
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import OPEN

pytestmark = pytest.mark.gui

LONG = 120_000


@pytest.fixture
def project(scan_folder: Path, tmp_path: Path) -> Path:
    """What `detect` writes."""
    few = tmp_path / "few"
    few.mkdir()
    for name in ("Si.tif", "Fe.tif", "Zr.tif"):
        shutil.copy(scan_folder / name, few / name)
    written = scan_to_folder([few], tmp_path / "result", "rx", threshold=3.5)
    make_project(written, [few])
    return tmp_path / "result"


def _choose_our_reader() -> None:
    """Answer the dialog in which napari asks which of several readers opens a folder."""

    def answer() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, QtReaderDialog) and widget.isVisible():
                for button in widget.reader_btn_group.buttons():
                    button.setChecked(button.text() in (PLUGIN, "Mineral anomaly"))
                widget.accept()
                timer.stop()

    timer = QTimer(QApplication.instance())
    timer.timeout.connect(answer)
    timer.start(50)


def _by_menu(viewer: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(project))
    actions = [
        action
        for action in viewer.window.file_menu.actions()
        if action.text().replace("&", "").startswith("Open Folder")
    ]
    _choose_our_reader()
    actions[0].trigger()


def _by_drop(viewer: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(project))])
    place, action = QPointF(40, 40), Qt.DropAction.CopyAction
    button, key = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(place, action, data, button, key)
    _choose_our_reader()
    viewer.window._qt_viewer.dropEvent(event)


def _by_dock(viewer: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = open_step(viewer, OPEN).step(OPEN).start
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(project))
    start.project_button.click()


def _by_recent_list(viewer: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_project(project, "few")
    start = open_step(viewer, OPEN).step(OPEN).start
    start.recent.itemActivated.emit(start.recent.item(0))


@pytest.mark.parametrize("way", [_by_menu, _by_drop, _by_dock, _by_recent_list])
def test_a_project_opens(
    way: Callable[..., None],
    make_napari_viewer: Callable[..., Any],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    viewer = make_napari_viewer()
    way(viewer, project, monkeypatch)
    projects = projects_of(viewer)
    qtbot.waitUntil(lambda: bool(projects.keepers), timeout=LONG)
    [keeper] = projects.keepers.values()
    assert keeper.folder == project
    roles = [link.role for _, link in linked_layers(viewer)]
    assert roles.count("element") == 3
    score = next(layer for layer, _ in linked_layers(viewer, role="score"))
    expected = load_project(project).main.run.result.score
    assert np.array_equal(score.data, expected, equal_nan=True)


@pytest.mark.timeout_seconds(600)
def test_the_command_open_starts_napari_with_the_project(project: Path, tmp_path: Path) -> None:
    environment = os.environ | {"MINERAL_ANOMALY_CONFIG": str(tmp_path / "config")}
    argv = [sys.executable, "-m", "napari_mineral_anomaly", "open", str(project)]
    running = subprocess.Popen(argv, env=environment, start_new_session=True)
    lock = project / "project.lock"
    try:
        end = time.monotonic() + 400  # napari takes seconds to start, many on a busy computer
        # The window opens the project after a while, and has it then.
        while not (lock.exists() and (tmp_path / "config" / "recent_projects.json").exists()):
            assert running.poll() is None, "napari ended"
            assert time.monotonic() < end, "napari did not open the project"
            time.sleep(0.2)
        assert json.loads(lock.read_text())["pid"] != os.getpid()
    finally:
        os.killpg(running.pid, 9)
        running.wait()


def test_a_folder_of_maps_is_still_a_scan(
    make_napari_viewer: Callable[..., Any], scan_folder: Path, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    viewer.open(str(scan_folder), plugin=PLUGIN)
    n_elements = read_maps(scan_folder).n_elements
    assert len(list(linked_layers(viewer, role="element"))) == n_elements
    assert not projects_of(viewer).keepers
