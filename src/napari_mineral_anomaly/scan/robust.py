"""Small statistics: a centre and a spread that outliers do not move, correlation, samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Scale of a Gaussian over its median absolute deviation: 1 / Phi^-1(3/4).
MAD_TO_SIGMA = 1.4826


def thinned(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Evenly spaced ones of some values: ``n`` to 2 ``n``, all where there are fewer."""
    return values[:: max(1, values.size // n)]


def pearson_r(a: NDArray[Any], b: NDArray[Any], *, undefined: float = 0.0) -> float:
    """Pearson's correlation of two arrays; ``undefined`` where one of them is constant."""
    x, y = (values.astype(np.float64).ravel() for values in (a, b))
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt(np.dot(x, x) * np.dot(y, y)))
    return float(np.dot(x, y)) / norm if 0 < norm < np.inf else undefined


def robust_centre_and_sigma(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Median and 1.4826 MAD; falls back to the standard deviation, then to 1.

    The fallbacks serve quantised or constant data, whose MAD is zero.
    """
    centre = float(np.median(values))
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))
    if sigma <= 0:
        sigma = float(np.std(values))
    return centre, sigma if sigma > 0 else 1.0
