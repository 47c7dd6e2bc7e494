"""The continuum under the peaks of a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_mineral_anomaly.scan.spectra.energy import EnergyAxis
from napari_mineral_anomaly.scan.spectra.lines import fwhm_kev

# Half-width of the clipping in FWHM: wider than a peak with its neighbour, narrower than the
# curvature of the continuum.
_CLIP_FWHM = 1.5
# Clipping follows the lower edge of the counting noise; smoothing before it keeps it near the mean.
_SMOOTH_FWHM = 0.3


def continuum(spectrum: NDArray[np.float64], energy: EnergyAxis) -> NDArray[np.float64]:
    """Continuum (E,) of a spectrum (E,) by SNIP peak clipping.

    Statistics-sensitive non-linear iterative peak clipping (Ryan et al. 1988, Nucl. Instrum.
    Methods B 34, 396) on the double logarithm of the square root, with the decreasing window of
    Morhac et al. 1997 and a half-width of 1.5 FWHM at each energy, after smoothing by 0.3 FWHM.
    """
    middle = float(fwhm_kev(0.25 * energy.range_kev[1])) / energy.gain_kev
    smooth = gaussian_filter1d(np.maximum(spectrum, 0.0), _SMOOTH_FWHM * middle)
    values = np.log(np.log(np.sqrt(smooth + 1.0) + 1.0) + 1.0)
    half = _CLIP_FWHM * fwhm_kev(np.maximum(energy.kev, 0.0)) / energy.gain_kev
    widths = np.maximum(1, np.rint(half)).astype(int)
    index = np.arange(values.size)
    for width in range(int(widths.max()), 0, -1):
        reach = np.minimum(width, widths)
        below = values[np.maximum(index - reach, 0)]
        above = values[np.minimum(index + reach, values.size - 1)]
        values = np.minimum(values, 0.5 * (below + above))
    return np.asarray((np.exp(np.exp(values) - 1.0) - 1.0) ** 2 - 1.0)
