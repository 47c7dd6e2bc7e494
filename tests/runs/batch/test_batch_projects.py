"""Each section of a batch is a project that finds its maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.names import PROJECT_FILE
from napari_mineral_anomaly.project.new import keep_as_project
from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.run import run_batch
from napari_mineral_anomaly.runs.batch.watch import WORKING, BatchWatch

RX = Recipe(detector="rx", threshold=3.5, pixel_size=(25.0, 20.0))


def test_sections_are_projects_and_get_it_later_where_it_is_missing(tmp_path: Path) -> None:
    scan, out = tmp_path / "slide_1" / "maps", tmp_path / "out"
    scan.mkdir(parents=True)
    maps = np.random.default_rng(0).poisson(40, (3, 30, 40)).astype(np.uint16)
    maps[2, 12:14, 20] = 500
    for name, plane in zip(("Fe", "Ca", "Zr"), maps, strict=True):
        tifffile.imwrite(scan / f"{name}.tif", plane)
    watch = BatchWatch()
    [row] = run_batch([scan], out, RX, watch=watch, keep=keep_as_project)
    assert [one.state for one in watch.rows()] == ["done"]
    watch.began(row.section)
    assert watch.rows()[0].state != WORKING  # a finished section stays finished
    project = load_project(out / "maps")
    assert project.cube is not None
    assert np.array_equal(project.cube.plane(project.cube.elements.index("Zr")), maps[2])
    assert project.file.pixel_size_um == (25.0, 20.0)
    assert project.main.note.threshold == 3.5
    # As a kill just before leaves it, and as older versions did.
    before = (out / "maps" / "run.json").read_bytes()
    (out / "maps" / PROJECT_FILE).unlink()
    run_batch([], out, resume=True, keep=keep_as_project)
    assert load_project(out / "maps").file.maps.sources[0].absolute == str(scan)
    assert (out / "maps" / "run.json").read_bytes() == before
