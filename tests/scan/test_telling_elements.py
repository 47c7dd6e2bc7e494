"""Which elements are shown first."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.scan.looking.telling import telling_elements
from napari_mineral_anomaly.simulate import simulate_section


def crystals(side: int, seed: int) -> np.ndarray:
    """Squares of ``side`` pixels with one number each."""
    numbers = np.random.default_rng(seed).integers(10, 200, (96 // side, 96 // side))
    return np.kron(numbers, np.ones((side, side)))


def test_texture_comes_before_noise_and_each_choice_shows_something_new() -> None:
    noise = np.random.default_rng(0).poisson(30, (96, 96))
    large, small = crystals(12, 1), crystals(4, 2)
    maps = [noise, small, 0.5 * large + 7, large, np.full((96, 96), 9.0)]
    chosen = telling_elements(maps, 2)
    assert len(chosen) == 2
    assert chosen[0] in (2, 3)
    assert chosen[1] == 1, "the copy of the first shows nothing new"
    assert 4 not in telling_elements(maps, 5), "a constant map shows nothing"


def test_streaks_of_a_detector_are_no_texture() -> None:
    streaks = np.repeat(np.random.default_rng(3).normal(100, 20, (96, 1)), 96, axis=1)
    assert telling_elements([streaks, crystals(6, 4)], 1) == (1,)


def test_missing_pixels_and_negative_numbers_do_no_harm() -> None:
    holed = crystals(8, 5)
    holed[:40] = np.nan
    holed[50:54] = -3.0
    assert telling_elements([np.full((96, 96), np.nan), holed]) == (1,)
    assert telling_elements([]) == ()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sample_is_met_with_main_elements_not_with_traces(seed: int) -> None:
    cube = simulate_section("easy", shape=(160, 240), seed=seed).cube
    chosen = {cube.elements[k] for k in telling_elements(list(cube.maps))}
    assert len(chosen) == 3
    assert not chosen & {"Au", "Ce", "Pb", "As", "Y", "Zr"}
