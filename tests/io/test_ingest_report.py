"""The ingest report: what it counts, what it warns of, how it reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.io import IngestReport, read_maps, report_lines, report_of_cube


def scene(*elements: str, shape: tuple[int, int] = (60, 80)) -> dict[str, np.ndarray]:
    """Independent maps with grains of about ten pixels and counting noise."""
    rng = np.random.default_rng(4)
    found = {}
    for element in elements:
        coarse = rng.integers(20, 200, (shape[0] // 10 + 1, shape[1] // 10 + 1))
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
        *("schema_version", "used", "ignored", "pixel_size_um", "pixel_size_source", "warnings")
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
    assert "Ca" not in warnings_of(maps)


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
    assert lines[:3] == [
        "1 element map, 60 x 80 pixels (rows x columns), uint16",
        words,
        "  Fe  Fe.tif  uint16  80 zero (1.7 %)",
    ]
    assert lines[3:] == [
        "Not read as element maps:",
        "  BSE.tif: an electron image",
    ]
