"""Numbers that mark missing pixels although no file says so: left out, said, overruled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.cli.app import main
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_maps
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.scan.sentinels import negative_markers
from napari_mineral_anomaly.scan.stacking import stack_sections

NAMES = ("Ca", "Fe", "Si", "Ti")
MEANS = (160, 250, 50, 12)
SHAPE = (24, 37)
BLOCK = (slice(3, 8), slice(20, 28))


def counts(seed: int = 1, shape: tuple[int, int] = SHAPE) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    cells = rng.uniform(0.6, 1.6, (4, -(-shape[0] // 6), -(-shape[1] // 6)))
    texture = np.kron(cells, np.ones((6, 6)))
    texture = texture[:, : shape[0], : shape[1]]
    return rng.poisson(np.array(MEANS)[:, None, None] * texture)


def in_block() -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[BLOCK] = True
    return mask


def write_tiffs(folder: Path, maps: NDArray[np.generic] | list[NDArray[np.generic]]) -> Path:
    for name, plane in zip(NAMES, maps, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    return folder


def write_texts(folder: Path, maps: NDArray[np.int64]) -> Path:
    for name, plane in zip(NAMES, maps, strict=True):
        np.savetxt(folder / f"{name}.csv", plane, fmt="%d", delimiter=",")
    return folder


def test_minus_9999_in_text_matrices_is_missing_and_said(tmp_path: Path) -> None:
    true = counts()
    spoiled = true.copy()
    spoiled[(slice(None), *BLOCK)] = -9999
    cube = read_maps(write_texts(tmp_path, spoiled))
    assert cube.maps.dtype == np.float32
    np.testing.assert_array_equal(cube.maps, np.where(in_block(), np.nan, true))
    np.testing.assert_array_equal(cube.valid, ~in_block())
    assert cube.quantity == "counts"
    report = cube.report
    assert report.pairs == ()
    for c, used in enumerate(report.used):
        rest = true[c][~in_block()]
        assert (used.nan, used.negative, used.saturated) == (40, 0, 0)
        assert (used.min, used.max) == (rest.min(), rest.max())
        assert used.mean == pytest.approx(rest.mean())
    assert any(step.startswith("-9999 means missing, found in") for step in report.steps)
    [said] = [warning for warning in report.warnings if "-9999" in warning]
    assert "40 pixels of every map" in said
    assert "--missing none" in said


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (-9999, "int16"),
        (-999, "int16"),
        (-99, "int16"),
        (-1, "int32"),
        (-1, "int8"),
        (-9, "float32"),
        (-32768, "int16"),
        (-2147483648, "int32"),
        (-9999.9, "float64"),
        (-999.25, "float32"),
        (-1e30, "float32"),
        (-1e20, "float32"),
        (-3.4028234663852886e38, "float32"),
        (-1.7976931348623157e308, "float64"),
        (-12345, "int32"),
    ],
)
def test_every_usual_marker_becomes_nan_and_nothing_else_does(
    tmp_path: Path, number: float, dtype: str
) -> None:
    true = (np.minimum(counts(), 120) if dtype == "int8" else counts()).astype(dtype)
    spoiled = true.copy()
    spoiled[(slice(None), *BLOCK)] = number
    cube = read_maps(write_tiffs(tmp_path, spoiled))
    assert cube.maps.dtype == (np.float64 if dtype == "float64" else np.float32)
    np.testing.assert_array_equal(cube.maps, np.where(in_block(), np.nan, true))
    assert cube.quantity == "counts"


def test_one_map_alone_two_markers_and_nan_elsewhere(tmp_path: Path) -> None:
    maps = list(counts().astype(np.float32))
    fe = maps[1].copy()
    fe[BLOCK], fe[15:18, 2:5], fe[20, 30], fe[0, 0] = -9999, -999, -9999, np.nan
    maps[1] = fe
    ti = maps[3].copy()
    ti[22, 3] = -9999  # alone here, but a marker in the map of Fe
    maps[3] = ti
    cube = read_maps(write_tiffs(tmp_path, maps))
    expected = in_block()
    expected[15:18, 2:5] = expected[20, 30] = expected[0, 0] = True
    np.testing.assert_array_equal(np.isnan(cube.plane(1)), expected)
    assert [used.nan for used in cube.report.used] == [0, int(expected.sum()), 0, 1]
    assert any("9 pixels of Fe" in step and "-999 " in step for step in cube.report.steps)
    assert any("42 pixels of Fe and Ti" in step for step in cube.report.steps)


def test_large_counts_beside_a_marker_keep_their_digits(tmp_path: Path) -> None:
    true = counts().astype(np.int32)
    true[0, 0, 0] = 2**24 + 1
    spoiled = true.copy()
    spoiled[1][BLOCK] = -2147483648
    cube = read_maps(write_tiffs(tmp_path, spoiled))
    assert cube.maps.dtype == np.float64
    assert cube.plane(0)[0, 0] == 2**24 + 1
    true[0, 0, 0] = 7
    spoiled[0, 0, 0] = 7
    again = read_maps(write_tiffs(tmp_path, spoiled))
    assert again.maps.dtype == np.float32
    np.testing.assert_array_equal(again.plane(0), true[0])


def test_without_a_marker_the_native_dtype_stays(tmp_path: Path) -> None:
    cube = read_maps(write_tiffs(tmp_path, counts().astype(np.int16)))
    assert cube.maps.dtype == np.int16
    assert cube.report.steps == ()
    assert cube.report.warnings == ()


def test_the_user_overrules_in_both_directions(tmp_path: Path) -> None:
    spoiled = counts().astype(np.int32)
    spoiled[(slice(None), *BLOCK)] = -9999
    spoiled[0, 15:18, 2:5] = 9999
    folder = write_tiffs(tmp_path, spoiled)
    kept = read_maps(folder, missing="none")
    np.testing.assert_array_equal(kept.maps, spoiled)
    assert kept.valid.all()
    assert any("-9999 is kept as a number" in step for step in kept.report.steps)
    assert not any("--missing" in warning for warning in kept.report.warnings)
    both = read_maps(folder, missing=9999)
    assert np.isnan(both.plane(0)).sum() == 49
    assert any("9999 means missing, typed by the user" in step for step in both.report.steps)
    only = read_maps(folder, missing=["none", "9999"])
    assert np.isnan(only.maps).sum() == 9
    assert (only.maps == -9999).sum() == 160
    absent = read_maps(folder, missing=[-7777])
    assert "No map holds -7777" in "\n".join(absent.report.warnings)
    huge = counts().astype(np.float32)
    huge[0][BLOCK] = np.finfo(np.float32).max
    assert np.isnan(read_maps(write_tiffs(tmp_path, huge), missing=3.4e38).plane(0)).sum() == 40


@pytest.mark.parametrize("missing", ["x", 0, [None], float("nan"), [1, "none", "y"]])
def test_a_missing_value_that_is_none_is_refused(tmp_path: Path, missing: object) -> None:
    with pytest.raises(InputError, match="missing value"):
        read_maps(write_tiffs(tmp_path, counts().astype(np.int16)), missing=missing)


def test_the_command_line_takes_negative_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoiled = counts().astype(np.float32)
    spoiled[1][BLOCK] = -1e30
    folder = str(write_tiffs(tmp_path, spoiled))
    for options, nan in (
        (["--missing", "-1e30"], 40),
        (["--missing", "none"], 0),
        (["--missing", "-1e30", "--missing", "none"], 40),
        ([], 40),
    ):
        assert main(["inspect", folder, "--json", *options]) == 0
        used = json.loads(capsys.readouterr().out)["used"]
        assert used[1]["nan"] == nan
    assert main(["inspect", folder, "--missing", "0"]) == 2
    assert "0 cannot be named" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "dtype"), [(65535, "uint16"), (9999, "uint16"), (1e20, "float32")]
)
def test_a_positive_block_is_asked_about_and_kept(
    tmp_path: Path, number: float, dtype: str
) -> None:
    spoiled = counts().astype(dtype)
    spoiled[(slice(None), *BLOCK)] = number
    cube = read_maps(write_tiffs(tmp_path, spoiled))
    np.testing.assert_array_equal(cube.maps, spoiled)
    assert cube.maps.dtype == dtype
    assert cube.valid.all()
    assert cube.report.pairs == ()
    [said] = [w for w in cube.report.warnings if "--missing" in w]
    assert said.startswith("Ca, Fe, Si and Ti: 40 pixels hold")
    typed = read_maps(tmp_path, missing=number)
    np.testing.assert_array_equal(typed.valid, ~in_block())


def test_a_few_pixels_of_a_marker_are_asked_about(tmp_path: Path) -> None:
    spoiled = counts().astype(np.int16)
    spoiled[1, 5, 5] = spoiled[1, 15, 20] = -9999
    cube = read_maps(write_tiffs(tmp_path, spoiled))
    np.testing.assert_array_equal(cube.maps, spoiled)
    assert "Fe: 2 pixels hold -9999, far below everything else" in "\n".join(cube.report.warnings)


def net(seed: int, mean: float, background: float) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.poisson(mean + background, SHAPE) - background


ORDINARY: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "net counts": lambda s: net(s, 3, 40.5),
    "whole net counts": lambda s: net(s, 0, 1),
    "few whole net counts": lambda s: np.random.default_rng(s).poisson(0.01, SHAPE) - 1.0,
    "net counts of two phases": lambda s: np.where(in_block(), net(s, 300, 1), net(s, 0, 1)),
    "clipped net counts": lambda s: np.maximum(net(s, 3, 40), -8),
    "standardised": lambda s: (lambda p: (p - p.mean()) / p.std())(
        np.where(in_block(), 60.0, np.random.default_rng(s).poisson(0.02, SHAPE))
    ),
    "logarithm": lambda s: np.log10(np.random.default_rng(s).poisson(0.5, SHAPE) + 1e-10),
    "logarithm of tenths": lambda s: np.log10(
        np.where(in_block(), 0, np.random.default_rng(s).poisson(9, SHAPE)) + 0.1
    ),
    "signed picture": lambda s: np.clip(
        np.random.default_rng(s).normal(-20000, 20000, SHAPE), -32768, 32767
    ).round(),
    "difference": lambda s: np.random.default_rng(s).normal(0, 300, SHAPE),
}


@pytest.mark.parametrize("kind", ORDINARY)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_negative_measurements_are_never_markers(kind: str, seed: int) -> None:
    others = counts(seed)[1:].astype(np.float64)
    assert negative_markers([ORDINARY[kind](seed), *others]) == {}


MARKERS = (-9999.0, -999.0, -32768.0, -99999.0, -1e30, float(np.finfo(np.float32).min), -1.0)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_marked_rectangle_is_left_out_wherever_it_stands(data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(MARKERS))
    least = 3 if number == -1 else 2
    top, left = data.draw(st.integers(0, 18)), data.draw(st.integers(0, 30))
    height, width = data.draw(st.integers(least, 6)), data.draw(st.integers(least, 7))
    holding = data.draw(st.sets(st.sampled_from((0, 1, 2, 3)), min_size=1))
    true = counts(data.draw(st.integers(0, 99)))
    spoiled, mask = true.astype(np.float32), np.zeros((4, *SHAPE), dtype=bool)
    for c in holding:
        mask[c, top : top + height, left : left + width] = True
    spoiled[mask] = number
    with TemporaryDirectory() as folder:
        cube = read_maps(write_tiffs(Path(folder), spoiled))
    np.testing.assert_array_equal(cube.maps, np.where(mask, np.nan, true))
    np.testing.assert_array_equal(cube.valid, ~mask.any(axis=0))


def test_a_lazy_scan_is_searched_in_its_middle_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zarr_maps, "LAZY_ABOVE_BYTES", 1000)
    true = counts(shape=(300, 400)).astype(np.int16)
    spoiled = true.copy()
    spoiled[:, 140:150, 190:210] = -9999
    spoiled[:, :4, :4] = -9999  # away from the middle
    store = zarr.create_array(str(tmp_path / "s.zarr"), shape=spoiled.shape, dtype="i2")
    store[:] = spoiled
    store.attrs["elements"] = list(NAMES)
    cube = read_maps(tmp_path / "s.zarr")
    assert cube.is_lazy
    assert cube.maps.dtype == np.float32
    np.testing.assert_array_equal(cube.maps, np.where(spoiled == -9999, np.nan, true))
    assert "in the middle; the rest was not looked at" in "\n".join(cube.report.warnings)
    assert not cube.valid[:4, :4].any()
    kept = read_maps(tmp_path / "s.zarr", missing="none")
    assert kept.maps.dtype == np.int16
    typed = read_maps(tmp_path / "s.zarr", missing=-9999)
    assert int(np.isnan(np.asarray(typed.maps)).sum()) == 4 * (200 + 16)
    spoiled[:, 140:150, 190:210] = true[:, 140:150, 190:210]
    store[:] = spoiled
    unseen = read_maps(tmp_path / "s.zarr")
    assert unseen.maps.dtype == np.int16
    assert not unseen.valid[:4, :4].any()  # found when the scan is read for its valid area


def test_a_cube_in_memory_is_not_altered_but_its_markers_lead_nothing() -> None:
    spoiled = counts().astype(np.int32)
    spoiled[(slice(None), *BLOCK)] = -9999
    cube = ElementCube(spoiled, NAMES)
    before = spoiled.copy()
    clean = ElementCube(np.where(spoiled == -9999, np.nan, spoiled).astype(np.float32), NAMES)
    found, expected = detect(cube, "rx"), detect(clean, "rx")
    np.testing.assert_array_equal(found.score, expected.score)
    np.testing.assert_array_equal(found.contributions, expected.contributions)
    assert cube.maps is spoiled
    np.testing.assert_array_equal(spoiled, before)
    report = report_of_cube(cube)
    assert "missing=() keeps it as a number" in "\n".join(report.warnings)
    assert [used.nan for used in report.used] == [40] * 4
    assert report.used[0].min == spoiled[0][spoiled[0] >= 0].min()
    assert ElementCube(spoiled, NAMES, missing=()).valid.all()
    stacked = stack_sections([cube, clean])
    assert np.isfinite(detect(stacked, "rx").score[stacked.valid]).all()
