"""Mineral hints: the ratio of excess counts, dilution and what the maps cannot distinguish."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.minerals.defining import DEFINING, defining_elements
from napari_mineral_anomaly.grains.minerals.hints import HintTable, minerals_sentence
from napari_mineral_anomaly.grains.minerals.pure import fractions_of, tube_signals
from napari_mineral_anomaly.grains.minerals.table import FORMULAS
from napari_mineral_anomaly.grains.table import detail_grains, list_grains
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.simulate.rendering import blur_beam
from napari_mineral_anomaly.simulate.scenes import ELEMENTS

SHAPE = (40, 40)
GRAIN = (slice(18, 22), slice(18, 22))


def hints_of(
    rock: np.ndarray, grain: np.ndarray, seed: int = 0, without: tuple[str, ...] = ()
) -> list[str]:
    return [hint.name for hint in full_hints(rock, grain, seed, without).of(0)]


def full_hints(
    rock: np.ndarray, grain: np.ndarray, seed: int = 0, without: tuple[str, ...] = ()
) -> HintTable:
    """The hints of a grain of 4 x 4 pixels with these expected counts in a uniform rock."""
    expected = np.broadcast_to(rock[:, None, None], (len(rock), *SHAPE)).copy()
    expected[:, *GRAIN] = grain[:, None, None]
    maps = np.random.default_rng(seed).poisson(expected).astype(np.uint16)
    kept = [c for c, element in enumerate(ELEMENTS) if element not in without]
    maps, elements = maps[kept], tuple(ELEMENTS[c] for c in kept)
    cube = ElementCube(maps, elements, (10.0, 10.0), quantity="counts")
    score = np.zeros(SHAPE, dtype=np.float32)
    score[GRAIN] = 10.0
    nothing = np.zeros(maps.shape, dtype=np.float32)
    labels = np.full(SHAPE, 2, np.uint16)
    result = AnomalyResult(score, 5.0, nothing, labels, elements, (10.0, 10.0))
    grains = list_grains(result, cube=cube, n_rows=0)
    return detail_grains(cube, result, grains).hints


def counts_of(mineral: str, brightest: float, sensitivity: np.ndarray | float = 1.0) -> np.ndarray:
    """Expected counts of a pure mineral over a background of 0.3 counts."""
    signal = tube_signals(ELEMENTS)[list(FORMULAS).index(mineral)] * sensitivity
    return 0.3 + brightest * signal / signal.max()


SULPHIDES = ("chalcopyrite", "bornite", "chalcocite", "pyrite", "pyrrhotite")


@pytest.mark.parametrize("mineral", SULPHIDES)
@pytest.mark.parametrize("filled", [1.0, 0.4])
def test_the_ratio_of_the_excess_tells_sulphides_apart(mineral, filled):
    rock = counts_of("quartz", 30)
    grain = filled * counts_of(mineral, 100) + (1 - filled) * rock
    hints = hints_of(rock, grain)
    # S and Fe alone: the two differ by a third in their ratio.
    alike = {"pyrite", "pyrrhotite"}
    assert hints[0] == mineral or {hints[0], mineral} == alike
    assert mineral in hints


@pytest.mark.parametrize("mineral", ["chalcopyrite", "bornite", "chalcocite"])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_sensitivities_wrong_by_a_factor_of_two_do_not_change_the_copper_mineral(mineral, factor):
    sensitivity = np.ones(len(ELEMENTS))
    sensitivity[ELEMENTS.index("S")] = factor
    grain = counts_of(mineral, 100, sensitivity)
    assert hints_of(counts_of("quartz", 30), grain)[0] == mineral


def test_an_element_that_the_rock_is_full_of_counts_by_what_the_grain_displaces():
    # Calcite has less iron than the biotite that it displaces; epidote has almost as much.
    rock = counts_of("biotite", 80)
    assert "calcite" in hints_of(rock, counts_of("calcite", 80))
    assert "epidote" in hints_of(rock, counts_of("epidote", 80))


def test_what_the_maps_cannot_distinguish_is_named_in_the_order_of_the_table():
    hints = hints_of(counts_of("quartz", 30), counts_of("siderite", 80))
    assert hints == ["magnetite or hematite", "goethite", "siderite"]


@pytest.mark.parametrize(
    ("mineral", "without"),
    [("xenotime", "Y"), ("monazite", "Ce"), ("zircon", "Zr"), ("galena", "Pb"), ("gold", "Au")],
)
def test_no_mineral_is_named_whose_defining_element_is_not_mapped(mineral, without):
    rock = counts_of("albite", 30)
    grain = counts_of(mineral, 100)
    assert hints_of(rock, grain)[0] == mineral
    assert mineral not in hints_of(rock, grain, without=(without,))


def test_what_phosphorus_alone_shows_is_a_phosphate():
    rock = counts_of("albite", 30)
    grain = rock.copy()
    grain[ELEMENTS.index("P")] += 60
    assert hints_of(rock, grain) == ["a phosphate"]
    # Also where the elements that would tell are not mapped.
    assert hints_of(rock, grain, without=("Y", "Ce", "Ca")) == ["a phosphate"]
    text, distance, others = full_hints(rock, grain).texts()
    assert (text, others) == (["a phosphate"], [""])
    assert np.isnan(distance[0])
    sentence = minerals_sentence(full_hints(rock, grain).of(0))
    assert sentence == "May be: a phosphate. The maps do not show which."


def test_hints_are_taken_from_chosen_grains_only():
    rock = counts_of("quartz", 30)
    phosphate = rock.copy()
    phosphate[ELEMENTS.index("P")] += 60
    for grain in (counts_of("pyrite", 100), phosphate):
        hints = full_hints(rock, grain)
        assert hints.of(0)
        assert hints.without(np.array([False])).texts()[0] == hints.texts()[0]
        assert hints.without(np.array([True])).of(0) == ()
        assert hints.without(np.array([True])).texts()[0] == [""]


def test_sulfur_without_iron_is_no_pyrite():
    rock = counts_of("olivine", 60)
    grain = rock.copy()
    grain[ELEMENTS.index("S")] += 40
    assert hints_of(rock, grain) == ["a sulfide or sulfate"]
    assert hints_of(rock, counts_of("pyrite", 200))[0] == "pyrite"


def test_silicon_alone_is_quartz_before_a_silicate_that_the_rock_hides():
    rock = counts_of("magnetite or hematite", 200) + 0.2 * counts_of("garnet (almandine)", 60)
    grain = rock.copy()
    grain[ELEMENTS.index("Si")] += 40
    names = hints_of(rock, grain)
    assert names[0] == "quartz"


def test_elements_that_a_ring_lacks_altogether_do_not_outweigh_the_others():
    """Of oxides in per cent: a trace of Y in rock without any does not make halite a xenotime."""
    elements = ("Na2O", "SiO2", "FeO", "Cl", "P2O5", "Y2O3", "Br")
    rng = np.random.default_rng(0)
    level = np.array([2.0, 45.0, 20.0, 0.0, 0.0, 0.0, 0.0])
    noise = np.array([0.2, 1.0, 0.6, 0.0, 0.0, 0.0, 0.0])
    maps = level[:, None, None] + noise[:, None, None] * rng.normal(size=(7, *SHAPE))
    maps[0, *GRAIN], maps[3, *GRAIN] = 30.0, 35.0
    maps[1:3, *GRAIN] *= 0.3
    maps[4:6, 20, 20] = 0.02
    # Elsewhere both are main elements.
    maps[4:6, :5, :5] = 20.0
    cube = ElementCube(maps.astype(np.float32), elements, quantity="concentration")
    score = np.zeros(SHAPE, dtype=np.float32)
    score[GRAIN] = 10.0
    nothing = np.zeros(maps.shape, dtype=np.float32)
    labels = np.full(SHAPE, 2, np.uint16)
    result = AnomalyResult(score, 5.0, nothing, labels, elements)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Br is in no mineral
        grains = list_grains(result, cube=cube, n_rows=0)
        hints = detail_grains(cube, result, grains).hints.of(0)
    assert hints[0].name == "halite"
    assert np.abs(grains.signals.ring_sigmas).max() < 1000
    assert grains.table["driver_1"][0].startswith("Cl+10")
    assert grains.table["driver_2"][0].startswith("Na2O+9")


def test_a_tie_is_said_as_a_tie():
    hints = full_hints(counts_of("quartz", 30), counts_of("siderite", 80))
    text, distance, others = hints.texts()
    assert text == ["magnetite or hematite or goethite or siderite"]
    assert others == [""]
    assert distance[0] < 0.15
    assert minerals_sentence(hints.of(0)).count(" or ") == 3


def test_every_mineral_has_defining_elements_that_are_in_its_formula():
    assert set(DEFINING) == set(FORMULAS)
    for mineral in FORMULAS:
        for group in defining_elements(mineral):
            assert group & set(fractions_of(mineral)), mineral


def test_the_hint_holds_the_element_by_which_the_grain_stands_out():
    rock = counts_of("albite", 30)
    grain = rock.copy()
    grain[ELEMENTS.index("Zr")] += 30
    hints = hints_of(rock, grain)
    assert all("Zr" in FORMULAS[name] for name in hints[:1])


@pytest.mark.parametrize(("scene", "least"), [("easy", 0.9), ("artefacts", 0.9), ("hard", 0.75)])
def test_grains_of_the_sample_get_the_right_hint(scene, least):
    section = simulate_section(scene, (160, 200), seed=3)
    score = 100 * blur_beam(section.fraction, section.scene.spot_um / section.scene.pixel_um)
    cube = section.cube
    labels, nothing = np.full(cube.shape, 2, np.uint16), np.zeros(cube.maps.shape, np.float32)
    result = AnomalyResult(
        score.astype(np.float32), 50.0, nothing, labels, cube.elements, cube.pixel_size
    )
    grains = list_grains(result, cube=cube, n_rows=100)
    hints = detail_grains(cube, result, grains).hints
    first, among = [], []
    for grain in section.grains.itertuples():
        at = round(grain.centroid_y_px), round(grain.centroid_x_px)
        number = int(grains.regions.labels[at])
        if grain.n_pixels >= 4 and number:
            names = [hint.name.split(",")[0].split(" ")[0] for hint in hints.of(number - 1)]
            first.append(names[:1] == [grain.mineral])
            among.append(grain.mineral in names)
    assert len(first) >= 4
    assert np.mean(first) >= least
    assert np.mean(among) >= 0.9
