"""Elements that a small part of a scan holds far above the rest."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube, read_maps
from napari_mineral_anomaly.grains.concentrations import concentrations
from napari_mineral_anomaly.simulate import simulate_section

SHAPE = (40, 50)
NOTHING = np.zeros(SHAPE, dtype=bool)


def scan(**planes: np.ndarray) -> ElementCube:
    rng = np.random.default_rng(0)
    maps = {name: rng.poisson(50, SHAPE) for name in ("Si", "Al", "Ca", "P", "Zr")}
    for name, plane in planes.items():
        maps[name] = rng.poisson(plane)
    return ElementCube(np.stack(list(maps.values())).astype(np.uint16), list(maps))


def levels(*areas: tuple[slice, slice], high: float = 1000.0) -> np.ndarray:
    plane = np.full(SHAPE, 50.0)
    for area in areas:
        plane[area] = high
    return plane


APATITE = np.s_[10:17, 20:28]  # 56 of 2000 pixels: 2.8 %


def test_a_mineral_too_common_to_be_an_anomaly_is_named_with_its_elements() -> None:
    cube = scan(P=levels(APATITE), Ca=levels(APATITE, high=150.0))
    [one] = concentrations(cube, NOTHING)
    assert one.element == "P"
    inside = np.zeros(SHAPE, dtype=bool)
    inside[APATITE] = True
    assert np.array_equal(np.sort(one.pixels), np.flatnonzero(inside))
    assert [driver[:2] for driver in one.drivers] == ["P+", "Ca"]


def test_areas_that_a_listed_grain_shows_and_single_pixels_do_not_count() -> None:
    cube = scan(P=levels(APATITE, np.s_[30:33, 5:8]), Zr=levels(np.s_[5, 5], np.s_[6, 40]))
    listed = NOTHING.copy()
    listed[10:13, 20:28] = True
    [one] = concentrations(cube, listed)
    assert (one.element, one.pixels.size) == ("P", 9)
    assert concentrations(cube, np.ones(SHAPE, dtype=bool)) == ()


def test_what_the_beam_spreads_of_a_listed_grain_is_no_concentration() -> None:
    glow = np.full(SHAPE, 50.0)
    glow[20:25, 20:25] = 300.0
    glow[22, 22] = 4000.0
    listed = NOTHING.copy()
    listed[22, 22] = True
    [one] = concentrations(scan(P=glow), NOTHING)
    assert one.pixels.size == 25
    assert concentrations(scan(P=glow), listed) == ()
    # The listed pixel is not the highest one, or not higher than the others: the area is shown.
    assert len(concentrations(scan(P=glow), np.roll(listed, 1, axis=0))) == 1
    assert len(concentrations(scan(P=levels(APATITE)), np.roll(listed, -10, axis=0))) == 1


def test_several_areas_are_counted_and_common_minerals_left_out() -> None:
    spread = [np.s_[y : y + 2, x : x + 2] for y in (2, 20, 36) for x in (2, 12, 32, 42)]
    cube = scan(P=levels(APATITE, np.s_[30:33, 5:8]), Si=levels(np.s_[:, :10]), Zr=levels(*spread))
    [one] = concentrations(cube, NOTHING)
    assert (one.element, one.pixels.size) == ("P", 56)  # the larger of two areas


def test_noise_reflectance_and_missing_values_say_nothing() -> None:
    assert concentrations(scan(), NOTHING) == ()
    cube = scan(P=levels(APATITE))
    scene = ElementCube(cube.maps, cube.elements, quantity="reflectance")
    assert concentrations(scene, NOTHING) == ()
    maps = cube.maps.astype(np.float32)
    maps[0, :4] = np.nan
    [one] = concentrations(ElementCube(maps, cube.elements, quantity="counts"), NOTHING)
    assert one.element == "P"


@pytest.mark.parametrize("seed", [0, 1])
def test_barren_sections_stay_silent(seed: int) -> None:
    cube = simulate_section("barren", shape=(300, 300), seed=seed).cube
    assert concentrations(cube, np.zeros(cube.shape, dtype=bool)) == ()


def test_the_apatite_of_a_real_scan_is_named(real_data) -> None:
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    cube = read_maps(real_data / "cubes" / "chevkinite_30x30.bcf")
    [one] = concentrations(cube, np.zeros(cube.shape, dtype=bool))
    assert one.element == "P"
    row, column = divmod(int(one.pixels[0]), cube.shape[1])
    assert 14 <= row <= 17
    assert column <= 6
    assert 25 <= one.pixels.size <= 40
    assert one.drivers[1].startswith("Ca+")
