"""The ingest report: what it counts, what it warns of, how it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.scan.report_text import report_lines


def scene(*elements: str, shape: tuple[int, int] = (60, 80)) -> dict[str, np.ndarray]:
    """Independent maps with grains of about ten pixels and counting noise."""
    rng = np.random.default_rng(4)
    found = {}
    for element in elements:
        coarse = rng.integers(60, 200, (shape[0] // 10 + 1, shape[1] // 10 + 1))
        smooth = np.kron(coarse, np.ones((10, 10)))[: shape[0], : shape[1]]
        found[element] = rng.poisson(smooth).astype(np.uint16)
    return found


def warnings_of(maps: dict[str, np.ndarray], **arguments: object) -> str:
    cube = ElementCube(np.stack(list(maps.values())), list(maps), **arguments)
    return "\n".join(report_of_cube(cube).warnings)


def test_an_ordinary_scan_has_no_warnings() -> None:
    assert warnings_of(scene("Fe", "Si", "Ca", "K")) == ""


def test_statistics_of_every_map(tmp_path: Path) -> None:
    values = np.array([[0.0, np.nan, -3.0, np.inf], [1.0, 0.0, 0.0, -0.5]], dtype=np.float32)
    tifffile.imwrite(tmp_path / "Fe.tif", values)
    tifffile.imwrite(tmp_path / "Si.tif", np.array([[0, 255, 255, 7]] * 2, dtype=np.uint8))
    fe, si = read_maps(tmp_path).report.used
    assert (fe.nan, fe.zero, fe.negative, fe.saturated) == (2, 3, 2, 0)
    assert (si.nan, si.zero, si.negative, si.saturated) == (0, 2, 0, 4)
    assert (si.file, si.element, si.dtype, si.shape) == ("Si.tif", "Si", "uint8", (2, 4))


def test_report_is_the_ingest_json_of_the_contract(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "Fe.tif", scene("Fe")["Fe"])
    tifffile.imwrite(tmp_path / "truth.tif", np.zeros((60, 80), np.uint8))
    report = read_maps(tmp_path, pixel_size=20).report
    content = json.loads(json.dumps(report.model_dump(mode="json")))
    assert set(content) == {
        *("schema_version", "used", "ignored", "pixel_size_um", "pixel_size_source", "warnings"),
        *("spot_size_um", "context", "valid_area", "pairs", "spectra", "spectrum", "steps"),
    }
    contract = {"file", "element", "dtype", "shape", "nan", "zero", "negative", "saturated"}
    assert contract <= set(content["used"][0])
    assert content["ignored"] == [{"file": "truth.tif", "reason": "ground truth"}]
    assert content["pixel_size_um"] == [20.0, 20.0]
    assert IngestReport.model_validate(content) == report


def test_constant_maps() -> None:
    maps = scene("Fe", "Si") | {"O": np.zeros((60, 80), np.uint16)}
    assert "O is the same number everywhere" in warnings_of(maps)


def test_identical_numbers_under_two_names() -> None:
    maps = scene("Fe", "Si", "Ti")
    maps["Ba"] = maps["Ti"].copy()
    assert "Ti and Ba hold identical numbers" in warnings_of(maps)
    maps["Ba"][0, 0] += 1
    assert "identical" not in warnings_of(maps)


def test_the_weaker_of_two_maps_that_agree_follows_the_stronger() -> None:
    maps = scene("Fe", "Ti")
    rng = np.random.default_rng(5)
    maps["Ba"] = (maps["Ti"] * 0.4 + rng.normal(0, 1, (60, 80))).astype(np.float32)
    assert "Ba follows Ti (r = 0.99" in warnings_of(maps)
    maps["Ba"] = (maps["Ti"] + rng.normal(0, 40, (60, 80))).astype(np.float32)
    assert "follows" not in warnings_of(maps)


def test_lines_of_one_element_and_bands_may_agree() -> None:
    ti = scene("Ti")["Ti"]
    assert "follows" not in warnings_of({"Ti Ka": ti, "Ti Kb": ti // 2 + 1})
    assert "follows" not in warnings_of({"band 1": ti, "band 2": ti // 2 + 1})


def test_many_agreeing_pairs_are_counted_not_listed() -> None:
    ti = scene("Ti")["Ti"].astype(np.float32)
    maps = {name: ti * (i + 1.0) for i, name in enumerate(["Ti", "Fe", "Si", "Ca", "K"])}
    lines = warnings_of(maps)
    assert lines.count("follows") == 5
    assert "5 more pairs of elements agree as closely" in lines


def test_saturated_counts() -> None:
    maps = scene("Fe", "Si")
    maps["Fe"][:2, :5] = 65535
    assert "Fe: 10 pixels stand at 65535, the top of uint16" in warnings_of(maps)


def test_numbers_that_stand_for_missing_values() -> None:
    maps = {name: plane.astype(np.float32) for name, plane in scene("Fe", "Si").items()}
    maps["Fe"][:2, :5] = np.finfo(np.float32).min
    assert "Fe: 10 pixels hold numbers beyond 1e+30, which mark missing" in warnings_of(maps)
    cube = ElementCube(np.stack(list(maps.values())), list(maps))
    assert not cube.valid[:2, :5].any()
    assert cube.n_valid == 60 * 80 - 10


def test_a_map_of_nothing_but_counting_noise() -> None:
    maps = scene("Fe", "Si")
    maps["Na"] = np.random.default_rng(6).poisson(2, (60, 80)).astype(np.uint16)
    assert warnings_of(maps).startswith("Na: neighbouring pixels do not agree")


def test_dead_rows_and_columns() -> None:
    maps = scene("Fe", "Si", "Ca")
    maps["Si"][[7, 20]] = 0
    maps["Ca"][:, 33] = 0
    lines = warnings_of(maps)
    assert "Si: 2 rows (7, 20; counted from 0) are zero from end to end." in lines
    assert "Ca: column 33 (counted from 0) is zero from end to end." in lines
    for plane in maps.values():
        plane[41] = 0
    assert "row 41 (counted from 0) is zero or missing in every map." in warnings_of(maps)


def test_a_phase_that_ends_is_not_a_dead_row() -> None:
    maps = scene("Fe", "Si")
    dense = np.random.default_rng(7).random((60, 80)) < np.linspace(3, -2, 60)[:, None]
    maps["Ca"] = maps["Fe"] * dense
    assert not dense[-20:].any()
    assert dense[0].all()
    assert "zero from end to end" not in warnings_of(maps)


def test_corners_off_the_sample_are_not_dead_rows() -> None:
    maps = scene("Fe", "Si")
    y, x = np.mgrid[:60, :80]
    outside = (y - 30) ** 2 + (x - 40) ** 2 > 28**2
    for plane in maps.values():
        plane[outside] = 0
    assert warnings_of(maps) == ""


def test_nothing_valid_is_said() -> None:
    assert "No pixel is valid" in warnings_of({"Fe": np.zeros((5, 5), np.uint8)})


def test_report_of_a_cube_in_memory() -> None:
    maps = scene("Fe", "Si")
    cube = ElementCube(np.stack(list(maps.values())), list(maps), pixel_size=20, source="mine")
    report = report_of_cube(cube)
    assert [(used.file, used.element) for used in report.used] == [("mine", "Fe"), ("mine", "Si")]
    assert report.pixel_size_um == (20.0, 20.0)
    assert report.used[0].zero == np.count_nonzero(maps["Fe"] == 0)


@pytest.mark.parametrize(
    ("pixel_size", "words"),
    [
        (None, "Pixel size: unknown"),
        (20, "Pixel size: 20 µm (typed by the user)"),
        ((5, 7), "Pixel size: 7 µm wide, 5 µm high (typed by the user)"),
    ],
)
def test_report_as_text(tmp_path: Path, pixel_size: object, words: str) -> None:
    values = scene("Fe")["Fe"]
    values[0] = 0
    tifffile.imwrite(tmp_path / "Fe.tif", values)
    tifffile.imwrite(tmp_path / "BSE.tif", values)
    lines = report_lines(read_maps(tmp_path, pixel_size=pixel_size).report)
    span = f"0 to {values.max()}, mean {values.mean():.4g}"
    assert lines == [
        "1 element map, 60 x 80 pixels (rows x columns), uint16",
        words,
        "Valid area: 4720 pixels, 98.3 % of the scan; left out: 80 zero in every element",
        f"  Fe  Fe.tif  uint16  {span}  80 zero (1.7 %)",
        "In register beside the maps, offered as context:",
        "  BSE.tif: electron image",
        "Not read as element maps:",
        "  BSE.tif: an electron image",
    ]


def test_range_and_mean_are_of_the_finite_pixels(tmp_path: Path) -> None:
    values = np.array([[1.0, np.nan, -3.0, np.inf], [5.0, 0.0, 0.0, 1e31]], dtype=np.float32)
    tifffile.imwrite(tmp_path / "Fe.tif", values)
    [fe] = read_maps(tmp_path).report.used
    assert (fe.min, fe.max, fe.mean) == (-3.0, 5.0, pytest.approx(0.6))


def test_single_pixel_spikes_are_counted_in_the_map_that_holds_them() -> None:
    maps = scene("Fe", "Si", "Ca")
    for y, x in ((5, 5), (20, 33), (41, 70)):
        maps["Ca"][y, x] += 900
    maps["Fe"][30, 30] = maps["Si"][30, 30] = 2000  # a grain: two elements
    cube = ElementCube(np.stack(list(maps.values())), list(maps))
    report = report_of_cube(cube)
    assert [used.spikes for used in report.used] == [0, 0, 3]
    assert "in one map alone: Ca 3:" in "\n".join(report.warnings)


def test_dead_lines_stand_in_the_entry_of_the_map() -> None:
    maps = scene("Fe", "Si")
    maps["Si"][[7, 20]] = 0
    maps["Si"][:, 3] = 0
    cube = ElementCube(np.stack(list(maps.values())), list(maps))
    si = report_of_cube(cube).used[1]
    assert (si.dead_rows, si.dead_columns) == ((7, 20), (3,))


def test_overlapping_lines_are_named_with_their_correlation() -> None:
    maps = scene("Fe", "Ti", "Si")
    rng = np.random.default_rng(5)
    maps["Ba"] = rng.poisson(maps["Ti"] * 0.5).astype(np.uint16)
    cube = ElementCube(np.stack(list(maps.values())), list(maps))
    report = report_of_cube(cube)
    [pair] = [pair for pair in report.pairs if pair.first == "Ba"]
    assert pair.second == "Ti"
    assert pair.lines.startswith("Ba La, Ti Ka")
    assert 0.7 < pair.r < 0.99
    assert "Ba on Ti (r = 0.9" in "\n".join(report.warnings)


def textured(seed: int) -> np.ndarray:
    """Grains of four pixels all over the map: nothing symmetrical about it."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(5, 200, (20, 20)), np.ones((4, 4))).astype(np.uint16)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (np.fliplr, "left to right"),
        (np.flipud, "top to bottom"),
        (np.transpose, "with rows and columns swapped"),
    ],
)
def test_a_map_that_was_exported_mirrored(turn: Callable[[Any], Any], words: str) -> None:
    base = textured(1)
    maps = {"Fe": base, "Ca": base // 2 + textured(2) // 8, "Si": base // 3, "K": textured(3)}
    assert "mirrored" not in warnings_of(maps)
    maps["Ca"] = turn(maps["Ca"]).copy()
    lines = warnings_of(maps)
    assert f"Ca fits Fe when mirrored {words}" in lines
    assert lines.count("when mirrored") == 1


def test_the_valid_area_is_in_the_report() -> None:
    maps = scene("Fe", "Si")
    for plane in maps.values():
        plane[:, 70:] = 0
    cube = ElementCube(np.stack(list(maps.values())), list(maps))
    report = report_of_cube(cube)
    assert report.valid_area.n_valid == 60 * 70
    assert report.valid_area.n_zero == 60 * 10
    assert "600 zero in every element" in "\n".join(report_lines(report))
    given = report_of_cube(cube.replace(valid=np.ones((60, 80), bool)))
    assert given.valid_area.origin == "given"


def test_a_beam_wider_than_the_step_makes_blobs(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "Fe.tif", scene("Fe")["Fe"])
    report = read_maps(tmp_path, pixel_size=10, spot_size=25).report
    assert report.spot_size_um == 25
    assert "grains smaller than the beam appear as blobs about 2.5 pixels across" in " ".join(
        report.warnings
    )
    assert read_maps(tmp_path, pixel_size=30, spot_size=25).report.warnings == ()
    with pytest.raises(InputError, match="spot size must be a positive number"):
        read_maps(tmp_path, spot_size=0)


def test_the_report_is_made_when_it_is_asked_for() -> None:
    asked = []

    def report(cube: ElementCube) -> IngestReport:
        asked.append(cube)
        return IngestReport()

    cube = ElementCube(np.ones((1, 4, 4)), ["Fe"], report=report)
    cube = cube.replace(source="elsewhere")
    assert asked == []
    assert cube.report is cube.report
    assert asked == [cube]


QUIRKS = {
    "metapelite_arac01b": [
        "Ba follows Ti (r = 0.994): their lines overlap (Ba La, Ti Ka, 47 eV apart)",
        "Standards.txt: data of standards",
    ],
    "ironstone_muxrf": [
        "1400 off the sample",
        "Phase_map.tiff: a phase map (a colour picture, not counts)",
        "Sample_image.tiff: picture",
        "Na: neighbouring pixels do not agree",
    ],
    "semarkona_obj1": [
        "obj1_8bt_BSE.tif: electron image",
        "obj1_mask.tif is not used as a mask of these maps: it has 515x512 pixels",
        "uint32",
    ],
    "semarkona_standards": ["mask_troilite_FeS.tif: mask"],
    "chloritoid_epma": [
        "Classification.txt: a list of 12 points or classes, not a map",
        "Standards.txt: data of standards",
        "Cp.txt: electron image",
    ],
    "yellowstone_epma": [
        "O is the same number everywhere",
        "(Total): a sum of signals",
        "Pixel size: 5 µm wide",
    ],
    "xminlearn/AS14_1/tiff": ["../minerals.txt: phase map", "BSE.tif: electron image"],
    "pixl_castle_geyser": ["FeO-T  FeO-T.tif", "float32"],
}


@pytest.mark.parametrize("folder", QUIRKS)
def test_the_quirks_of_real_scans_are_found(real_data: Path, folder: str) -> None:
    lines = "\n".join(report_lines(read_maps(real_data / "maps" / folder).report))
    for words in QUIRKS[folder]:
        assert words in lines
    assert "mirrored" not in lines
