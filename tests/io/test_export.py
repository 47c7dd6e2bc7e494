"""Exports re-opened with tifffile: the same numbers, the same µm, the same names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.results import (
    write_labels,
    write_map,
    write_mask,
    write_score,
    write_stack,
)
from napari_mineral_anomaly.runs.export import Product, plan_files, write_files

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def ome_pixels(path: Path) -> ElementTree.Element:
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_ome
        pixels = ElementTree.fromstring(tiff.ome_metadata).find(f"{OME}Image/{OME}Pixels")
    assert pixels is not None
    return pixels


@pytest.fixture
def score() -> np.ndarray:
    values = np.random.default_rng(0).normal(scale=20, size=(7, 5)).astype(np.float32)
    values[0, :2] = np.nan
    values[1, 1] = -3.25
    return values


def test_score_keeps_values_nan_and_micrometres(tmp_path, score):
    path = write_score(tmp_path / "anomaly_score.ome.tif", score, (20.0, 25.5))
    read = tifffile.imread(path)
    assert read.dtype == np.float32
    assert np.array_equal(read, score, equal_nan=True)
    pixels = ome_pixels(path)
    assert float(pixels.attrib["PhysicalSizeY"]) == 20.0
    assert float(pixels.attrib["PhysicalSizeX"]) == 25.5
    assert pixels.attrib["PhysicalSizeXUnit"] == pixels.attrib["PhysicalSizeYUnit"] == "\u00b5m"


def test_ome_files_carry_the_pixel_size_in_the_baseline_tags_too(tmp_path, score):
    path = write_score(tmp_path / "s.ome.tif", score, (20.0, 25.5))
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert page.tags["ResolutionUnit"].value == 3  # per centimetre
        x, y = page.tags["XResolution"].value, page.tags["YResolution"].value
    assert 1e4 * x[1] / x[0] == pytest.approx(25.5)
    assert 1e4 * y[1] / y[0] == pytest.approx(20.0)


@pytest.mark.parametrize("lazy", [False, True])
def test_stack_is_cyx_with_channel_names(tmp_path, score, lazy):
    planes = np.stack([score, -score, 2 * score])
    names = ["As", "Fe-KA", "\u00d6 <&>"]
    source = da.from_array(planes, chunks=(1, 4, 5)) if lazy else planes
    path = write_stack(tmp_path / "element_contributions.ome.tif", source, names, (2.5, 2.5))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.series[0].axes == "CYX"
        assert len(tiff.pages) == 3
        read = tiff.asarray()
    assert read.dtype == np.float32
    assert np.array_equal(read, planes, equal_nan=True)
    pixels = ome_pixels(path)
    assert [channel.attrib["Name"] for channel in pixels.iter(f"{OME}Channel")] == names
    assert float(pixels.attrib["PhysicalSizeX"]) == 2.5
    with tifffile.TiffFile(path) as tiff:
        image = ElementTree.fromstring(tiff.ome_metadata).find(f"{OME}Image")
        # GDAL takes each page for an image; it unescapes names twice.
        items = [ElementTree.fromstring(page.aspage().tags[42112].value)[0] for page in tiff.pages]
    assert image.attrib["Name"] == "element_contributions"
    assert [unescape(item.text) for item in items] == names


@pytest.mark.parametrize("size", [None, (20.0, 25.5)])
def test_the_bands_of_a_stack_lie_where_its_vrt_says(tmp_path, size):
    planes = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    product = Product("element_maps", "", planes, ("Fe", "Si", "<Ø>"), size, is_stack=True)
    for wanted in ("ome", "imagej"):
        out = tmp_path / wanted
        written = write_files(plan_files([(product, wanted)]), out, world_files=True)
        if size is None:
            assert len(written) == 1
            continue
        tiff = written[0]
        root = ElementTree.parse(out / "element_maps.vrt").getroot()
        assert [root.attrib["rasterXSize"], root.attrib["rasterYSize"]] == ["5", "4"]
        x0, dx, _, y0, _, dy = map(float, root.findtext("GeoTransform").split(","))
        assert (x0 + dx / 2, y0 + dy / 2, dx, dy) == (0.0, 0.0, 25.5, -20.0)
        bands = root.findall("VRTRasterBand")
        assert [band.findtext("Description") for band in bands] == list(product.names)
        for band, plane in zip(bands, planes, strict=True):
            assert band.findtext("SourceFilename") == tiff.name
            assert band.attrib["dataType"] == "UInt16"
            stored = np.fromfile(tiff, "<u2", 20, offset=int(band.findtext("ImageOffset")))
            assert np.array_equal(stored.reshape(4, 5), plane)
            assert (band.findtext("PixelOffset"), band.findtext("LineOffset")) == ("2", "10")


def test_stack_reads_one_plane_at_a_time(tmp_path):
    planes = np.zeros((4, 3, 3), dtype=np.float32)
    asked = []

    class Planes:
        shape = planes.shape

        def __getitem__(self, index: int) -> np.ndarray:
            asked.append(index)
            return planes[index]

    write_stack(tmp_path / "stack.ome.tif", Planes(), list("ABCD"), None)
    assert asked == [0, 1, 2, 3]


def test_mask_is_an_imagej_tiff_of_0_and_255_in_micrometres(tmp_path):
    mask = np.array([[True, False, False], [False, True, True]])
    path = write_mask(tmp_path / "anomaly_mask.tif", mask, (20.0, 25.5))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_imagej
        assert tiff.imagej_metadata["unit"] == "um"
        tags = tiff.pages[0].tags
        assert tags["XResolution"].value == (2, 51)  # 1 / 25.5
        assert tags["YResolution"].value == (1, 20)
        read = tiff.asarray()
    assert read.dtype == np.uint8
    assert read.tolist() == [[255, 0, 0], [0, 255, 255]]


def test_labels_are_uint16_imagej_and_uint32_above_65535(tmp_path):
    labels = np.array([[0, 1], [65_535, 3]], dtype=np.uint32)
    small = write_labels(tmp_path / "small.tif", labels, (5.0, 5.0), title="Labels")
    with tifffile.TiffFile(small) as tiff:
        assert tiff.is_imagej
        assert tiff.imagej_metadata["unit"] == "um"
        assert tiff.asarray().dtype == np.uint16
        assert np.array_equal(tiff.asarray(), labels)
    labels[1, 0] = 65_536
    large = write_labels(tmp_path / "large.tif", labels, (5.0, 5.0), title="Labels")
    assert tifffile.imread(large).dtype == np.uint32
    assert np.array_equal(tifffile.imread(large), labels)
    assert float(ome_pixels(large).attrib["PhysicalSizeX"]) == 5.0


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        ("uint8", "uint8"),
        ("uint16", "uint16"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("uint32", "uint32"),
        ("int16", "int16"),
        ("int64", "int32"),
        ("bool", "uint8"),
    ],
)
def test_a_map_keeps_its_numbers_its_name_and_micrometres(tmp_path, dtype, stored):
    values = np.array([[0, 1, 1], [0, 100, 0]]).astype(dtype)
    path = write_map(tmp_path / "map.tif", values, "Fe-KA", (20.0, 25.0))
    with tifffile.TiffFile(path) as tiff:
        read = tiff.asarray()
        if tiff.is_imagej:
            assert tiff.imagej_metadata["unit"] == "um"
            assert tiff.imagej_metadata["Labels"] == "Fe-KA"  # one label comes back bare
            assert tiff.pages[0].tags["XResolution"].value == (1, 25)
        else:
            pixels = ome_pixels(path)
            assert float(pixels.attrib["PhysicalSizeX"]) == 25.0
            assert next(pixels.iter(f"{OME}Channel")).attrib["Name"] == "Fe-KA"
    assert read.dtype == stored
    assert np.array_equal(read, values)


def test_a_map_named_ome_tif_is_ome(tmp_path):
    path = write_map(tmp_path / "Fe.ome.tif", np.ones((2, 3), np.uint16), "Fe", (20.0, 25.0))
    assert float(ome_pixels(path).attrib["PhysicalSizeX"]) == 25.0
    assert tifffile.imread(path).dtype == np.uint16


def test_whole_numbers_beyond_32_bits_are_refused(tmp_path):
    with pytest.raises(InputError, match="beyond 32 bits"):
        write_map(tmp_path / "map.tif", np.array([[2**40, -1]]), "Fe", None)
    assert list(tmp_path.iterdir()) == []


def test_unknown_pixel_size_is_not_invented(tmp_path, score):
    path = write_score(tmp_path / "s.ome.tif", score, None)
    assert not [key for key in ome_pixels(path).attrib if key.startswith("PhysicalSize")]
    mask = write_mask(tmp_path / "m.tif", score > 0, None)
    for file in (path, mask):
        with tifffile.TiffFile(file) as tiff:
            assert tiff.pages[0].tags["ResolutionUnit"].value == 1  # none
            assert "unit" not in (tiff.imagej_metadata or {})


@pytest.mark.parametrize("labels", [np.array([[-1, 0]]), np.array([[0.5, 1.0]])])
def test_labels_that_are_not_labels_are_refused(tmp_path, labels):
    with pytest.raises(InputError, match="whole numbers from 0 up"):
        write_labels(tmp_path / "labels.tif", labels, None, title="")
    assert list(tmp_path.iterdir()) == []


def test_a_stack_needs_one_name_per_plane(tmp_path, score):
    with pytest.raises(InputError, match="2 names for an array of shape"):
        write_stack(tmp_path / "stack.ome.tif", score[None], ["As", "Fe"], None)


def test_a_missing_folder_is_told_in_a_sentence(tmp_path, score):
    with pytest.raises(InputError, match=r"Cannot write .*s\.ome\.tif: no such file or directory"):
        write_score(tmp_path / "missing" / "s.ome.tif", score, None)


@pytest.mark.skipif(sys.platform == "win32", reason="file-size limits are POSIX")
def test_a_full_disk_leaves_the_earlier_file_and_no_rest(tmp_path):
    """A real write error half-way: the process may not write files above 64 KiB."""
    path = tmp_path / "score.ome.tif"
    write_score(path, np.ones((4, 4)), None)
    code = (
        "import resource, sys, numpy as np\n"
        "from napari_mineral_anomaly.errors import InputError\n"
        "from napari_mineral_anomaly.io.writing.results import write_score\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try:\n"
        "    write_score(sys.argv[1], np.zeros((500, 500)), None)\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Cannot write {path}: ")
    assert [file.name for file in tmp_path.iterdir()] == ["score.ome.tif"]
    assert np.array_equal(tifffile.imread(path), np.ones((4, 4)))
