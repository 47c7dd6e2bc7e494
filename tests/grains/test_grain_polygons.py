"""Outlines are valid polygons that hold exactly the pixels of their grain."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Outline
from scipy import ndimage

from napari_mineral_anomaly.grains.pixels.polygons import Polygon, mask_polygons, signed_area


def inside(polygon: Polygon, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centre lies in a polygon and in none of its holes."""
    centres = np.argwhere(np.ones(shape, bool))
    found = Outline(polygon.exterior).contains_points(centres)
    for hole in polygon.holes:
        found &= ~Outline(hole).contains_points(centres)
    return found.reshape(shape)


@settings(max_examples=150, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_mask_becomes_valid_polygons_of_its_pixels(mask: np.ndarray) -> None:
    polygons = mask_polygons(mask)
    assert len(polygons) == ndimage.label(mask)[1]
    drawn = np.zeros(mask.shape, int)
    for polygon in polygons:
        drawn += inside(polygon, mask.shape)
        assert polygon.area == inside(polygon, mask.shape).sum()
        for ring in (polygon.exterior, *polygon.holes):
            assert np.array_equal(ring[0], ring[-1])
            # Pieces are upright or level, and no place is passed twice: the ring is simple.
            lengths = np.abs(np.diff(ring, axis=0))
            assert ((lengths == 0).sum(axis=1) == 1).all()
            path = [
                tuple(a + t * np.sign(b - a))
                for a, b in pairwise(ring)
                for t in range(int(np.abs(b - a).sum()))
            ]
            assert len(set(path)) == len(path)
    assert np.array_equal(drawn, mask)


def test_a_frame_has_a_hole_and_pixels_at_a_corner_are_two_pieces() -> None:
    frame = np.ones((3, 3), bool)
    frame[1, 1] = False
    (polygon,) = mask_polygons(frame, offset=(10, 20))
    assert polygon.area == 8
    (hole,) = polygon.holes
    assert signed_area(hole) == -1
    assert polygon.exterior.min(axis=0).tolist() == [9.5, 19.5]
    assert [piece.area for piece in mask_polygons(np.eye(3))] == [1, 1, 1]


def test_holes_that_meet_at_a_corner_stay_two_rings() -> None:
    mask = np.ones((4, 4), bool)
    mask[1, 1] = mask[2, 2] = False
    (polygon,) = mask_polygons(mask)
    assert polygon.area == 14
    assert [signed_area(hole) for hole in polygon.holes] == [-1, -1]
