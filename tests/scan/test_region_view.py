"""A region beside the scan and beside what a detector expected, without a window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.scan.looking.region import expected_counts, region_spectrum
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage

SHAPE = (6, 8)
GRAIN = np.zeros(SHAPE, dtype=bool)
GRAIN[2:4, 5:7] = True


def test_expected_counts_of_a_region_are_sums_over_the_judged_pixels() -> None:
    maps = np.random.default_rng(0).poisson(12, (3, *SHAPE)).astype(np.uint16)
    maps[0, GRAIN] = 400
    cube = ElementCube(maps, ("Si", "Ca", "Fe"))
    reconstruction = np.full(maps.shape, 10.0, dtype=np.float32)
    reconstruction[:, 2, 5] = np.nan
    found = expected_counts(cube, reconstruction, cube.elements, GRAIN)
    assert found.n_pixels == 3
    assert found.summed
    assert found.expected == pytest.approx([30.0] * 3)
    assert found.observed[2] == maps[2, 2, 6] + maps[2, 3, 5] + maps[2, 3, 6]
    assert found.departures()[0] == ("Si", 1200.0, 30.0)


def test_the_spectrum_of_a_region_is_that_of_its_pixels_only() -> None:
    counts = np.random.default_rng(0).poisson(3, (*SHAPE, 64)).astype(np.uint16)
    found = region_spectrum(SpectrumImage(counts, EnergyAxis(0.0, 0.02, 64)), GRAIN)
    assert np.array_equal(found.counts, counts[GRAIN].sum(axis=0))
    assert found.n_pixels == 4
    assert found.like_scan.sum() == pytest.approx(found.counts.sum())
