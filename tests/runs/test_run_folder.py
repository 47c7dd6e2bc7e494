"""The run folder appears whole or not at all, whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILES
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.runs.folder import write_run
from napari_mineral_anomaly.scan.cube import ElementCube


@pytest.fixture(scope="module")
def cube() -> ElementCube:
    maps = np.random.default_rng(0).poisson(40, (3, 30, 40)).astype(np.uint16)
    maps[2, 12:14, 20] = 500
    return ElementCube(maps, ("Fe", "Ca", "Zr"), (20.0, 20.0))


@pytest.fixture(scope="module")
def run(cube: ElementCube) -> DetectionRun:
    return run_detection(cube, "rx", make_config("rx"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_cube_from_memory_gives_the_whole_folder(tmp_path, cube, run):
    events = []
    out = tmp_path / "out"
    written = write_run(out, cube, run, timings={"read": 1.0}, task=Task(events.append))
    assert written.folder == out
    assert names(out) == sorted(RUN_FILES)
    assert written.record.n_listed == len(written.grains) == len(pd.read_csv(out / "grains.csv"))
    assert written.record.n_grains == written.grains["above_threshold"].sum()
    assert written.grains.loc[0, "driver_1"].startswith("Zr+")
    assert written.grains.loc[0, "area_px"] == 2
    assert set(written.record.timings) == {"read", "fit", "score", "export"}
    assert {event.phase for event in events} == {"grains", "writing"}
    writing = [event.step for event in events if event.phase == "writing"]
    assert writing == list(range(len(RUN_FILES)))


def test_lazy_contributions_are_written(tmp_path, cube, run):
    lazy = da.from_array(run.result.contributions, chunks=(1, 30, 40))
    result = replace(run.result, contributions=lazy)
    write_run(tmp_path / "out", cube, replace(run, result=result))
    read = tifffile.imread(tmp_path / "out" / "element_contributions.ome.tif")
    assert np.array_equal(read, run.result.contributions)


class BrokenPlanes:
    """Contributions that cannot be read after the first plane, as on a lost network drive."""

    shape = (3, 30, 40)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getitem__(self, index: int) -> np.ndarray:
        if index:
            raise self._error
        return np.zeros((30, 40), np.float32)


@pytest.mark.parametrize(
    ("error", "raised"), [(RuntimeError("lost"), RuntimeError), (OSError("lost"), InputError)]
)
def test_an_error_half_way_leaves_nothing(tmp_path, cube, run, error, raised):
    broken = replace(run, result=replace(run.result, contributions=BrokenPlanes(error)))
    with pytest.raises(raised):
        write_run(tmp_path / "new" / "out", cube, broken)
    assert names(tmp_path) == []


def test_an_error_half_way_keeps_the_earlier_results(tmp_path, cube, run):
    out = tmp_path / "out"
    write_run(out, cube, run)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    broken = replace(run, result=replace(run.result, contributions=BrokenPlanes(RuntimeError())))
    with pytest.raises(RuntimeError):
        write_run(out, cube, broken, overwrite=True)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("at", ["grains.csv", "run.json"])
def test_cancelling_leaves_nothing(tmp_path, cube, run, at):
    cancel = CancelToken()

    def cancel_at(event):
        if event.message == at:
            cancel.cancel()

    with pytest.raises(CancelledError):
        write_run(tmp_path / "out", cube, run, task=Task(cancel_at, cancel))
    assert names(tmp_path) == []


def test_a_folder_in_use_is_refused(tmp_path, cube, run):
    write_run(tmp_path / "out", cube, run)
    with pytest.raises(InputError, match="exists and is not empty"):
        write_run(tmp_path / "out", cube, run)
