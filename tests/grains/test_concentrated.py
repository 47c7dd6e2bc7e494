"""Elements that a small part of a scan holds far above the rest, though no grain is listed."""

from __future__ import annotations

import numpy as np
import pytest
from napari_mineral_anomaly.grains.unlisted.concentrated import (
    concentrated_elements,
    concentrated_sentence,
)

from napari_mineral_anomaly import ElementCube, read_maps
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
    [one] = concentrated_elements(cube, NOTHING)
    assert (one.element, one.n_areas, one.n_pixels, one.largest_px) == ("P", 1, 56, 56)
    assert 10 <= one.row < 17
    assert 20 <= one.column < 28
    assert one.share == pytest.approx(0.028)
    assert [driver[:2] for driver in one.drivers] == ["P+", "Ca"]
    sentence = concentrated_sentence([one])
    assert f"P around row {one.row}, column {one.column} (56 pixels, P+" in sentence
    assert "2.8 % of the sample" in sentence


def test_areas_with_a_listed_grain_and_single_pixels_do_not_count() -> None:
    cube = scan(P=levels(APATITE, np.s_[30:33, 5:8]), Zr=levels(np.s_[5, 5], np.s_[6, 40]))
    listed = NOTHING.copy()
    listed[12, 22] = True
    [one] = concentrated_elements(cube, listed)
    assert (one.element, one.n_areas, one.largest_px) == ("P", 1, 9)
    assert concentrated_elements(cube, np.ones(SHAPE, dtype=bool)) == ()


def test_several_areas_are_counted_and_common_minerals_left_out() -> None:
    spread = [np.s_[y : y + 2, x : x + 2] for y in (2, 20, 36) for x in (2, 12, 32, 42)]
    cube = scan(P=levels(APATITE, np.s_[30:33, 5:8]), Si=levels(np.s_[:, :10]), Zr=levels(*spread))
    [one] = concentrated_elements(cube, NOTHING)
    assert (one.element, one.n_areas, one.n_pixels) == ("P", 2, 65)
    assert "P in 2 areas, 3.2 % of the sample" in concentrated_sentence([one])


def test_noise_reflectance_and_missing_values_say_nothing() -> None:
    assert concentrated_elements(scan(), NOTHING) == ()
    assert concentrated_sentence(()) == ""
    cube = scan(P=levels(APATITE))
    scene = ElementCube(cube.maps, cube.elements, quantity="reflectance")
    assert concentrated_elements(scene, NOTHING) == ()
    maps = cube.maps.astype(np.float32)
    maps[0, :4] = np.nan
    [one] = concentrated_elements(ElementCube(maps, cube.elements, quantity="counts"), NOTHING)
    assert one.element == "P"


@pytest.mark.parametrize("seed", [0, 1])
def test_barren_sections_stay_silent(seed: int) -> None:
    cube = simulate_section("barren", shape=(300, 300), seed=seed).cube
    assert concentrated_elements(cube, np.zeros(cube.shape, dtype=bool)) == ()


def test_the_apatite_of_a_real_scan_is_named(real_data) -> None:
    pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    cube = read_maps(real_data / "cubes" / "chevkinite_30x30.bcf")
    [one] = concentrated_elements(cube, np.zeros(cube.shape, dtype=bool))
    assert one.element == "P"
    assert 14 <= one.row <= 17
    assert one.column <= 6
    assert 25 <= one.largest_px <= 40
    assert one.drivers[1].startswith("Ca+")
