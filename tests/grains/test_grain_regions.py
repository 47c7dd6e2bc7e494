"""Sets of pixels per grain: rings and bounds against a plain loop over grains."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_mineral_anomaly.grains.pixels import regions as grain_regions
from napari_mineral_anomaly.grains.pixels.regions import GrainRegions, PixelSets, label_grains
from napari_mineral_anomaly.grains.signals import _highest


def _random_grains(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mask = ndimage.binary_dilation(rng.random((60, 80)) > 0.985, iterations=1)
    valid = rng.random((60, 80)) > 0.1
    return mask, valid


def _loop(mask: np.ndarray, valid: np.ndarray, low: int, high: int) -> list[np.ndarray]:
    labels = label_grains(mask & valid)
    square = np.ones((3, 3), dtype=bool)
    found = []
    for number in range(1, labels.max() + 1):
        own = labels == number
        far = ndimage.binary_dilation(own, square, iterations=high)
        near = ndimage.binary_dilation(own, square, iterations=low - 1) if low > 1 else own
        found.append(np.flatnonzero(far & ~near & valid & (labels == 0)))
    return found


def test_rings_are_those_of_a_loop_with_dilations(monkeypatch):
    mask, valid = _random_grains()
    for pairs in (4_000_000, 200):  # all at once, and grain by grain
        monkeypatch.setattr(grain_regions, "_MAX_PAIRS", pairs)
        regions = GrainRegions.of(mask, valid)
        for low, high in ((2, 4), (1, 1), (1, 3)):
            around = regions.around(low, high)
            for grain, expected in enumerate(_loop(mask, valid, low, high)):
                assert np.array_equal(around.of(grain), expected)


def test_bounds_and_means_are_those_of_each_grain():
    mask, valid = _random_grains(1)
    regions = GrainRegions.of(mask, valid)
    labels = label_grains(mask & valid)
    values = np.random.default_rng(2).normal(size=mask.shape)
    row_min, row_max, col_min, col_max = regions.bounds
    means = regions.pixels.mean(values.reshape(-1)[regions.pixels.pixel])
    largest = regions.pixels.largest(values.reshape(-1)[regions.pixels.pixel])
    for grain, (rows, columns) in enumerate(ndimage.find_objects(labels)):
        assert (row_min[grain], row_max[grain]) == (rows.start, rows.stop - 1)
        assert (col_min[grain], col_max[grain]) == (columns.start, columns.stop - 1)
        assert np.isclose(means[grain], values[labels == grain + 1].mean())
        assert np.isclose(largest[grain], values[labels == grain + 1].max())


def test_other_grains_lie_in_no_ring():
    mask = np.zeros((20, 20), dtype=bool)
    mask[5, 5:8] = True
    mask[5, 10] = True
    regions = GrainRegions.of(mask, np.ones_like(mask))
    assert 5 * 20 + 10 not in regions.ring().of(0)
    assert 5 * 20 + 11 in regions.ring().of(0)


def test_no_grain_and_no_ring_are_empty_not_errors():
    nothing = GrainRegions.of(np.zeros((5, 5)), np.ones((5, 5), dtype=bool))
    assert nothing.ring().size.shape == (0,)
    assert all(bound.size == 0 for bound in nothing.bounds)
    everything = GrainRegions.of(np.ones((5, 5)), np.ones((5, 5), dtype=bool))
    assert everything.ring().size.tolist() == [0]
    assert np.isnan(everything.ring().mean(np.empty(0))).all()


def test_missing_values_are_never_the_largest() -> None:
    labels = np.array([[1, 1, 2], [0, 2, 3]])
    sets = PixelSets.of_labels(labels, 4)
    values = np.array([np.nan, 5.0, -1.0, np.nan, np.nan])
    with np.errstate(all="raise"):
        assert sets.largest(values).tolist() == [5.0, -1.0, -np.inf, -np.inf]
    places = _highest(PixelSets.of_labels(labels), values)
    assert places.tolist() == [1, 2, 4]  # one for each grain, also where all values are missing
