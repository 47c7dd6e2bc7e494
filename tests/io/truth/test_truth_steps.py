"""The steps of reading: what each does to numbers, dtypes and pixel sizes, and its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, Plane
from napari_mineral_anomaly.io.formats.shared.steps import (
    Missing,
    MissingWhere,
    Scale,
    Step,
    Turn,
    applied,
    with_steps,
)
from napari_mineral_anomaly.io.reading.read import read_maps
from napari_mineral_anomaly.io.reading.step_words import step_words
from napari_mineral_anomaly.scan.quality.checks import full_report
from napari_mineral_anomaly.scan.quality.facts import ReadFacts, ReadMap

STORED = np.array([[0, 1, 65535], [7, 65535, 65534]], dtype=np.uint16)


def plane_of(stored: NDArray[np.generic]) -> Plane:
    size = FilePixelSize((2.0, 5.0), "a tag")
    return Plane(Path("Fe.tif"), stored.shape, stored.dtype, lambda: stored, pixel_size=size)


def read(*steps: Step, stored: NDArray[np.generic] = STORED) -> tuple[Plane, NDArray[np.generic]]:
    plane = with_steps(plane_of(stored), *steps)
    values = plane.read()
    assert values.dtype == plane.dtype
    assert values.shape == plane.shape
    return plane, values


def test_a_scale_gives_float32_rounded_once() -> None:
    stored = np.array([[16_777_217, 3]], dtype=np.uint32)
    plane, values = read(Scale(0.25, -0.5, "the ImageJ calibration"), stored=stored)
    assert plane.dtype == np.float32
    assert plane.stored_dtype == np.uint32
    np.testing.assert_array_equal(values, np.float32([[16_777_217 * 0.25 - 0.5, 0.25]]))
    assert plane.steps == ("values = 0.25 n - 0.5, from the ImageJ calibration",)


@pytest.mark.parametrize(
    ("factor", "offset", "words"),
    [(1, -32768, "values = n - 32768"), (2, 0, "values = 2 n"), (0.1, 3, "values = 0.1 n + 3")],
)
def test_words_of_a_scale(factor: float, offset: float, words: str) -> None:
    assert Scale(factor, offset, "x").words == f"{words}, from x"


@pytest.mark.parametrize(
    "step", [Scale(1, 0, "x"), Missing((-9999,), "x"), Missing((0.5,), "x"), Turn(1, "x")]
)
def test_a_step_that_changes_nothing_leaves_the_plane_as_it_is(step: Step) -> None:
    plane = plane_of(STORED)
    assert with_steps(plane, step) is plane


def test_missing_numbers_become_nan_and_others_stay() -> None:
    plane, values = read(Missing((65535, -1), "the tag"))
    assert plane.dtype == np.float32
    np.testing.assert_array_equal(values, [[0, 1, np.nan], [7, np.nan, 65534]])
    assert plane.steps == ("65535 and -1 mean missing, from the tag",)
    wide = np.array([[2**24 + 1, -9]], dtype=np.int32)
    plane, values = read(Missing((-9,), "x"), stored=wide)
    assert plane.dtype == np.float64
    assert values[0, 0] == 2**24 + 1


def test_zero_stays_a_count() -> None:
    plane, values = read(Missing((0,), "the tag"))
    assert plane.dtype == np.uint16
    np.testing.assert_array_equal(values, STORED)
    assert "pixels that are 0 in every element are left out" in plane.steps[0]


def test_a_mask_makes_nan() -> None:
    plane, values = read(MissingWhere(lambda: STORED == 7, "the mask page"))
    np.testing.assert_array_equal(np.isnan(values), STORED == 7)
    assert plane.steps == ("masked pixels are missing, from the mask page",)


def test_missing_values_are_stored_numbers_so_they_come_before_a_scale() -> None:
    plane, values = read(Missing((65535,), "a"), Scale(2, 1, "b"))
    np.testing.assert_array_equal(values, [[1, 3, np.nan], [15, np.nan, 131069]])
    assert [step.split(",")[0] for step in plane.steps] == [
        "65535 means missing",
        "values = 2 n + 1",
    ]
    _, late = read(Scale(2, 1, "b"), Missing((65535,), "a"))
    assert not np.isnan(late).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_and_its_pixel_size(orientation: int) -> None:
    # TIFF 6.0: where row 0 and column 0 of the stored picture lie in the upright one.
    row_is, column_is = {
        1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
        5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
    }[orientation]  # fmt: skip
    plane, values = read(Turn(orientation, "the tag"))
    edges = {"top": values[0], "bottom": values[-1], "left": values[:, 0], "right": values[:, -1]}
    assert sorted(edges[row_is]) == sorted(STORED[0])
    assert sorted(edges[column_is]) == sorted(STORED[:, 0])
    exchanged = orientation >= 5
    assert plane.shape == ((3, 2) if exchanged else (2, 3))
    assert plane.pixel_size is not None
    assert plane.pixel_size.um == ((5.0, 2.0) if exchanged else (2.0, 5.0))
    assert plane.dtype == np.uint16


def test_steps_on_steps_keep_the_dtype_of_the_file() -> None:
    plane = with_steps(with_steps(plane_of(STORED), Scale(2, 0, "a")), Turn(5, "b"))
    assert plane.stored_dtype == np.uint16
    assert len(plane.steps) == 2
    np.testing.assert_array_equal(plane.read(), 2.0 * STORED.T)


def test_steps_also_serve_the_blocks_of_a_lazy_array() -> None:
    stack = np.stack([STORED, STORED])
    values = applied(stack, (Missing((65535,), "a"), Scale(0.5, 0, "b")))
    np.testing.assert_array_equal(values, np.where(stack == 65535, np.nan, stack * 0.5))


@pytest.mark.parametrize(
    ("steps", "top"),
    [
        ((), None),
        ((Scale(0.25, -0.5, "x"),), 16383.25),
        ((Missing((65535,), "x"),), None),
        ((Missing((7,), "x"), Scale(2, 0, "x"), Turn(3, "x")), 131070.0),
        ((Missing((65535,), "x"), Scale(2, 0, "x")), None),
    ],
)
def test_saturated_pixels_of_scaled_maps_are_counted(
    steps: tuple[Step, ...], top: float | None
) -> None:
    plane, values = read(*steps)
    assert plane.top == top
    where = ReadMap("Fe.tif", "Fe", plane.stored_dtype or plane.dtype, top=plane.top)
    cube = ElementCube(values[None], ["Fe"])
    report = full_report(cube, ReadFacts((where,)))
    is_missing = any(isinstance(step, Missing) and 65535 in step.numbers for step in steps)
    assert report.used[0].saturated == (0 if is_missing else 2)
    if top is not None:
        assert f"2 pixels stand at {top:g}".replace(".0", "") in "\n".join(report.warnings)


def test_words_name_the_files_only_where_not_all_do_the_same() -> None:
    stepped = with_steps(plane_of(STORED), Turn(3, "the tag"))
    paths = {Path("Fe.tif"): "Fe.tif"}
    sentence = "turned by 180 degrees, from the tag (3)"
    assert step_words([], {"Fe": stepped}, paths) == (sentence,)
    both = {"Fe": stepped, "Ca": Plane(Path("Ca.tif"), (2, 3), STORED.dtype, lambda: STORED)}
    names = {**paths, Path("Ca.tif"): "Ca.tif"}
    assert step_words([("Fe.tif", "read so")], both, names) == (
        "read so (Fe.tif)",
        f"{sentence} (Fe.tif)",
    )


def test_a_scan_without_steps_says_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "Fe.npy", STORED)
    cube = read_maps(tmp_path)
    assert cube.maps.dtype == np.uint16
    assert cube.report.steps == ()


def test_whole_numbers_that_fractions_cannot_hold_are_refused_beside_missing_values() -> None:
    stored = np.array([[2**60 + 1, 2**64 - 1], [3, 4]], dtype=np.uint64)
    plane = Plane(Path("Fe.tif"), (2, 2), stored.dtype, lambda: stored)
    odd = with_steps(plane, Missing((2**64 - 1,), "a tag"))
    with pytest.raises(InputError, match=r"Fe\.tif holds whole numbers above 2\^53"):
        odd.read()
    stored[0, 0] = 2**53
    np.testing.assert_array_equal(odd.read(), [[2.0**53, np.nan], [3, 4]])
