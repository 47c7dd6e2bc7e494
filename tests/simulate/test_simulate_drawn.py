"""Drawn scenes: other physics for each seed, counts and truth as stated."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION
from napari_mineral_anomaly.simulate.drawn import (
    CONTRAST_SIGMAS,
    FEWEST_ELEMENTS,
    FEWEST_MINERALS,
    MOST_ELEMENTS,
    draw_scene,
)
from napari_mineral_anomaly.simulate.fields import IntensityField
from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.rendering import solid_solution
from napari_mineral_anomaly.simulate.scenes import Intensity, Mode, Scene

SEEDS = range(40, 70)


def test_recipes_spread_over_the_stated_ranges() -> None:
    scenes = [draw_scene(seed) for seed in SEEDS]
    counts, grains = [], []
    for scene in scenes:
        assert sum(mode.share for mode in scene.modes) == pytest.approx(1.0)
        assert FEWEST_MINERALS <= len(scene.modes) <= 14  # two minerals of veins may join twelve
        assert FEWEST_ELEMENTS <= len(scene.elements) <= MOST_ELEMENTS
        assert len(set(scene.elements)) == len(scene.elements)
        assert not {mode.mineral for mode in scene.modes} & set(scene.accessories)
        rates = [
            mode.share * solid_solution(mode.mineral, scene.elements).mean(axis=0)
            for mode in scene.modes
        ]
        counts.append(np.sum(rates, axis=0).max() * scene.dwell_ms)
        grains.append(scene.n_grains)
    assert min(counts) >= 0.99
    assert max(counts) <= 301
    assert min(counts) < 5 < 100 < max(counts)
    assert min(grains) >= 3
    assert max(grains) <= 60
    assert len({scene.summary.split()[0] for scene in scenes}) == 4  # every texture occurs
    assert len({scene.modes[0].mineral for scene in scenes}) > 5


def test_same_seed_same_section_and_barren_is_it_without_grains() -> None:
    first, again = (simulate_section("drawn", (64, 80), 41) for _ in range(2))
    np.testing.assert_array_equal(first.cube.maps, again.cube.maps)
    np.testing.assert_array_equal(first.truth, again.truth)
    barren = simulate_section("drawn-barren", (64, 80), 41)
    assert not barren.truth_with_rim.any()
    assert barren.grains.empty
    assert barren.cube.elements == first.cube.elements
    far = first.truth_with_rim == 0
    difference = np.abs(
        first.cube.maps[:, far].mean(axis=1) - barren.cube.maps[:, far].mean(axis=1)
    )
    assert difference.max() < 0.05 * barren.cube.maps.mean(axis=(1, 2)).max()


def test_the_number_of_grains_is_that_of_the_recipe() -> None:
    section = simulate_section("drawn", (256, 256), 42)
    assert len(section.grains) == section.scene.n_grains
    assert section.truth.sum() == np.count_nonzero(section.fraction >= TRUTH_FRACTION)
    assert set(np.unique(section.truth_with_rim)) == {0, 1, 255}


def test_smallest_and_oblong_sections_work() -> None:
    for seed, shape in ((43, (32, 32)), (44, (32, 200)), (45, (150, 33))):
        section = simulate_section("drawn", shape, seed)
        assert section.cube.shape == shape
        assert section.truth.any()


def test_every_anomalous_mineral_can_be_told_from_the_matrix() -> None:
    for seed in SEEDS:
        scene = draw_scene(seed)
        floor = scene.intensity.background
        matrix = np.concatenate(
            [solid_solution(mode.mineral, scene.elements) for mode in scene.modes]
        )
        for name in scene.accessories if len(scene.accessories) > 1 else ():
            pure = solid_solution(name, scene.elements).mean(axis=0)
            gap = 2 * np.sqrt(matrix * scene.dwell_ms + floor) - 2 * np.sqrt(
                pure * scene.dwell_ms + floor
            )
            assert np.linalg.norm(gap, axis=1).min() >= CONTRAST_SIGMAS


def one_mineral(intensity: Intensity) -> Scene:
    """Quartz alone: every change of its counts comes from the measurement."""
    return Scene(
        name="quartz",
        summary="",
        modes=(Mode("quartz", 1.0),),
        accessories=(),
        prevalence=0.0,
        accessory_um=(1.0, 0.1, 1.0, 1.0),
        dwell_ms=60.0,
        elements=("Al", "Si", "Fe"),
        intensity=intensity,
    )


def test_counts_are_poisson_about_field_times_rate_plus_background() -> None:
    scene = one_mineral(Intensity(0.2, 1_500.0, 0.1, 4.0))
    section = simulate_section(scene, (200, 200), 5)
    stream = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(5,)))
    field = IntensityField.draw(scene, 200, stream)
    gain = field.gain(slice(0, 200), 200)
    assert gain.std() > 0.08
    rates = solid_solution("quartz", scene.elements)[0] * scene.dwell_ms
    expected = rates[:, None, None] * gain + field.background[:, None, None]
    residual = (section.cube.maps - expected) / np.sqrt(expected)
    assert np.abs(residual.mean(axis=(1, 2))).max() < 0.03
    np.testing.assert_allclose(residual.var(axis=(1, 2)), 1.0, atol=0.04)
    # The field scales all elements together.
    silicon = section.cube.maps[1].astype(float)
    assert np.corrcoef(silicon.ravel(), gain.ravel())[0, 1] > 0.8


def test_pools_name_known_minerals() -> None:
    from napari_mineral_anomaly.simulate.rocks import ACCESSORY_POOL, ROCKS, VEIN_MINERALS

    assert {mode.mineral for modes in ROCKS.values() for mode in modes} <= set(MINERALS)
    assert {*ACCESSORY_POOL, *VEIN_MINERALS} <= set(MINERALS)
    for modes in ROCKS.values():
        assert len(modes) == 12
        assert sum(mode.share for mode in modes) == pytest.approx(1.0, abs=0.1)
