"""Micrometres of a TIFF: units of ImageJ and OME, world files, GeoTIFF, microscopes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.remembered import FOLDER_VARIABLE

UNITS = {
    **dict.fromkeys(("um", "µm", "\\u00B5m", "micron", "microns", "Micrometer"), 1.0),
    **{"nm": 1e-3, "Å": 1e-4, "mm": 1e3, "cm": 1e4, "inch": 25_400.0, "m": 1e6},
}


def one_map(folder: Path, **options: Any) -> Any:
    values = np.arange(35, dtype=np.uint16).reshape(5, 7)
    tifffile.imwrite(folder / "Fe.tif", values, **({"photometric": "minisblack"} | options))
    return read_maps(folder / "Fe.tif")


def imagej_map(folder: Path, unit: str, um: tuple[float, float], lines: str = "") -> Any:
    """ImageJ's description with a pixel of (y, x) µm in some unit."""
    y, x = (size / UNITS[unit] for size in um)
    text = f"ImageJ=1.54f\nunit={unit}\n{lines}".encode("latin-1", errors="replace")
    text = text if unit != "Å" else "ImageJ=1.54f\nunit=Å\n".encode()
    return one_map(folder, description=text, metadata=None, resolution=(1 / x, 1 / y))


@given(
    unit=st.sampled_from(sorted(set(UNITS) - {"µm"})),
    y=st.sampled_from([0.5, 1, 2.5, 20, 300]),
    x=st.sampled_from([0.5, 1, 7, 20]),
)
@settings(max_examples=40, deadline=None)
def test_units_of_imagej(unit: str, y: float, x: float) -> None:
    with TemporaryDirectory() as folder:
        cube = imagej_map(Path(folder), unit, (y, x))
    assert cube.pixel_size == pytest.approx((y, x), rel=1e-6)
    assert cube.report.pixel_size_source == "ImageJ tag of Fe.tif"


def test_imagej_has_a_unit_of_its_own_for_y(tmp_path: Path) -> None:
    cube = one_map(
        tmp_path,
        description="ImageJ=1.54f\nunit=mm\nyunit=micron\n",
        metadata=None,
        resolution=(1 / 0.02, 1 / 5),
    )
    assert cube.pixel_size == pytest.approx((5, 20))


@pytest.mark.parametrize("unit", ["pixel", "pixels", ""])
def test_pixels_are_no_unit(tmp_path: Path, unit: str) -> None:
    text = f"ImageJ=1.54f\nunit={unit}\n"
    cube = one_map(tmp_path, description=text, metadata=None, resolution=(0.05, 0.05))
    assert (cube.pixel_size, cube.report.warnings) == (None, ())


def test_imagej_without_a_unit_follows_the_tiff_tags(tmp_path: Path) -> None:
    cube = one_map(
        tmp_path,
        description="ImageJ=1.54f\nimages=1\n",
        metadata=None,
        resolution=(500, 1000),
        resolutionunit="CENTIMETER",
    )
    assert cube.pixel_size == (10, 20)


@pytest.mark.parametrize(
    ("unit", "said"),
    [("furlong", "a unit that is not known here"), ("m", "which no scan has")],
)
def test_a_size_that_is_not_used_is_said(tmp_path: Path, unit: str, said: str) -> None:
    options = {"description": f"ImageJ=1.54f\nunit={unit}\n", "metadata": None}
    cube = one_map(tmp_path, resolution=(1 / 20, 1 / 20), **options)
    assert cube.pixel_size is None
    [line] = cube.report.warnings
    assert f"20 {unit} per pixel" in line
    assert said in line
    assert "--pixel-size" in line
    assert read_maps(tmp_path / "Fe.tif", pixel_size=20).report.warnings == ()


@pytest.mark.parametrize(
    ("size", "um"),
    [
        ({"X": "5", "Y": "7"}, (7, 5)),  # the schema's own unit is the µm
        ({"X": "5", "XUnit": "nm", "Y": "7", "YUnit": "mm"}, (7000, 0.005)),
        ({"X": "0.02", "XUnit": "mm", "Y": "20", "YUnit": "µm"}, (20, 20)),
        ({"X": "500000", "XUnit": "Å", "Y": "500000", "YUnit": "Å"}, (50, 50)),
        ({"X": "1", "XUnit": "thou", "Y": "1", "YUnit": "thou"}, (25.4, 25.4)),
        ({"X": "5", "XUnit": "Mm", "Y": "5", "YUnit": "Mm"}, None),  # megametres
        ({"X": "5", "XUnit": "reference frame", "Y": "5", "YUnit": "reference frame"}, None),
        ({"X": "5", "XUnit": "pixel", "Y": "5", "YUnit": "pixel"}, None),
        ({"X": "5"}, None),
        ({"Y": "wide", "X": "5"}, None),
        ({}, None),
    ],
)
def test_units_of_ome(tmp_path: Path, size: dict[str, str], um: tuple[float, float] | None) -> None:
    said = " ".join(f'PhysicalSize{key}="{value}"' for key, value in size.items())
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        f'<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="7" SizeY="5" SizeC="1" '
        f'SizeZ="1" SizeT="1" {said}><Channel ID="Channel:0:0"/><TiffData IFD="0"/></Pixels>'
        "</Image></OME>"
    )
    cube = one_map(tmp_path, description=text.encode(), metadata=None)
    if um is None or um[0] > 2000:
        assert cube.pixel_size is None
        is_length = any(key in size and size[key].isdigit() for key in "XY")
        asks = any("--pixel-size" in line for line in cube.report.warnings)
        assert asks == (is_length and size.get("XUnit") not in ("pixel", "reference frame"))
    else:
        assert cube.pixel_size == pytest.approx(um)


PAM = "<PAMDataset><SRS>{}</SRS>{}</PAMDataset>"
WKT = {
    'LOCAL_CS["scan",UNIT["micrometre",1e-06]]': 1.0,
    'ENGCRS["s",EDATUM["s"],CS[Cartesian,2],AXIS["x",east],LENGTHUNIT["millimetre",0.001]]': 1e3,
    'PROJCS["UTM",GEOGCS["WGS 84",UNIT["degree",0.0174532925199433]],UNIT["metre",1]]': 1e6,
    'GEOGCS["WGS 84",UNIT["degree",0.0174532925199433]]': None,
    'GEOGCRS["W",ELLIPSOID["W",6378137,298,LENGTHUNIT["metre",1]],ANGLEUNIT["degree",0.017]]': None,
    "": None,
}


@pytest.mark.parametrize("wkt", WKT)
@pytest.mark.parametrize("where", ["aux.xml", "prj"])
def test_the_unit_of_a_world_file_stands_beside_it(tmp_path: Path, wkt: str, where: str) -> None:
    um = WKT[wkt]
    y, x = (25.0 / (um or 1), 20.0 / (um or 1))
    (tmp_path / "Fe.tfw").write_text(f"{x!r}\n0\n0\n{-y!r}\n0\n0\n")
    if where == "prj":
        (tmp_path / "Fe.prj").write_text(wkt)
    else:
        escaped = wkt.replace("&", "&amp;")
        (tmp_path / "Fe.tif.aux.xml").write_text(PAM.format(escaped, ""))
    cube = one_map(tmp_path)
    if um is None:
        assert cube.pixel_size is None
        assert any("--pixel-size 25,20 if these are µm" in w for w in cube.report.warnings)
    else:
        assert cube.pixel_size == pytest.approx((25, 20))
        assert cube.report.warnings == ()


def test_gdal_may_keep_the_transform_beside_the_file(tmp_path: Path) -> None:
    wkt = 'LOCAL_CS["scan",UNIT["millimetre",0.001]]'
    transform = "<GeoTransform> 0.0, 2e-2, 0, 0, 0, -2.5e-2</GeoTransform>"
    (tmp_path / "Fe.tif.aux.xml").write_text(PAM.format(wkt, transform))
    cube = one_map(tmp_path)
    assert cube.pixel_size == pytest.approx((25, 20))
    assert cube.report.pixel_size_source == ".aux.xml file of Fe.tif"


@pytest.mark.parametrize(("orientation", "um"), [(3, (25, 20)), (6, (20, 25)), (8, (20, 25))])
def test_a_world_file_is_about_the_stored_picture(
    tmp_path: Path, orientation: int, um: tuple[float, float]
) -> None:
    (tmp_path / "Fe.tfw").write_text("0,02\n0\n0\n-0,025\n0\n0\n")  # with decimal commas
    (tmp_path / "Fe.prj").write_text('LOCAL_CS["stage",UNIT["millimetre",0.001]]')
    cube = one_map(tmp_path, extratags=[(274, 3, 1, orientation, True)])
    assert cube.pixel_size == um
    assert cube.shape == ((7, 5) if orientation > 4 else (5, 7))


@pytest.mark.parametrize(
    "text", ["", "1\n2\n", "a\nb\nc\nd\ne\nf\n", "0\n0\n0\n0\n0\n0\n", "nan\n0\n0\nnan\n0\n0\n"]
)
def test_world_files_that_say_nothing_are_no_question(tmp_path: Path, text: str) -> None:
    (tmp_path / "Fe.tfw").write_text(text)
    cube = one_map(tmp_path)
    said = ("The world file Fe.tfw holds no pixel size and is not used.",)
    assert (cube.pixel_size, cube.report.warnings) == (None, said)


def test_world_files_that_differ_are_refused(tmp_path: Path) -> None:
    one_map(tmp_path)
    (tmp_path / "Si.tif").write_bytes((tmp_path / "Fe.tif").read_bytes())
    for name, um in (("Fe", 20), ("Si", 25)):
        (tmp_path / f"{name}.tfw").write_text(f"{um}\n0\n0\n-{um}\n0\n0\n")
        (tmp_path / f"{name}.prj").write_text('LOCAL_CS["scan",UNIT["micrometre",1e-06]]')
    with pytest.raises(InputError, match=r"differ: 20 µm in Fe\.tif, 25 µm in Si\.tif"):
        read_maps(tmp_path)
    assert read_maps(tmp_path, pixel_size=20).pixel_size == (20, 20)


def test_the_command_line_asks_and_takes_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "settings"))
    (tmp_path / "Fe.tfw").write_text("20\n0\n0\n-20\n0\n0\n")
    one_map(tmp_path)
    assert main(["inspect", str(tmp_path / "Fe.tif")]) == 0
    said = capsys.readouterr().out
    assert "Pixel size: unknown" in said
    assert "--pixel-size 20 if these are µm" in said
    assert main(["inspect", str(tmp_path / "Fe.tif"), "--pixel-size", "20"]) == 0
    said = capsys.readouterr().out
    assert "Pixel size: 20 µm" in said
    assert "without a unit" not in said


def test_a_transform_of_a_geotiff(tmp_path: Path) -> None:
    matrix = (3e-6, -4e-6, 0, 5, 4e-6, 3e-6, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1)  # turned, 5 µm
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3076, 0, 1, 9001)
    cube = one_map(
        tmp_path,
        extratags=[(34264, 12, 16, matrix, True), (34735, 3, len(keys), keys, True)],
    )
    assert cube.pixel_size == pytest.approx((5, 5))
    turned = "its GeoTIFF tags turn or mirror the map, which stays as stored"
    assert any(turned in step for step in cube.report.steps)


@pytest.mark.parametrize(("rows", "is_mirrored"), [(5e-6, False), (-5e-6, True)])
def test_rows_that_run_upwards_in_a_geotiff_are_said(
    tmp_path: Path, rows: float, is_mirrored: bool
) -> None:
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3076, 0, 1, 9001)
    scale = (33550, 12, 3, (5e-6, rows, 0.0), True)
    cube = one_map(tmp_path, extratags=[scale, (34735, 3, len(keys), keys, True)])
    assert cube.pixel_size == pytest.approx((5, 5))
    assert any("mirror the map" in step for step in cube.report.steps) is is_mirrored


def test_degrees_are_no_lengths(tmp_path: Path) -> None:
    keys = (1, 1, 0, 1, 1024, 0, 1, 2)
    scale = (33550, 12, 3, (0.001, 0.001, 0.0), True)
    cube = one_map(tmp_path, extratags=[scale, (34735, 3, len(keys), keys, True)])
    assert cube.pixel_size is None
    assert any("without a unit" in line for line in cube.report.warnings)


def test_the_pixel_size_of_a_zeiss_microscope(tmp_path: Path) -> None:
    lines = ["", *["0"] * 70, "AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 250.0 nm", ""]
    text = "\r\n".join(lines).encode("cp1252")
    cube = one_map(tmp_path, extratags=[(34118, 7, len(text), text, True)])
    assert cube.pixel_size == (0.25, 0.25)
    assert cube.report.pixel_size_source == "tag of the microscope of Fe.tif"


def test_the_pixel_size_of_a_fei_microscope(tmp_path: Path) -> None:
    text = b"[Scan]\r\nPixelWidth=2e-06\r\nPixelHeight=5e-06\r\n\0"
    cube = one_map(tmp_path, extratags=[(34682, 2, len(text), text, True)])
    assert cube.pixel_size == (5, 2)
