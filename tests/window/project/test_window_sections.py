"""Several sections in one window: one is shown, names tell them apart, runs wait their turn."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtGui import QDesktopServices
from scipy.ndimage import binary_dilation

from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.window.detecting.queue import queue_of
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import first_layer, link_of, linked_layers
from napari_mineral_anomaly.window.layers.names import told_apart
from napari_mineral_anomaly.window.plugin.reader import read_as_layers
from napari_mineral_anomaly.window.project import projects as module
from napari_mineral_anomaly.window.project.projects import Projects
from napari_mineral_anomaly.window.sections.dock import SectionsDock
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

LONG = 20_000


def _open(viewer: Any, folder: Path) -> str:
    """Open a scan as napari's File > Open does; its scan id."""
    for data in read_as_layers(str(folder)):
        viewer.add_layer(Layer.create(*data))
    return list(active_of(viewer).scan_ids())[-1]


def _shown(viewer: Any) -> set[str]:
    """The names of the visible layers."""
    return {layer.name for layer in viewer.layers if layer.visible}


@pytest.fixture
def folders(scan_folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two scans in folders of the same name."""
    first, second = tmp_path / "slide_1" / "maps", tmp_path / "slide_2" / "maps"
    for target in (first, second):
        target.mkdir(parents=True)
        for name in ("Si.tif", "Fe.tif", "Zr.tif"):
            shutil.copy(scan_folder / name, target / name)
    return first, second


@pytest.fixture
def two(
    viewer: ViewerModel, folders: tuple[Path, Path], qtbot: Any
) -> tuple[ViewerModel, str, str]:
    active_of(viewer)
    first = _open(viewer, folders[0])
    second = _open(viewer, folders[1])
    qtbot.waitUntil(lambda: "Zr · slide_2" in {layer.name for layer in viewer.layers})
    return viewer, first, second


@pytest.fixture
def projects(viewer: ViewerModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Projects]:
    """The projects of the viewer, saved at once; nobody is asked anything."""

    class Nobody:
        def before_closing(self, sentence: str) -> str:
            return "close"

    made = Projects(viewer, SyncExecutor(), Nobody())  # type: ignore[arg-type]
    monkeypatch.setitem(module._projects._made, viewer, made)
    yield made
    made.close()


def test_one_section_is_shown_and_fitted(two):
    viewer, first, second = two
    active = active_of(viewer)
    assert active.scan_id == second
    shown = [link_of(layer) for layer in viewer.layers if layer.visible]
    assert {link.scan_id for link in shown} == {second}
    first_layer(viewer, "element", second, element="Zr").visible = True
    before = _shown(viewer)
    viewer.scene.camera.zoom = 7.0
    active.activate(first)
    assert {link_of(layer).scan_id for layer in viewer.layers if layer.visible} == {first}
    assert viewer.scene.camera.zoom != 7.0
    # Back again: with the layers that were shown, also one made visible by the user.
    active.activate(second)
    assert _shown(viewer) == before
    # Layers of others are not ours to hide.
    viewer.add_image(np.zeros((4, 4)), name="mine")
    active.activate(first)
    assert "mine" in _shown(viewer)


def test_the_selected_layer_belongs_to_the_section_that_is_shown(two):
    viewer, first, second = two
    here, there = (
        [layer for layer, link in linked_layers(viewer, scan_id) if link.role == "element"]
        for scan_id in (first, second)
    )
    active_of(viewer).show(here[0], True)
    viewer.layers.selection.active = there[0]
    active_of(viewer).activate(first)
    assert viewer.layers.selection.active in here
    assert viewer.layers.selection.active.visible
    own = viewer.add_labels(np.zeros((4, 4), dtype=np.uint8))
    viewer.layers.selection.active = own
    active_of(viewer).activate(second)
    assert viewer.layers.selection.active is own, "a layer of the user stays selected"


def test_the_view_fits_a_small_section_beside_a_large_one(viewer, folders, qtbot):
    active = active_of(viewer)
    small = _open(viewer, folders[0])
    zoom = viewer.scene.camera.zoom
    large = _open(viewer, folders[1])
    for layer, _ in linked_layers(viewer, large):
        layer.scale = np.asarray(layer.scale) * 10
    active.activate(small)
    assert viewer.scene.camera.zoom == pytest.approx(zoom)
    active.activate(large)
    assert viewer.scene.camera.zoom == pytest.approx(zoom / 10)


def test_names_come_from_the_folder_that_differs(two):
    viewer, first, second = two
    names = {link.scan_id: link.scan for _, link in linked_layers(viewer)}
    assert names == {first: "slide_1", second: "slide_2"}
    assert {layer.name for layer, _ in linked_layers(viewer, first)} >= {"Si · slide_1"}


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (("/a/x/maps", "/a/y/maps"), ("x", "y")),
        (("/a/x/maps", "/b/x/maps"), ("a", "b")),
        (("/a/maps", "/a/maps"), ("maps", "maps (2)")),
        (("/a/x/maps", None), ("maps", "maps (2)")),
    ],
)
def test_told_apart(sources, told):
    paths = {str(k): Path(one) for k, one in enumerate(sources) if one is not None}
    names = {str(k): "maps" for k in range(len(sources))} | {"other": "scan"}
    found = told_apart(names, paths)
    assert tuple(found[str(k)] for k in range(len(sources))) == told
    assert found["other"] == "scan"


def test_runs_wait_their_turn_and_can_be_cancelled(two, make_dock, by_hand, projects):
    viewer, first, second = two
    dock = make_dock(FindStep, viewer, by_hand)
    sections = make_dock(SectionsDock, viewer).sections
    dock.choose_detector("rx")
    dock.run()
    active_of(viewer).activate(first)
    assert dock.scan_id == first
    dock.run()
    dock.choose_detector("pca")
    dock.run()
    queue = queue_of(viewer)
    assert dock.waiting.texts[0].startswith("Waiting: RX")
    assert [run.scan_id for run in queue.waiting] == [first, first]
    sections.refresh()
    assert [line[:2] for line in sections.texts()] == [
        ("slide_1", "waiting"),
        ("slide_2", "running"),
    ]
    queue.cancel_waiting(queue.waiting[1])
    assert len(dock.waiting.texts) == 1
    # One after the other: nothing of the first scan was computed yet.
    _finish(by_hand, until=lambda: queue.running.scan_id == first)
    assert first_layer(viewer, "score", second) is not None
    assert first_layer(viewer, "score", first) is None
    # The result came to a hidden section: it is shown with it.
    assert not first_layer(viewer, "score", second).visible
    _finish(by_hand, until=lambda: queue.running is None)
    assert first_layer(viewer, "score", first).visible
    assert first_layer(viewer, "score", first, detector="pca") is None
    active_of(viewer).activate(second)
    assert first_layer(viewer, "score", second).visible


def _finish(jobs: Any, until: Callable[[], bool]) -> None:
    for _ in range(40):
        if until():
            return
        jobs.run_next()
    raise AssertionError("the queue did not get there")


def test_a_run_that_fails_or_is_cancelled_lets_the_next_begin(two, make_dock, by_hand):
    viewer, first, _ = two
    dock = make_dock(FindStep, viewer, by_hand)
    queue = queue_of(viewer)
    dock.choose_detector("rx")
    dock.run()
    active_of(viewer).activate(first)
    dock.run()
    dock.cancel()
    assert queue.running.scan_id == first
    assert not queue.waiting
    dock.shut_down()
    assert queue.running is None


def test_the_list_shows_state_grains_and_accepted(two, make_dock, projects):
    viewer, first, second = two
    dock = make_dock(SectionsDock, viewer)
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    grains = make_dock(GrainTable, viewer)
    grains.list_grains()
    grains.board.decide([1, 2], status="accept")
    grains.board.decide([3], status="reject")
    mask = first_layer(viewer, "mask", second)
    dock.sections.refresh()
    _look(dock.sections)
    found = detect.session.count_mask(first_layer(viewer, "score", second), mask).grains
    lines = {line[0]: line for line in dock.sections.texts()}
    assert lines["slide_1"][1:] == ("no run yet", "", "0")
    assert lines["slide_2"][2:] == (str(found), "2")
    items = [dock.sections.topLevelItem(k) for k in range(2)]
    assert not any(item.icon(0).isNull() for item in items)
    # A stroke away from all others makes one grain more.
    free = ~binary_dilation(np.asarray(mask.data) != 0, iterations=3)
    y, x = np.argwhere(free[1:-1, 1:-1])[0] + 1
    mask.data_setitem((np.array([y]), np.array([x])), 1)
    _look(dock.sections)
    assert {line[0]: line[2] for line in dock.sections.texts()}["slide_2"] == str(found + 1)
    # A click shows the other section.
    assert dock.sections.currentItem() is items[1]
    dock.sections.setCurrentItem(items[0])
    assert active_of(viewer).scan_id == first


def _look(sections: Any) -> None:
    while sections._to_see:
        sections._see_next()


def test_docks_follow_the_active_section(two, make_dock):
    viewer, first, second = two
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    active_of(viewer).activate(first)
    detect.run()
    threshold = make_dock(ThresholdPanel, viewer)
    assert link_of(threshold.score_combo.layer()).scan_id == first
    active_of(viewer).activate(second)
    assert link_of(threshold.score_combo.layer()).scan_id == second


def test_hidden_sections_are_saved_as_they_are_shown(two, make_dock, projects, qtbot):
    viewer, first, second = two
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    keeper = projects.keepers[second]
    qtbot.waitUntil(lambda: not keeper.has_unsaved_work, timeout=LONG)
    active_of(viewer).activate(first)
    # To show another section is no change of this one.
    assert not keeper.has_unsaved_work
    first_layer(viewer, "mask", second).paint((4, 4), 1)
    assert keeper.save_now()
    saved = load_project(keeper.folder).file
    assert saved.name == "slide_2"
    assert {look.key: look.visible for look in saved.layers}["score rx"] is True


def test_the_runs_of_a_section_end_with_it(two, make_dock, by_hand, projects):
    viewer, first, second = two
    detect = make_dock(FindStep, viewer, by_hand)
    sections = make_dock(SectionsDock, viewer)
    detect.choose_detector("rx")
    detect.run()
    detect.choose_detector("pca")
    detect.run()
    active_of(viewer).activate(first)
    detect.run()
    active_of(viewer).activate(second)
    sections.close_section()
    queue = queue_of(viewer)
    assert queue.running.scan_id == first
    assert not queue.waiting


def test_a_project_that_is_open_already_is_shown(two, make_dock, projects):
    viewer, first, second = two
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    folder = projects.keepers[second].folder
    active_of(viewer).activate(first)
    projects.open(folder)
    assert active_of(viewer).scan_id == second
    assert list(projects.keepers) == [second]


def test_a_section_is_closed_with_its_work_saved(two, make_dock, projects):
    viewer, first, second = two
    detect = make_dock(FindStep, viewer)
    detect.choose_detector("rx")
    detect.run()
    folder = projects.keepers[second].folder
    first_layer(viewer, "mask", second).paint((6, 6), 1)
    make_dock(SectionsDock, viewer).close_section()
    assert active_of(viewer).scan_id == first
    assert not list(linked_layers(viewer, second))
    assert not projects.keepers
    assert load_project(folder).results["rx"].judged.edits[6, 6] == 1


def test_the_sections_of_a_window_are_compared(two, make_dock, projects, tmp_path, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    viewer, first, second = two
    dock, detect = make_dock(SectionsDock, viewer), make_dock(FindStep, viewer)
    assert not dock.compare_button.isEnabled()
    detect.choose_detector("rx")
    detect.run()
    active_of(viewer).activate(first)
    detect.run()
    assert dock.compare_button.isEnabled()
    out = tmp_path / "comparison"
    dock.compare(out)
    assert shown == [str(out / "index.html")]
    grains = pd.read_csv(out / "grains.csv")
    names = [projects.keepers[scan_id].folder.name for scan_id in (second, first)]
    assert sorted(set(grains["section"])) == sorted(names)
    # Files of the user are never taken away.
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_text("mine")
    dock.compare(tmp_path / "own")
    assert (tmp_path / "own" / "notes.txt").read_text() == "mine"
