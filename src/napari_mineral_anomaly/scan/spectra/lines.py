"""X-ray lines of the elements: energies and relative intensities, from xraydb.

Energies, yields, jump ratios and branching ratios are those of Elam, Ravel & Sieber 2002 (Radiat.
Phys. Chem. 63, 121) as tabulated in xraydb. This module has no numbers for single elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra.beam import Beam, as_beam
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis

if TYPE_CHECKING:
    from xraydb.xraydb import XrayEdge, XrayLine

# A table-top micro-XRF tube; used where neither the file nor the spectrum gives the voltage.
DEFAULT_BEAM_KEV = 50.0
# A tube or an electron beam excites a shell from this ratio of its energy to the edge on: close to
# the edge, few of its photons (or electrons) can still ionise the shell. Photons of one energy
# ionise a shell best just above its edge, so that no such ratio holds for them.
OVERVOLTAGE = 1.4
# From here on K lines lie above 25 keV, where thin sections and silicon detectors are transparent:
# the L lines are measured instead (Z = 50 is tin).
FIRST_L_ELEMENT = 50
# Weaker lines (relative to the strongest of their shell) are left out everywhere.
WEAKEST_LINE = 0.01
# Energy resolution of a silicon drift detector, full width at half maximum: electronic noise, Fano
# factor, eV per electron-hole pair. 132 eV at Mn K-alpha.
NOISE_EV, FANO, PAIR_EV = 60.0, 0.115, 3.65
FWHM_PER_SIGMA = 2.3548  # of a Gaussian

_SHELLS = ("K", "L", "M")
_LEVELS = {
    "K": ("K",),
    "L": ("L1", "L2", "L3"),
    "M": ("M1", "M2", "M3", "M4", "M5"),
}
# The lines that form the peak by which an element is mapped.
_MAIN_LINES = {"K": ("Ka1", "Ka2", "Ka3"), "L": ("La1", "La2"), "M": ("Ma",)}


@dataclass(frozen=True)
class MainLine:
    """The peak by which an element is mapped: Ka, La or Ma at the mean energy of its lines."""

    element: str
    name: str
    kev: float

    @property
    def shell(self) -> str:
        """The shell: K, L or M."""
        return self.name[0]


@dataclass(frozen=True)
class EmissionLine(MainLine):
    """One X-ray line.

    Attributes
    ----------
    element : str
        Symbol.
    name : str
        Siegbahn name: "Ka1", "Lb1", "Ma".
    kev : float
        Energy in keV.
    intensity : float
        Relative to the strongest line of the same shell (K, L or M) of the element, at the given
        excitation, before any absorption: 0 to 1.
    """

    intensity: float


def fwhm_kev(kev: ArrayLike) -> NDArray[np.float64]:
    """Full width at half maximum (keV) of a peak at ``kev`` in a silicon drift detector.

    FWHM^2 = noise^2 + 8 ln 2 * F * e * E, the usual law of semiconductor detectors.
    """
    ev = 1000.0 * np.asarray(kev, dtype=np.float64)
    square = NOISE_EV**2 + FWHM_PER_SIGMA**2 * FANO * PAIR_EV * np.maximum(ev, 0.0)
    return np.asarray(np.sqrt(square) / 1000.0)


@cache
def element_lines(
    symbol: str, excitation_kev: float = DEFAULT_BEAM_KEV
) -> tuple[EmissionLine, ...]:
    """The K, L and M lines of an element that radiation up to some energy excites.

    A line's intensity is (share of the absorptions in the line's level) x (fluorescence yield) x
    (branching ratio). The share follows from the jump ratios of the edges below the excitation
    energy. Cascades between shells and Coster-Kronig transitions are left out (they change the
    ratios of the L lines by tens of per cent).

    Parameters
    ----------
    symbol : str
    excitation_kev : float
        Highest energy of the tube or beam in keV.

    Returns
    -------
    tuple of EmissionLine
        In order of energy; lines weaker than 1 % of the strongest of their shell are left out.

    Raises
    ------
    InputError
        When ``symbol`` is not an element with X-ray lines.
    """
    if symbol not in SYMBOLS[:98]:  # xraydb ends with californium
        raise InputError(f"{symbol!r} is not a chemical element with known X-ray lines.")
    edges = _edges(symbol)
    weights = _vacancies(edges, excitation_kev)
    strengths: dict[str, float] = {}
    energies: dict[str, float] = {}
    for name, line in _lines(symbol).items():
        levels = _levels_of(line.initial_level)
        weight = sum(weights.get(level, 0.0) for level in levels) / max(1, len(levels))
        if name[0] in _SHELLS and weight > 0 and line.intensity > 0:
            strengths[name] = float(weight * line.intensity)
            energies[name] = float(line.energy) / 1000.0
    found = []
    for shell in _SHELLS:
        strongest = max((s for n, s in strengths.items() if n[0] == shell), default=0.0)
        found += [
            EmissionLine(symbol, name, energies[name], strength / strongest)
            for name, strength in strengths.items()
            if name[0] == shell and strength >= WEAKEST_LINE * strongest
        ]
    return tuple(sorted(found, key=lambda line: line.kev))


@cache
def main_lines(symbol: str, beam: Beam | float = DEFAULT_BEAM_KEV) -> tuple[MainLine, ...]:
    """The Ka, La and Ma peaks of an element that the beam excites well, K first."""
    beam = as_beam(beam)
    least = 1.0 if beam.is_monochromatic else OVERVOLTAGE
    found = []
    edges = _edges(symbol) if symbol in SYMBOLS[:98] else {}
    lines = element_lines(symbol, beam.kev)
    for shell in _SHELLS:
        main = [line for line in lines if line.name in _MAIN_LINES[shell]]
        lowest = edges.get(_LEVELS[shell][-1])
        if not main or lowest is None or lowest.energy * least > 1000.0 * beam.kev:
            continue
        total = sum(line.intensity for line in main)
        mean = sum(line.kev * line.intensity for line in main) / total
        found.append(MainLine(symbol, f"{shell}a", mean))
    return tuple(found)


def mapped_line(
    symbol: str, energy: EnergyAxis | None = None, beam: Beam | float | None = None
) -> MainLine | None:
    """The peak by which an element is mapped; None when the spectrum cannot show it.

    K-alpha below tin, L-alpha from tin on, M-alpha where the beam is too weak for the L shell. The
    beam must excite it (edge at most beam / 1.4, or below the beam where that is monochromatic),
    and its whole width must lie in the spectrum.

    Parameters
    ----------
    symbol : str
    energy : EnergyAxis, optional
        The spectrum's range; default unlimited.
    beam : Beam or float, optional
        The beam, or the voltage of a tube or microscope in kV; default 50 kV, or the top of the
        spectrum where that is lower.
    """
    lines = main_lines(symbol, beam_or_default(energy, beam))
    if energy is not None:
        low, high = energy.range_kev
        reach = {line.name: 0.6 * float(fwhm_kev(line.kev)) for line in lines}
        lines = tuple(
            line
            for line in lines
            if line.kev - reach[line.name] >= low and line.kev + reach[line.name] <= high
        )
    late = SYMBOLS.index(symbol) + 1 >= FIRST_L_ELEMENT
    ordered = sorted(lines, key=lambda line: (late and line.shell == "K", -line.kev))
    return ordered[0] if ordered else None


def family(
    symbol: str, shell: str, excitation_kev: float = DEFAULT_BEAM_KEV
) -> tuple[EmissionLine, ...]:
    """The lines of one shell (K, L or M) of an element."""
    return tuple(line for line in element_lines(symbol, excitation_kev) if line.shell == shell)


def beam_or_default(energy: EnergyAxis | None, beam: Beam | float | None) -> Beam:
    """The beam; where it is not known a tube of 50 kV, or of the top of the spectrum."""
    if beam is not None:
        return as_beam(beam)
    return Beam(DEFAULT_BEAM_KEV if energy is None else min(DEFAULT_BEAM_KEV, energy.range_kev[1]))


def _edges(symbol: str) -> dict[str, XrayEdge]:
    # xraydb is imported late: it takes half a second, and opening a scan does not need it.
    import xraydb

    return dict(xraydb.xray_edges(symbol))


def _lines(symbol: str) -> dict[str, XrayLine]:
    import xraydb

    return dict(xraydb.xray_lines(symbol))


def _vacancies(edges: dict[str, XrayEdge], kev: float) -> dict[str, float]:
    """(share of the absorptions) x (fluorescence yield) of each K, L and M level."""
    reached: Sequence[tuple[str, XrayEdge]] = sorted(
        ((name, edge) for name, edge in edges.items() if 0 < edge.energy < 1000.0 * kev),
        key=lambda item: -item[1].energy,
    )
    left = 1.0
    weights = {}
    for name, edge in reached:
        if edge.jump_ratio > 1:
            weights[name] = left * (1.0 - 1.0 / edge.jump_ratio) * float(edge.fyield)
            left /= float(edge.jump_ratio)
    return weights


def _levels_of(initial: str) -> tuple[str, ...]:
    """The levels of a transition; xraydb writes two as "M4,5"."""
    if "," not in initial:
        return (initial,)
    shell, numbers = initial[0], initial[1:].split(",")
    return tuple(shell + number for number in numbers)
