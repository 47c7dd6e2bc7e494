"""A batch in the window: chosen, run, watched, cancelled, opened; processes do the work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QDropEvent

from napari_mineral_anomaly.io.run_files import GRAINS_FILE
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.window.batch.dock import BatchDock
from napari_mineral_anomaly.window.batch.panel import BatchPanel
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.state.of_viewer import state_of

LONG = 120_000
SHAPE = (40, 48)


def _write_scan(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for name in ("Fe", "Ca", "Zr"):
        counts = rng.poisson(40, SHAPE).astype(np.uint16)
        if name == "Zr":
            counts[10:12, 20:22] = 600
        tifffile.imwrite(folder / f"{name}.tif", counts)


@pytest.fixture
def sections(tmp_path: Path) -> Path:
    """A parent folder: two scans, and one that is damaged."""
    home = tmp_path / "sections"
    for seed, name in enumerate(("first", "second")):
        _write_scan(home / name, seed)
    _write_scan(home / "third", 2)
    tifffile.imwrite(home / "third" / "Fe.tif", np.zeros((3, 3), np.uint16))
    return home


@pytest.fixture
def opened() -> list[Path]:
    return []


@pytest.fixture
def panel(qtbot: Any, opened: list[Path]) -> Iterator[BatchPanel]:
    made = BatchPanel(opened.append)
    qtbot.addWidget(made)
    yield made
    made.shut_down()


def _drop(panel: BatchPanel, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(4, 4),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    panel.inputs.dropEvent(event)


def test_a_parent_folder_is_worked_on_and_any_section_opens(
    panel, sections, opened, tmp_path, qtbot
):
    out = tmp_path / "out"
    assert not panel.run_button.isEnabled()
    assert panel.status.text().startswith("Add the sections")
    _drop(panel, sections)
    assert not panel.run_button.isEnabled()
    assert panel.status.text() == "Choose the folder for the results."
    panel.choose_out(out)
    assert panel.status.text() == ""
    panel.detector.setCurrentIndex(panel.detector.findData("rx"))
    panel.workers.setValue(2)
    assert panel.run_button.text() == "&Run"
    panel.run()
    states: set[str] = set()

    def is_done() -> bool:
        states.update(line[1] for line in panel.table.texts())
        return not panel.is_running

    qtbot.waitUntil(is_done, timeout=LONG)
    assert {"working", "done"} <= states
    lines = {line[0]: line for line in panel.table.texts()}
    assert [lines[name][1] for name in ("first", "second", "third")] == ["done", "done", "failed"]
    assert int(lines["first"][2]) >= 1
    assert "Fe.tif" in lines["third"][3]
    assert "2 of 3 sections finished, 1 failed" in panel.status.text()
    # Each section is a project that knows where its maps are.
    assert read_project(out / "first").maps.sources[0].absolute == str(sections / "first")
    panel.table.choose("third")
    panel.open_chosen()
    assert not opened
    assert not panel.open_button.isEnabled()
    panel.table.choose("second")
    panel.open_chosen()
    assert opened == [out / "second"]


def test_a_cancelled_batch_goes_on_later_and_repeats_nothing(panel, sections, tmp_path, qtbot):
    out = tmp_path / "out"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('detector = "rx"\nthreshold = 4.25\n')
    panel.inputs.add([sections / "first", sections / "second"])
    panel.recipe.setText(str(recipe))
    panel.choose_out(out)
    panel.run()
    qtbot.waitUntil(lambda: "done" in {line[1] for line in panel.table.texts()}, timeout=LONG)
    panel.cancel()
    assert not panel.is_running
    assert panel.status.text().startswith("Cancelled: 1 of 2 sections finished")
    assert [line[1] for line in panel.table.texts()] == ["done", "waiting"]
    before = (out / "first" / GRAINS_FILE).stat().st_mtime_ns
    # Another window, the folder alone: the recipe and the sections are those of the batch.
    other = BatchPanel(lambda folder: None)
    qtbot.addWidget(other)
    other.choose_out(out)
    qtbot.waitUntil(lambda: len(other.table.texts()) == 2, timeout=LONG)
    assert other.run_button.text() == "&Go on"
    other.run()
    qtbot.waitUntil(lambda: not other.is_running, timeout=LONG)
    assert {line[1] for line in other.table.texts()} == {"done"}
    assert (out / "first" / GRAINS_FILE).stat().st_mtime_ns == before
    assert read_project(out / "second").results[0].threshold == 4.25
    other.shut_down()


def test_a_recipe_that_is_wrong_gets_a_sentence(panel, sections, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('detektor = "rx"\n')
    panel.inputs.add([sections])
    panel.choose_out(tmp_path / "out")
    panel.recipe.setText(str(recipe))
    panel.run()
    assert "detektor, which is unknown" in panel.status.text()
    assert not (tmp_path / "out").exists()


def test_another_folder_shows_nothing_of_the_batch_before(panel, sections, tmp_path, qtbot):
    panel.inputs.add([sections / "first"])
    panel.detector.setCurrentIndex(panel.detector.findData("rx"))
    panel.choose_out(tmp_path / "out")
    panel.run()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=LONG)
    assert len(panel.table.texts()) == 1
    panel.choose_out(tmp_path / "other")
    assert panel.table.texts() == []
    assert panel.status.text() == ""
    panel.choose_out(tmp_path / "out")
    qtbot.waitUntil(lambda: len(panel.table.texts()) == 1, timeout=LONG)


def test_finished_sections_are_compared_beside_them(panel, sections, tmp_path, qtbot, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    out = tmp_path / "out"
    panel.inputs.add([sections])
    panel.detector.setCurrentIndex(panel.detector.findData("rx"))
    panel.choose_out(out)
    panel.workers.setValue(2)
    panel.run()
    assert not panel.compare_button.isEnabled()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=LONG)
    panel.compare_button.click()
    qtbot.waitUntil(lambda: bool(shown), timeout=LONG)
    assert shown == [str(out / "comparison" / "index.html")]
    assert panel.status.text() == f"2 sections compared in {out / 'comparison'}."
    grains = pd.read_csv(out / "comparison" / "grains.csv")
    for name in ("first", "second"):
        own = pd.read_csv(out / name / GRAINS_FILE)
        assert (grains["section"] == name).sum() == len(own) > 0
    # The batch goes on with the comparison beside it.
    panel.run()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=LONG)
    assert [line[0] for line in panel.table.texts()] == ["first", "second", "third"]


def test_the_header_shows_a_batch_and_the_window_asks_before_it_closes(
    viewer, sections, tmp_path, make_dock, qtbot
):
    dock = make_dock(BatchDock, viewer, QtExecutor())
    panel, state = dock.panel, state_of(viewer)
    panel.inputs.add([sections / "first", sections / "second"])
    panel.detector.setCurrentIndex(panel.detector.findData("rx"))
    panel.choose_out(tmp_path / "out")
    assert state.run is None
    panel.run()
    assert state.run is not None
    said: set[str] = set()

    def is_done() -> bool:
        if state.run is not None:
            said.add(state.run.text)
        return not panel.is_running

    qtbot.waitUntil(is_done, timeout=LONG)
    assert "Batch: 1 of 2 sections worked on" in said
    assert state.run is None


def test_the_button_to_press_next_is_blue_while_there_is_work(panel, sections, tmp_path, qtbot):
    panel.inputs.add([sections / "first"])
    panel.detector.setCurrentIndex(panel.detector.findData("rx"))
    panel.choose_out(tmp_path / "out")
    assert panel.run_button.styleSheet()
    panel.run()
    qtbot.waitUntil(lambda: not panel.is_running, timeout=LONG)
    assert not panel.run_button.styleSheet()
