"""Mixtures, all grains at once, against a plain loop over grains."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.grains.artefacts import mixing
from napari_mineral_anomaly.grains.pixels.regions import GrainRegions
from napari_mineral_anomaly.grains.signals import measure_grains
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

SHAPE = (120, 140)


def one_by_one(
    cube: ElementCube, regions: GrainRegions, clusters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which grains were compared, and which of them are mixtures: one at a time, pixel by pixel."""
    ring = regions.ring()
    signals = measure_grains(cube, regions, ring)
    compared = (mixing.widths(regions) <= mixing.WIDEST_PX) & (ring.size >= 12)
    compared &= mixing._within_ring(signals)
    found = np.zeros(regions.n_grains, dtype=bool)
    for grain in np.flatnonzero(compared):
        pixels = ring.of(grain)
        values = np.array([cube.plane(c).reshape(-1)[pixels] for c in range(cube.n_elements)]).T
        values = values.astype(float)
        noise = mixing._ring_noise(signals, np.array([grain]))[0]
        codes = clusters.reshape(-1)[pixels]
        names, counts = np.unique(codes, return_counts=True)
        second = codes != names[counts.argmax()]
        if second.mean() < 0.15:
            departure = (values - values.mean(axis=0)) / noise
            widest = np.argmax((departure**2).sum(axis=0))
            second = departure[:, widest] > 0
        for _ in range(3):
            if not 0 < second.sum() < second.size:
                break
            first_mean, second_mean = values[~second].mean(axis=0), values[second].mean(axis=0)
            second = (((values - second_mean) / noise) ** 2).sum(axis=1) < (
                ((values - first_mean) / noise) ** 2
            ).sum(axis=1)
        if 0 < second.sum() < second.size:
            found[grain] = mixing._fits(
                signals.mean[[grain]],
                values[~second].mean(axis=0)[None],
                values[second].mean(axis=0)[None],
                mixing._error(signals, np.array([grain])),
            )[0]
    return compared, found


@pytest.mark.parametrize("n_clusters", [1, 4])
@pytest.mark.parametrize("pairs_at_a_time", [200, 40_000])
def test_all_grains_at_once_are_what_one_by_one_gives(
    n_clusters: int, pairs_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "_MAX_PAIRS", pairs_at_a_time)
    cube = simulate_section("artefacts", SHAPE, 11).cube
    rng = np.random.default_rng(2)
    mask = np.zeros(SHAPE, dtype=bool)
    # Short lines of pixels all over the section: some lie on boundaries, some do not.
    for y, x in rng.integers(4, 110, (150, 2)):
        mask[y, x : x + rng.integers(1, 4)] = True
    clusters = rng.integers(2, 2 + n_clusters, SHAPE).astype(np.uint16)
    regions = GrainRegions.of(mask, cube.valid)
    ring = regions.ring()
    compared, expected = one_by_one(cube, regions, clusters)
    signals = measure_grains(cube, regions, ring)
    found = mixing.is_mixture(cube, regions, ring, signals, clusters)
    assert compared.sum() > 30
    assert 3 < expected.sum() < compared.sum()
    assert np.array_equal(found, expected)


def test_no_grain_is_no_mixture() -> None:
    cube = simulate_section("artefacts", (40, 40), 11).cube
    regions = GrainRegions.of(np.zeros((40, 40)), cube.valid)
    ring = regions.ring()
    signals = measure_grains(cube, regions, ring)
    clusters = np.full((40, 40), 2, dtype=np.uint16)
    assert mixing.is_mixture(cube, regions, ring, signals, clusters).shape == (0,)
