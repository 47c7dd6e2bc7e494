"""Expected maps that are predicted where somebody looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.expected_maps import ExpectedMaps

WHOLE = np.random.default_rng(0).normal(size=(3, 6, 8)).astype(np.float32)


def _counted() -> tuple[ExpectedMaps, list[tuple[slice, slice]]]:
    asked: list[tuple[slice, slice]] = []

    def predict(rows: slice, columns: slice) -> NDArray[np.float32]:
        asked.append((rows, columns))
        return WHOLE[:, rows, columns]

    return ExpectedMaps(WHOLE.shape, predict), asked


@pytest.mark.parametrize(
    "key",
    [
        1,
        -1,
        (2, 3, 4),
        (2, -1, -8),
        (slice(None), slice(1, 4), slice(2, 7)),
        (0, slice(None, None, -1), slice(None)),
        (..., slice(2, 3), slice(None)),
        (slice(None), np.array([0, 5]), slice(1, 2)),
        (1, slice(3, 3), slice(None)),
        (slice(0, 2), slice(2, None)),
    ],
    ids=str,
)
def test_parts_are_those_of_the_whole_array(key: Any) -> None:
    expected, _ = _counted()
    np.testing.assert_array_equal(expected[key], WHOLE[key])


def test_only_what_is_asked_for_is_predicted_and_once_for_all_elements() -> None:
    expected, asked = _counted()
    for element in range(3):
        expected[element, 2:4, 5]
    assert asked == [(slice(2, 4), slice(5, 6))]
    np.testing.assert_array_equal(expected, WHOLE)
    assert len(asked) == 2
    with pytest.raises(IndexError):
        expected[0, 6, 0]
