"""Where a pixel size comes from when no TIFF tag tells: beside the file, its header, memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.pixel_size import (
    attrs_pixel_size,
    envi_pixel_size,
    ripple_pixel_size,
    world_file_pixel_size,
)
from napari_mineral_anomaly.io.remembered_size import (
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


@pytest.mark.parametrize("name", ["Fe.tfw", "Fe.tifw", "Fe.wld"])
def test_world_files_in_metres(scan: Path, name: str) -> None:
    (scan / name).write_text("0.00002\n0\n0\n-0.000025\n0\n0\n")
    cube = read_maps(scan)
    assert cube.pixel_size == pytest.approx((25, 20))
    assert cube.report.pixel_size_source == "world file of Fe.tif"


def test_a_turned_world_file_keeps_its_lengths(scan: Path) -> None:
    (scan / "Fe.tfw").write_text("0.000016\n0.000012\n0.000012\n-0.000016\n0\n0\n")
    assert world_file_pixel_size(scan / "Fe.tif").um == pytest.approx((20, 20))


@pytest.mark.parametrize("text", ["", "1\n2\n", "30\n0\n0\n-30\n0\n0\n", "a\nb\nc\nd\ne\nf\n"])
def test_world_files_that_tell_nothing(scan: Path, text: str) -> None:
    (scan / "Fe.tfw").write_text(text)
    assert read_maps(scan).pixel_size is None


def test_sizes_in_headers() -> None:
    ripple = {"width-scale": "0.1", "height-scale": "0.2", "width-units": "mm"}
    assert ripple_pixel_size(ripple).um == (200, 100)
    assert ripple_pixel_size({"width-scale": "1", "height-scale": "1"}) is None
    info = ["Arbitrary", " 1", " 1", " 0", " 0", " 2e-5", " 3e-5", " units=Meters"]
    assert envi_pixel_size(info).um == (30, 20)
    assert envi_pixel_size(["UTM"]) is None
    assert attrs_pixel_size({"pixel_size": [0.01, 0.02], "units": b"mm"}).um == (10, 20)
    assert attrs_pixel_size({"element_size_um": [1.0, 5.0, 6.0]}).um == (5, 6)
    assert attrs_pixel_size({"pixel_size": "unknown"}) is None
    assert attrs_pixel_size({}) is None


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
