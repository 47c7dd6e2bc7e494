"""Projects in the window: autosave, opening, a second window, a folder that is lost, closing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.clusters.editing import cluster_map, rename
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.lock import open_lock
from napari_mineral_anomaly.project.log import read_log
from napari_mineral_anomaly.project.reading import is_project, read_project
from napari_mineral_anomaly.project.recent import (
    recent_projects,
    remember_project,
    unsaved_root,
)
from napari_mineral_anomaly.simulate import SimulatedSection, write_section
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.clusters.dock import PseudoLabelsDock
from napari_mineral_anomaly.window.exporting.presets import GIS, REPORT
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.log_colours import show_logarithm
from napari_mineral_anomaly.window.layers.make import threshold_of
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.plugin.reader import read_as_layers
from napari_mineral_anomaly.window.project import projects as module
from napari_mineral_anomaly.window.project.asking import Closing
from napari_mineral_anomaly.window.project.projects import Projects
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.frame.header import Header
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.first_minutes import FirstMinutes
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep

LONG = 20_000


class Answers:
    """A user who has decided before."""

    def __init__(self) -> None:
        self.maps: list[Path | None] = []
        self.resumes = False
        self.closing: Closing = "close"
        self.place: Path | None = None
        self.asked: list[str] = []

    def where_are_the_maps(self, sentence: str) -> Path | None:
        self.asked.append(sentence)
        return self.maps.pop(0)

    def resume(self, names: str) -> bool:
        self.asked.append(names)
        return self.resumes

    def end_run(self, sentence: str) -> bool:
        self.asked.append(sentence)
        return self.closing == "close"

    def before_closing(self, sentence: str) -> Closing:
        self.asked.append(sentence)
        return self.closing

    def place_for_project(self, name: str) -> Path | None:
        return self.place


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def projects_in(answers: Answers, qapp: object) -> Iterator[Callable[[Any], Projects]]:
    made: list[Projects] = []

    def make(viewer: Any) -> Projects:
        made.append(Projects(viewer, SyncExecutor(), answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _open_maps(viewer: ViewerModel, folder: Path) -> None:
    for data in read_as_layers(str(folder)):
        viewer.add_layer(Layer.create(*data))


def _work(viewer: ViewerModel, projects: Projects, make_dock: Callable[..., Any]) -> None:
    """A run, another threshold, strokes, truth, verdicts, and a hidden layer."""
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    threshold = make_dock(ThresholdPanel, viewer)
    threshold.threshold.setValue(3.25)
    threshold.update_mask()
    mask = first_layer(viewer, "mask")
    mask.brush_size = 4
    mask.paint((10, 10), 1)
    make_dock(TruthDock, viewer).make_truth()
    first_layer(viewer, "truth").paint((20, 20), 1)
    grains = make_dock(GrainTable, viewer)
    grains.list_grains()
    grains.board.decide([1, 2], status="accept", comment="gold")
    grains.board.decide([3], status="reject")
    element = first_layer(viewer, "element")
    element.visible = False
    show_logarithm(element, "viridis")


@pytest.fixture
def opened(viewer: ViewerModel, scan_folder: Path) -> ViewerModel:
    """A viewer with the maps of a folder."""
    _open_maps(viewer, scan_folder)
    return viewer


@pytest.fixture
def worked_on(
    opened: ViewerModel, projects_in: Callable[[Any], Projects], make_dock: Callable[..., Any]
) -> Projects:
    """A section of this window on which somebody has worked."""
    projects = projects_in(opened)
    _work(opened, projects, make_dock)
    return projects


@dataclass(frozen=True)
class Saved:
    """Scan and project of an earlier window, and what that window showed."""

    scan: Path
    project: Path
    shown: dict[str, NDArray[Any]]
    names: list[str]
    verdicts: History[VerdictBook]
    brushed: int


@pytest.fixture(scope="session")
def earlier(
    section: SimulatedSection, tmp_path_factory: pytest.TempPathFactory, qapp: object
) -> Saved:
    """A project that a window saved and closed; nobody may alter it."""
    home = tmp_path_factory.mktemp("earlier")
    write_section(section, home / "scan")
    viewer, docks = ViewerModel(), []

    def make_dock(dock_class: Any, *arguments: Any) -> Any:
        docks.append(dock_class(*arguments, SyncExecutor()))
        return docks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINERAL_ANOMALY_CONFIG", str(home / "config"))
        projects = Projects(viewer, SyncExecutor(), Answers())
        _open_maps(viewer, home / "scan")
        _work(viewer, projects, make_dock)
        keeper = _keeper(projects)
        labels = first_layer(viewer, "pseudo_labels")
        labels.data = np.where(np.eye(*labels.data.shape) > 0, 9, labels.data)
        make_dock(PseudoLabelsDock, viewer)
        book, layer_id = clusters_of(viewer), str(labels.unique_id)
        history = book.of(layer_id)
        book.keep(layer_id, history.push(rename(history.present, 2, "quartz"), "Name"))
        projects.save_as(keeper.scan_id, home / "project")
        roles = ("score", "mask", "truth", "pseudo_labels")
        score, mask = first_layer(viewer, "score"), first_layer(viewer, "mask")
        saved = Saved(
            home / "scan",
            home / "project",
            {role: np.array(first_layer(viewer, role).data) for role in roles},
            [one.name for one, link in linked_layers(viewer) if link.role != "outline"],
            board_of(viewer).history,
            session_of(viewer).count_mask(score, mask).brushed,
        )
        assert keeper.save_now()
        for dock in docks:
            dock.close()
        projects.close()
    return saved


@pytest.fixture
def saved(earlier: Saved, tmp_path: Path) -> Saved:
    """A copy of scan and project that a test may alter."""
    home = tmp_path / "home"
    shutil.copytree(earlier.project.parent, home)
    return replace(earlier, scan=home / "scan", project=home / "project")


def _keeper(projects: Projects) -> Any:
    return next(iter(projects.keepers.values()))


def test_every_change_is_saved_by_itself(worked_on, opened, qtbot, tmp_path):
    keeper = _keeper(worked_on)
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


@pytest.fixture
def reopen(
    projects_in: Callable[[Any], Projects], qtbot: Any
) -> Callable[[Path], tuple[ViewerModel, Projects]]:
    """Opens a project in a new viewer."""

    def make(folder: Path) -> tuple[ViewerModel, Projects]:
        viewer = ViewerModel()
        projects = projects_in(viewer)
        projects.open(folder)
        qtbot.waitUntil(lambda: bool(projects.keepers), timeout=LONG)
        return viewer, projects

    return make


def test_a_project_opens_as_it_was_left_and_goes_on(saved, reopen):
    viewer, projects = reopen(saved.project)
    keeper = _keeper(projects)
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
    worked_on: Projects, opened: ViewerModel
) -> None:
    keeper, labels = _keeper(worked_on), first_layer(opened, "pseudo_labels")
    run = next(session_of(opened).runs_of_scan(keeper.scan_id))
    before = run.result.pseudo_labels.copy()
    labels.brush_size = 1
    labels.paint((30, 31), 7)
    assert keeper.save_now()
    assert np.array_equal(run.result.pseudo_labels, before)
    again = load_project(keeper.folder).results["rx"]
    assert np.array_equal(again.run.result.pseudo_labels, before)
    assert again.clusters.labels[30, 31] == 7


def test_a_new_run_in_a_project_keeps_no_cluster_of_the_earlier_one(saved, reopen, make_dock):
    viewer, projects = reopen(saved.project)
    make_dock(PseudoLabelsDock, viewer)
    find = make_dock(FindStep, viewer)
    find.choose_detector("rx")
    find.run()
    assert "your changes to the earlier ones are gone" in find.status.text()
    keeper = _keeper(projects)
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


def test_a_second_window_opens_read_only_and_says_so(saved, reopen, answers, qtbot):
    reopen(saved.project)
    viewer, second = reopen(saved.project)
    assert _keeper(second).is_read_only
    assert "open in another window" in second.status
    before = (saved.project / "project.json").read_bytes()
    first_layer(viewer, "mask").paint((40, 40), 1)
    qtbot.wait(1200)
    assert (saved.project / "project.json").read_bytes() == before
    assert second.may_close()
    assert "read-only" in answers.asked[-1]


def test_a_folder_that_is_lost_is_told_at_once_and_the_work_goes_on_elsewhere(
    worked_on, opened, tmp_path, qtbot
):
    keeper = _keeper(worked_on)
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


def test_a_project_of_ours_that_was_removed_starts_again(worked_on, opened, qtbot):
    keeper = _keeper(worked_on)
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
    saved, reopen, answers, tmp_path
):
    moved, other = tmp_path / "moved", tmp_path / "other"
    saved.scan.rename(moved)
    _forget_absolute(saved.project)
    shutil.copytree(moved, other)
    shutil.copy(other / "Fe.tif", other / "P.tif")
    answers.maps = [other, moved]
    viewer, _ = reopen(saved.project)
    assert answers.asked[0].endswith("any more: say where they are now.")
    assert "P.tif is not the file" in answers.asked[1]
    assert len(list(linked_layers(viewer, role="element"))) == 6


def test_results_open_without_maps_too(saved, reopen, answers):
    shutil.rmtree(saved.scan)
    _forget_absolute(saved.project)
    answers.maps = [None]
    viewer, projects = reopen(saved.project)
    assert threshold_of(first_layer(viewer, "score")) == 3.25
    # A change is saved, and how to find the maps is not forgotten.
    first_layer(viewer, "truth").paint((5, 5), 1)
    assert _keeper(projects).save_now()
    assert read_project(saved.project).maps.sources
    assert len(read_project(saved.project).elements) == 6


def _forget_absolute(folder: Path) -> None:
    """As on another computer: the scan of the fixture is not where it was."""
    path = folder / "project.json"
    content = json.loads(path.read_text())
    content["maps"]["sources"][0]["absolute"] = "/nowhere/scan"
    path.write_text(json.dumps(content))


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


def test_layers_that_go_with_the_window_are_saved_before(worked_on, opened, qtbot):
    keeper = _keeper(worked_on)
    first_layer(opened, "truth").paint((12, 12), 2)
    folder = keeper.folder
    opened.layers.clear()  # as napari does when it closes
    assert not worked_on.keepers
    saved = load_project(folder)
    assert saved.truths[0][2][12, 12] == 2
    assert saved.verdicts is not None


def test_a_killed_window_is_offered_once(saved, projects_in, answers, qtbot):
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
    assert _keeper(projects).folder == saved.project
    assert not _keeper(projects).is_read_only


def test_a_read_only_project_says_so_in_the_header_and_what_to_do_in_hand_over(
    saved, reopen, make_dock, monkeypatch, tmp_path
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
    projects.save_as(_keeper(projects).scan_id, tmp_path / "own")
    assert header.not_saved.isHidden()
    hand_over.choose_preset(REPORT)
    assert hand_over.export_button.isEnabled()


def test_the_header_shows_where_the_work_is_and_the_first_step_recent_projects(
    saved, reopen, make_dock, monkeypatch
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
    keeper = _keeper(projects)
    dock.keep_maps()
    assert keeper.save_now()
    keeper.close()
    shutil.rmtree(saved.scan)
    _forget_absolute(saved.project)
    alone = load_project(saved.project)
    assert alone.cube is not None
    assert alone.cube.elements == alone.file.elements
