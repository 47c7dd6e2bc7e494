"""The protocol of the benchmark: planted grains hold what they should, its parts are apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION

PROTOCOL = Path(__file__).parents[2] / "benchmarks" / "protocol"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the protocol, whose scripts import each other by name."""
    monkeypatch.syspath_prepend(str(PROTOCOL))
    return __import__


def rock(load: Any) -> tuple[ElementCube, Any]:
    cube = simulate_section("barren", (128, 128), 9).cube
    scenes = load("scenes")
    return cube, load("scan_model").CountModel.of(cube, scenes.SILICATES, {})


def fixed_recipe(load: Any, **changes: Any) -> Any:
    minerals = load("planted_minerals")
    values = {
        "minerals": {"spinel": minerals.DEVELOPMENT.minerals["spinel"]},
        "area_px": (30.0, 30.0),
        "fill": (0.5, 0.5),
        "beam_px": (0.3, 0.3),
        "n_grains": (12, 12),
    }
    return minerals.Recipe(**(values | changes))


def test_the_two_lists_share_no_mineral(load: Any) -> None:
    minerals = load("planted_minerals")
    assert not set(minerals.DEVELOPMENT.minerals) & set(minerals.TEST.minerals)
    formulas = [
        {(m.formula, m.second) for m in part.minerals.values()}
        for part in (minerals.DEVELOPMENT, minerals.TEST)
    ]
    assert not formulas[0] & formulas[1]
    for name in minerals.TEST.minerals:
        assert name in minerals.__doc__, f"{name} is not in the list that detectors must avoid"


def test_the_parts_share_no_scene_and_no_window(load: Any) -> None:
    scenes = load("scenes")
    names = [{scene.name for scene in scenes.plan(part)} for part in scenes.PARTS]
    assert not names[0] & names[1]
    assert not {"airborne", "minerals"} & {s.family for s in scenes.plan("development")}
    shape = (1000, 1000)
    for name in set(scenes.DEVELOPMENT_SCANS) & set(scenes.TEST_SCANS):
        seen: NDArray[np.int64] = np.zeros(shape, dtype=int)
        for scans in (scenes.DEVELOPMENT_SCANS, scenes.TEST_SCANS):
            seen[scans[name].window] += 1
        assert seen.max() == 1


def test_planted_pixels_hold_the_stated_share(load: Any) -> None:
    cube, model = rock(load)
    recipe = fixed_recipe(load)
    plant = load("implants").plant
    planted = plant(cube, model, recipe, np.random.default_rng(3))
    assert len(planted.grains) == 12
    np.testing.assert_allclose(planted.grains["area_px"], 30.0, rtol=0.1)
    assert planted.share.sum() == pytest.approx(12 * 30 * 0.5, rel=0.05)
    full = planted.share > 0.499
    np.testing.assert_allclose(planted.share[full], 0.5)
    np.testing.assert_array_equal(planted.truth == 1, planted.share >= TRUTH_FRACTION)
    inside = np.asarray(planted.cube.maps)[:, full].mean(axis=1)
    before = np.asarray(cube.maps)[:, full].mean(axis=1)
    expected = 0.5 * before + 0.5 * model.pure(recipe.minerals["spinel"])
    noise = np.sqrt(expected / np.count_nonzero(full))
    # The small beam brings in 1 % from outside of the grain.
    assert np.abs(inside - expected).max() < (5 * noise + 0.04 * expected).max()
    far = distance_transform_edt(planted.share == 0) > 4
    np.testing.assert_array_equal(
        np.asarray(planted.cube.maps)[:, far], np.asarray(cube.maps)[:, far]
    )
    near = (planted.truth == 0) & ~far  # at most a hundredth of a grain
    changed = np.asarray(planted.cube.maps)[:, near] != np.asarray(cube.maps)[:, near]
    assert changed.mean() < 0.02


def test_planted_counts_are_poisson_about_the_expected(load: Any) -> None:
    scan_model = load("scan_model")
    model = scan_model.CountModel(("Si", "Fe"), np.ones(2), np.zeros(2))
    rng = np.random.default_rng(0)
    level, pure, share = np.array([40.0, 6.0]), np.array([5.0, 80.0]), 0.3
    pixels = rng.poisson(level[:, None], (2, 40_000)).astype(float)
    drawn = model.plant(pixels, np.full(40_000, share), pure, rng)
    expected = (1 - share) * level + share * pure
    np.testing.assert_allclose(drawn.mean(axis=1), expected, rtol=0.01)
    np.testing.assert_allclose(drawn.var(axis=1), expected, rtol=0.03)


def test_planted_per_cent_keep_the_noise_of_the_scan(load: Any) -> None:
    scan_model = load("scan_model")
    rng = np.random.default_rng(1)
    level = np.repeat(np.linspace(5.0, 60.0, 10), 20)[:, None] * np.ones((1, 200))
    maps = level + np.sqrt(0.02 + 0.01 * level) * rng.standard_normal(level.shape)
    valid = np.ones(level.shape, dtype=bool)
    cube = ElementCube(maps[None], ["SiO2"], valid=valid, quantity="concentration")
    model = scan_model.OxideModel.of(cube)
    assert model.noise_a[0] + 30 * model.noise_b[0] == pytest.approx(0.32, rel=0.2)
    quartz = load("planted_minerals").MINERALS["quartz"]
    assert model.pure(quartz)[0] == pytest.approx(100.0)
    pixels = 30.0 + np.sqrt(0.32) * rng.standard_normal((1, 40_000))
    drawn = model.plant(pixels, np.full(40_000, 0.4), np.array([80.0]), rng)
    assert drawn.mean() == pytest.approx(50.0, abs=0.05)
    assert drawn.var() == pytest.approx(model.noise_a[0] + 50 * model.noise_b[0], rel=0.05)


def test_the_same_seed_plants_the_same_scan(load: Any) -> None:
    cube, model = rock(load)
    plant = load("implants").plant
    recipe = load("planted_minerals").DEVELOPMENT
    first, again, other = (
        plant(cube, model, recipe, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.cube.maps, again.cube.maps)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert np.any(first.truth != other.truth)


def test_a_mineral_of_the_rock_is_not_planted(load: Any) -> None:
    cube, model = rock(load)
    minerals = load("planted_minerals")
    known = {name: minerals.MINERALS[name] for name in ("quartz", "muscovite", "spinel")}
    recipe = fixed_recipe(load, minerals=known)
    pixels = np.asarray(cube.maps, dtype=float)[:, cube.valid]
    names = load("implants").visible_minerals(pixels, model, recipe, cube.elements)
    assert names == ["spinel"]


def test_reflectance_scenes_repeat_and_hold_anomalies(load: Any) -> None:
    make = load("reflectance").reflectance_scene
    (first, truth), (again, _) = make(0), make(0)
    np.testing.assert_array_equal(first.maps, again.maps)
    assert first.quantity == "reflectance"
    assert 60 <= first.n_elements <= 100
    assert 5 < np.count_nonzero(truth == 1) < 300
    assert np.asarray(first.maps).mean() == pytest.approx(0.35, abs=0.15)
