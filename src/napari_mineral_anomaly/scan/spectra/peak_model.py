"""A sum spectrum as continuum plus the lines of some elements, fitted by least squares.

The model includes two effects of a silicon detector: escape peaks (an incoming photon loses one
silicon K photon, 1.74 keV) and sum peaks (two photons counted as one). Otherwise the escape peak of
calcium (1.95 keV) would be taken for phosphorus, and its sum peak (7.38 keV) for nickel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.optimize import nnls

from napari_mineral_anomaly.scan.spectra.beam import Beam
from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.lines import FWHM_PER_SIGMA, family, fwhm_kev, main_lines
from napari_mineral_anomaly.scan.spectra.scatter import scatter_peaks

Floats = NDArray[np.float64]

SILICON_KEV = 1.74
SILICON_EDGE_KEV = 1.84
# Escape peak of the scattered beam, relative to its own peak: 0.5 w (1 - 1/r) (1 - x ln(1 + 1/x))
# with the yield w = 0.05 and the jump ratio r = 11 of silicon and x, its attenuation at 1.74 keV
# relative to that of the beam (Reed & Ware 1972, J. Phys. E 5, 582). A free amplitude would take
# the counts of elements whose lines lie there.
_ESCAPE_AT_10_KEV, _ESCAPE_POWER = 1.1e-3, -2.8
# Relative error of line ratios, peak shapes and the continuum.
MODEL_ERROR = 0.03
# Nothing is fitted below this energy: there are the noise peak and the detector's threshold.
LOWEST_KEV = 0.2


@dataclass(frozen=True)
class PeakFit:
    """A fitted sum spectrum.

    Attributes
    ----------
    energy : EnergyAxis
    scale : float
        Width of the peaks relative to `fwhm_kev`.
    spectrum, background, model : (E,) float64
        Counts, continuum, and the sum of all fitted peaks.
    own : dict of str to (E,) float64
        Peaks of each element, escape peaks excluded.
    misfit : float
        Root of the weighted sum of squares; calibration and width are chosen to minimise it.
    """

    energy: EnergyAxis
    scale: float
    spectrum: Floats
    background: Floats
    model: Floats
    own: dict[str, Floats]
    misfit: float

    @cached_property
    def left(self) -> Floats:
        """(E,) counts that neither the continuum nor a peak explains."""
        return self.spectrum - self.background - self.model


def fit_peaks(
    spectrum: Floats,
    background: Floats,
    energy: EnergyAxis,
    elements: Sequence[str],
    beam: Beam,
    *,
    scale: float = 1.0,
    pile_up: Floats | None = None,
    where: NDArray[np.bool_] | None = None,
) -> PeakFit:
    """Fit the lines of ``elements`` to a spectrum (E,), with amounts that are not negative.

    Each shell of each element is one template with fixed line ratios. A monochromatic beam adds its
    elastic peak and its Compton peak at several angles. ``pile_up`` is the model of
    an earlier fit: its autoconvolution is the shape of the sum peaks. ``where`` (E,) bool chooses
    the channels that are fitted (default: all that the beam can reach).
    """
    columns, owners = [], []
    for symbol in elements:
        for main in main_lines(symbol, beam):
            lines = family(symbol, main.shell, beam.kev)
            peaks = _gaussians(energy, [(line.kev, line.intensity) for line in lines], scale)
            if not peaks.any():
                continue
            columns.append(peaks)
            owners.append(symbol)
            escaping = [
                (line.kev - SILICON_KEV, line.intensity)
                for line in lines
                if line.kev > SILICON_EDGE_KEV
            ]
            if escaping:
                columns.append(_gaussians(energy, escaping, scale))
                owners.append("")
    for kev, sigma in scatter_peaks(beam):
        escaped = _ESCAPE_AT_10_KEV * (kev / 10.0) ** _ESCAPE_POWER
        columns.append(
            _gaussian(energy, kev, sigma) + escaped * _gaussian(energy, kev - SILICON_KEV, sigma)
        )
        owners.append("")
    if pile_up is not None and pile_up.any():
        columns.append(_sum_peaks(pile_up, energy))
        owners.append("")
    net = spectrum - background
    # The elastic peak of a monochromatic beam has its centre at the end of the spectrum.
    end = beam.kev + (1.5 * float(fwhm_kev(beam.kev)) if beam.is_monochromatic else 0.0)
    used = (energy.kev >= LOWEST_KEV) & (energy.kev <= end)
    if where is not None:
        used &= where
    # The error follows the height of the nearest peak, because feet and flanks are uncertain too.
    reach = max(1, round(float(fwhm_kev(energy.range_kev[1] / 4)) / energy.gain_kev))
    doubt = MODEL_ERROR * maximum_filter1d(np.maximum(net, 0.0), 2 * reach + 1)
    weight = used / np.sqrt(spectrum + 1.0 + doubt**2)
    if columns:
        matrix = np.stack(columns, axis=1)
        amounts, misfit = nnls(matrix * weight[:, None], net * weight, maxiter=100 * len(columns))
    else:
        matrix, amounts = np.zeros((spectrum.size, 0)), np.zeros(0)
        misfit = np.float64(np.linalg.norm(net * weight))
    own: dict[str, Floats] = {symbol: np.zeros(spectrum.size) for symbol in elements}
    for j, symbol in enumerate(owners):
        if symbol:
            own[symbol] += matrix[:, j] * amounts[j]
    return PeakFit(energy, scale, spectrum, background, matrix @ amounts, own, float(misfit))


def _gaussians(energy: EnergyAxis, lines: Sequence[tuple[float, float]], scale: float) -> Floats:
    """Sum of Gaussian peaks of some area (counts), (E,)."""
    out = np.zeros(energy.n_channels)
    for kev, area in lines:
        out += area * _gaussian(energy, kev, scale * float(fwhm_kev(kev)) / FWHM_PER_SIGMA)
    return out


def _gaussian(energy: EnergyAxis, kev: float, sigma: float) -> Floats:
    """A Gaussian peak of area 1 count, (E,)."""
    out = np.zeros(energy.n_channels)
    near = energy.channel_range(kev - 6 * sigma, kev + 6 * sigma)
    steps = (energy.channels_to_kev(np.arange(near.start, near.stop)) - kev) / sigma
    height = energy.gain_kev / (sigma * np.sqrt(2 * np.pi))
    out[near] = height * np.exp(-0.5 * steps**2)
    return out


def _sum_peaks(model: Floats, energy: EnergyAxis) -> Floats:
    """Autoconvolution of a model (E,) on the energy axis, scaled to the height of the model."""
    # Imported late: it takes a second, and opening a scan of maps does not need it.
    from scipy.signal import fftconvolve

    both = np.maximum(fftconvolve(model, model), 0.0)
    shift = round(energy.offset_kev / energy.gain_kev)  # E1 + E2 = 2 offset + gain (i + j)
    out = np.zeros(model.size)
    index = np.arange(model.size) - shift
    inside = (index >= 0) & (index < both.size)
    out[inside] = both[index[inside]]
    return np.asarray(out * (model.max() / max(out.max(), 1e-30)))
