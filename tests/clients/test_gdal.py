"""GDAL, which QGIS reads rasters with, opens our TIFFs, world files and band lists."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

SIZE = (20.0, 25.5)  # as in conftest.py
NAMES = ("Fe Ka", "As", "Ø <&> 1", "Pb La")
MISSING = (2, 3)


def info(gdalinfo: str, path: Path | str) -> dict:
    done = subprocess.run(
        [gdalinfo, "-json", str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("maps.vrt", "stack, OME, its .vrt"),
        ("fiji.vrt", "stack, Fiji, its .vrt"),
        ("maps.ome.tif", "stack, OME, first page"),
        ("Fe.tif", "one map, Fiji"),
    ],
)
def test_gdal_shows_the_numbers_names_and_micrometres(
    name, what, files, maps, program, record, tmp_path
):
    gdalinfo, translate = program("gdalinfo", "gdal-bin"), program("gdal_translate", "gdal-bin")
    moved = tmp_path / "elsewhere"  # the band list finds its TIFF beside itself
    shutil.copytree(files, moved)
    told = info(gdalinfo, moved / name)
    names = {"Fe.tif": ("Fe",), "maps.ome.tif": NAMES[:1]}.get(name, NAMES)
    assert [band["description"] for band in told["bands"]] == list(names)
    x0, dx, _, y0, _, dy = told["geoTransform"]
    assert (dy, dx) == (-SIZE[0], SIZE[1])
    assert (y0 + dy / 2, x0 + dx / 2) == pytest.approx((0, 0))
    assert 'LENGTHUNIT["micrometre",1E-06]' in told["coordinateSystem"]["wkt"]
    raw = tmp_path / "raw"
    subprocess.run([translate, "-q", "-of", "ENVI", moved / name, raw], timeout=60, check=True)
    expected = maps[: len(names)]
    shown = np.fromfile(raw, "<f4").reshape(expected.shape)
    assert np.array_equal(shown, expected, equal_nan=True)
    record(
        version(gdalinfo),
        what,
        values=f"all {expected.size} equal",
        um=f"{-dy:g} x {dx:g} µm",
        names=f"{len(names)} of {len(names)}",
        missing=f"NaN at {MISSING}" if len(names) > 1 else "none in the file",
    )


def test_gdal_names_each_page_of_a_stack(files, program):
    gdalinfo = program("gdalinfo", "gdal-bin")
    for name in ("maps.ome.tif", "fiji.tif"):
        pages = [info(gdalinfo, f"GTIFF_DIR:{k}:{files / name}") for k in range(1, 5)]
        assert [page["bands"][0]["description"] for page in pages] == list(NAMES)


def test_the_files_of_a_run_lie_on_each_other_in_gdal(run, program):
    gdalinfo = program("gdalinfo", "gdal-bin")
    told = [info(gdalinfo, path) for path in (*run.glob("*.tif"), *run.glob("*.vrt"))]
    assert len(told) == 6
    assert len({tuple(one["geoTransform"]) for one in told}) == 1
    titles = {one["bands"][0]["description"] for one in told if len(one["bands"]) == 1}
    assert {"Anomaly score (background sigmas)", "Anomaly mask", "Grain labels"} <= titles
    assert {len(one["bands"]) for one in told} == {1, 20}


def version(gdalinfo: str) -> str:
    done = subprocess.run([gdalinfo, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split(",")[0]
