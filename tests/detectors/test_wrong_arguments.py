"""Arguments and scans that make no sense; missing pixels inside a given valid area."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube, detect, read_maps
from napari_mineral_anomaly.detectors.registry import detector_names
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.quality.checks import report_of_cube

MAPS = np.random.default_rng(0).poisson(40, (3, 20, 24)).astype(np.uint16)
NAMES = ["Fe", "Si", "Ca"]
SCAN = ElementCube(MAPS, NAMES)


def is_one_sentence(error: InputError) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and not re.search(r"Error|Traceback", text)


@pytest.mark.parametrize(
    "threshold", [float("nan"), float("inf"), -float("inf"), "4", [3], True, 1 + 2j]
)
def test_a_threshold_is_a_finite_number(threshold: Any) -> None:
    with pytest.raises(InputError, match="threshold must be a finite number") as raised:
        detect(SCAN, "rx", threshold=threshold)
    assert is_one_sentence(raised.value)
    with pytest.raises(InputError):
        detect(SCAN, "rx").with_threshold(threshold)


@pytest.mark.parametrize("threshold", [3, 2.5, np.float32(2.5), np.array(3.0), -1])
def test_numbers_of_any_type_are_thresholds(threshold: Any) -> None:
    assert detect(SCAN, "rx", threshold=threshold).threshold == float(threshold)


@pytest.mark.parametrize(
    ("detector", "arguments"),
    [
        ("rx", {"seed": -1}),
        ("rx", {"seed": 1.5}),
        ("iforest", {"seed": 2**32}),
        ("msfa", {"seed": 2**65}),
        ("rx", {"device": "tpu"}),
        ("msfa", {"epochs": -1}),
        ("msfa", {"epochs": float("nan")}),
        ("auto-ad", {"epochs": 0}),
        ("knn", {"neighbours": 0}),
        ("rx", {"colour": 3}),
        (None, {}),
        (["rx"], {}),
    ],
)
def test_impossible_parameters(detector: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError) as raised:
        detect(SCAN, detector, **arguments)
    assert is_one_sentence(raised.value)


@pytest.mark.parametrize("cube", [MAPS, "folder", None])
def test_only_a_cube_can_be_scored(cube: Any) -> None:
    with pytest.raises(InputError, match="needs an ElementCube") as raised:
        detect(cube, "rx")
    assert is_one_sentence(raised.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"pixel_size": "a"},
        {"pixel_size": 1 + 1j},
        {"pixel_size": [[1, 2]]},
        {"pixel_size": 0},
        {"pixel_size": [20, float("nan")]},
        {"elements": "abc"},
        {"elements": None},
        {"elements": ["Fe", " ", "Si"]},
        {"maps": MAPS.astype(complex)},
        {"maps": MAPS.astype(str)},
        {"maps": [MAPS[0], MAPS[1][:5], MAPS[2]]},
        {"maps": None},
        {"valid": np.ones((3, 3))},
        {"valid": "mask.tif"},
        {"valid": np.ones((20, 24), complex)},
        {"quantity": "grams"},
        {"missing": "x"},
        {"missing": [float("nan")]},
    ],
)
def test_a_cube_of_nonsense(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError) as raised:
        ElementCube(**({"maps": MAPS, "elements": NAMES} | arguments))
    assert is_one_sentence(raised.value)


@pytest.mark.parametrize("source", [None, 3, [], "", [""], b"scan"])
def test_a_source_that_is_no_path(source: Any) -> None:
    with pytest.raises(InputError) as raised:
        read_maps(source)
    assert is_one_sentence(raised.value)


@pytest.mark.parametrize(
    ("maps", "why"),
    [
        (MAPS * np.nan, "missing or zero in all elements"),
        (MAPS * np.inf, "missing or zero in all elements"),
        (MAPS * 0, "missing or zero in all elements"),
        (MAPS * 0 + 3, "a single value over the whole valid area"),
        (np.where(np.arange(3)[:, None, None] == 1, np.nan, MAPS), "Si is missing everywhere"),
        (MAPS[:, :1, :1], "it is a single pixel"),
    ],
)
def test_scans_that_nothing_can_score(maps: np.ndarray, why: str) -> None:
    with pytest.raises(InputError, match=why) as raised:
        detect(ElementCube(maps, NAMES), "rx")
    assert is_one_sentence(raised.value)


@pytest.mark.parametrize("shape", [(1, 24), (20, 1), (1, 2)])
def test_one_row_one_column_two_pixels(shape: tuple[int, int]) -> None:
    result = detect(ElementCube(MAPS[:, : shape[0], : shape[1]], NAMES), "rx")
    assert np.isfinite(result.score).all()


def test_a_masked_array_is_missing_where_it_is_masked() -> None:
    masked = np.ma.masked_greater(MAPS, 55)
    cube = ElementCube(masked, NAMES)
    np.testing.assert_array_equal(cube.maps, np.where(MAPS > 55, np.nan, MAPS))
    assert ElementCube(np.ma.masked_greater(MAPS, 9999), NAMES).maps.dtype == np.uint16


def test_nan_in_a_given_area_is_not_valid() -> None:
    given = np.ones((20, 24))
    given[:5] = np.nan
    assert ElementCube(MAPS, NAMES, valid=given).n_valid == 15 * 24


@pytest.mark.parametrize("detector", detector_names())
def test_missing_pixels_in_a_given_area_are_scored_as_the_median(detector: str) -> None:
    maps = MAPS.astype(np.float64)
    valid = np.ones((20, 24), dtype=bool)
    maps[0, 3:6, 3:9], maps[1, 10, 10], maps[2, 12, 12], maps[2, 15, 15] = (
        *(np.nan, np.inf, -3.4e38, 1e300),
    )  # fmt: skip
    maps[1, 16:19, 2:6] = -9999
    cube = ElementCube(maps, NAMES, valid=valid)
    epochs = {"epochs": 1} if detector in ("msfa", "msfa-paper", "auto-ad", "dfan") else {}
    result = detect(cube, detector, **epochs)
    np.testing.assert_array_equal(cube.valid, valid)
    assert np.isfinite(result.score).all()
    assert np.isfinite(np.asarray(result.contributions)).all()
    assert (result.pseudo_labels > 0).all()
    [said] = [w for w in report_of_cube(cube).warnings if "given valid area" in w]
    assert "Fe 18, Si 13 and Ca 2" in said
    filled = np.where(np.isfinite(maps) & (np.abs(maps) < 9000), maps, np.nan)
    middle = np.nanmedian(filled, axis=(1, 2))[:, None, None]
    same = detect(
        ElementCube(np.where(np.isnan(filled), middle, filled), NAMES, valid=valid),
        detector,
        **epochs,
    )
    np.testing.assert_allclose(result.score, same.score, atol=1e-3)
