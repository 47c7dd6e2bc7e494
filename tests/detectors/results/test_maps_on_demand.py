"""Maps that are computed where somebody looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.maps_on_demand import (
    ExpectedMaps,
    FadedMaps,
    MapsOnDemand,
)
from napari_mineral_anomaly.scan.cube import ElementCube

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
        (slice(None), WHOLE[0] > 0),
        (1, slice(3, 3), slice(None)),
        (slice(0, 2), slice(2, None)),
    ],
    ids=str,
)
def test_parts_are_those_of_the_whole_array(key: Any) -> None:
    expected, _ = _counted()
    np.testing.assert_array_equal(expected[key], WHOLE[key])


def test_faded_maps_are_the_product_and_look_only_where_they_are_looked_at() -> None:
    factor = np.random.default_rng(1).random((6, 8)).astype(np.float32)
    expected, asked = _counted()
    faded = FadedMaps(expected, factor)
    np.testing.assert_array_equal(faded[1, 2:4, 3:5], WHOLE[1, 2:4, 3:5] * factor[2:4, 3:5])
    assert asked == [(slice(2, 4), slice(3, 5))]
    np.testing.assert_array_equal(faded, WHOLE * factor)
    np.testing.assert_array_equal(FadedMaps(WHOLE, factor)[:, 5], WHOLE[:, 5] * factor[5])


def test_only_what_is_asked_for_is_predicted_and_once_for_all_elements() -> None:
    expected, asked = _counted()
    for element in range(3):
        expected[element, 2:4, 5]
    assert asked == [(slice(2, 4), slice(5, 6))]
    np.testing.assert_array_equal(expected, WHOLE)
    assert len(asked) == 2
    with pytest.raises(IndexError):
        expected[0, 6, 0]


@pytest.mark.parametrize("parameters", [{"detector": "rx"}, {"detector": "msfa", "quick": True}])
def test_contributions_without_a_residual_are_robust_z_of_the_maps(
    parameters: dict[str, Any], masked_scan: ElementCube
) -> None:
    contributions = detect(masked_scan, **parameters).contributions
    assert isinstance(contributions, MapsOnDemand)
    valid = masked_scan.valid
    for c in range(masked_scan.n_elements):
        plane = 2 * np.sqrt(masked_scan.plane(c) + 0.375)
        centre = np.median(plane[valid])
        sigma = 1.4826 * np.median(np.abs(plane[valid] - centre))
        wanted = np.where(valid, (plane - centre) / sigma, np.nan)
        np.testing.assert_allclose(contributions[c], wanted, atol=1e-4)
    y, x = np.argwhere(valid)[5]
    assert contributions[2, y, x] == np.asarray(contributions)[2, y, x]
