"""Energy windows of the elements: channels for the counts, and for the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.spectra.beam import Beam
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.lines import (
    FWHM_PER_SIGMA,
    EmissionLine,
    MainLine,
    beam_or_default,
    element_lines,
    fwhm_kev,
    main_lines,
    mapped_line,
)
from napari_mineral_anomaly.scan.spectra.scatter import scatter_lines

# Width of a window in FWHM. At 1.2 signal / sqrt(background) of a Gaussian peak is highest; the
# window holds 84 % of the peak.
WINDOW_FWHM = 1.2
# Width of a background region; its nearest and farthest distance from the line, centre to centre.
SIDE_FWHM = 0.6
_NEAREST_FWHM, _FARTHEST_FWHM, _STEP_FWHM = 1.4, 4.0, 0.1
# Cost of a step away from the line, relative to a whole foreign peak in the region (our choice: a
# region moves four steps to avoid a tenth of a peak).
_STEP_COST = 0.025

Interval = tuple[float, float]


@dataclass(frozen=True)
class ElementWindow:
    """The window and the background regions of one element.

    Attributes
    ----------
    element : str
        Symbol.
    line : str
        "Ka", "La" or "Ma".
    low_kev, high_kev : float
        The window, [low, high).
    left, right : (float, float) or None
        Background regions in keV; None where the spectrum ends too early on that side.
    line_kev : float
        Energy of the line.
    """

    element: str
    line: str
    low_kev: float
    high_kev: float
    left: Interval | None
    right: Interval | None
    line_kev: float


def element_windows(
    elements: Sequence[str], energy: EnergyAxis, beam: Beam | float | None = None
) -> list[ElementWindow]:
    """Windows of some elements, each at a line that the beam excites and the detector shows.

    A window is 1.2 FWHM wide. It has a background region on both sides, as near as the lines of
    the other elements in the list allow.

    Parameters
    ----------
    elements : sequence of str
        Symbols ("Fe"), or symbols with a line ("Pb Ma") to choose another line.
    energy : EnergyAxis
    beam : Beam or float, optional
        The beam, or the voltage of a tube or microscope in kV; default 50 kV, or the top of the
        spectrum where that is lower.

    Returns
    -------
    list of ElementWindow
        In the order given.

    Raises
    ------
    InputError
        For names that are not elements, elements given twice, and elements without a line in the
        spectrum (the sentence names them).
    """
    if not elements:
        raise InputError("No element is given: name the elements to map, for example Fe,Ca,Ti.")
    lines = [_line_of(name, energy, beam) for name in elements]
    given = [f"{line.element} {line.name}" for line in lines]
    if twice := sorted({name for name in given if given.count(name) > 1}):
        raise InputError(f"Elements must be given once each; given twice: {', '.join(twice)}.")
    excitation = beam_or_default(energy, beam)
    foreign = [
        line
        for symbol in dict.fromkeys(line.element for line in lines)
        for line in element_lines(symbol, excitation.kev)
    ]
    foreign += scatter_lines(excitation)
    return [_window(line, energy, foreign) for line in lines]


def _line_of(name: str, energy: EnergyAxis, beam: Beam | float | None) -> MainLine:
    [parsed] = parse_names([name])
    if parsed.element is None or parsed.oxide is not None:
        raise InputError(f"{name!r} is not a chemical element; give symbols, for example Fe,Ca,Ti.")
    symbol = parsed.element
    low, high = energy.range_kev
    if parsed.line is None:
        line = mapped_line(symbol, energy, beam)
    else:
        options = main_lines(symbol, beam_or_default(energy, beam))
        inside = (line for line in options if low <= line.kev <= high)
        line = next((line for line in inside if line.shell == parsed.line[0]), None)
    if line is None:
        excitation = beam_or_default(energy, beam)
        hint = "; another beam is given with --beam-energy" if excitation.source != "typed" else ""
        raise InputError(
            f"{name} has no line that this spectrum can show ({low:.2f} to {high:.2f} keV, excited "
            f"with {excitation.kev:g} keV): leave it out{hint}."
        )
    return line


def window_around(kev: float) -> Interval:
    """The window (low, high) in keV of a line at ``kev``, 1.2 FWHM wide."""
    half = 0.5 * WINDOW_FWHM * float(fwhm_kev(kev))
    return kev - half, kev + half


def _window(line: MainLine, energy: EnergyAxis, foreign: Sequence[EmissionLine]) -> ElementWindow:
    low, high = window_around(line.kev)
    return ElementWindow(
        element=line.element,
        line=line.name,
        low_kev=low,
        high_kev=high,
        left=_side(line, energy, foreign, -1),
        right=_side(line, energy, foreign, +1),
        line_kev=line.kev,
    )


def _side(
    line: MainLine, energy: EnergyAxis, foreign: Sequence[EmissionLine], sign: int
) -> Interval | None:
    """The place with the lowest cost for a background region on one side of a line."""
    fwhm = float(fwhm_kev(line.kev))
    half = 0.5 * SIDE_FWHM * fwhm
    low, high = energy.range_kev
    steps = np.arange(_NEAREST_FWHM, _FARTHEST_FWHM, _STEP_FWHM)
    centres = line.kev + sign * steps * fwhm
    centres = centres[(centres - half >= low) & (centres + half <= high)]
    if centres.size == 0:
        return None
    cost = _STEP_COST * np.arange(centres.size)
    if foreign:
        kev = np.array([other.kev for other in foreign])[:, None]
        intensity = np.array([other.intensity for other in foreign])
        cost = cost + intensity @ peak_share(kev, (centres - half, centres + half))
    centre = float(centres[np.argmin(cost)])
    return centre - half, centre + half


def peak_share(kev: ArrayLike, region: tuple[ArrayLike, ArrayLike]) -> NDArray[np.float64]:
    """Share of a Gaussian peak at ``kev``, of the detector's width, that lies in ``region``."""
    sigma = fwhm_kev(kev) / FWHM_PER_SIGMA
    low, high = (np.subtract(edge, kev, dtype=np.float64) / sigma for edge in region)
    return np.asarray(ndtr(high) - ndtr(low))
