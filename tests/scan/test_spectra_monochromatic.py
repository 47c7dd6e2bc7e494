"""Spectra of a monochromatic beam: its K lines, and its elastic, Compton and sum peaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.reading.spectra import maps_of_spectra
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import Beam, checked_beam_kev, compton_kev
from napari_mineral_anomaly.scan.spectra.excitation import find_beam
from napari_mineral_anomaly.scan.spectra.lines import (
    FWHM_PER_SIGMA,
    family,
    fwhm_kev,
    main_lines,
    mapped_line,
)
from napari_mineral_anomaly.scan.spectra.scatter import find_elastic_peak
from napari_mineral_anomaly.scan.spectra.suggest import suggest_elements
from napari_mineral_anomaly.scan.spectra.windows import element_windows

AXIS = EnergyAxis(0.0, 0.01, 2048)
ROCK = {"Si": 3e4, "S": 2e4, "K": 8e4, "Ca": 3e5, "Ti": 8e4, "Mn": 5e4, "Fe": 8e5, "Zn": 1.5e6}


def peak(kev: float, counts: float, width: float = 1.0) -> NDArray[np.float64]:
    sigma = width * float(fwhm_kev(kev)) / FWHM_PER_SIGMA
    shape = np.exp(-0.5 * ((AXIS.kev - kev) / sigma) ** 2)
    return np.asarray(counts * shape * AXIS.gain_kev / (sigma * np.sqrt(2 * np.pi)))


def synchrotron(
    counts: Mapping[str, float],
    kev: float,
    pile_up: float = 0.0,
    scattered: tuple[float, float] = (3e5, 6e5),
) -> NDArray[np.float64]:
    """Expected counts (E,) at a beamline: lines with escape peaks, scatter at about 90 degrees."""
    out = 2.0 * np.exp(-AXIS.kev / 5)
    for symbol, total in counts.items():
        lines = family(symbol, main_lines(symbol, Beam(kev, True))[0].shell, kev)
        share = total / sum(line.intensity for line in lines)
        for line in lines:
            out += peak(line.kev, share * line.intensity)
            if line.kev > 1.84:
                out += peak(line.kev - 1.74, 0.01 * share * line.intensity)
    angles = np.linspace(70, 110, 9)
    elastic, compton = scattered
    scatter = [(kev, elastic, 1.0)] + [(compton_kev(kev, a), compton / 9, 1.2) for a in angles]
    for energy, total, width in scatter:
        out += peak(energy, total, width) + peak(energy - 1.74, 0.001 * total, width)
    out += np.where(AXIS.kev < kev, 2e-3 * sum(scattered) / 300 * np.exp((AXIS.kev - kev) / 3), 0)
    both = fftconvolve(out, out)[: AXIS.n_channels]
    return np.asarray(out + pile_up * out.sum() * both / both.sum())


def excited(kev: float) -> dict[str, float]:
    """The elements of the rock whose K shell the beam reaches."""
    return {s: n for s, n in ROCK.items() if main_lines(s, Beam(kev, True))[0].shell == "K"}


@pytest.mark.parametrize("pile_up", [0.0, 5e-3])
@pytest.mark.parametrize("kev", [8.0, 9.7, 12.7, 20.0])
def test_a_monochromatic_beam_maps_every_element_that_it_excites_and_no_other(
    kev: float, pile_up: float
) -> None:
    present = excited(kev)
    rng = np.random.default_rng(0)
    spectrum = rng.poisson(synchrotron(present, kev, pile_up)).astype(float)
    # The beam typed, and nothing known at all.
    typed = find_beam(spectrum, AXIS, kev, source="typed")
    assert typed == Beam(kev, True, "typed")
    assert {one.element for one in suggest_elements(spectrum, AXIS, beam=typed)} == set(present)
    found = find_beam(spectrum, AXIS)
    assert found.is_monochromatic
    assert found.kev == pytest.approx(kev, abs=0.04)
    assert {one.element for one in suggest_elements(spectrum, AXIS)} == set(present)


@pytest.mark.parametrize(("kev", "element"), [(10.37, "Zn"), (11.0, "Ga")])
def test_the_escape_peak_of_the_scattered_beam_is_no_element(kev: float, element: str) -> None:
    """It lies at the K line of an element, which is found where it is really there."""
    rng = np.random.default_rng(3)
    for present in ({}, {element: 3e4}):
        rock = {"Si": 3e4, "Ca": 3e5, "Fe": 8e5} | present
        mean = synchrotron(rock, kev, scattered=(3e6, 1e6))
        found = suggest_elements(rng.poisson(mean).astype(float), AXIS, beam=Beam(kev, True))
        assert {one.element for one in found} == set(rock)


def test_zinc_is_mapped_by_k_alpha_at_12_7_kev_with_all_its_counts() -> None:
    assert mapped_line("Zn", AXIS, 12.7) is not None
    assert mapped_line("Zn", AXIS, 12.7).name == "La"  # type: ignore[union-attr]
    [window] = element_windows(["Zn"], AXIS, Beam(12.7, True))
    assert (window.line, round(window.line_kev, 2)) == ("Ka", 8.63)
    # The background regions stay clear of the Compton peak, also where the line is close to it.
    [near] = element_windows(["Zn"], AXIS, Beam(9.7, True))
    assert near.right is not None
    assert near.right[1] < compton_kev(9.7, 150) - 0.1
    mean = synchrotron(excited(12.7), 12.7) / 400
    counts = np.random.default_rng(1).poisson(mean, (20, 20, AXIS.n_channels)).astype(np.uint16)
    cube = maps_of_spectra(SpectrumImage(counts, AXIS).with_typed_beam(12.7))
    zinc = float(cube.plane(cube.elements.index("Zn")).sum())
    main = sum(line.intensity for line in family("Zn", "K", 12.7) if line.name.startswith("Ka"))
    part = main / sum(line.intensity for line in family("Zn", "K", 12.7))
    assert zinc == pytest.approx(0.84 * part * 1.5e6, rel=0.03)
    assert cube.report is not None
    assert cube.report.spectrum is not None
    assert cube.report.spectrum.is_monochromatic
    assert any("peak at 12.7 keV" in step for step in cube.report.steps)


def test_a_guessed_beam_is_a_note_that_says_how_to_overrule_it() -> None:
    mean = synchrotron(excited(12.7), 12.7) / 100
    counts = np.random.default_rng(1).poisson(mean, (10, 10, AXIS.n_channels)).astype(np.uint16)
    report = maps_of_spectra(SpectrumImage(counts, AXIS)).report
    assert report is not None
    assert report.spectrum is not None
    assert report.spectrum.beam_source == "spectrum"
    [note] = [note for note in report.warnings if "elastic peak" in note]
    assert "--beam-energy" in note
    assert "--no-monochromatic" in note
    tube = maps_of_spectra(SpectrumImage(counts, AXIS, is_monochromatic=False)).report
    assert tube is not None
    assert tube.spectrum is not None
    assert not tube.spectrum.is_monochromatic


MIXTURES: tuple[dict[str, float], ...] = (
    {"Fe": 1e5, "Ca": 5e4},
    {"Fe": 1e5, "Co": 1e5, "Ni": 3e4},
    {"Zr": 1e5, "Nb": 3e4, "Si": 1e4},
    {"Y": 1e5, "Zr": 1e5},
    {"Pb": 1e5, "As": 5e4},
    {"Si": 1e5},
)


@pytest.mark.parametrize("continuum", [0.0, 0.5, 20.0, 3000.0])
@pytest.mark.parametrize("beam", [15.0, 20.0, 50.0])
def test_tubes_electrons_and_protons_have_no_elastic_peak(
    expected_spectrum: Callable[..., NDArray[np.float64]], beam: float, continuum: float
) -> None:
    rng = np.random.default_rng(2)
    axis = EnergyAxis(0.0, 0.01, 4096 if beam > 20 else 2048)
    for mixture in MIXTURES:
        shown = {s: n for s, n in mixture.items() if main_lines(s, beam)}
        mean = expected_spectrum(shown, continuum=continuum, beam_kev=beam, axis=axis)
        spectrum = rng.poisson(mean).astype(float)
        assert find_elastic_peak(spectrum, axis) is None
        assert find_elastic_peak(spectrum, axis, beam) is None
        assert not find_beam(spectrum, axis, beam).is_monochromatic


def test_one_energy_reaches_every_edge_below_it_and_none_above() -> None:
    def shells(symbol: str, beam: Beam) -> list[str]:
        return [line.name for line in main_lines(symbol, beam)]

    assert shells("Zn", Beam(9.66, True))[0] == "Ka"  # K edge at 9.659 keV
    assert shells("Zn", Beam(9.65, True))[0] == "La"
    assert shells("Zn", Beam(12.7))[0] == "La"
    assert shells("Zn", Beam(13.6))[0] == "Ka"
    assert shells("Pb", Beam(13.04, True))[0] == "La"  # L3 edge at 13.035 keV
    assert shells("Pb", Beam(12.7, True))[0] == "Ma"


@pytest.mark.parametrize("kev", [0.0, -20.0, np.nan, np.inf, 0.5, 12700.0, 2e4])
def test_impossible_beams_are_refused(kev: float) -> None:
    with pytest.raises(InputError, match="cannot be right"):
        checked_beam_kev(kev)
