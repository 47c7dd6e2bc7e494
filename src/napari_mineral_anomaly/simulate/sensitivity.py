"""Expected count rates of a mineral in a thin section, from published X-ray data (xraydb).

The primary fluorescence intensity of a flat layer (Sherman 1955, Spectrochim. Acta 7, 283,
without secondary fluorescence), summed over the tube spectrum:

    I_i = G w_i e(E_i) y_i  sum_E  S(E) t_i(E) (1 - exp(-x d)) / x
    x   = mu(E) / sin(a) + mu(E_i) / sin(b)

w_i mass fraction; y_i fluorescence yield times the share of the measured line family; t_i
photoabsorption of the shell; d mass per area of the layer; mu mass attenuation of the mineral;
e detector efficiency; G one number for the instrument. Under each line lies the tube continuum
that the section and the silica slide behind it scatter into the line's window, with the coherent
and incoherent cross-sections (the slide's own Si line is too soft to come through the section).
Attenuation, edges, yields and lines: Elam, Ravel & Sieber 2002 (Radiat. Phys. Chem. 63, 121) as
tabulated in xraydb.

Tube, optics and detector are those of a table-top micro-XRF (rhodium tube at 50 kV, polycapillary,
silicon drift detector, vacuum). Their few constants are our choice and of the right order of
magnitude, because only the ratios between elements matter here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import xraydb
from numpy.typing import NDArray
from scipy.special import ndtr

from napari_mineral_anomaly.scan.names.formulas import mass_fractions
from napari_mineral_anomaly.scan.spectra.lines import FANO, FWHM_PER_SIGMA, NOISE_EV, PAIR_EV
from napari_mineral_anomaly.simulate.minerals import MINERALS, Mineral

Floats = NDArray[np.float64]

TUBE_EV = 50_000.0
STEP_EV = 100.0
# Rhodium K-alpha and L-alpha, and their shares of all tube photons.
TUBE_LINES_EV = {20_216.0: 0.05, 2_697.0: 0.05}
# A polycapillary transmits less at high energies: half at this energy, a fifth at twice it.
OPTIC_HALF_EV = 15_000.0
SIN_INCIDENCE = SIN_TAKEOFF = float(np.sin(np.radians(50.0)))
SECTION_CM = 30e-4  # standard thin section, 30 µm
SLIDE_CM, SLIDE_DENSITY, SLIDE_FORMULA = 0.1, 2.2, "SiO2"
BERYLLIUM_CM, BERYLLIUM_DENSITY = 8e-4, 1.848
SILICON_CM, SILICON_DENSITY = 450e-4, 2.33
# G is set by one number: Fe K counts per millisecond from a thin section of magnetite.
MAGNETITE_FE_PER_MS = 40.0

# Heavier elements are measured on their L lines, because their K lines lie above the range of the
# optic.
LAST_K_ELEMENT = 42


@dataclass(frozen=True)
class Line:
    """The line family by which an element is mapped.

    ``shell`` is ``"K"`` or ``"L3"``, ``energy`` the mean energy (eV) and ``share`` the part of
    the shell's emission that the family (K-alpha or L-alpha) carries.
    """

    element: str
    shell: str
    energy: float
    share: float


@cache
def analytical_line(element: str) -> Line:
    """The K-alpha (up to Mo) or L-alpha family of an element."""
    shell, family = ("K", "Ka") if xraydb.atomic_number(element) <= LAST_K_ELEMENT else ("L3", "La")
    _, energy, share = xraydb.fluor_yield(element, shell, family, TUBE_EV)
    return Line(element, shell, float(energy), float(share))


def count_rates(mineral: Mineral, elements: Sequence[str], share: float | None = None) -> Floats:
    """Expected counts per millisecond (n_elements,) from a pixel filled with one mineral.

    Parameters
    ----------
    mineral : Mineral
    elements : sequence of str
        Mapped elements, in the order of the result.
    share : float, optional
        Molar share of the mineral's second end member; default its mean.
    """
    fractions = mineral.mass_fractions(share)
    return _instrument_constant() * (
        fluorescence(fractions, mineral.density, elements)
        + scattered_continuum(fractions, mineral.density, elements)
    )


def fluorescence(fractions: Mapping[str, float], density: float, elements: Sequence[str]) -> Floats:
    """Fluorescence (n_elements,) of a thin section, in units of the instrument constant."""
    energies, photons = tube_spectrum()
    mass_per_area = density * SECTION_CM
    entering = _attenuation(fractions, energies) / SIN_INCIDENCE
    intensities = np.zeros(len(elements))
    for index, element in enumerate(elements):
        fraction = fractions.get(element, 0.0)
        if fraction > 0:
            line = analytical_line(element)
            at_line = np.array([line.energy])
            chi = entering + _attenuation(fractions, at_line) / SIN_TAKEOFF
            excited = np.sum(photons * _shell_absorption(element) * _layer(chi, mass_per_area))
            emitted = fraction * xraydb.xray_edge(element, line.shell).fyield * line.share
            intensities[index] = emitted * excited * detector_efficiency(at_line)[0]
    return intensities


def scattered_continuum(
    fractions: Mapping[str, float], density: float, elements: Sequence[str]
) -> Floats:
    """Tube continuum scattered into each line's window, in units of the instrument constant."""
    centres = np.array([analytical_line(element).energy for element in elements])
    # A window of one full width at half maximum, as usual for region-of-interest maps.
    photons = _continuum(centres) * resolution_fwhm(centres) / STEP_EV
    chi = _attenuation(fractions, centres) * (1 / SIN_INCIDENCE + 1 / SIN_TAKEOFF)
    mass_per_area = density * SECTION_CM
    from_section = _scatter(fractions, centres) * _layer(chi, mass_per_area)
    slide = mass_fractions(SLIDE_FORMULA)
    behind = _attenuation(slide, centres) * (1 / SIN_INCIDENCE + 1 / SIN_TAKEOFF)
    from_slide = _scatter(slide, centres) * _layer(behind, SLIDE_DENSITY * SLIDE_CM)
    through = np.exp(-chi * mass_per_area)
    return photons * (from_section + from_slide * through) * detector_efficiency(centres)


def line_overlap(element: str, source: str) -> float:
    """Counts of ``source`` in the window of ``element``, per count of ``source`` in its own line.

    The peaks are Gaussians of the detector's width. The window is one full width at half maximum
    wide, around the line of ``element``. The lines are those of the shell by which ``source`` is
    mapped.

    Examples
    --------
    More than half of Ti K-alpha (4.51 keV) falls into the window of Ba L-alpha (4.47 keV):

    >>> round(line_overlap("Ba", "Ti"), 1)
    0.6
    """
    target, origin = analytical_line(element), analytical_line(source)
    half = 0.5 * resolution_fwhm(np.array([target.energy]))[0]
    inside = 0.0
    for line in xraydb.xray_lines(source, initial_level=origin.shell).values():
        sigma = resolution_fwhm(np.array([line.energy]))[0] / FWHM_PER_SIGMA
        low, high = (target.energy - half - line.energy, target.energy + half - line.energy)
        inside += line.intensity * (ndtr(high / sigma) - ndtr(low / sigma))
    return float(inside / origin.share)


def resolution_fwhm(energy: Floats) -> Floats:
    """Full width at half maximum (eV) of a line at ``energy`` (eV) in a silicon drift detector."""
    width: Floats = np.sqrt(NOISE_EV**2 + FWHM_PER_SIGMA**2 * FANO * PAIR_EV * energy)
    return width


def detector_efficiency(energy: Floats) -> Floats:
    """Share of photons that pass the beryllium window and stop in the silicon."""
    window = xraydb.mu_elam("Be", energy) * BERYLLIUM_DENSITY * BERYLLIUM_CM
    crystal = xraydb.mu_elam("Si", energy, kind="photo") * SILICON_DENSITY * SILICON_CM
    efficiency: Floats = np.exp(-window) * -np.expm1(-crystal)
    return efficiency


@cache
def tube_spectrum() -> tuple[Floats, Floats]:
    """Energies (eV) and relative photons on the sample: Kramers' continuum plus tube lines."""
    energies = np.arange(1_000.0, TUBE_EV, STEP_EV)
    photons = _continuum(energies)
    total = photons.sum()
    for energy, share in TUBE_LINES_EV.items():
        photons[np.argmin(np.abs(energies - energy))] += share * total
    return energies, photons


def _continuum(energy: Floats) -> Floats:
    return (TUBE_EV - energy) / energy / (1.0 + (energy / OPTIC_HALF_EV) ** 2)


def _layer(chi: Floats, mass_per_area: float) -> Floats:
    """Effective mass per area (g/cm²) of a layer at a total attenuation chi (cm²/g)."""
    depth: Floats = -np.expm1(-chi * mass_per_area) / chi
    return depth


def _attenuation(fractions: Mapping[str, float], energy: Floats) -> Floats:
    return _mixture(fractions, energy, "total")


def _scatter(fractions: Mapping[str, float], energy: Floats) -> Floats:
    return _mixture(fractions, energy, "coh") + _mixture(fractions, energy, "incoh")


def _mixture(fractions: Mapping[str, float], energy: Floats, kind: str) -> Floats:
    """Mass coefficient (cm²/g) of a mixture: the mass-weighted sum over its elements."""
    key = tuple(energy)
    total = np.zeros(energy.size)
    for element, fraction in fractions.items():
        total += fraction * _coefficient(element, key, kind)
    return total


@cache
def _coefficient(element: str, energy: tuple[float, ...], kind: str) -> Floats:
    mu: Floats = xraydb.mu_elam(element, np.array(energy), kind=kind)
    return mu


@cache
def _shell_absorption(element: str) -> Floats:
    """Photoabsorption (cm²/g) of the mapped shell on the tube's energies, by jump ratios."""
    energies, _ = tube_spectrum()
    edges = xraydb.xray_edges(element)
    shell = analytical_line(element).shell
    part = np.where(energies > edges[shell].energy, 1.0 - 1.0 / edges[shell].jump_ratio, 0.0)
    # Every deeper shell that a photon can ionise absorbs its part first.
    for deeper in ("K", "L1", "L2")[: 0 if shell == "K" else 3]:
        part = np.where(energies > edges[deeper].energy, part / edges[deeper].jump_ratio, part)
    absorption: Floats = part * xraydb.mu_elam(element, energies, kind="photo")
    return absorption


@cache
def _instrument_constant() -> float:
    magnetite = MINERALS["magnetite"]
    signal = fluorescence(magnetite.mass_fractions(), magnetite.density, ("Fe",))[0]
    return float(MAGNETITE_FE_PER_MS / signal)
