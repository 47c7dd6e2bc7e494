"""Formulas, sensitivities, beam and grain geometry of the simulated sections."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.scan.names.formulas import mass_fractions
from napari_mineral_anomaly.simulate.accessories import ellipse_fractions
from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.rendering import blur_beam
from napari_mineral_anomaly.simulate.scenes import FIXED_SCENES
from napari_mineral_anomaly.simulate.sensitivity import (
    MAGNETITE_FE_PER_MS,
    analytical_line,
    count_rates,
    detector_efficiency,
    fluorescence,
    line_overlap,
    resolution_fwhm,
)


@pytest.mark.parametrize(
    ("formula", "element", "percent"),
    [
        ("SiO2", "Si", 46.74),
        ("CaCO3", "Ca", 40.04),
        ("PbS", "Pb", 86.60),
        ("CuFeS2", "Cu", 34.63),
        ("Fe3Al2Si3O12", "Fe", 33.66),
        ("ZrSiO4", "Zr", 49.77),
    ],
)
def test_mass_fractions_match_handbook_values(formula: str, element: str, percent: float) -> None:
    assert 100 * mass_fractions(formula)[element] == pytest.approx(percent, abs=0.02)


def test_solid_solution_runs_from_one_end_member_to_the_other() -> None:
    plagioclase = MINERALS["plagioclase"]
    albite, anorthite = plagioclase.mass_fractions(0.0), plagioclase.mass_fractions(1.0)
    assert 100 * albite["Na"] == pytest.approx(8.77, abs=0.01)
    assert "Ca" not in albite
    assert 100 * anorthite["Ca"] == pytest.approx(14.41, abs=0.01)
    assert "Na" not in anorthite
    # Half of each by moles, checked by hand: Ca 0.5 x 40.078 / (0.5 x (262.22 + 278.21)).
    half = plagioclase.mass_fractions(0.5)
    assert half["Ca"] == pytest.approx(0.5 * 40.078 / (0.5 * (262.22 + 278.21)), rel=1e-3)
    assert sum(half.values()) == pytest.approx(1.0)


def test_every_mineral_of_every_scene_is_known_and_shares_add_up() -> None:
    for scene in FIXED_SCENES.values():
        assert {mode.mineral for mode in scene.modes} <= set(MINERALS)
        assert set(scene.accessories) <= set(MINERALS)
        assert sum(mode.share for mode in scene.modes) == pytest.approx(1.0)


def test_the_instrument_constant_is_what_it_says() -> None:
    rate = count_rates(MINERALS["magnetite"], ("Fe",))[0]
    background = rate - MAGNETITE_FE_PER_MS
    assert 0 < background < 0.01 * MAGNETITE_FE_PER_MS


def test_lines_are_those_of_the_elements() -> None:
    assert analytical_line("Fe").energy == pytest.approx(6400, abs=10)
    assert analytical_line("Au").energy == pytest.approx(9705, abs=20)
    assert analytical_line("Zr").shell == "K"
    assert analytical_line("Ba").shell == "L3"


def test_sensitivity_rises_from_sodium_to_titanium_and_falls_beyond_iron() -> None:
    # Equal masses of each in the same matrix: what differs is the element's sensitivity alone.
    def rates(*elements: str) -> list[float]:
        return [
            fluorescence({"O": 0.99, element: 0.01}, 2.65, (element,))[0] for element in elements
        ]

    light = rates("Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Ti")
    assert np.all(np.diff(light) > 0)
    assert light[-1] / light[0] > 30
    # The optic loses hard lines, the thin section stops fewer of the photons that excite them.
    assert np.all(np.diff(rates("Fe", "Cu", "Zn", "As", "Y")) < 0)


def test_a_thin_layer_counts_in_proportion_to_mass_and_a_thick_one_does_not() -> None:
    fractions = mass_fractions("SiO2")
    thin = [fluorescence(fractions, density, ("Si",))[0] for density in (1e-4, 2e-4)]
    thick = [fluorescence(fractions, density, ("Si",))[0] for density in (50.0, 100.0)]
    assert thin[1] / thin[0] == pytest.approx(2.0, rel=1e-3)
    assert thick[1] / thick[0] == pytest.approx(1.0, abs=0.02)


def test_detector_loses_soft_and_hard_photons() -> None:
    soft, middle, hard = detector_efficiency(np.array([1_040.0, 6_400.0, 40_000.0]))
    assert middle > 0.9
    assert soft < 0.6
    assert hard < 0.2
    assert resolution_fwhm(np.array([5_895.0]))[0] == pytest.approx(131, abs=5)


def test_known_line_overlaps() -> None:
    assert line_overlap("Ba", "Ti") > 0.5  # 4.47 and 4.51 keV
    assert line_overlap("As", "Pb") > 0.6  # 10.54 and 10.55 keV
    assert 0.01 < line_overlap("Au", "Zn") < 0.1  # Zn K-beta at the foot of Au L-alpha
    assert line_overlap("Si", "Fe") == 0.0


@pytest.mark.parametrize("spot", [0.5, 1.0, 3.0])
def test_the_beam_keeps_totals_and_has_its_own_width(spot: float) -> None:
    plane = np.zeros((41, 61), dtype=np.float32)
    plane[20, 30] = 100.0
    blurred = blur_beam(plane, spot)
    assert blurred.sum() == pytest.approx(100.0, rel=1e-5)
    x = np.arange(61) - 30
    variance = float((blurred.sum(axis=0) * x**2).sum() / blurred.sum())
    assert variance == pytest.approx((spot / 2.3548) ** 2, rel=0.01)
    edge = np.zeros((41, 61), dtype=np.float32)
    edge[0, 0] = 100.0
    assert blur_beam(edge, spot).sum() == pytest.approx(100.0, rel=1e-5)


@pytest.mark.parametrize(
    ("axes", "angle"),
    [((0.45, 0.45), 0.0), ((0.9, 0.5), 0.7), ((4.2, 2.6), 2.1), ((6.0, 0.4), 1.0)],
)
def test_pixel_fractions_are_exact_areas(axes: tuple[float, float], angle: float) -> None:
    centre = (10.3, 12.8)
    rows, cols, fraction = ellipse_fractions(centre, axes, angle)
    assert fraction.sum() == pytest.approx(np.pi * axes[0] * axes[1], rel=1e-5)
    assert fraction.max() <= 1.0
    # Against counting of 200 x 200 points per pixel.
    fine = (np.arange(200) + 0.5) / 200 - 0.5
    for row, col, filled in zip(rows, cols, fraction, strict=True):
        dy = row + fine[:, None] - centre[0]
        dx = col + fine[None, :] - centre[1]
        along = np.cos(angle) * dx + np.sin(angle) * dy
        across = -np.sin(angle) * dx + np.cos(angle) * dy
        inside = (along / axes[0]) ** 2 + (across / axes[1]) ** 2 <= 1
        assert filled == pytest.approx(inside.mean(), abs=0.004)


def test_a_disc_inside_one_pixel_fills_its_own_area() -> None:
    rows, cols, fraction = ellipse_fractions((5.0, 7.0), (0.3, 0.3), 0.0)
    assert (rows.tolist(), cols.tolist()) == ([5], [7])
    assert fraction[0] == pytest.approx(np.pi * 0.09)
