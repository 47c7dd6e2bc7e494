"""Projects in the window: autosave, opening, a second window, a folder that is lost, other maps."""

from __future__ import annotations

import shutil

import numpy as np
from napari.components import ViewerModel

from napari_mineral_anomaly.detectors.clusters.editing import cluster_map
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.log import read_log
from napari_mineral_anomaly.project.reading import is_project, read_project
from napari_mineral_anomaly.project.recent import (
    recent_projects,
    unsaved_root,
)
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.clusters.dock import PseudoLabelsDock
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.log_colours import show_logarithm
from napari_mineral_anomaly.window.layers.make import threshold_of
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.projects import Projects
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

LONG = 20_000


def test_every_change_is_saved_by_itself(keeper_of, worked_on, opened, qtbot, tmp_path):
    keeper = keeper_of(worked_on)
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    saved = load_project(keeper.folder)
    one = saved.results["rx"]
    assert one.note.threshold == 3.25
    assert np.array_equal(one.mask, first_layer(opened, "mask").data != 0)
    assert one.judged.edits is not None
    assert one.judged.edits[10, 10] == 1
    assert np.array_equal(saved.truths[0][2], first_layer(opened, "truth").data)
    assert saved.verdicts is not None
    statuses = [v.status for v in saved.verdicts.present.verdicts]
    assert statuses == ["accept", "accept", "reject"]
    looks = {look.key: look.visible for look in saved.file.layers}
    assert looks["element Au"] is False
    assert saved.cube is not None
    assert saved.file.maps.sources[0].absolute.endswith("/scan")
    assert one.note.grain_labels is not None
    assert "ran rx" in [entry.what for entry in read_log(keeper.folder)]
    # A viewer of an earlier test may still be saving its own project.
    recent = [one.folder for one in recent_projects() if one.folder.is_relative_to(tmp_path)]
    assert recent == [keeper.folder]
    # The whole run folder of the contract is there.
    assert (keeper.folder / one.note.folder / "report.html").is_file()
    # A further change alone.
    first_layer(opened, "truth").paint((30, 40), 2)
    assert keeper.has_unsaved_work
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    assert load_project(keeper.folder).truths[0][2][30, 40] == 2
    assert load_project(keeper.folder).results["rx"].judged.edits[10, 10] == 1


def test_a_project_opens_as_it_was_left_and_goes_on(keeper_of, saved, reopen):
    viewer, projects = reopen(saved.project)
    keeper = keeper_of(projects)
    assert not keeper.has_unsaved_work, "opening changes nothing"
    for role, data in saved.shown.items():
        shown = first_layer(viewer, role).data
        assert np.array_equal(shown, data, equal_nan=role == "score"), role
    score, mask = first_layer(viewer, "score"), first_layer(viewer, "mask")
    assert threshold_of(score) == 3.25
    assert [layer.name for layer, _ in linked_layers(viewer)] == saved.names
    element = first_layer(viewer, "element")
    assert not element.visible
    colours = element.colormap
    assert colours.name.startswith("viridis, logarithm over ")
    show_logarithm(element, "viridis")
    assert element.colormap == colours
    assert session_of(viewer).count_mask(score, mask).brushed == saved.brushed > 0
    again = board_of(viewer).history_of(keeper.scan_id)
    assert again.undo_text == saved.verdicts.undo_text
    assert [v.comment for v in again.present.verdicts] == ["gold", "gold", ""]
    labels_id = str(first_layer(viewer, "pseudo_labels").unique_id)
    assert clusters_of(viewer).of(labels_id).present.names[2] == "quartz"
    assert board_of(viewer).cluster_names[labels_id][2] == "quartz"
    # A stroke is saved into the same project.
    mask.paint((50, 60), 1)
    assert keeper.save_now()
    strokes = load_project(keeper.folder).results["rx"].judged.edits
    assert strokes[50, 60] == 1
    assert strokes[10, 10] == 1


def test_a_brush_on_the_pseudo_labels_of_a_run_is_saved_and_leaves_the_run_as_it_was(
    keeper_of, worked_on: Projects, opened: ViewerModel
) -> None:
    keeper, labels = keeper_of(worked_on), first_layer(opened, "pseudo_labels")
    run = next(session_of(opened).runs_of_scan(keeper.scan_id))
    before = run.result.pseudo_labels.copy()
    labels.brush_size = 1
    labels.paint((30, 31), 7)
    assert keeper.save_now()
    assert np.array_equal(run.result.pseudo_labels, before)
    again = load_project(keeper.folder).results["rx"]
    assert np.array_equal(again.run.result.pseudo_labels, before)
    assert again.clusters.labels[30, 31] == 7


def test_a_new_run_in_a_project_keeps_no_cluster_of_the_earlier_one(
    keeper_of, saved, reopen, make_dock
):
    viewer, projects = reopen(saved.project)
    make_dock(PseudoLabelsDock, viewer)
    find = make_dock(FindStep, viewer)
    find.choose_detector("rx")
    find.run()
    assert "your changes to the earlier ones are gone" in find.status.text()
    keeper = keeper_of(projects)
    assert keeper.save_now()
    one = load_project(keeper.folder).results["rx"]
    assert not np.any(one.clusters.labels == 9), "the brush had written 9"
    assert np.array_equal(one.clusters.labels, one.run.result.pseudo_labels)
    fresh = cluster_map(one.clusters.labels)
    assert one.clusters.names == fresh.names
    assert one.clusters.colours == fresh.colours
    projects.close()
    viewer, _ = reopen(keeper.folder)
    find = make_dock(FindStep, viewer)
    find.choose_detector("rx")
    find.run()
    assert "Done in" in find.status.text()
    assert "gone" not in find.status.text()


def test_a_second_window_opens_read_only_and_says_so(keeper_of, saved, reopen, answers, qtbot):
    reopen(saved.project)
    viewer, second = reopen(saved.project)
    assert keeper_of(second).is_read_only
    assert "open in another window" in second.status
    before = (saved.project / "project.json").read_bytes()
    first_layer(viewer, "mask").paint((40, 40), 1)
    qtbot.wait(1200)
    assert (saved.project / "project.json").read_bytes() == before
    assert second.may_close()
    assert "read-only" in answers.asked[-1]


def test_a_folder_that_is_lost_is_told_at_once_and_the_work_goes_on_elsewhere(
    keeper_of, worked_on, opened, tmp_path, qtbot
):
    keeper = keeper_of(worked_on)
    said: list[str] = []
    keeper.failed.connect(said.append)
    own = tmp_path / "own"
    worked_on.save_as(keeper.scan_id, own)
    assert keeper.folder == own
    assert load_project(own).cube is not None
    assert not list(unsaved_root().iterdir())  # it was moved, not doubled
    shutil.rmtree(own)
    first_layer(opened, "mask").paint((44, 44), 1)
    qtbot.waitUntil(lambda: bool(said), timeout=LONG)
    assert "is not there any more" in said[0]
    assert "Your work is kept in" in said[0]
    qtbot.waitUntil(lambda: is_project(keeper.folder), timeout=LONG)
    assert keeper.save_now()
    kept = load_project(keeper.folder)
    assert kept.results["rx"].judged.edits[44, 44] == 1
    assert kept.verdicts is not None
    assert len(kept.verdicts.present.verdicts) == 3
    assert not own.exists()


def test_a_project_of_ours_that_was_removed_starts_again(keeper_of, worked_on, opened, qtbot):
    keeper = keeper_of(worked_on)
    assert keeper.save_now()
    removed = keeper.folder
    assert removed.parent == unsaved_root()
    shutil.rmtree(removed)
    said: list[str] = []
    keeper.failed.connect(said.append)
    first_layer(opened, "mask").paint((44, 44), 1)
    qtbot.waitUntil(lambda: bool(said), timeout=LONG)
    assert "Your work is kept in" in said[0]
    qtbot.waitUntil(lambda: is_project(keeper.folder), timeout=LONG)
    assert keeper.save_now()
    assert keeper.folder != removed
    assert load_project(keeper.folder).results["rx"].judged.edits[44, 44] == 1


def test_maps_that_moved_are_asked_for_and_those_of_another_scan_refused(
    forget_absolute, saved, reopen, answers, tmp_path
):
    moved, other = tmp_path / "moved", tmp_path / "other"
    saved.scan.rename(moved)
    forget_absolute(saved.project)
    shutil.copytree(moved, other)
    shutil.copy(other / "Fe.tif", other / "P.tif")
    answers.maps = [other, moved]
    viewer, _ = reopen(saved.project)
    assert answers.asked[0].endswith("any more: say where they are now.")
    assert "P.tif is not the file" in answers.asked[1]
    assert len(list(linked_layers(viewer, role="element"))) == 6


def test_results_open_without_maps_too(forget_absolute, keeper_of, saved, reopen, answers):
    shutil.rmtree(saved.scan)
    forget_absolute(saved.project)
    answers.maps = [None]
    viewer, projects = reopen(saved.project)
    assert threshold_of(first_layer(viewer, "score")) == 3.25
    # A change is saved, and how to find the maps is not forgotten.
    first_layer(viewer, "truth").paint((5, 5), 1)
    assert keeper_of(projects).save_now()
    assert read_project(saved.project).maps.sources
    assert len(read_project(saved.project).elements) == 6
