"""ElementCube keeps what it is given and refuses what does not fit together."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.errors import InputError


def test_maps_keep_dtype_and_are_not_copied() -> None:
    maps = np.full((2, 3, 4), 70_000, dtype=np.uint32)
    cube = ElementCube(maps, ["Fe", "Si"])
    assert cube.maps is maps
    assert cube.plane(0).dtype == np.uint32
    assert cube.block(slice(0, 2)).dtype == np.float32


def test_default_valid_is_finite_and_not_all_zero() -> None:
    maps = np.ones((2, 2, 3), dtype=np.float32)
    maps[:, 0, 0] = 0  # nothing there: off the sample
    maps[0, 0, 1] = 0  # one element absent: ordinary
    maps[1, 1, 2] = np.nan
    maps[0, 1, 1] = np.inf
    maps[0, 1, 0] = -3.4e38  # how some programs write a missing value
    expected = np.array([[False, True, True], [False, False, False]])
    np.testing.assert_array_equal(ElementCube(maps, ["Fe", "Si"]).valid, expected)


def test_given_valid_is_copied_and_locked() -> None:
    given = np.array([[True, False], [True, True]])
    cube = ElementCube(np.ones((1, 2, 2)), ["Fe"], valid=given)
    given[:] = False
    assert cube.n_valid == 3
    with pytest.raises(ValueError, match="read-only"):
        cube.valid[0, 0] = False


def test_lazy_maps_are_not_read_when_opened() -> None:
    reads: list[int] = []

    def plane(block_id: tuple[int, ...]) -> np.ndarray:
        reads.append(block_id[0])
        return np.full((1, 8, 9), block_id[0] + 1, dtype=np.uint16)

    lazy = da.map_blocks(plane, chunks=((1,) * 5, (8,), (9,)), dtype=np.uint16)
    reads.clear()
    cube = ElementCube(lazy, list("abcde"), pixel_size=20)
    assert cube.shape == (8, 9)
    assert reads == []
    assert cube.plane(3).max() == 4
    assert reads == [3]


@pytest.mark.parametrize(
    ("values", "quantity"),
    [
        (np.array([0, 3, 200], dtype=np.uint16), "counts"),
        (np.array([0.0, 3.0, 2e5], dtype=np.float32), "counts"),
        (np.array([0.0, 45.7, 99.2], dtype=np.float32), "concentration"),
        (np.array([-5.0, 45.7, 99.2], dtype=np.float32), "unknown"),
        (np.array([0.5, 4000.25, 3.0], dtype=np.float32), "unknown"),
        (np.array([np.nan, 1.0, 2.0], dtype=np.float32), "counts"),
    ],
)
def test_quantity_is_decided_from_the_numbers(values: np.ndarray, quantity: str) -> None:
    assert ElementCube(values.reshape(1, 1, 3), ["Fe"]).quantity == quantity


@pytest.mark.parametrize(("height", "rows"), [(1, 1), (127, 127), (128, 64), (191, 96), (5000, 65)])
def test_quantity_looks_at_rows_all_over_the_scan(height: int, rows: int) -> None:
    looked: list[int] = []

    class Lazy:
        shape, dtype = (1, height, 2), np.dtype(np.uint16)

        def __getitem__(self, index: Any) -> np.ndarray:
            looked.extend(range(height)[index[1]])
            return np.ones((1, height, 2), np.uint16)[index]

    assert ElementCube(Lazy(), ["Fe"]).quantity == "counts"
    assert len(looked) == rows
    assert looked[-1] >= 0.98 * (height - 1)


def test_row_blocks_cover_every_row_once() -> None:
    cube = ElementCube(np.ones((1, 10, 7), dtype=np.uint8), ["Fe"])
    rows = [row for block in cube.row_blocks(max_pixels=20) for row in range(10)[block]]
    assert rows == list(range(10))
    assert [b.stop - b.start for b in cube.row_blocks(max_pixels=3)] == [1] * 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"maps": np.ones((3, 4)), "elements": ["Fe"]}, r"shape \(3, 4\)"),
        ({"maps": np.ones((1, 0, 4)), "elements": ["Fe"]}, "empty"),
        ({"maps": np.ones((2, 3, 4)), "elements": ["Fe"]}, "2 element maps but 1"),
        ({"maps": np.ones((2, 3, 4)), "elements": ["Fe", "Fe"]}, "given twice: Fe"),
        ({"maps": np.ones((1, 3, 4), complex), "elements": ["Fe"]}, "complex128"),
        ({"maps": np.ones((1, 3, 4)), "elements": ["Fe"], "pixel_size": 0}, "positive"),
        ({"maps": np.ones((1, 3, 4)), "elements": ["Fe"], "pixel_size": (1, 2, 3)}, "positive"),
        (
            {"maps": np.ones((1, 3, 4)), "elements": ["Fe"], "valid": np.ones((4, 4))},
            "4x4 pixels, the element maps are 3x4",
        ),
        ({"maps": np.ones((1, 3, 4)), "elements": ["Fe"], "quantity": "ppm"}, "quantity"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        ElementCube(**arguments)


def test_one_pixel_size_means_square_pixels() -> None:
    assert ElementCube(np.ones((1, 2, 2)), ["Fe"], pixel_size=[5]).pixel_size == (5.0, 5.0)
    assert ElementCube(np.ones((1, 2, 2)), ["Fe"], pixel_size=(5, 7)).pixel_size == (5.0, 7.0)


def test_replace_keeps_the_rest() -> None:
    cube = ElementCube(np.ones((1, 2, 2)), ["Fe"], pixel_size=5, source="scan")
    changed = cube.replace(pixel_size=(7, 7))
    assert changed.maps is cube.maps
    assert (changed.source, changed.pixel_size) == ("scan", (7.0, 7.0))
    assert cube.pixel_size == (5.0, 5.0)
