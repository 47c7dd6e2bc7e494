"""All maps of a section in one picture."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.scan.looking.contact_sheet import CELL_PX, MapToShow, contact_sheet

GREY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def to_show(plane: np.ndarray, high: float = 255.0) -> MapToShow:
    return MapToShow(plane, (0.0, high), GREY)


def test_each_map_lies_whole_in_its_cell() -> None:
    planes = [np.full((20, 30), value, dtype=np.uint16) for value in (10, 20, 30, 40, 50)]
    sheet = contact_sheet([to_show(plane) for plane in planes], aspect=1.5)
    assert sheet.step == 1
    assert len({tuple(corner) for corner in sheet.corners}) == 5
    for (top, left), value in zip(sheet.corners, (10, 20, 30, 40, 50), strict=True):
        assert (sheet.image[top : top + 20, left : left + 30] == value).all()
    covered = np.count_nonzero(sheet.image[..., 0])
    assert covered == 5 * 20 * 30, "no map lies on another one"


@pytest.mark.parametrize(
    ("n", "aspect", "columns"),
    # Seven in two columns would be four rows: smaller than in three columns.
    [(9, 0.1, 1), (9, 1.0, 3), (9, 9.0, 9), (7, 0.9, 3)],
)
def test_the_columns_make_the_maps_largest(n: int, aspect: float, columns: int) -> None:
    maps = [to_show(np.zeros((50, 50)))] * n
    sheet = contact_sheet(maps, aspect=aspect)
    assert len(set(sheet.corners[:, 1])) == columns


def test_of_a_large_map_every_nth_pixel_is_shown() -> None:
    plane = np.arange(3 * CELL_PX, dtype=np.float64)[None, :] * np.ones((7, 1))
    sheet = contact_sheet([to_show(plane, high=plane.max())])
    assert sheet.step == 3
    assert sheet.image.shape == (3, CELL_PX, 3)
    expected = np.round(255 * plane[0, ::3] / plane.max())
    np.testing.assert_array_equal(sheet.image[0, :, 0], expected)


def test_missing_pixels_are_dark_and_limits_cut() -> None:
    sheet = contact_sheet([to_show(np.array([[np.nan, -5.0, 300.0, 100.0]]))])
    assert sheet.image[0, :, 0].tolist() == [0, 0, 255, 100]


def test_it_stops_between_two_maps() -> None:
    token = CancelToken()
    seen = []

    def cancel_at_the_second(event: object) -> None:
        seen.append(event)
        if len(seen) == 2:
            token.cancel()

    with pytest.raises(CancelledError):
        contact_sheet([to_show(np.zeros((5, 5)))] * 9, task=Task(cancel_at_the_second, token))
    assert len(seen) == 2
