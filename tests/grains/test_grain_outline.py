"""Outlines run along pixel edges, whatever the shape of the grain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_mineral_anomaly.grains.pixels.outline import pixel_outlines


def area(ring: np.ndarray) -> float:
    """Signed area by the shoelace formula."""
    y, x = ring[:-1].T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def test_one_pixel_is_a_square_around_its_centre() -> None:
    (ring,) = pixel_outlines(np.ones((1, 1), bool), offset=(7, 9))
    assert sorted(map(tuple, ring[:-1])) == [(6.5, 8.5), (6.5, 9.5), (7.5, 8.5), (7.5, 9.5)]
    assert tuple(ring[0]) == tuple(ring[-1])


def test_a_long_bar_has_four_corners_and_a_hole_its_own_outline() -> None:
    (bar,) = pixel_outlines(np.ones((2, 30), bool))
    assert len(bar) == 5
    frame = np.ones((3, 3), bool)
    frame[1, 1] = False
    assert sorted(abs(area(ring)) for ring in pixel_outlines(frame)) == [1.0, 9.0]


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_the_outlines_enclose_as_many_pixels_as_the_mask_holds(mask: np.ndarray) -> None:
    rings = pixel_outlines(mask)
    assert sum(area(ring) for ring in rings) == pytest.approx(mask.sum())
    for ring in rings:
        assert np.array_equal(ring[0], ring[-1])
        steps = np.diff(ring, axis=0)
        assert ((steps == 0).sum(axis=1) == 1).all(), "every piece is upright or level"


def test_nothing_inside_gives_nothing() -> None:
    assert pixel_outlines(np.zeros((4, 5), bool)) == []
