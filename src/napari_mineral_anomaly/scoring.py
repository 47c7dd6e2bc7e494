"""From a detector's raw statistic to background sigmas, a threshold and its promise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from napari_mineral_anomaly.errors import InputError

# Scale of a Gaussian over its median absolute deviation: 1 / Phi^-1(3/4).
MAD_TO_SIGMA = 1.4826

# By default one false pixel in 100 000 is accepted, but never less than one per scan.
FALSE_PIXEL_RATE = 1e-5


def background_sigmas(
    statistic: NDArray[np.floating], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Turn a raw statistic into background sigmas.

    First form: (statistic - median) / (1.4826 MAD) over the valid pixels. Median and MAD belong
    to the background as long as fewer than half the pixels are odd (our choice; a calibrated tail
    replaces it later). Strictly increasing, never clipped.

    Parameters
    ----------
    statistic : (H, W) float
        Larger = odder, finite inside ``valid``.
    valid : (H, W) bool

    Returns
    -------
    (H, W) float32
        NaN outside ``valid``.

    Raises
    ------
    InputError
        When no pixel is valid.
    """
    values = np.asarray(statistic, dtype=np.float64)[valid]
    if values.size == 0:
        raise InputError("The scan has no valid pixel: every pixel is missing or zero.")
    centre, sigma = robust_centre_and_sigma(values)
    out = np.full(valid.shape, np.nan, dtype=np.float32)
    out[valid] = (values - centre) / sigma
    return out


def robust_centre_and_sigma(values: NDArray[np.floating]) -> tuple[float, float]:
    """Median and 1.4826 MAD; falls back to the standard deviation, then to 1.

    The fallbacks serve quantised or constant data, whose MAD is zero.
    """
    centre = float(np.median(values))
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))
    if sigma <= 0:
        sigma = float(np.std(values))
    return centre, sigma if sigma > 0 else 1.0


def promised_false_pixels(n_valid: int) -> float:
    """False pixels accepted per scan by default: max(1, 1e-5 x valid pixels)."""
    return max(1.0, FALSE_PIXEL_RATE * n_valid)


def default_threshold(n_valid: int) -> float:
    """Score (background sigmas) at which `promised_false_pixels` are expected.

    The Gaussian quantile of the promised share: with background sigmas the scan's own size is
    the only thing that matters.
    """
    if n_valid <= 1:
        return 0.0
    return float(stats.norm.isf(promised_false_pixels(n_valid) / n_valid))


def expected_false_pixels(threshold: float, n_valid: int) -> float:
    """Background pixels expected at or above ``threshold`` among ``n_valid`` pixels."""
    return float(n_valid * stats.norm.sf(threshold))
