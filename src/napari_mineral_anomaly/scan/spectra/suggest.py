"""Suggest the elements that a sum spectrum shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra.background import continuum
from napari_mineral_anomaly.scan.spectra.beam import Beam, as_beam
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.excitation import find_beam
from napari_mineral_anomaly.scan.spectra.lines import (
    MainLine,
    family,
    fwhm_kev,
    mapped_line,
)
from napari_mineral_anomaly.scan.spectra.peak_model import (
    LOWEST_KEV,
    Floats,
    PeakFit,
    fit_peaks,
)
from napari_mineral_anomaly.scan.spectra.windows import window_around

# A peak shows an element if its net counts are at least this many standard errors.
LEAST_SIGNIFICANCE = 6.0
# The standard error includes, beside counting statistics, these parts of the continuum and of
# foreign peaks under the line, because neither is known exactly.
_CONTINUUM_ERROR, _FOREIGN_ERROR = 0.02, 0.10
# Peaks are not Gaussian at their feet (charge is lost in the detector): this part of the height of
# any peak within 2.5 FWHM may lie under a line.
_TAIL_ERROR, _TAIL_FWHM = 0.003, 2.5
# Largest distance between a peak and its line, in FWHM.
_OFF_CENTRE = 0.25
# A hump of the continuum is as high beside a line as at the line; a peak is not. 1.3 FWHM beside
# the line, the height must be lower by this part, and by this many standard errors of counting.
_CONTRAST, _LEAST_CONTRAST = 0.6, 4.0
# A second line must have at least this part of the counts that follow from the first line.
_SECOND_LINE_SHARE = 0.4
_ROUNDS = 60
# Below oxygen, the detector's window and threshold change the spectrum more than the sample does:
# boron, carbon and nitrogen are mapped only if the user names them.
LOWEST_LINE_KEV = 0.45

# Air and tube anodes: fitted where they explain a peak, but never suggested unless the file or the
# user names them. Elements that do not occur in rocks are fitted only if they are named.
_NEVER_SUGGESTED = frozenset(("Ar", "Rh", "Pd"))
_NOT_IN_ROCKS = frozenset(
    ("H", "He", "Li", "Be", "Ne", "Kr", "Xe", "Tc", "Pm", *SYMBOLS[83:89], "Pa", *SYMBOLS[92:])
)


@dataclass(frozen=True)
class Suggestion:
    """One element of a sum spectrum.

    Attributes
    ----------
    element : str
    line : str
        "Ka", "La" or "Ma".
    significance : float
        Net counts in the line's window, minus those of other elements, in standard errors. It can
        be negative for elements that the file declares, which are always listed.
    declared : bool
        Whether the file lists the element.
    """

    element: str
    line: str
    significance: float
    declared: bool = False


@dataclass(frozen=True)
class SumAnalysis:
    """The result of the analysis of a sum spectrum.

    Attributes
    ----------
    suggestions : tuple of Suggestion
        By atomic number.
    fit : PeakFit
        Under the calibration that fits best, which may differ from the given one.
    """

    suggestions: tuple[Suggestion, ...]
    fit: PeakFit


def suggest_elements(
    sum_spectrum: Floats,
    energy: EnergyAxis,
    declared: Sequence[str] = (),
    beam: Beam | float | None = None,
) -> list[Suggestion]:
    """The elements that a sum spectrum (E,) shows, and those that the file declares.

    Peaks are explained one by one, the strongest first, each by the element whose main line is at
    its place (K before L before M) and whose other lines are present too. After each step all
    elements found so far are fitted together again, so that K-beta of iron is not taken for cobalt,
    and an escape or sum peak not for an element.

    Parameters
    ----------
    sum_spectrum : (E,) float64
    energy : EnergyAxis
    declared : sequence of str
    beam : Beam or float, optional
        The beam, or the voltage of a tube or microscope in kV; default: what the spectrum tells
        (`find_beam`).

    Returns
    -------
    list of Suggestion
        By atomic number.
    """
    return list(analyse_sum(sum_spectrum, energy, declared, beam).suggestions)


def analyse_sum(
    sum_spectrum: Floats,
    energy: EnergyAxis,
    declared: Sequence[str] = (),
    beam: Beam | float | None = None,
) -> SumAnalysis:
    """`suggest_elements` with the fit behind it; same parameters."""
    spectrum = np.asarray(sum_spectrum, dtype=np.float64)
    excitation = find_beam(spectrum, energy) if beam is None else as_beam(beam)
    background = continuum(spectrum, energy)
    lines = {
        symbol: line
        for symbol in SYMBOLS[:98]
        if (symbol in declared or symbol not in _NOT_IN_ROCKS)
        and (line := mapped_line(symbol, energy, excitation)) is not None
        and line.kev > LOWEST_LINE_KEV
    }
    first = fit_peaks(spectrum, background, energy, (), excitation)
    rough = _explain(first, lines, excitation)
    tuned = _calibrated(rough, lines, excitation)
    fit = _explain(replace(tuned, own={}), lines, excitation)
    significance = {
        symbol: _significance(fit, line, symbol)
        for symbol, line in lines.items()
        if symbol in fit.own or symbol in declared
    }
    suggestions = [
        Suggestion(symbol, lines[symbol].name, value, declared=symbol in declared)
        for symbol, value in significance.items()
        if symbol in declared or (value >= LEAST_SIGNIFICANCE and symbol not in _NEVER_SUGGESTED)
    ]
    suggestions.sort(key=lambda suggestion: SYMBOLS.index(suggestion.element))
    return SumAnalysis(tuple(suggestions), fit)


def _explain(start: PeakFit, lines: dict[str, MainLine], beam: Beam) -> PeakFit:
    """Add one element after the other, until no clear peak is left."""
    found: list[str] = []
    rejected: set[str] = set()
    fit = _refitted(replace(start, own={}), (), beam)
    for _ in range(_ROUNDS):
        best = _best_candidate(fit, lines, beam, {*found, *rejected})
        if best is None:
            break
        found.append(best)
        fit = _refitted(fit, found, beam)
        lost = [s for s in found if _significance(fit, lines[s], s) < LEAST_SIGNIFICANCE]
        if lost:
            rejected.update(lost)
            found = [symbol for symbol in found if symbol not in lost]
            fit = _refitted(fit, found, beam)
    return fit


def _refitted(fit: PeakFit, elements: Sequence[str], beam: Beam) -> PeakFit:
    pile_up = np.sum(list(fit.own.values()), axis=0) if fit.own else None
    return fit_peaks(
        fit.spectrum,
        fit.background,
        fit.energy,
        elements,
        beam,
        scale=fit.scale,
        pile_up=pile_up,
    )


def _best_candidate(
    fit: PeakFit, lines: dict[str, MainLine], beam: Beam, without: set[str]
) -> str | None:
    """The element that explains the strongest remaining peak."""
    options = []
    for symbol, line in lines.items():
        if symbol in without:
            continue
        value = _significance(fit, line, symbol)
        if value >= LEAST_SIGNIFICANCE and _is_peak(fit, line) and _shows_others(fit, line, beam):
            options.append((value, symbol))
    if not options:
        return None
    strongest = lines[max(options)[1]]
    reach = 0.5 * float(fwhm_kev(strongest.kev))
    rivals = [
        (lines[symbol].shell, -value, symbol)
        for value, symbol in options
        if abs(lines[symbol].kev - strongest.kev) <= reach
    ]
    return min(rivals)[2]  # "K" < "L" < "M"


def _window(line: MainLine, energy: EnergyAxis) -> slice:
    return energy.channel_range(*window_around(line.kev))


def _significance(fit: PeakFit, line: MainLine, symbol: str) -> float:
    """Net counts of a line that no other element explains, in standard errors."""
    at = _window(line, fit.energy)
    foreign = fit.model - fit.own[symbol] if symbol in fit.own else fit.model
    gross = float(fit.spectrum[at].sum())
    under = float(fit.background[at].sum())
    others = float(foreign[at].sum())
    reach = _TAIL_FWHM * float(fwhm_kev(line.kev))
    beside = fit.energy.channel_range(line.kev - reach, line.kev + reach)
    tails = _TAIL_ERROR * float(foreign[beside].max(initial=0.0)) * (at.stop - at.start)
    doubts = (_CONTINUUM_ERROR * under, _FOREIGN_ERROR * others, tails)
    error = np.sqrt(max(gross, 1.0) + sum(doubt**2 for doubt in doubts))
    return (gross - under - others) / float(error)


def _is_peak(fit: PeakFit, line: MainLine) -> bool:
    """Whether the remaining counts at a line form a peak with its centre there."""
    reach = 0.8 * float(fwhm_kev(line.kev))
    near = fit.energy.channel_range(line.kev - reach, line.kev + reach)
    left = np.maximum(fit.left[near], 0.0)
    if near.stop - near.start < 3 or left.sum() <= 0:
        return False
    kev = fit.energy.channels_to_kev(np.arange(near.start, near.stop))
    centre = float((left * kev).sum() / left.sum())
    if abs(centre - line.kev) > _OFF_CENTRE * float(fwhm_kev(line.kev)):
        return False
    at = _window(line, fit.energy)
    n = at.stop - at.start
    starts = (max(0, at.start - n), at.stop + n // 2)
    beside = np.concatenate([np.arange(start, start + n // 2) for start in starts])
    beside = beside[beside < fit.left.size]
    height, foot = float(fit.left[at].mean()), float(fit.left[beside].mean())
    noise = fit.spectrum[at].sum() / n**2 + fit.spectrum[beside].sum() / beside.size**2
    return height - foot >= max(_CONTRAST * height, _LEAST_CONTRAST * float(np.sqrt(noise)))


def _shows_others(fit: PeakFit, line: MainLine, beam: Beam) -> bool:
    """Whether the other strong lines of the shell are present, too."""
    at = _window(line, fit.energy)
    main = float(fit.left[at].sum())
    members = family(line.element, line.shell, beam.kev)
    own = sum(m.intensity for m in members if abs(m.kev - line.kev) < 0.3 * float(fwhm_kev(m.kev)))
    for other in members:
        width = float(fwhm_kev(other.kev))
        apart = abs(other.kev - line.kev)
        top = fit.energy.range_kev[1]
        if other.intensity < 0.1 or apart < 1.2 * width or not LOWEST_KEV < other.kev < top:
            continue
        window = _window(MainLine(line.element, other.name, other.kev), fit.energy)
        expected = main * other.intensity / max(own, 1e-9)
        there = float((fit.spectrum - fit.background)[window].sum())
        noise = float(np.sqrt(max(fit.spectrum[window].sum(), 1.0)))
        noise = float(np.hypot(noise, _CONTINUUM_ERROR * fit.background[window].sum()))
        if there < _SECOND_LINE_SHARE * expected - 3.0 * noise:
            return False
    return True


def _calibrated(fit: PeakFit, lines: dict[str, MainLine], beam: Beam) -> PeakFit:
    """Fit offset, gain and peak width to the strong peaks; unchanged with fewer than two."""
    strong = [s for s in fit.own if _significance(fit, lines[s], s) >= 3 * LEAST_SIGNIFICANCE]
    if len(strong) < 2:
        return fit
    given = fit.energy
    cores = np.zeros(given.n_channels, dtype=bool)  # the feet of peaks are not Gaussian
    for symbol in strong:
        cores[_window(lines[symbol], given)] = True
    pile_up = np.sum(list(fit.own.values()), axis=0)

    def misfit(step: Floats) -> float:
        return refit(step).misfit

    def refit(step: Floats) -> PeakFit:
        energy = EnergyAxis(
            given.offset_kev + 0.01 * float(step[0]),
            given.gain_kev * (1 + 1e-3 * float(step[1])),
            given.n_channels,
        )
        width = float(np.clip(1 + 0.1 * step[2], 0.6, 2.0))
        return fit_peaks(
            fit.spectrum,
            fit.background,
            energy,
            strong,
            beam,
            scale=width,
            pile_up=pile_up,
            where=cores,
        )

    simplex = np.array([[0, 0, 0], [1, 0, 0], [0, 3, 0], [0, 0, 1]], dtype=float)
    best = minimize(
        misfit,
        np.zeros(3),
        method="Nelder-Mead",
        options={
            "initial_simplex": simplex,
            "maxfev": 120,
            "xatol": 0.01,
            "fatol": 1e-3,
        },
    )
    return refit(best.x)
