"""The histogram of a score map for the threshold dock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 300


@dataclass(frozen=True, eq=False)
class ScoreBins:
    """Pixels per bin of score.

    Attributes
    ----------
    edges : (n + 1,) float64
        Background sigmas, rising: equal steps up to ``knee``, then growing steps to the maximum.
    counts : (n,) int64
    n_valid : int
        Pixels with a score.
    knee : float
        The plot shows the scores up to here first: background, threshold and some room.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    n_valid: int
    knee: float


def score_bins(score: NDArray[np.floating[Any]], threshold: float, bins: int = BINS) -> ScoreBins:
    """Histogram of the finite scores; nothing is clipped, not even a tail of hundreds of sigmas.

    Four fifths of the bins cover the scores up to twice the threshold in equal steps, the others
    the tail in growing steps (our choice: with equal steps up to a far tail, the background would
    fall into a few bins).
    """
    values = np.sort(score[np.isfinite(score)].astype(np.float64, copy=False))
    if values.size == 0:
        return ScoreBins(np.array([0.0, 1.0]), np.zeros(1, dtype=np.int64), 0, 1.0)
    low, high = float(values[0]), float(values[-1])
    knee = max(2.0 * threshold, low + 1e-6)
    if high <= knee:
        edges = np.linspace(low, max(high, low + 1e-6), bins + 1)
    else:
        even = np.linspace(low, knee, bins * 4 // 5 + 1)
        tail = knee + np.geomspace(even[1] - even[0], high - knee, bins - bins * 4 // 5)
        edges = np.concatenate([even, np.unique(tail[tail > knee])])
    edges[-1] = max(edges[-1], high)
    below = np.searchsorted(values, edges[:-1], side="left")
    counts = np.diff(np.append(below, values.size)).astype(np.int64)
    return ScoreBins(edges, counts, values.size, knee)
