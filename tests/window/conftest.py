"""Fixtures of the window's tests: a viewer model, a small simulated scan, settings of their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, QSettings
from qtpy.QtWidgets import QWidget

from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section, write_section
from napari_mineral_anomaly.window.jobs import Job, JobHandle, SyncExecutor
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.links import first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import add, element_layers
from napari_mineral_anomaly.window.state.model import FIND
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep

SCAN_ID = "scan-a"
ELEMENTS = ("Si", "Fe", "Ca", "Au", "Zr", "P")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINERAL_ANOMALY_CONFIG", str(tmp_path / "config"))
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )


@pytest.fixture(autouse=True)
def _work_holds_nothing_of_qt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a dock starts work that closes over a widget, a layer or a viewer.

    The worker would use it, or let go of it, in its own thread.
    """
    run = DockJobs.run

    def checked(self: DockJobs, kind: str, work: Any, *args: Any, **options: Any) -> None:
        held = sorted({type(part).__name__ for part in _parts_of_qt(work)})
        assert not held, f"the work of {kind!r} holds {held}"
        run(self, kind, work, *args, **options)

    monkeypatch.setattr(DockJobs, "run", checked)


def _parts_of_qt(value: object, depth: int = 0) -> Iterator[object]:
    if isinstance(value, QObject | Layer | ViewerModel):
        yield value
    inner: list[object] = []
    if isinstance(value, functools.partial):
        inner = [value.func, *value.args, *value.keywords.values()]
    elif inspect.ismethod(value):
        inner = [value.__self__, value.__func__]
    elif inspect.isfunction(value):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        inner = [*cells, *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
    elif isinstance(value, tuple | list):
        inner = list(value)
    elif isinstance(value, dict):
        inner = list(value.values())
    elif hasattr(value, "__dict__") and not inspect.ismodule(value) and not inspect.isclass(value):
        inner = list(vars(value).values())
    if depth < 4:
        for one in inner:
            yield from _parts_of_qt(one, depth + 1)


@pytest.fixture(scope="session")
def section() -> SimulatedSection:
    """A simulated section that nobody may alter; six elements, as layers take time to add."""
    section = simulate_section("easy", shape=(64, 96), seed=1)
    every = section.cube
    kept = [every.elements.index(name) for name in ELEMENTS]
    return replace(section, cube=every.replace(maps=every.maps[kept], elements=ELEMENTS))


@pytest.fixture
def cube(section: SimulatedSection) -> ElementCube:
    return section.cube


@pytest.fixture
def scan_folder(section: SimulatedSection, tmp_path: Path) -> Path:
    folder = tmp_path / "scan"
    write_section(section, folder)
    return folder


@pytest.fixture
def scan_id() -> str:
    """The scan of `scanned`."""
    return SCAN_ID


@pytest.fixture
def viewer(qapp: object) -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def scanned(viewer: ViewerModel, cube: ElementCube) -> ViewerModel:
    """A viewer with the element layers of the simulated section."""
    for data in element_layers(cube, scan="section", scan_id=SCAN_ID):
        add(viewer, data)
    return viewer


@pytest.fixture
def make_dock(qtbot: object) -> Iterator[Callable[..., Dock]]:
    """Makes a dock whose jobs run at once, and closes it after the test."""
    docks: list[QWidget] = []

    def make(dock_class: type[Dock], viewer: ViewerModel, executor: object = None) -> Dock:
        dock = dock_class(viewer, executor or SyncExecutor())
        docks.append(dock)
        return dock

    yield make
    for dock in docks:
        dock.close()
        dock.deleteLater()


class JobsByHand:
    """An executor whose jobs wait until the test runs them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Job[Any], JobHandle[Any]]] = []

    def submit(self, job: Job[Any], handle: JobHandle[Any]) -> JobHandle[Any]:
        self.waiting.append((job, handle))
        return handle

    def run_next(self, name: str = "") -> str:
        """Run the oldest job, whose name must start with ``name``; returns the name."""
        job, handle = self.waiting.pop(0)
        assert job.name.startswith(name)
        handle.finish(job.run(Task(lambda event: handle.deliver([event]), handle.token)))
        return job.name


@pytest.fixture
def by_hand() -> JobsByHand:
    return JobsByHand()


@pytest.fixture
def run_rx(scanned: ViewerModel, make_dock: Callable[..., Dock]) -> FindStep:
    """A step Find that has finished an RX run of the simulated section."""
    dock = make_dock(FindStep, scanned)
    dock.choose_detector("rx")
    dock.run()
    return dock


@pytest.fixture
def brushed_mask(run_rx: FindStep, scanned: ViewerModel) -> Any:
    """The mask layer of the RX run, altered by hand: every pixel from 2.5 sigmas on."""
    return _mask_from(scanned)


def _mask_from(viewer: Any) -> Any:
    score = first_layer(viewer, "score")
    mask = first_layer(viewer, "mask")
    mask.data = (score.data >= 2.5).astype(np.uint8)
    return mask


@pytest.fixture
def window_with_mask(
    make_napari_viewer: Callable[..., Any], qtbot: Any, section: SimulatedSection
) -> Any:
    """A real napari window after an RX run by worker, its mask altered as in `brushed_mask`."""
    viewer = make_napari_viewer(show=True)
    for data in element_layers(section.cube, scan="section", scan_id="s"):
        add(viewer, data)
    detect = open_step(viewer, FIND).step(FIND)
    detect.choose_detector("rx")
    detect.run_button.click()
    qtbot.waitUntil(lambda: bool(list(linked_layers(viewer, role="mask"))), timeout=30_000)
    _mask_from(viewer)
    return viewer
