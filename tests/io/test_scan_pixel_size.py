"""Where a pixel size comes from when no TIFF tag tells: beside the file, its header, memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.remembered import (
    FOLDER_VARIABLE,
    remember_pixel_size,
    remembered_pixel_size,
    settings_file,
)


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "settings"))
    folder = tmp_path / "scan"
    folder.mkdir()
    for i, name in enumerate(("Fe", "Si")):
        values = np.random.default_rng(i).poisson(40, (12, 14)).astype(np.uint16)
        tifffile.imwrite(folder / f"{name}.tif", values)
    return folder


METRES = '<PAMDataset><SRS>LOCAL_CS["scan",UNIT["metre",1]]</SRS></PAMDataset>'


@pytest.mark.parametrize("name", ["Fe.tfw", "Fe.tifw", "Fe.wld"])
def test_world_files_in_metres(scan: Path, name: str) -> None:
    (scan / name).write_text("0.00002\n0\n0\n-0.000025\n0\n0\n")
    (scan / "Fe.tif.aux.xml").write_text(METRES)
    cube = read_maps(scan)
    assert cube.pixel_size == pytest.approx((25, 20))
    assert cube.report.pixel_size_source == "world file of Fe.tif"


def test_a_turned_world_file_keeps_its_lengths(scan: Path) -> None:
    (scan / "Fe.tfw").write_text("0.000016\n0.000012\n0.000012\n-0.000016\n0\n0\n")
    (scan / "Fe.tif.aux.xml").write_text(METRES)
    assert read_maps(scan).pixel_size == pytest.approx((20, 20))


@pytest.mark.parametrize("text", ["", "1\n2\n", "30\n0\n0\n-30\n0\n0\n", "a\nb\nc\nd\ne\nf\n"])
def test_world_files_that_tell_nothing(scan: Path, text: str) -> None:
    (scan / "Fe.tfw").write_text(text)
    assert read_maps(scan).pixel_size is None


@pytest.mark.parametrize(
    ("attributes", "um"),
    [
        ({"pixel_size": [0.01, 0.02], "units": "mm"}, (10, 20)),
        ({"pixel_size": 0.03, "pixel_size_unit": "mm", "unit": "counts"}, (30, 30)),
        ({"pixel_size": 5.0, "unit": "counts"}, (5, 5)),
        ({"element_size_um": [1.0, 5.0, 6.0]}, (5, 6)),
        ({"pixel_size": 0.01, "units": "mm", "pixel_size_um": 12}, (12, 12)),
        ({"pixel_size": "unknown"}, None),
        ({"pixel_size": 20.0, "units": "m"}, None),
    ],
)
def test_the_attributes_of_stores_tell_the_size_in_its_unit(
    tmp_path: Path, attributes: dict[str, Any], um: tuple[float, float] | None
) -> None:
    maps = np.random.default_rng(0).poisson(40, (2, 12, 14)).astype(np.uint16)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        stack = file.create_dataset("maps", data=maps)
        file["elements"] = ["Fe", "Si"]
        stack.attrs.update(attributes)
    store = zarr.create_array(str(tmp_path / "scan.zarr"), data=maps)
    store.attrs.update({"elements": ["Fe", "Si"], **attributes})
    np.save(tmp_path / "scan.npy", maps)
    beside = json.dumps({"elements": ["Fe", "Si"], **attributes})
    (tmp_path / "scan.json").write_text(beside)
    for name in ("scan.h5", "scan.zarr", "scan.npy"):
        assert read_maps(tmp_path / name).pixel_size == (um and pytest.approx(um)), name


def test_a_numpy_archive_tells_its_size_in_its_unit(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).poisson(40, (2, 12, 14)).astype(np.uint16)
    names = ["Fe", "Si"]
    np.savez(tmp_path / "a.npz", maps=maps, elements=names, pixel_size=[0.01, 0.02], unit="mm")
    assert read_maps(tmp_path / "a.npz").pixel_size == pytest.approx((10, 20))


def test_a_typed_size_is_kept_for_the_folder(scan: Path) -> None:
    assert remembered_pixel_size(scan) is None
    remember_pixel_size(scan, (20, 25))
    assert remembered_pixel_size(scan / "Fe.tif") == (20, 25)
    assert remembered_pixel_size(scan.parent) is None
    assert read_maps(scan).pixel_size is None
    cube = read_maps(scan, remembered=True)
    assert cube.pixel_size == (20, 25)
    assert cube.report.pixel_size_source == "typed earlier for this folder"
    assert any("is the one typed earlier" in line for line in cube.report.warnings)
    assert read_maps(scan, pixel_size=5, remembered=True).pixel_size == (5, 5)


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "\x00"])
def test_damaged_settings_count_as_empty(scan: Path, content: str) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(content)
    assert remembered_pixel_size(scan) is None
    remember_pixel_size(scan, (3, 3))
    assert remembered_pixel_size(scan) == (3, 3)


def test_a_folder_of_settings_that_cannot_be_made_is_no_error(
    scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(scan / "Fe.tif"))
    remember_pixel_size(scan, (3, 3))
    assert remembered_pixel_size(scan) is None


def test_the_command_line_keeps_it_and_says_when_it_uses_it(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(scan), "--pixel-size", "20", "--spot-size", "30"]) == 0
    first = capsys.readouterr().out
    assert "Pixel size: 20 µm (typed by the user)" in first
    assert "Beam diameter: 30 µm" in first
    assert main(["inspect", str(scan), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["pixel_size_um"] == [20, 20]
    assert report["pixel_size_source"] == "typed earlier for this folder"
    assert report["spot_size_um"] is None
    assert main(["inspect", str(scan), "--spot-size", "0"]) == 2
