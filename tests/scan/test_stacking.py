"""Several scans as one: every valid pixel once, none next to another scan's."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.stacking import stack_sections


def make_cube(shape, elements=("Fe", "S"), dtype=np.uint16, seed=0, **options) -> ElementCube:
    maps = np.random.default_rng(seed).integers(1, 200, (len(elements), *shape)).astype(dtype)
    return ElementCube(maps, elements, **options)


def test_one_scan_is_itself():
    cube = make_cube((3, 4))
    assert stack_sections([cube]) is cube


def test_pixels_of_all_scans_are_there_and_apart():
    one = make_cube((3, 4), dtype=np.uint8, pixel_size=(5, 5))
    valid = np.ones((2, 6), dtype=bool)
    valid[0, 0] = False
    two = make_cube((2, 6), elements=("S", "Fe"), seed=1, pixel_size=(5, 5), valid=valid)
    both = stack_sections([one, two])
    assert both.elements == ("Fe", "S")
    assert both.shape == (3 + 16 + 2, 6)  # sixteen rows between them
    assert both.maps.dtype == np.uint16
    assert both.pixel_size == (5.0, 5.0)
    assert both.n_valid == 12 + 11
    assert not both.valid[3:19].any()
    assert not both.valid[:3, 4:].any()
    expected = np.concatenate([one.maps[:, one.valid], two.maps[::-1, two.valid]], axis=1)
    assert np.array_equal(both.maps[:, both.valid], expected)


def test_pixel_sizes_that_differ_are_unknown():
    cubes = [make_cube((2, 2), pixel_size=(5, 5)), make_cube((2, 2), pixel_size=(4, 4))]
    assert stack_sections(cubes).pixel_size is None


def test_scans_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="b lacks S and a lacks Zr"):
        stack_sections([make_cube((2, 2), source="a"), make_cube((2, 2), ("Fe", "Zr"), source="b")])
    with pytest.raises(InputError, match="a holds counts and b concentration"):
        stack_sections(
            [
                make_cube((2, 2), source="a", quantity="counts"),
                make_cube((2, 2), source="b", quantity="concentration"),
            ]
        )
    with pytest.raises(InputError, match="no scan"):
        stack_sections([])
