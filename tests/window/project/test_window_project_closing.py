"""Projects when a window closes or was killed, and where the window shows them."""

from __future__ import annotations

import json
import shutil

from napari.components import ViewerModel

from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.lock import open_lock
from napari_mineral_anomaly.project.recent import (
    remember_project,
)
from napari_mineral_anomaly.window.exporting.presets import GIS, REPORT
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.window.project import projects as module
from napari_mineral_anomaly.window.workbench.frame.header import Header
from napari_mineral_anomaly.window.workbench.steps.first_minutes import FirstMinutes
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep

LONG = 20_000


def test_closing_tells_of_work_without_a_place_and_can_save_it(worked_on, answers, tmp_path):
    answers.closing = "stay"
    assert not worked_on.may_close()
    assert "has no folder of its own yet" in answers.asked[-1]
    answers.closing, answers.place = "save", tmp_path / "chosen"
    assert worked_on.may_close()
    assert load_project(tmp_path / "chosen").results["rx"].note.threshold == 3.25
    asked = len(answers.asked)
    assert worked_on.may_close()  # now it has a place
    assert len(answers.asked) == asked
    worked_on.close()
    assert open_lock(tmp_path / "chosen").lock is not None


def test_layers_that_go_with_the_window_are_saved_before(keeper_of, worked_on, opened, qtbot):
    keeper = keeper_of(worked_on)
    first_layer(opened, "truth").paint((12, 12), 2)
    folder = keeper.folder
    opened.layers.clear()  # as napari does when it closes
    assert not worked_on.keepers
    saved = load_project(folder)
    assert saved.truths[0][2][12, 12] == 2
    assert saved.verdicts is not None


def test_a_killed_window_is_offered_once(keeper_of, saved, projects_in, answers, qtbot):
    attempt = open_lock(saved.project)
    assert attempt.lock is not None
    lock = saved.project / "project.lock"
    # As a process leaves it that was killed.
    lock.write_text(json.dumps(json.loads(lock.read_text()) | {"pid": 2**22 - 3}))
    remember_project(saved.project, "scan")
    answers.resumes = True
    viewer = ViewerModel()
    projects = projects_in(viewer)
    projects.offer_to_resume()
    projects.offer_to_resume()
    assert answers.asked == ["scan"]
    qtbot.waitUntil(lambda: bool(projects.keepers), timeout=LONG)
    assert keeper_of(projects).folder == saved.project
    assert not keeper_of(projects).is_read_only


def test_a_read_only_project_says_so_in_the_header_and_what_to_do_in_hand_over(
    keeper_of, saved, reopen, make_dock, monkeypatch, tmp_path
):
    reopen(saved.project)
    viewer, projects = reopen(saved.project)
    monkeypatch.setitem(module._projects._made, viewer, projects)
    header, hand_over = make_dock(Header, viewer), make_dock(HandOverStep, viewer)
    assert "Read-only" in header.saved_button.text()
    assert not header.not_saved.isHidden()
    assert "Changes are not saved. “Save as…”" in header.not_saved.text()
    hand_over.folder.setText(str(tmp_path / "out"))
    assert not hand_over.export_button.isEnabled()
    assert "open read-only: choose “Save as…”" in hand_over.status.text()
    hand_over.choose_preset(GIS)  # what needs no project can be written
    assert hand_over.export_button.isEnabled()
    projects.save_as(keeper_of(projects).scan_id, tmp_path / "own")
    assert header.not_saved.isHidden()
    hand_over.choose_preset(REPORT)
    assert hand_over.export_button.isEnabled()


def test_the_header_shows_where_the_work_is_and_the_first_step_recent_projects(
    forget_absolute, keeper_of, saved, reopen, make_dock, monkeypatch
):
    viewer, projects = reopen(saved.project)
    monkeypatch.setitem(module._projects._made, viewer, projects)
    dock = make_dock(Header, viewer)
    assert str(saved.project) in dock.saved_button.toolTip()
    assert "Saved" in dock.saved_button.text()
    assert dock.section_combo.currentText() == "scan"
    start = FirstMinutes(viewer, lambda: None)
    assert start.recent.count() == 1
    assert str(saved.project) in start.recent.item(0).toolTip()
    # A copy of the maps, for another computer.
    keeper = keeper_of(projects)
    dock.keep_maps()
    assert keeper.save_now()
    keeper.close()
    shutil.rmtree(saved.scan)
    forget_absolute(saved.project)
    alone = load_project(saved.project)
    assert alone.cube is not None
    assert alone.cube.elements == alone.file.elements
