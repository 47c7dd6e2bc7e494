"""Faults of a measurement or an export lead nothing but themselves: grains, pairs, threshold.

Each fault is planted into a simulated section with five known grains. Outside its own pixels the
first grains stay the known ones, or the report names the map that is at fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import default_threshold
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.window.layers.make import element_layers

NAMES = ["Fe", "Si", "Ca", "Ti", "K", "S", "Zr", "P"]
SIDE = 96
GRAINS = {
    (12, 70): ("Zr", "P"),
    (24, 30): ("S", "Zr"),
    (45, 80): ("P", "Ti"),
    (76, 50): ("S", "Ca"),
    (88, 15): ("Zr", "Ti"),
}
BLOCK = (slice(60, 72), slice(10, 26))

Maps = NDArray[Any]


@cache
def section() -> Maps:
    """Counts (8, 96, 96) of a simulated section, with grains of 2 x 2 pixels at `GRAINS`."""
    cube = simulate_section("barren", seed=4, shape=(SIDE, SIDE)).cube
    maps = np.stack([cube.plane(cube.elements.index(name)) for name in NAMES])
    rng = np.random.default_rng(5)
    for (y, x), elements in GRAINS.items():
        for element in elements:
            grain = maps[NAMES.index(element), y : y + 2, x : x + 2]
            grain += rng.poisson(900, grain.shape).astype(maps.dtype)
    maps.setflags(write=False)
    return maps


@dataclass(frozen=True)
class Fault:
    """One fault: what it does to the maps, what the report must say of it, where it stands.

    ``moves`` says that a detector may list other grains because of it; the report says why.
    """

    spoil: Callable[[Maps], Maps]
    said: tuple[str, ...] = ()
    where: Callable[[NDArray[np.bool_]], None] = lambda mask: None
    moves: bool = False


def put(*index: Any, value: Any, dtype: Any = None) -> Callable[[Maps], Maps]:
    """Write one number into the maps."""

    def spoil(maps: Maps) -> Maps:
        maps = maps.astype(dtype) if dtype else maps
        maps[index] = value
        return maps

    return spoil


def at(*index: Any) -> Callable[[NDArray[np.bool_]], None]:
    """Mark the pixels of a fault."""

    def mark(mask: NDArray[np.bool_]) -> None:
        mask[index] = True

    return mark


def hot(*places: tuple[int, int, int]) -> Callable[[Maps], Maps]:
    def spoil(maps: Maps) -> Maps:
        for c, y, x in places:
            maps[c, y, x] = 60_000
        return maps

    return spoil


def scaled(maps: Maps) -> Maps:
    maps = maps.astype(np.float64)
    maps[3] *= 1e6
    return maps


def wrapped(maps: Maps) -> Maps:
    maps[1] = (maps[1].astype(np.int64) * 1500 + np.arange(SIDE) % 7) % 65536
    return maps


def slipped(maps: Maps) -> Maps:
    maps[:, 50] = np.roll(maps[:, 50], 1, axis=-1)
    return maps


def twice(maps: Maps) -> Maps:
    maps[4] = maps[3]
    return maps


def mirrored(maps: Maps) -> Maps:
    maps[0] = maps[0][:, ::-1]
    return maps


def negative_zero(maps: Maps) -> Maps:
    maps = maps.astype(np.float32)
    maps[maps == 0] = -0.0
    return maps


EVERY = slice(None)
FAULTS = {
    "a marker in one map": Fault(put(0, *BLOCK, value=-9999, dtype="i4"), ("-9999", "Fe")),
    "a marker in all maps": Fault(put(EVERY, *BLOCK, value=-9999, dtype="i4"), ("-9999", "every")),
    "-1 in all maps": Fault(put(EVERY, *BLOCK, value=-1, dtype="i4"), ("-1 marks", "every")),
    "-3.4e38": Fault(
        put(0, *BLOCK, value=np.finfo("f4").min, dtype="f4"),
        ("Fe: 192 pixels hold numbers beyond",),
    ),
    "saturated in one map": Fault(
        put(0, *BLOCK, value=65535), ("Fe: 192 pixels hold 65535",), at(*BLOCK), moves=True
    ),
    "saturated in all maps": Fault(
        put(EVERY, *BLOCK, value=65535),
        ("Fe, Si, Ca", "192 pixels hold 65535"),
        at(*BLOCK),
        moves=True,
    ),
    "9999 in all maps": Fault(
        put(EVERY, *BLOCK, value=9999), ("192 pixels hold 9999",), at(*BLOCK), moves=True
    ),
    "1e20 in one map": Fault(
        put(0, *BLOCK, value=1e20, dtype="f4"),
        ("Fe: 192 pixels hold 1e+20",),
        at(*BLOCK),
        moves=True,
    ),
    "hot pixels": Fault(
        hot((0, 20, 20), (1, 80, 60), (4, 33, 70)),
        ("Fe: row 20, column 20", "Si: row 80, column 60", "K: row 33, column 70"),
        at([20, 80, 33], [20, 60, 70]),
    ),
    "one hot pixel in all maps": Fault(
        put(EVERY, 20, 20, value=60_000), ("row 20, column 20",), at(20, 20)
    ),
    "a dead row": Fault(put(1, 30, value=0), ("Si: row 30",), at(30)),
    "a dead column": Fault(put(1, EVERY, 41, value=0), ("Si: column 41",), at(EVERY, 41)),
    "dead lines in all maps": Fault(put(EVERY, 30, value=0), ("row 30",)),
    "a stripe of zeros": Fault(put(0, slice(36, 42), value=0), ("Fe: 6 rows",), at(slice(36, 42))),
    "NaN": Fault(put(2, *BLOCK, value=np.nan, dtype="f4")),
    "infinity": Fault(put(2, *BLOCK, value=np.inf, dtype="f4")),
    "a constant map": Fault(put(4, value=7), ("K is the same number everywhere",)),
    "one map under two names": Fault(twice, ("Ti and K hold identical numbers",), moves=True),
    "a scaled map": Fault(scaled, ("Ti: every number is a multiple of 1000000",), moves=True),
    "a mirrored map": Fault(mirrored),
    "negative zero": Fault(negative_zero),
    "an overflow": Fault(wrapped, ("Si: ", "ran over"), moves=True),
    "a row that slipped": Fault(slipped, (), at(slice(49, 52))),
    "a lost last row": Fault(put(EVERY, -1, value=0)),
    "a lost last row in one map": Fault(put(2, -1, value=0), ("Ca: row 95",), at(-1)),
    "one count below zero": Fault(
        put(0, 20, 20, value=-5, dtype="i4"), ("below zero among the counts (Fe 1)",), at(20, 20)
    ),
    "one fraction": Fault(put(0, 20, 20, value=200.5, dtype="f4")),
}


def first_grains(result: AnomalyResult, fault: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The known grains among the first grains outside the pixels of a fault."""
    near = ndimage.binary_dilation(fault, iterations=2)
    grains = find_grains(result, mask=result.mask & ~near)
    found = []
    for y, x in zip(grains.centroid_y_px[: len(GRAINS)], grains.centroid_x_px, strict=False):
        found += [g for g in GRAINS if np.hypot(g[0] - y, g[1] - x) < 2]
    return sorted(found)


@cache
def clean(detector: str) -> AnomalyResult:
    return detect(ElementCube(section(), NAMES), detector)


@cache
def clean_pairs() -> set[tuple[str, str]]:
    return {(p.first, p.second) for p in report_of_cube(ElementCube(section(), NAMES)).pairs}


@pytest.mark.parametrize("detector", ["rx", "robust-rx", "knn"])
def test_the_known_grains_come_first_in_the_clean_section(detector: str) -> None:
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    assert first_grains(clean(detector), nothing) == sorted(GRAINS)


def test_the_clean_section_has_no_word_on_a_fault() -> None:
    words = "\n".join(report_of_cube(ElementCube(section(), NAMES)).warnings)
    for fault in FAULTS.values():
        assert not any(part in words for part in fault.said if len(part) > 5)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_leads_nothing_but_itself(name: str) -> None:
    fault = FAULTS[name]
    cube = ElementCube(fault.spoil(section().copy()), NAMES)
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    fault.where(mask)
    report = report_of_cube(cube)
    words = "\n".join(report.warnings)
    for part in fault.said:
        assert part in words
    assert not any("line overlap" in line and "r = 1.000" in line for line in report.warnings)
    assert {(p.first, p.second) for p in report.pairs} <= clean_pairs()
    assert cube.quantity == "counts"
    assert cube.n_valid >= 0.97 * SIDE**2
    for detector in ("rx", "robust-rx", "knn"):
        result = detect(cube, detector)
        assert np.isfinite(result.score[cube.valid]).all()
        assert result.threshold == default_threshold(cube.n_valid)
        if fault.moves:
            continue
        assert first_grains(result, mask) == sorted(GRAINS), detector
        near = ndimage.binary_dilation(mask, iterations=2)
        kept = ~near & cube.valid
        n_flagged = np.count_nonzero(result.mask & kept)
        n_clean = np.count_nonzero(clean(detector).mask & kept)
        assert abs(n_flagged - n_clean) <= 0.25 * n_clean + 2, detector


@pytest.mark.parametrize("number", [65535, 9999])
def test_naming_a_positive_marker_brings_the_grains_back(number: int) -> None:
    spoiled = section().copy()
    spoiled[(EVERY, *BLOCK)] = number
    cube = ElementCube(spoiled, NAMES, missing=(number,))
    assert not cube.valid[BLOCK].any()
    for detector in ("rx", "robust-rx"):
        assert first_grains(detect(cube, detector), ~cube.valid) == sorted(GRAINS)


@pytest.mark.parametrize(
    "name", ["a marker in all maps", "saturated in all maps", "hot pixels", "1e20 in one map"]
)
def test_layers_keep_their_contrast(name: str) -> None:
    clean_layers = element_layers(ElementCube(section(), NAMES), scan="s", scan_id="1")
    cube = ElementCube(FAULTS[name].spoil(section().copy()), NAMES)
    for before, after in zip(
        clean_layers, element_layers(cube, scan="s", scan_id="2"), strict=True
    ):
        (low, high), (low_now, high_now) = (
            layer[1]["contrast_limits"] for layer in (before, after)
        )
        assert abs(low_now - low) <= 0.2 * (high - low)
        assert 0.5 * (high - low) <= high_now - low_now <= 2 * (high - low)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a marker in all maps", "a marker in one map", "NaN"])
def test_missing_blocks_do_not_lead_the_network(name: str) -> None:
    clean_result = detect(ElementCube(section(), NAMES), "msfa", epochs=10)
    cube = ElementCube(FAULTS[name].spoil(section().copy()), NAMES)
    result = detect(cube, "msfa", epochs=10)
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    assert first_grains(clean_result, nothing) == sorted(GRAINS)
    assert first_grains(result, nothing) == sorted(GRAINS)
