"""Shares with their 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A share of n cases with its 95 % interval.

    Attributes
    ----------
    value, low, high : float or None
        None where there is no case.
    n, n_true : int
        Cases, and those that count as true.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_true: int


def wilson_limits(n_true: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209); n > 0.

    Not scipy.stats.binomtest: the stratified interval of `sampled_truth` needs numbers of cases
    that are not whole, and another z for each sample.
    """
    share = n_true / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Where no case or every case is true, the formula gives 0 or 1 up to rounding.
    low = 0.0 if n_true == 0 else max(0.0, float(middle - half))
    high = 1.0 if n_true == n else min(1.0, float(middle + half))
    return low, high


def wilson(n_true: int, n: int) -> Interval:
    """A share with Wilson's interval."""
    if n == 0:
        return Interval(None, None, None, 0, 0)
    low, high = wilson_limits(n_true, n)
    return Interval(n_true / n, low, high, n, n_true)


def bootstrap_share(hits: NDArray[np.bool_], *, n_bootstrap: int = 1000, seed: int = 0) -> Interval:
    """A share with its bootstrap percentile interval, resampling the cases.

    Where all cases are equal, every resample is the same and the bootstrap gives no width; then
    Wilson's interval is used.
    """
    n, n_true = int(hits.size), int(np.count_nonzero(hits))
    if n_true in (0, n):
        return wilson(n_true, n)
    # Drawing n cases with replacement and counting the true ones is a binomial draw.
    drawn = np.random.default_rng(seed).binomial(n, n_true / n, size=n_bootstrap) / n
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(n_true / n, float(low), float(high), n, n_true)
