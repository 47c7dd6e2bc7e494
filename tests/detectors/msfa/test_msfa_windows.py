from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.networks.parts.windows import (
    Window,
    bounding_window,
    draw_windows,
    fits_whole,
    strips,
    window_shape,
)

SHAPES = [(342, 258), (730, 790), (2000, 30), (30, 2000), (189, 191), (1, 40_000)]


def _cover(windows: list[Window], shape: tuple[int, int]) -> np.ndarray:
    count = np.zeros(shape, dtype=int)
    for window in windows:
        count[window.rows, window.columns] += 1
    return count


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("limit", [36_000, 900, 70])
def test_strips_cover_every_pixel_once_within_the_limit(shape: tuple[int, int], limit: int) -> None:
    outer = Window(slice(3, 3 + shape[0]), slice(2, 2 + shape[1]))
    parts = strips(outer, limit)
    count = _cover(parts, (shape[0] + 5, shape[1] + 5))
    assert (count[outer.rows, outer.columns] == 1).all()
    assert count.sum() == shape[0] * shape[1]
    assert max(np.prod(part.shape) for part in parts) <= max(limit, shape[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_windows_use_most_of_what_they_may(shape: tuple[int, int]) -> None:
    height, width = window_shape(shape, 36_000)
    assert height <= shape[0]
    assert width <= shape[1]
    assert min(0.95 * 36_000, shape[0] * shape[1]) <= height * width <= 36_000


def test_a_scan_within_the_limit_is_one_window_around_its_valid_area() -> None:
    valid = np.zeros((100, 90), dtype=bool)
    valid[10:40, 20:50] = True
    expected = [Window(slice(10, 40), slice(20, 50))]
    assert fits_whole(valid, 900)
    assert draw_windows(valid, 900, 5, np.random.default_rng(0)) == expected
    assert bounding_window(valid) == expected[0]
    assert not fits_whole(valid, 899)


def test_few_pixels_strewn_over_a_huge_scan_are_taken_in_windows_too() -> None:
    valid = np.zeros((400, 400), dtype=bool)
    valid[0, 0] = valid[-1, -2:] = True
    assert not fits_whole(valid, 900)
    windows = draw_windows(valid, 900, 5, np.random.default_rng(0))
    assert len(windows) == 5
    # The lone pixel in the corner cannot be trained on: it has no spread.
    assert all(np.count_nonzero(valid[w.rows, w.columns]) == 2 for w in windows)


def test_drawn_windows_are_seeded_inside_the_scan_and_hold_valid_pixels() -> None:
    valid = np.zeros((200, 150), dtype=bool)
    valid[5:190, 3:140] = True
    first, again, other = (
        draw_windows(valid, 900, 40, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    for window in first:
        assert window.rows.start >= 5
        assert window.columns.stop <= 140
        assert window.shape == (30, 30)
        assert valid[window.rows, window.columns].any()
    assert (_cover(first, valid.shape)[valid] > 0).mean() > 0.5
