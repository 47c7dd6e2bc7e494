"""Images of a slab are compared in blocks, and copied for one owner each."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.grains.pixels import large
from napari_mineral_anomaly.grains.pixels.large import (
    Spare,
    copy_unless_same,
    painted_rows,
    same_pixels,
)
from napari_mineral_anomaly.grains.pixels.mask import MaskParts, judge_score


@pytest.fixture(autouse=True)
def blocks_of_three_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_BLOCK_BYTES", 3 * 40)


@pytest.fixture
def mask() -> np.ndarray:
    return np.random.default_rng(0).random((100, 40)) > 0.7


@pytest.mark.parametrize("place", [(0, 0), (2, 39), (50, 7), (99, 39)])
def test_one_other_pixel_anywhere_is_a_difference(mask: np.ndarray, place: tuple[int, int]) -> None:
    other = mask.copy()
    assert same_pixels(mask, other)
    other[place] ^= True
    assert not same_pixels(mask, other)
    assert not same_pixels(mask, mask[:, :39])
    rows = painted_rows(other.astype(np.uint8) * 7, mask)
    assert rows is not None
    assert rows.start <= place[0] < rows.stop
    assert rows.stop - rows.start == 3
    assert painted_rows(mask.astype(np.uint8) * 7, mask) is None


def test_an_image_without_rows_is_the_same_as_another() -> None:
    assert same_pixels(np.zeros((0, 4)), np.zeros((0, 4)))


def test_an_image_is_copied_only_where_it_is_another(mask: np.ndarray) -> None:
    assert copy_unless_same(mask.astype(np.uint8), mask) is mask
    other = ~mask
    copy = copy_unless_same(other, mask)
    assert copy is not other
    assert (copy == other).all()
    assert copy_unless_same(other, None) is not other


def test_each_owner_of_a_spare_gets_an_array_of_its_own(mask: np.ndarray) -> None:
    spare = Spare(mask, np.uint8)
    one, two = spare.take(), spare.take()
    one[:] = 9
    assert (two == mask).all()
    assert two.dtype == np.uint8
    assert mask.max() == 1


def test_strokes_in_far_blocks_are_those_of_the_whole_image(mask: np.ndarray) -> None:
    parts = MaskParts(mask, mask, None)
    painted = mask.astype(np.uint8)
    painted[4, 5:9], painted[80, 30:35], painted[81, 2] = 2, 0, 1
    expected = np.where((painted != 0) == mask, 0, np.where(painted != 0, 1, -1))
    strokes = parts.strokes(painted)
    assert strokes is not None
    assert (strokes == expected).all()
    assert np.count_nonzero(strokes) >= 5
    again = MaskParts(mask, painted != 0, strokes)
    assert again.strokes(painted) is strokes
    painted[80] = mask[80]  # taken back
    fewer = again.strokes(painted)
    assert fewer is not None
    assert not fewer[80].any()
    assert (fewer[:80] == expected[:80]).all()


def test_a_judged_score_knows_its_mask_with_strokes() -> None:
    score = np.linspace(0, 10, 400, dtype=np.float32).reshape(20, 20)
    assert judge_score(score, 5.0, 1).shown is not None
    plain = judge_score(score, 5.0, 1)
    assert plain.shown is plain.computed
    edits = np.zeros((20, 20), np.int8)
    edits[0, 0], edits[19, 19] = 1, -1
    judged = judge_score(score, 5.0, 1, edits)
    assert judged.shown[0, 0]
    assert not judged.shown[19, 19]
    assert judged.shown.sum() == judged.computed.sum()
    assert judged.grains == 2
