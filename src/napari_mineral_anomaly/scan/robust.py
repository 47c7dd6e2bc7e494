"""Robust statistics: a centre and a spread that outliers do not move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Scale of a Gaussian over its median absolute deviation: 1 / Phi^-1(3/4).
MAD_TO_SIGMA = 1.4826


def robust_centre_and_sigma(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Median and 1.4826 MAD; falls back to the standard deviation, then to 1.

    The fallbacks serve quantised or constant data, whose MAD is zero.
    """
    centre = float(np.median(values))
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))
    if sigma <= 0:
        sigma = float(np.std(values))
    return centre, sigma if sigma > 0 else 1.0
