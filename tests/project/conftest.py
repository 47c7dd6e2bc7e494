"""A small run of RX as a project, and states of a section to save."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.project.maps import ScanFiles
from napari_mineral_anomaly.project.new import make_project
from napari_mineral_anomaly.project.saving.state import ResultState, SectionState
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section, write_section

SHAPE = (48, 56)


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINERAL_ANOMALY_CONFIG", str(tmp_path / "config"))


@pytest.fixture(scope="session")
def session_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects") / "scan"
    return write_section(simulate_section("easy", shape=SHAPE, seed=1), folder)


@pytest.fixture(scope="session")
def session_project(session_scan: Path) -> Path:
    out = session_scan.parent / "result"
    written = scan_to_folder([session_scan], out, "rx", threshold=3.0)
    make_project(written, [session_scan])
    return out


@pytest.fixture
def home(session_project: Path, tmp_path: Path) -> Path:
    """A folder with the scan in "scan" and the project in "result"; a test may alter both."""
    folder = tmp_path / "home"
    # With the times of the files, as a copy for a colleague has them.
    shutil.copytree(session_project.parent, folder)
    return folder


@pytest.fixture(scope="session")
def cube(session_scan: Path) -> ElementCube:
    return read_maps(session_scan)


@pytest.fixture(scope="session")
def run(cube: ElementCube) -> DetectionRun:
    return run_detection(cube, "rx", make_config("rx"))


@pytest.fixture
def state_of(cube: ElementCube, session_scan: Path) -> Callable[..., SectionState]:
    """Makes a state of the scan, with changes."""

    def make(**changes: object) -> SectionState:
        values: dict[str, object] = {
            "name": "scan",
            "shape": cube.shape,
            "pixel_size": cube.pixel_size,
            "elements": cube.elements,
            "scan": ScanFiles((session_scan,)),
            "cube": lambda: cube,
            "results": (ResultState("rx", 3.5, 2),),
        }
        return SectionState(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def strokes() -> np.ndarray:
    image = np.zeros(SHAPE, np.int8)
    image[2:5, 3:9] = 1
    image[20, 20:30] = -1
    return image
