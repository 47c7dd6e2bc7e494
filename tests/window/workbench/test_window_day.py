"""The work of a day comes back: a petrologist's way through two real windows and three commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari._qt.qt_viewer import QtViewer

from napari_mineral_anomaly.cli.app import main
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.kit.opening import PLUGIN, SECTIONS, open_dock, open_step
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import threshold_of
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, OPEN

pytestmark = pytest.mark.gui

LONG = 240_000
ELEMENTS = ("Si", "Fe", "Zr", "Au")


class User:
    """Saves the work at closing, and goes on where it was."""

    def __init__(self, place: Path) -> None:
        self.place, self.told = place, list[str]()

    def before_closing(self, sentence: str) -> str:
        self.told.append(sentence)
        return "save"

    def place_for_project(self, name: str) -> Path:
        return self.place

    def resume(self, names: str) -> bool:
        return False


def _close_as_a_user(viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the window: `viewer.close` takes the layers away before it asks anybody.

    The fixture that made the viewer must not close it a second time, nor look for it.
    """
    viewer.window._qt_window.close()
    QtViewer._instances.clear()
    monkeypatch.setattr(type(viewer), "close", lambda self: None)


@pytest.mark.timeout_seconds(900)
def test_the_work_of_a_day_comes_back(
    monkeypatch: pytest.MonkeyPatch,  # first, so that it is undone last
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    scan_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scan, place = tmp_path / "section_12", tmp_path / "section_12 project"
    scan.mkdir()
    for name in ELEMENTS:
        shutil.copy(scan_folder / f"{name}.tif", scan / f"{name}.tif")
    shutil.copy(scan_folder / "truth.tif", tmp_path / "truth.tif")

    # Open, run.
    viewer = make_napari_viewer(show=True)
    user = User(place)
    projects_of(viewer).asker = user
    load = open_step(viewer, OPEN).step(OPEN)
    load.load([scan])
    qtbot.waitUntil(load.found.add_button.isEnabled, timeout=LONG)
    load.found.add_button.click()
    qtbot.waitUntil(lambda: len(viewer.layers) >= len(ELEMENTS), timeout=LONG)
    sections = open_dock(viewer, SECTIONS).sections
    detect = open_step(viewer, FIND).step(FIND)
    detect.choose_detector("rx")
    qtbot.waitUntil(detect.run_button.isEnabled, timeout=LONG)  # the last maps may still be coming
    detect.run_button.click()
    qtbot.waitUntil(lambda: first_layer(viewer, "mask") is not None, timeout=LONG)

    # Threshold, list, five verdicts, a brush stroke.
    decide = open_step(viewer, DECIDE).step(DECIDE)
    judge = decide.threshold
    judge.threshold.setValue(3.25)
    qtbot.waitUntil(lambda: threshold_of(first_layer(viewer, "score")) == 3.25, timeout=LONG)
    table = decide.table
    qtbot.waitUntil(lambda: table.model.n_all >= 5, timeout=LONG)
    table.next_grain()
    # A decision goes on to the next grain.
    for verdict in (table.accept, table.accept, table.reject, table.accept, table.reject):
        verdict()
    mask = first_layer(viewer, "mask")
    mask.brush_size = 6
    mask.paint((50, 60), 1)
    first_layer(viewer, "element", element="Fe").visible = True
    qtbot.waitUntil(lambda: sections.texts()[0][3] == "3", timeout=LONG)
    [keeper] = projects_of(viewer).keepers.values()
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    painted, shown = np.array(mask.data), {x.name: x.visible for x, _ in linked_layers(viewer)}

    # Close: napari tells of the work that has no place yet, and the user gives it one.
    _close_as_a_user(viewer, monkeypatch)
    assert "has no folder of its own yet" in user.told[0]
    assert len(user.told) == 1
    verdicts = load_project(place).verdicts
    assert verdicts is not None
    assert [v.status for v in verdicts.present.verdicts].count("accept") == 3

    # Start again: everything is there.
    again = make_napari_viewer(show=True)
    projects_of(again).asker = user
    again.open(str(place), plugin=PLUGIN)
    qtbot.waitUntil(lambda: bool(projects_of(again).keepers), timeout=LONG)
    [keeper] = projects_of(again).keepers.values()
    assert not keeper.is_read_only
    assert threshold_of(first_layer(again, "score")) == 3.25
    assert np.array_equal(first_layer(again, "mask").data != 0, painted != 0)
    # The outlines of the chosen grain and of the verdicts are drawn anew by the step Decide.
    drawn_anew = ("chosen grain", "verdicts")
    assert {
        x.name: x.visible for x, _ in linked_layers(again) if not x.name.startswith(drawn_anew)
    } == {name: visible for name, visible in shown.items() if not name.startswith(drawn_anew)}
    book = board_of(again).book(keeper.scan_id)
    assert book is not None
    assert len(book.verdicts) == 5
    table = open_step(again, DECIDE).step(DECIDE).table
    qtbot.waitUntil(lambda: table.model.n_all >= 5, timeout=LONG)
    assert [table.board.verdicts()[k][0] for k in sorted(table.board.verdicts())].count(
        "reject"
    ) == 2
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    _close_as_a_user(again, monkeypatch)
    assert len(user.told) == 1  # it has its place

    # The same project on the command line.
    capsys.readouterr()
    assert main(["evaluate", str(place), str(tmp_path / "truth.tif"), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert 0.5 < measured["auc"] <= 1
    out = tmp_path / "applied"
    assert main(["apply", str(place), str(scan), "-o", str(out)]) == 0
    score = tifffile.imread(out / scan.name / "anomaly_score.ome.tif")
    kept = load_project(place).main.run.result.score
    assert np.allclose(score, kept, atol=1e-4, equal_nan=True)
    page = tmp_path / "report.html"
    assert main(["report", str(place), "-o", str(page)]) == 0
    assert "3 accept, 2 reject" in capsys.readouterr().out
