"""TIFFs as Fiji, GDAL and OME programs write them: numbers, names, micrometres, missing pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.writing.tiff import write_imagej
from napari_mineral_anomaly.io.writing.world import write_world_file

ELEMENTS = ("Ca", "Fe", "Si", "Ti")
BANDS = ("Fe", "Ca", "Ti", "Zr", "Pb")
NO_DATA, METADATA = 42113, 42112
PAGES: dict[str, Any] = {"photometric": "minisblack", "metadata": None}


def counts(n: int = 4, shape: tuple[int, int] = (24, 37), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 2000, (n, *shape)).astype(np.uint16)


def write_each(folder: Path, values: np.ndarray, **options: Any) -> Path:
    for name, plane in zip(ELEMENTS, values, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane, **options)
    return folder


def text_tag(code: int, text: str) -> tuple[int, int, int, str, bool]:
    return (code, 2, 0, text, True)


def gdal_items(*items: tuple[str, int, str]) -> str:
    """Items (role, band, value) as GDAL's tag 42112 has them."""
    lines = [
        f'  <Item name="{role.upper()}" sample="{band}" role="{role}">{escape(value)}</Item>'
        for role, band, value in items
    ]
    return "<GDALMetadata>\n" + "\n".join(lines) + "\n</GDALMetadata>"


def named_bands(n: int = 5) -> list[tuple[str, int, str]]:
    return [("description", band, BANDS[band]) for band in range(n)]


def write_bands(
    path: Path, values: np.ndarray, items: str = "", *tags: Any, **options: Any
) -> Path:
    """One page with a sample per band, chunky as GDAL writes it unless told otherwise."""
    extra = [text_tag(METADATA, items or gdal_items(*named_bands(len(values)))), *tags]
    planar = options.pop("planarconfig", "contig")
    stored = np.moveaxis(values, 0, 2) if planar == "contig" else values
    options = {"photometric": "minisblack", "metadata": None} | options
    tifffile.imwrite(path, stored, planarconfig=planar, extratags=extra, **options)
    return path


def test_imagej_signed_16_bit_is_what_fiji_shows(tmp_path: Path) -> None:
    values = counts().astype(np.int32) - 200
    text = "ImageJ=1.54f\nunit=micron\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"
    stored = (values + 32768).astype(np.uint16)
    options = {"description": text, "metadata": None, "resolution": (1 / 5, 1 / 5)}
    cube = read_maps(write_each(tmp_path, stored, **options))
    np.testing.assert_array_equal(cube.maps, values)
    assert cube.pixel_size == (5, 5)
    assert cube.report.steps == ("values = n - 32768, from the ImageJ calibration",)
    assert [used.dtype for used in cube.report.used] == ["uint16"] * 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_maps_stand_as_every_viewer_shows_them(tmp_path: Path, orientation: int) -> None:
    upright = counts()
    # How a scanner stores an upright picture in each orientation (TIFF 6.0, written out by hand).
    stored = {
        1: upright,
        2: upright[:, :, ::-1],
        3: upright[:, ::-1, ::-1],
        4: upright[:, ::-1],
        5: upright.transpose(0, 2, 1),
        6: upright.transpose(0, 2, 1)[:, ::-1],
        7: upright.transpose(0, 2, 1)[:, ::-1, ::-1],
        8: upright.transpose(0, 2, 1)[:, :, ::-1],
    }[orientation]
    write_each(
        tmp_path,
        stored,
        extratags=[(274, 3, 1, orientation, True)],
        resolution=(10_000 / 20, 10_000 / 5),  # x: 20 µm, y: 5 µm as stored
        resolutionunit="CENTIMETER",
    )
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.maps, upright)
    assert cube.maps.dtype == np.uint16
    assert cube.pixel_size == ((5, 20) if orientation < 5 else (20, 5))
    said = [step for step in cube.report.steps if f"Orientation ({orientation})" in step]
    assert len(said) == (orientation != 1)


@pytest.mark.parametrize("text", ["-9999", " -9999.000 ", "-9.999e3\0", "-9999\n"])
def test_the_missing_value_of_gdal_is_missing(tmp_path: Path, text: str) -> None:
    values = counts().astype(np.float32)
    values[:, 3:8, 10:18] = -9999
    cube = read_maps(write_each(tmp_path, values, extratags=[text_tag(NO_DATA, text)]))
    is_missing = values == -9999
    np.testing.assert_array_equal(np.isnan(cube.maps), is_missing)
    np.testing.assert_array_equal(cube.maps[~is_missing], values[~is_missing])
    np.testing.assert_array_equal(cube.valid, ~is_missing[0])
    assert cube.report.steps == ("-9999 means missing, from the GDAL tag for missing values",)
    assert not any("follows" in line for line in cube.report.warnings)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("axes", ["ZCYX", "TCYX"])
def test_a_hyperstack_of_channels_and_depths_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: bool, axes: str
) -> None:
    values = counts(12).reshape(3, 4, 24, 37)
    metadata: dict[str, Any] = {"axes": axes}
    if labels:
        metadata["Labels"] = [f"{name} z{z}" for z in range(3) for name in ELEMENTS]
    tifffile.imwrite(tmp_path / "stack.tif", values, imagej=True, metadata=metadata)
    sentence = "stack.tif holds 4 channels at several depths or times (12 planes)"
    with pytest.raises(InputError) as refused:
        read_maps(tmp_path / "stack.tif")
    assert sentence in str(refused.value)
    assert main(["inspect", str(tmp_path)]) == 2  # the folder says the same
    assert sentence in capsys.readouterr().err


def test_the_order_of_a_hyperstack_does_not_hide_its_axes(tmp_path: Path) -> None:
    text = "ImageJ=1.54f\nimages=12\nchannels=4\nslices=3\nhyperstack=true\norder=zct\n"
    tifffile.imwrite(tmp_path / "stack.tif", counts(12), description=text, metadata=None)
    with pytest.raises(InputError, match=r"4 channels at several depths or times \(12 planes\)"):
        read_maps(tmp_path / "stack.tif")


def test_ome_with_an_image_per_element_has_its_names(tmp_path: Path) -> None:
    values = counts()
    images = "".join(
        f'<Image ID="Image:{i}" Name="{name}"><Pixels ID="Pixels:{i}" DimensionOrder="XYCZT" '
        f'Type="uint16" SizeX="37" SizeY="24" SizeC="1" SizeZ="1" SizeT="1">'
        f'<Channel ID="Channel:{i}:0" SamplesPerPixel="1"/>'
        f'<TiffData IFD="{i}" PlaneCount="1"/></Pixels></Image>'
        for i, name in enumerate(BANDS[:4])
    )
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f"{images}</OME>"
    )
    tifffile.imwrite(tmp_path / "scan.ome.tif", values, description=text, **PAGES)
    cube = read_maps(tmp_path / "scan.ome.tif")
    assert cube.elements == BANDS[:4]
    np.testing.assert_array_equal(cube.maps, values)
    assert cube.maps.dtype == np.uint16


def test_our_own_world_file_names_its_unit(tmp_path: Path) -> None:
    values = counts()
    for name, plane in zip(ELEMENTS, values, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
        write_world_file(tmp_path / f"{name}.tif", (20.0, 25.0))
    cube = read_maps(tmp_path)
    assert cube.pixel_size == (20, 25)
    assert cube.report.pixel_size_source == "world file of Ca.tif"
    for beside in tmp_path.glob("*.aux.xml"):
        beside.unlink()
    cube = read_maps(tmp_path)
    assert cube.pixel_size is None
    [asked] = [line for line in cube.report.warnings if "without a unit" in line]
    assert "--pixel-size 20,25 if these are µm" in asked
    assert "--pixel-size 20000000,25000000 if these are metres" in asked


def test_a_world_file_in_mm_is_asked_about(tmp_path: Path) -> None:
    write_each(tmp_path, counts())
    for name in ELEMENTS:
        (tmp_path / f"{name}.tfw").write_text("0.0015\n0\n0\n-0.0015\n0\n0\n")
    cube = read_maps(tmp_path)
    assert cube.pixel_size is None
    [asked] = [line for line in cube.report.warnings if "without a unit" in line]
    assert "--pixel-size 1.5 if these are mm, --pixel-size 1500 if these are metres" in asked
    typed = read_maps(tmp_path, pixel_size=1.5)
    assert typed.pixel_size == (1.5, 1.5)
    assert not any("without a unit" in line for line in typed.report.warnings)
    (tmp_path / "Ca.prj").write_text('LOCAL_CS["stage",UNIT["millimetre",0.001]]')
    assert read_maps(tmp_path).pixel_size == (1.5, 1.5)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("how", [{}, {"compression": "lzw", "predictor": True}, {"tile": (16, 16)}])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_bands_of_gdal_are_maps_with_their_names(
    tmp_path: Path, planar: str, how: dict[str, Any], dtype: str
) -> None:
    values = np.random.default_rng(1).integers(0, 120, (5, 37, 53)).astype(dtype)
    cube = read_maps(write_bands(tmp_path / "scan.tif", values, planarconfig=planar, **how))
    assert cube.elements == BANDS
    assert cube.maps.dtype == dtype
    np.testing.assert_array_equal(cube.maps, values)
    assert [used.page for used in cube.report.used] == [1, 2, 3, 4, 5]


def test_bands_with_a_missing_value_and_a_scale(tmp_path: Path) -> None:
    stored = counts(5, (37, 53)).astype(np.int16)
    stored[:, 4:6, 7:11] = -9999
    scales = [(role, b, v) for b in range(5) for role, v in (("scale", "0.01"), ("offset", "5"))]
    units = [("unittype", band, "wt%") for band in range(5)]
    items = gdal_items(*named_bands(), *scales, *units)
    path = write_bands(tmp_path / "scan.tif", stored, items, text_tag(NO_DATA, "-9999"))
    cube = read_maps(path)
    is_missing = stored == -9999
    np.testing.assert_array_equal(np.isnan(cube.maps), is_missing)
    expected = stored[~is_missing] * 0.01 + 5
    np.testing.assert_allclose(cube.maps[~is_missing], expected, rtol=1e-6)
    assert cube.maps.dtype == np.float32
    assert cube.quantity == "concentration"
    assert cube.report.steps == (
        "the file says that its values are in wt%",
        "-9999 means missing, from the GDAL tag for missing values",
        "values = 0.01 n + 5, from the GDAL metadata",
    )


def test_each_band_has_its_own_scale(tmp_path: Path) -> None:
    stored = counts(5)
    items = gdal_items(*named_bands(), ("scale", 2, "0.5"), ("offset", 4, "-7"))
    cube = read_maps(write_bands(tmp_path / "scan.tif", stored, items))
    expected = stored.astype(np.float32)
    expected[2] *= 0.5
    expected[4] -= 7
    np.testing.assert_array_equal(cube.maps, expected)
    assert "values = 0.5 n, from the GDAL metadata (Ti)" in cube.report.steps
    assert "values = n - 7, from the GDAL metadata (Pb)" in cube.report.steps


def write_with_mask(path: Path, values: np.ndarray, mask: np.ndarray) -> Path:
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            np.moveaxis(values, 0, 2),
            photometric="minisblack",
            planarconfig="contig",
            metadata=None,
            extratags=[text_tag(METADATA, gdal_items(*named_bands(len(values))))],
        )
        writer.write(mask, subfiletype=4 if mask.dtype == bool else 2, metadata=None)
    if mask.dtype != bool:  # which tifffile does not write
        with tifffile.TiffFile(path, mode="r+") as tif:
            tif.pages[1].tags[254].overwrite(4)
    return path


@pytest.mark.parametrize("as_bits", [True, False])
def test_a_mask_page_leaves_pixels_out(tmp_path: Path, as_bits: bool) -> None:
    values, mask = counts(5, (37, 53)), np.ones((37, 53), bool)
    mask[5:9, 20:23] = False
    stored = mask if as_bits else mask.astype(np.uint8) * 255
    cube = read_maps(write_with_mask(tmp_path / "scan.tif", values, stored))
    np.testing.assert_array_equal(np.isnan(cube.maps), np.broadcast_to(~mask, values.shape))
    np.testing.assert_array_equal(cube.maps[:, mask], values[:, mask])
    assert cube.report.steps == ("masked pixels are missing, from the mask page of the file",)
    assert cube.report.warnings == () or not any("left out" in w for w in cube.report.warnings)


def test_a_mask_of_gdal_beside_the_file_counts(tmp_path: Path) -> None:
    values, mask = counts(), np.full((24, 37), 255, np.uint8)
    mask[:2] = 0
    write_each(tmp_path, values)
    tifffile.imwrite(tmp_path / "Fe.tif.msk", mask)
    cube = read_maps(tmp_path)
    assert np.isnan(cube.maps[1, :2]).all()
    np.testing.assert_array_equal(cube.maps[1, 2:], values[1, 2:])
    np.testing.assert_array_equal(cube.maps[0], values[0])
    assert any("mask beside the file" in s and "Fe.tif" in s for s in cube.report.steps)


def test_the_place_of_a_geotiff_tells_metres_or_is_asked_about(tmp_path: Path) -> None:
    scale = (33550, 12, 3, (2e-5, 4e-5, 0.0), True)
    metres = (1, 1, 0, 3, 1024, 0, 1, 1, 3072, 0, 1, 32633, 3076, 0, 1, 9001)
    keys = (34735, 3, len(metres), metres, True)
    cube = read_maps(write_bands(tmp_path / "a.tif", counts(5), "", scale, keys))
    assert cube.pixel_size == (40, 20)
    assert cube.report.pixel_size_source == "GeoTIFF tag of a.tif"
    cube = read_maps(
        write_bands(tmp_path / "b.tif", counts(5), "", (33550, 12, 3, (12.5, 25.0, 0.0), True))
    )
    assert cube.pixel_size is None
    [asked] = [line for line in cube.report.warnings if "without a unit" in line]
    assert "--pixel-size 25,12.5 if these are µm" in asked
    far = (33550, 12, 3, (2.0, 2.0, 0.0), True)
    cube = read_maps(write_bands(tmp_path / "c.tif", counts(5), "", far, keys))
    assert cube.pixel_size is None
    assert any(
        "GeoTIFF tag says 2 m per pixel, which no scan has" in w for w in cube.report.warnings
    )


def test_colours_stay_a_picture_and_named_bands_do_not(tmp_path: Path) -> None:
    colours = np.random.default_rng(3).integers(0, 255, (24, 37, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "photo.tif", colours, photometric="rgb")
    with pytest.raises(InputError, match="is a colour picture"):
        read_maps(tmp_path / "photo.tif")
    tifffile.imwrite(
        tmp_path / "grey.tif", colours, photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(InputError, match="3 values of 8 bits per pixel without names"):
        read_maps(tmp_path / "grey.tif")
    planes = counts(3)  # what tifffile makes of three maps of 16 bits unless told otherwise
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(InputError, match="if these are maps, save them with photometric"):
        read_maps(tmp_path / "planes.tif")
    values = np.moveaxis(colours, 2, 0)
    cube = read_maps(write_bands(tmp_path / "scan.tif", values, photometric="rgb"))
    assert cube.elements == BANDS[:3]
    np.testing.assert_array_equal(cube.maps, values)


def test_our_imagej_export_is_read_without_a_step(tmp_path: Path) -> None:
    values = counts()
    write_imagej(tmp_path / "scan.tif", values, list(ELEMENTS), (20.0, 25.0))
    cube = read_maps(tmp_path / "scan.tif")
    np.testing.assert_array_equal(cube.maps, values)
    assert (cube.report.steps, cube.pixel_size) == ((), (20, 25))


def test_a_picture_without_values_per_pixel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Fe.tif"
    tifffile.imwrite(path, counts(1)[0], metadata=None)
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].tags["SamplesPerPixel"].valueoffset
    data = bytearray(path.read_bytes())
    data[at : at + 2] = b"\0\0"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"Fe\.tif"):
        read_maps(path)


def test_a_tile_that_unpacks_to_more_than_the_file_can_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Fe.tif"
    tifffile.imwrite(path, counts(1)[0], tile=(16, 16), compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tif:
        places = [tif.pages[0].tags[name].valueoffset for name in ("TileWidth", "TileLength")]
    data = bytearray(path.read_bytes())
    for at in places:
        data[at : at + 2] = (32_768).to_bytes(2, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"Fe\.tif"):
        read_maps(path)
