"""Real scans: read by us, and read again by the plainest other means."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps, read_scene

SCANS = {
    "metapelite_arac01b": (16, (342, 258), "uint16", "counts"),
    "pixl_castle_geyser": (21, (33, 101), "float32", "concentration"),
    "ironstone_muxrf": (7, (730, 790), "uint16", "counts"),
    "semarkona_obj1": (10, (512, 512), "uint32", "counts"),
    "semarkona_standards": (10, (256, 512), "uint32", "counts"),
    "chloritoid_epma": (9, (324, 288), "uint16", "counts"),
    "xminlearn/AS14_1/tiff": (10, (400, 512), "uint8", "counts"),
    "xminlearn/AS14_1/text": (10, (400, 512), "uint8", "counts"),
    "xminlearn/ME_17_1/tiff": (9, (400, 512), "uint8", "counts"),
    "xminlearn/ME_17_1/text": (9, (400, 512), "uint8", "counts"),
}
FORMS = ("tiff", "text")
SCENES = {
    "abu-airport-1": (205, (100, 100)),
    "abu-beach-1": (188, (150, 150)),
    "abu-beach-4": (102, (100, 100)),
    "abu-urban-1": (204, (100, 100)),
    "hydice-urban": (175, (80, 100)),
    "hydice-urban-v73": (162, (80, 100)),
}


def plainly(path: Path) -> np.ndarray:
    if path.suffix == ".tif":
        return tifffile.imread(path)
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    return np.loadtxt(text.replace(",", " ").replace(";", " ").splitlines())


@pytest.mark.parametrize("name", SCANS)
def test_scan_equals_its_files(real_data: Path, name: str) -> None:
    folder = real_data / "maps" / name
    cube = read_maps(folder)
    assert (cube.n_elements, cube.shape, str(cube.maps.dtype), cube.quantity) == SCANS[name]
    assert cube.pixel_size is None
    assert can_read(folder)
    for c, used in enumerate(cube.report.used):
        np.testing.assert_array_equal(cube.plane(c), plainly(folder / used.file))


@pytest.mark.parametrize(
    ("name", "ignored", "warning"),
    [
        ("metapelite_arac01b", {"Standards.txt"}, "Ba follows Ti (r = 0.994)"),
        ("ironstone_muxrf", {"Phase_map.tiff", "Sample_image.tiff"}, "Na: neighbouring pixels"),
        ("semarkona_obj1", {"obj1_8bt_BSE.tif", "obj1_mask.tif"}, "100 dpi is a printing default"),
        ("chloritoid_epma", {"Classification.txt", "Cp.txt", "Standards.txt"}, "Ti: neighbouring"),
        ("xminlearn/AS14_1/tiff", {"BSE.tif"}, "the file has a colour table"),
    ],
)
def test_quirks_are_in_the_report(
    real_data: Path, name: str, ignored: set[str], warning: str
) -> None:
    report = read_maps(real_data / "maps" / name).report
    assert {item.file for item in report.ignored} == ignored
    assert warning in "\n".join(report.warnings)


def test_a_mask_of_another_shape_is_told_apart(real_data: Path) -> None:
    report = read_maps(real_data / "maps" / "semarkona_obj1").report
    reasons = {item.file: item.reason for item in report.ignored}
    assert reasons["obj1_mask.tif"] == "a mask; it has 515x512 pixels, the maps have 512x512"


@pytest.mark.parametrize("name", ["AS14_1", "ME_17_1"])
def test_the_same_maps_in_two_formats_are_the_same_numbers(real_data: Path, name: str) -> None:
    tiffs, texts = (read_maps(real_data / "maps/xminlearn" / name / form) for form in FORMS)
    assert tiffs.elements == texts.elements
    np.testing.assert_array_equal(tiffs.maps, texts.maps)


def test_what_lies_beside_the_maps_is_offered_in_register(real_data: Path) -> None:
    offered = {
        # Colours of classes, not their numbers: a picture.
        "ironstone_muxrf": {"Phase_map.tiff": "optical", "Sample_image.tiff": "optical"},
        "semarkona_obj1": {"obj1_8bt_BSE.tif": "bse"},
        "xminlearn/ME_17_1/text": {"BSE.gz": "bse", "../minerals.txt": "phase"},
        "chloritoid_epma": {"Cp.txt": "bse"},
    }
    for name, expected in offered.items():
        report = read_maps(real_data / "maps" / name).report
        assert {one.file: one.kind for one in report.context if one.offered} == expected
    report = read_maps(real_data / "maps" / "semarkona_standards").report
    assert sum(one.kind == "mask" and one.offered for one in report.context) == 8


def test_corners_off_the_sample_and_dead_rows_are_found(real_data: Path) -> None:
    cube = read_maps(real_data / "maps" / "ironstone_muxrf")
    assert not cube.valid[-5:, -5:].any()
    assert not cube.valid[:3, -3:].any()
    assert cube.valid[300:400, 300:400].all()
    area = cube.report.valid_area
    assert 1000 < area.n_off_sample < 2000
    said = "\n".join(cube.report.warnings)
    assert "4 dark areas inside the sample" in said
    assert "Al: 2 rows (0, 1; counted from 0) are zero" in said


def test_a_matlab_file_tells_of_its_axes_and_its_truth(real_data: Path) -> None:
    report = read_maps(real_data / "hsi" / "hydice-urban-v73.mat").report
    assert any("keeps its axes in reverse order" in step for step in report.steps)
    assert "mask is a truth mask (17 anomalous pixels)" in report.warnings[0]
    said = read_maps(real_data / "hsi" / "hydice-urban.mat").report.warnings
    assert "map is a truth mask" in said[0]


def test_the_apatite_of_the_spectrum_image_is_no_row_of_spikes(real_data: Path) -> None:
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    report = read_maps(real_data / "cubes" / "chevkinite_30x30.bcf").report
    assert not any("Single pixels far above" in warning for warning in report.warnings)


@pytest.mark.parametrize("name", SCENES)
def test_scene_with_truth(real_data: Path, name: str) -> None:
    cube, truth = read_scene(real_data / "hsi" / f"{name}.mat")
    assert (cube.n_elements, cube.shape) == SCENES[name]
    assert cube.quantity == "reflectance"
    assert truth.shape == cube.shape
    assert 0 < np.count_nonzero(truth == 1) < 0.05 * truth.size


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "maps/xminlearn/AS14_1",
            "its subfolders text and tiff do: open one of them. Their files have the same names: "
            "perhaps the same maps in several formats.",
        ),
        ("cubes", "holds 2 scans (LagunaSalinas.rpl and chevkinite_30x30.bcf): open one of them"),
    ],
)
def test_what_is_no_single_scan_is_said(real_data: Path, name: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        read_maps(real_data / name)
    assert sentence in str(error.value)


def test_the_long_table_of_a_microprobe(real_data: Path) -> None:
    folder = real_data / "maps" / "yellowstone_epma"
    assert can_read(folder)
    cube = read_maps(folder)
    assert (cube.shape, cube.n_elements, cube.quantity) == ((65, 119), 11, "concentration")
    assert cube.pixel_size == pytest.approx((5.0, 5.0), rel=0.01)
    table = np.loadtxt(next(folder.glob("*.DAT")), skiprows=2)
    np.testing.assert_array_equal(cube.plane(0).ravel(), table[:, 6])
    assert [item.reason for item in cube.report.ignored] == ["a sum of signals"]
    assert "O is the same number everywhere" in " ".join(cube.report.warnings)
