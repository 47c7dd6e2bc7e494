"""Drivers in a scan of two phases without noise: a grain that differs in Zr only is named by Zr.

A detector may predict Si, Ti, Fe and Ca badly in the whole scan; that is no reason to name them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.scan.cube import ElementCube

ELEMENTS = ("Si", "Ti", "Fe", "Ca", "Zr")
SIDE = 96


def two_phases(quantity: str) -> ElementCube:
    """Two phases in folded layers; the grain of 3 x 3 pixels lies within one."""
    y, x = np.mgrid[:SIDE, :SIDE]
    second = ((y + 10 * np.sin(x / 9)) // 16 % 2).astype(int)
    phases = np.array([[300, 2, 20, 5, 1], [60, 80, 400, 120, 1]])
    maps = np.moveaxis(phases[second], -1, 0)
    maps[4, 45:48, 40:43] = 60
    return ElementCube(maps.astype(np.uint16), ELEMENTS, (10.0, 10.0), quantity=quantity)


def drivers_of_the_grain(result: AnomalyResult, cube: ElementCube) -> list[str]:
    table = find_grains(result, cube=cube)
    inside = table["row_min"].le(46) & table["row_max"].ge(46)
    inside &= table["col_min"].le(41) & table["col_max"].ge(41)
    (grain,) = table[inside].to_dict("records")
    return [grain[column] for column in DRIVER_COLUMNS]


def assert_zr_leads(drivers: list[str]) -> None:
    assert drivers[0].startswith("Zr+")
    others = [float(text[2:]) for text in drivers[1:] if text]
    assert all(abs(value) < 1 for value in others)


@pytest.mark.parametrize("quantity", ["counts", "unknown"])
@pytest.mark.parametrize("detector", ["pca", "rx"])
def test_the_element_that_differs_leads(detector, quantity):
    cube = two_phases(quantity)
    assert_zr_leads(drivers_of_the_grain(detect(cube, detector), cube))


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"epochs": 5}, {}], ids=["few epochs", "default"])
def test_the_element_that_differs_leads_with_msfa(settings):
    cube = two_phases("counts")
    assert_zr_leads(drivers_of_the_grain(detect(cube, "msfa", **settings), cube))


def made_up(cube: ElementCube, wrong: float) -> AnomalyResult:
    """A network that misses Si by ``wrong`` sigmas in the grain, Ti as much with the other sign."""
    score = np.zeros(cube.shape, dtype=np.float32)
    score[45:48, 40:43] = 20.0
    contributions = np.zeros(cube.maps.shape, dtype=np.float32)
    contributions[:, 45:48, 40:43] = np.array([wrong, -wrong, 0, 0, 15.0])[:, None, None]
    labels = np.full(cube.shape, 2, np.uint16)
    return AnomalyResult(score, 5.0, contributions, labels, ELEMENTS, cube.pixel_size)


@pytest.mark.parametrize("wrong", [2.0, 500.0])
def test_an_element_counts_no_more_than_its_map_shows(wrong):
    cube = two_phases("counts")
    assert_zr_leads(drivers_of_the_grain(made_up(cube, wrong), cube))


def test_the_maps_name_the_element_where_the_detector_names_none():
    cube = two_phases("counts")
    result = made_up(cube, 0.0)
    silent = AnomalyResult(
        result.score,
        result.threshold,
        np.zeros_like(result.contributions),
        result.pseudo_labels,
        ELEMENTS,
        cube.pixel_size,
    )
    drivers = drivers_of_the_grain(silent, cube)
    assert drivers[0] == "Zr+20.0"  # up to the peak score


def test_a_joined_score_names_the_element_that_its_network_predicts():
    """The network expects the Zr of the grain; only Si is a little off. The maps show Zr."""
    cube = two_phases("counts")
    maps = cube.maps.copy()
    maps[0, 45:48, 40:43] += 30
    cube = ElementCube(maps, ELEMENTS, (10.0, 10.0), quantity="counts")
    result = made_up(cube, 0.0)
    contributions = np.zeros_like(result.contributions)
    contributions[0, 45:48, 40:43] = 2.0
    alone = replace(result, contributions=contributions)
    assert drivers_of_the_grain(alone, cube)[0].startswith("Si+")
    joined = replace(alone, found_by=np.full(cube.shape, 4, np.uint8))
    first, second, *_ = drivers_of_the_grain(joined, cube)
    assert first.startswith("Zr+")
    assert float(first[2:]) > 20
    assert second.startswith("Si+")
