"""What a TIFF declares about its numbers, against Pillow and against formulas written by hand."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.io import read_image, read_maps
from napari_mineral_anomaly.io.reading.scenes import read_truth

NO_DATA, METADATA, ORIENTATION = 42113, 42112, 274
SMALL = st.tuples(st.integers(1, 9), st.integers(1, 9))


def text_tag(code: int, text: str) -> tuple[int, int, int, str, bool]:
    return (code, 2, 0, text, True)


def one_map(folder: Path, values: np.ndarray, **options: Any) -> Any:
    """`Fe.tif` of some values, read by us."""
    tifffile.imwrite(folder / "Fe.tif", values, **({"photometric": "minisblack"} | options))
    return read_maps(folder / "Fe.tif")


def calibrated(folder: Path, values: np.ndarray, lines: str, **options: Any) -> Any:
    text = f"ImageJ=1.54f\n{lines}"
    return one_map(folder, values, description=text, metadata=None, **options)


@given(
    shape=SMALL,
    orientation=st.integers(1, 8),
    dtype=st.sampled_from(["uint8", "uint16", "float32", "int32"]),
    how=st.sampled_from([{}, {"compression": "zlib"}, {"byteorder": ">"}, {"rowsperstrip": 2}]),
)
@settings(max_examples=40, deadline=None)
def test_an_orientation_is_applied_as_pillow_does(
    shape: tuple[int, int], orientation: int, dtype: str, how: dict[str, Any]
) -> None:
    values = np.arange(shape[0] * shape[1]).reshape(shape).astype(dtype)
    with TemporaryDirectory() as folder:
        tag = (ORIENTATION, 3, 1, orientation, True)
        cube = one_map(Path(folder), values, extratags=[tag], **how)
        # Pillow mixes up rows and columns of uncompressed files that are to be turned.
        copy = Path(folder) / "copy.tif"
        tifffile.imwrite(copy, values, compression="zlib", extratags=[tag], photometric=1)
        with Image.open(copy) as picture:
            picture.load()
            expected = np.asarray(picture)
    np.testing.assert_array_equal(cube.plane(0), expected)
    assert cube.maps.dtype == dtype


@given(
    dtype=st.sampled_from(["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"]),
    number=st.sampled_from([0, 7, 255, -1, -9999, 65535, -32768, 2147483647, 3.5, -3.4028235e38]),
    form=st.sampled_from(["{}", " {} ", "{}\0", "{:.6e}", "{:.3f}"]),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_a_missing_value_takes_its_own_pixels_only(
    dtype: str, number: float, form: str, data: st.DataObject
) -> None:
    text = form.format(number)
    stored = data.draw(st.lists(st.integers(0, 60), min_size=12, max_size=12))
    values = np.array(stored, dtype=dtype).reshape(3, 4)
    declared = float(text.strip(" \0"))
    info = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    edge = 1 + 1e-7 if np.dtype(dtype).kind == "f" else 1  # programs write seven digits
    is_held = float(info.min) * edge <= declared <= float(info.max) * edge
    is_held &= np.dtype(dtype).kind == "f" or declared == int(declared)
    if is_held:
        values[1, 2] = np.dtype(dtype).type(declared)
    with TemporaryDirectory() as folder:
        cube = one_map(Path(folder), values, extratags=[text_tag(NO_DATA, text)])
    expected = values.astype(np.float64)
    if is_held and declared != 0:
        expected[values == np.dtype(dtype).type(declared)] = np.nan
    np.testing.assert_array_equal(cube.plane(0).astype(np.float64), expected)
    assert bool(cube.report.steps) == is_held
    if not is_held:
        assert cube.maps.dtype == dtype
    assert not any("tifffile says" in line for line in cube.report.warnings)


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "inf", "1.7976931348623157e+308"])
def test_missing_values_that_no_number_equals_change_nothing(tmp_path: Path, text: str) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    values[0, 0] = np.nan
    cube = one_map(tmp_path, values, extratags=[text_tag(NO_DATA, text)])
    np.testing.assert_array_equal(cube.plane(0), values)
    assert cube.report.steps == ()


def test_a_missing_value_that_is_no_number_is_said(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)
    cube = one_map(tmp_path, values, extratags=[text_tag(NO_DATA, "-1.#IND")])
    np.testing.assert_array_equal(cube.plane(0), values)
    assert any("holds '-1.#IND', which is no number" in line for line in cube.report.warnings)


def test_the_smallest_sample_value_is_not_missing(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) + 5
    cube = one_map(tmp_path, values, extratags=[(280, 3, 1, 5, True), (281, 3, 1, 16, True)])
    np.testing.assert_array_equal(cube.plane(0), values)
    assert cube.report.steps == ()


def test_all_pages_follow_the_missing_value_of_the_first(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values[:, 1, 1] = -9999
    with tifffile.TiffWriter(tmp_path / "scan.tif") as writer:
        for i, name in enumerate(("Fe", "Si")):
            tags = [text_tag(285, name)] + [text_tag(NO_DATA, "-9999")] * (i == 0)
            writer.write(values[i], metadata=None, extratags=tags, contiguous=False)
    cube = read_maps(tmp_path / "scan.tif")
    np.testing.assert_array_equal(np.isnan(cube.maps), values == -9999)


def test_what_gdal_keeps_beside_the_file_counts(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.int16).reshape(3, 4)
    (tmp_path / "Fe.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><NoDataValue>7</NoDataValue><Offset>1</Offset>'
        "<Scale>0.5</Scale></PAMRasterBand></PAMDataset>"
    )
    cube = one_map(tmp_path, values)
    expected = np.where(values == 7, np.nan, values * 0.5 + 1)
    np.testing.assert_array_equal(cube.plane(0), expected)
    assert "7 means missing, from the .aux.xml file beside the TIFF" in cube.report.steps


@pytest.mark.parametrize("items", ["<GDALMetadata><Item", "&", ""])
def test_damaged_metadata_are_said(tmp_path: Path, items: str) -> None:
    values = np.arange(12, dtype=np.int16).reshape(3, 4)
    cube = one_map(tmp_path, values, extratags=[text_tag(METADATA, items)] if items else [])
    np.testing.assert_array_equal(cube.plane(0), values)
    said = any("GDAL metadata are damaged" in line for line in cube.report.warnings)
    assert said == bool(items)


COEFFICIENTS = (0.5, 0.01, 3.0, 700.0, 1e-7)


def by_hand(code: int, n: float) -> float:
    """ImageJ's calibration functions with a to e as above, one number at a time."""
    a, b, c, d, e = COEFFICIENTS
    try:
        return [
            lambda: a + b * n,
            lambda: a + b * n + c * n**2,
            lambda: a + b * n + c * n**2 + d * n**3,
            lambda: a + b * n + c * n**2 + d * n**3 + e * n**4,
            lambda: a * math.exp(b * n),
            lambda: a * n**b,
            lambda: a * math.log(b * n) if n else -1000 * a,
            lambda: d + (a - d) / (1 + (n / c) ** b),
            lambda: b * (n - a) ** c * math.exp(-(n - a) / d) if n > a else 0.0,
            lambda: a + b * math.log(n - c) if n > c else math.nan,
            lambda: c * ((n - a) / (d - n)) ** (1 / b) if a <= n < d else 0.0,
            lambda: a * math.exp(-b * n) + c,
            lambda: a + (b - a) * math.exp(-((n - c) ** 2) / (2 * d**2)),
            lambda: a * (1 - math.exp(-b * n)) + c,
        ][code]()
    except OverflowError:
        return math.inf


@pytest.mark.parametrize("code", range(14))
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_calibration_functions_of_imagej(tmp_path: Path, code: int, dtype: str) -> None:
    stored = np.array([[0, 1, 2, 3], [4, 17, 90, 128], [200, 250, 254, 255]]).astype(dtype)
    lines = "".join(f"c{i}={value}\n" for i, value in enumerate(COEFFICIENTS))
    cube = calibrated(tmp_path, stored, f"cf={code}\n{lines}vunit=counts\n")
    expected = np.array([[by_hand(code, float(n)) for n in row] for row in stored])
    expected = expected.astype(np.float32)
    np.testing.assert_allclose(cube.plane(0), expected, rtol=2e-6)
    assert cube.maps.dtype == np.float32
    assert any("from the ImageJ calibration" in step for step in cube.report.steps)
    assert "the file says that its values are in counts" in cube.report.steps


def test_optical_density_of_imagej(tmp_path: Path) -> None:
    stored = np.array([[0, 1, 128, 255]], np.uint8)
    cube = calibrated(tmp_path, stored, "cf=21\nvunit=Uncalibrated OD\n")
    expected = [math.log10(255 / n) for n in (0.5, 1, 128, 255)]
    np.testing.assert_allclose(cube.plane(0)[0], expected, rtol=1e-6, atol=1e-9)
    cube = calibrated(tmp_path, stored, "cf=21\nvunit=Uncalibrated OD\n", photometric="miniswhite")
    expected = [math.log10(255 / n) for n in (255, 254, 127, 0.5)]
    np.testing.assert_allclose(cube.plane(0)[0], expected, rtol=1e-6, atol=1e-9)


def test_negative_values_are_clipped_where_imagej_clips_them(tmp_path: Path) -> None:
    stored = np.array([[0, 5, 9]], np.uint16)
    cube = calibrated(tmp_path, stored, "cf=0\nc0=-10\nc1=2\nvunit=ppm\nzeroclip=true\n")
    np.testing.assert_array_equal(cube.plane(0), [[0, 0, 8]])


def test_signed_numbers_are_calibrated_as_imagej_keeps_them(tmp_path: Path) -> None:
    stored = np.array([[-5, 0, 1200]], np.int16)
    cube = calibrated(tmp_path, stored, "cf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n")
    np.testing.assert_array_equal(cube.plane(0), stored)
    assert (cube.maps.dtype, cube.report.steps) == (np.dtype(np.int16), ())


@pytest.mark.parametrize(
    ("lines", "dtype", "said"),
    [
        ("cf=0\nc0=-10\nc1=2\nvunit=ppm\n", "float32", ""),  # ImageJ calibrates 8 and 16 bits
        ("cf=20\nvunit=Gray Value\n", "uint16", ""),  # none
        ("cf=21\nvunit=OD\n", "uint16", "none that ImageJ applies"),
        ("cf=17\nc0=1\nc1=2\nvunit=OD\n", "uint16", "none that ImageJ applies"),
        ("cf=0\nc0=-10\nc1=2\n", "uint16", "no unit of the values"),
    ],
)
def test_calibrations_that_imagej_does_not_apply(
    tmp_path: Path, lines: str, dtype: str, said: str
) -> None:
    stored = np.arange(12).reshape(3, 4).astype(dtype)
    cube = calibrated(tmp_path, stored, lines)
    np.testing.assert_array_equal(cube.plane(0), stored)
    assert cube.maps.dtype == dtype
    assert any(said in line for line in cube.report.warnings) if said else not cube.report.warnings


def test_a_calibration_without_its_coefficients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="function 2 needs 4 coefficients, it has 2"):
        calibrated(tmp_path, np.ones((3, 4), np.uint8), "cf=2\nc0=1\nc1=2\nvunit=OD\n")


def test_a_zero_that_is_white_keeps_its_numbers(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    cube = one_map(tmp_path, values, photometric="miniswhite")
    np.testing.assert_array_equal(cube.plane(0), values)
    assert any("zero is white" in line for line in cube.report.warnings)


def test_missing_pixels_of_a_truth_and_of_an_area_count_for_nothing(tmp_path: Path) -> None:
    truth = np.array([[0, 1, 7, 0], [1, 0, 0, 7]], np.uint8)
    path = tmp_path / "truth.tif"
    tifffile.imwrite(path, truth, extratags=[text_tag(NO_DATA, "7")])
    np.testing.assert_array_equal(read_truth(path), np.where(truth == 7, 255, truth))
    score = np.arange(8.0).reshape(2, 4)
    metrics = evaluate(score, read_truth(path), valid=read_image(path) + 1)
    assert (metrics["n_anomaly"], metrics["n_background"]) == (2, 4)
    with_nan = np.where(truth == 7, np.nan, 1.0)
    assert evaluate(score, np.where(truth == 7, 0, truth), valid=with_nan)["n_background"] == 4


def test_a_stack_behind_one_page_is_calibrated_and_turned(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    path = tmp_path / "scan.tif"
    metadata = {"axes": "CYX", "cf": 0, "c0": -7.0, "c1": 2.0, "vunit": "cps"}
    tag = (ORIENTATION, 3, 1, 6, True)
    tifffile.imwrite(path, values, imagej=True, truncate=True, metadata=metadata, extratags=[tag])
    with tifffile.TiffFile(path) as tif:
        assert len(tif.pages) == 1
    cube = read_maps(path)
    expected = np.rot90(values * 2.0 - 7, k=-1, axes=(1, 2))
    np.testing.assert_array_equal(cube.maps, expected)
