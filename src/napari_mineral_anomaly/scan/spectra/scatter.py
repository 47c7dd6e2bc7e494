"""The scattered beam in a spectrum: the elastic and the Compton peak of photons of one energy.

They stand in every spectrum that a monochromatic beam excites, often as its strongest peaks, and
belong to no element. A tube or an electron beam has none at its end: there its continuum is zero
(Duane-Hunt law). So a peak at the energy of the beam proves that the beam is monochromatic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra.background import continuum
from napari_mineral_anomaly.scan.spectra.beam import Beam, compton_kev
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.lines import (
    FWHM_PER_SIGMA,
    EmissionLine,
    family,
    fwhm_kev,
)

Floats = NDArray[np.float64]

# Angles under which detectors look at a sample, in degrees; at a beamline mostly 90.
COMPTON_ANGLES = (45.0, 70.0, 90.0, 110.0, 130.0, 150.0)
# Width of a Compton peak, from the motion of the electrons: part of the energy of the photon (about
# 0.15 keV at 12.7 keV in light matter).
COMPTON_WIDTH = 0.012
# How far an elastic peak may stand from the energy given for the beam (calibrations are not exact).
_NEAR_KEV = 0.15
# An elastic peak has at least this part of all counts, and so many standard errors. Where the
# energy of the beam is not known, it must have more: sum peaks have up to half a per cent.
_LEAST_SHARE, _LEAST_SHARE_UNKNOWN, _LEAST_SIGNIFICANCE = 3e-4, 0.01, 10.0
# It is so many times as high as the spectrum between it and the lines, below its Compton peak.
_STANDS_OUT = 3.0
# Above it are only sum peaks: at most these parts of its counts and of all counts.
_ABOVE_OF_PEAK, _ABOVE_OF_ALL = 0.08, 1e-3
# Counts of the Compton peak relative to the elastic peak; charge that is lost in the detector makes
# at most a few per cent.
_LEAST_COMPTON = 0.15
_SMOOTH_FWHM = 0.3
# The upper flank of the elastic peak, where the Compton peak does not reach: a Gaussian falls to
# 5 % of its height at 1.04 FWHM above its centre.
_FLANK, _FLANK_FWHM = 0.05, 1.04
# Softer beams are not searched for: below, Compton and elastic peak are one.
_LOWEST_BEAM_KEV = 4.0


def scatter_lines(beam: Beam) -> list[EmissionLine]:
    """The elastic peak, and the Compton peak as lines at several angles; none for other beams."""
    if not beam.is_monochromatic:
        return []
    compton = [
        EmissionLine("", "Compton", compton_kev(beam.kev, angle), 0.5) for angle in COMPTON_ANGLES
    ]
    return [EmissionLine("", "elastic", beam.kev, 1.0), *compton]


def find_elastic_peak(
    spectrum: Floats, energy: EnergyAxis, near_kev: float | None = None
) -> float | None:
    """Energy (keV) of the elastic peak of a monochromatic beam; None where there is none.

    Parameters
    ----------
    spectrum : (E,) float64
        Sum spectrum.
    energy : EnergyAxis
    near_kev : float, optional
        The energy of the beam. Without it, the highest peak of the spectrum is taken if nothing but
        sum peaks lies above it, if no element explains it by a stronger line, and if it has a
        Compton peak.
    """
    seen = _seen(spectrum, energy)
    if near_kev is not None:
        reach = max(_NEAR_KEV, 0.75 * float(fwhm_kev(near_kev)))
        at = energy.channel_range(near_kev - reach, near_kev + reach)
        if at.stop - at.start < 3 or near_kev + reach > energy.range_kev[1]:
            return None
        top = at.start + int(np.argmax(seen.smooth[at]))
        return float(seen.kev[top]) if _stands_out(seen, top, _LEAST_SHARE) else None
    for top in _maxima_from_above(seen):
        if not _stands_out(seen, top, _LEAST_SHARE_UNKNOWN):
            continue
        kev = _from_upper_flank(seen, top)
        lonely = _is_last(seen, kev) and not _is_fluorescence(seen, top)
        return kev if lonely and _has_compton(seen, kev) else None
    return None


@dataclass(frozen=True)
class _Seen:
    """A spectrum (E,), smoothed, and without its continuum."""

    counts: Floats
    smooth: Floats
    net: Floats
    energy: EnergyAxis
    kev: Floats

    def between(self, low: float, high: float) -> slice:
        return self.energy.channel_range(low, high)


def _seen(spectrum: Floats, energy: EnergyAxis) -> _Seen:
    counts = np.maximum(np.asarray(spectrum, dtype=np.float64), 0.0)
    middle = float(fwhm_kev(0.5 * energy.range_kev[1])) / energy.gain_kev
    smooth = gaussian_filter1d(counts, _SMOOTH_FWHM * middle)
    return _Seen(counts, smooth, counts - continuum(counts, energy), energy, energy.kev)


def _maxima_from_above(seen: _Seen) -> list[int]:
    s = seen.smooth
    inside = np.flatnonzero((s[1:-1] > s[:-2]) & (s[1:-1] >= s[2:])) + 1
    return [int(i) for i in inside[::-1] if seen.kev[i] > _LOWEST_BEAM_KEV]


def _stands_out(seen: _Seen, top: int, least_share: float) -> bool:
    """Whether there is a peak, with little above it and a valley below its Compton peak."""
    kev = float(seen.kev[top])
    width = float(fwhm_kev(kev))
    peak = seen.between(kev - 0.6 * width, kev + 0.6 * width)
    above = seen.between(kev + 1.5 * width, kev + 4 * width)
    lowest = compton_kev(kev, COMPTON_ANGLES[-1])
    below = seen.between(lowest - 6 * width, lowest - width)
    if peak.stop - peak.start < 3 or below.stop <= below.start:
        return False
    level = float(seen.smooth[above].mean()) if above.stop > above.start else 0.0
    gross = float(seen.counts[peak].sum())
    net = gross - level * (peak.stop - peak.start)
    height = float(seen.smooth[top])
    return (
        net >= least_share * float(seen.counts.sum())
        and net >= _LEAST_SIGNIFICANCE * float(np.sqrt(max(gross, 1.0)))
        and height >= _STANDS_OUT * max(float(seen.smooth[below].min()), level)
    )


def _is_last(seen: _Seen, kev: float) -> bool:
    width = float(fwhm_kev(kev))
    peak = float(seen.counts[seen.between(kev - width, kev + width)].sum())
    above = float(seen.counts[seen.between(kev + 1.5 * width, np.inf)].sum())
    return above <= max(_ABOVE_OF_PEAK * peak, _ABOVE_OF_ALL * float(seen.counts.sum()))


def _is_fluorescence(seen: _Seen, top: int) -> bool:
    """Whether the peak may be a weaker line of an element whose other lines are there, too."""
    kev = float(seen.kev[top])
    here = _net_at(seen, kev)
    for symbol in SYMBOLS[5:92]:
        for shell in ("K", "L"):
            lines = family(symbol, shell, 2 * kev)
            near = [x for x in lines if abs(x.kev - kev) < 0.4 * float(fwhm_kev(kev))]
            share = sum(line.intensity for line in near)
            if not near or share < 0.03 or max(line.intensity for line in near) == 1.0:
                continue
            others = [line for line in lines if line.intensity >= 0.08 and line not in near]
            if all(_net_at(seen, x.kev) >= 0.4 * here * x.intensity / share for x in others):
                return True
    return False


def _from_upper_flank(seen: _Seen, top: int) -> float:
    """Energy of the elastic peak, also where its Compton peak runs into it."""
    low = np.flatnonzero(seen.smooth[top:] < _FLANK * seen.smooth[top])
    if low.size == 0:
        return float(seen.kev[top])
    # Smoothing makes the peak wider.
    width = float(fwhm_kev(seen.kev[top])) * float(np.hypot(1.0, FWHM_PER_SIGMA * _SMOOTH_FWHM))
    return max(float(seen.kev[top]), float(seen.kev[top + low[0]]) - _FLANK_FWHM * width)


def _has_compton(seen: _Seen, kev: float) -> bool:
    """Whether more counts are on the side of the Compton peak than on the other side."""
    reach = kev - compton_kev(kev, COMPTON_ANGLES[-1]) + 0.5 * float(fwhm_kev(kev))
    below = float(seen.net[seen.between(kev - reach, kev)].sum())
    above = float(seen.net[seen.between(kev, kev + reach)].sum())
    return below - above >= _LEAST_COMPTON * 2 * above


def _net_at(seen: _Seen, kev: float) -> float:
    half = 0.6 * float(fwhm_kev(kev))
    return float(seen.net[seen.between(kev - half, kev + half)].sum())


def scatter_peaks(beam: Beam) -> list[tuple[float, float]]:
    """(energy, standard deviation) in keV of the peaks that scattering adds to a spectrum."""
    if not beam.is_monochromatic:
        return []
    peaks = [(beam.kev, float(fwhm_kev(beam.kev)))]
    for angle in COMPTON_ANGLES:
        kev = compton_kev(beam.kev, angle)
        peaks.append((kev, float(np.hypot(fwhm_kev(kev), COMPTON_WIDTH * kev))))
    return [(kev, width / FWHM_PER_SIGMA) for kev, width in peaks]
