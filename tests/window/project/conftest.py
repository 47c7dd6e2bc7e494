"""A project that a window saved, and the windows that open it."""

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

from napari_mineral_anomaly.detectors.clusters.editing import rename
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.simulate import SimulatedSection, write_section
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.clusters.dock import PseudoLabelsDock
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.jobs import SyncExecutor
from napari_mineral_anomaly.window.judging.truth_dock import TruthDock
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.log_colours import show_logarithm
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.plugin.reader import read_as_layers
from napari_mineral_anomaly.window.project.asking import Closing
from napari_mineral_anomaly.window.project.projects import Projects
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

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
        keeper = next(iter(projects.keepers.values()))
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


@pytest.fixture(scope="session")
def keeper_of() -> Callable[[Projects], Any]:
    """The keeper of the one section of a window."""
    return lambda projects: next(iter(projects.keepers.values()))


@pytest.fixture(scope="session")
def forget_absolute() -> Callable[[Path], None]:
    """Makes a project as on another computer: its scan is not where it was."""

    def make(folder: Path) -> None:
        path = folder / "project.json"
        content = json.loads(path.read_text())
        content["maps"]["sources"][0]["absolute"] = "/nowhere/scan"
        path.write_text(json.dumps(content))

    return make
