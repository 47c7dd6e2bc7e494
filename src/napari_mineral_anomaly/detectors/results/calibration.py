"""From the raw statistic of a detector to a score in background sigmas."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from napari_mineral_anomaly.errors import InputError

# The tail of the background starts at its 98th percentile. The upper half of the pixels beyond
# (1 % of the scan) only count as "at least this odd", because they may not be background.
TAIL_SHARE = 0.02
CENSORED_SHARE = 0.01

# Pixels known to be background need no censoring. Their tail can start further out, where the rare
# ordinary oddities begin (small grains of a common mineral, say); a longer tail would hide these.
ORDINARY_TAIL_SHARE = 3e-4

# Fewer exceedances than this do not carry a fit; small scans take a larger share of their pixels.
MIN_TAIL_PIXELS = 50

BODY_KNOTS = 1001

# Pixels whose sigmas are held in double precision at a time; they stay in the cache of a core.
BLOCK_PIXELS = 32_768
# Cells in which `interpolated` looks values up.
CELLS = 4096


@dataclass(frozen=True)
class BackgroundTail:
    """Exponential tail of the background: ``P(t > x) = share exp(-(x - start) / scale)``.

    Attributes
    ----------
    start : float
        Raw statistic from which the tail describes the background.
    share : float
        Share of the pixels beyond ``start``.
    scale : float
        In units of the raw statistic.
    """

    start: float
    share: float
    scale: float

    def log_survival(self, statistic: NDArray[np.float64]) -> NDArray[np.float64]:
        """Natural logarithm of the tail probability, for values at or beyond ``start``."""
        return np.asarray(np.log(self.share) - (statistic - self.start) / self.scale)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Converts raw statistics of one scan to background sigmas.

    The body (98 % of the pixels) goes through its own quantiles, the rest through the tail; both
    meet at ``tail.start``.
    """

    knots: NDArray[np.float64]
    knot_sigmas: NDArray[np.float64]
    tail: BackgroundTail

    def sigmas(self, statistic: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Background sigmas of raw statistics (any shape): strictly increasing, never clipped."""
        values = np.asarray(statistic, dtype=np.float64)
        out = interpolated(values, self.knots, self.knot_sigmas)
        below = values < self.knots[0]
        # Below everything seen in the fit: go on with the slope of the first stretch.
        slope = (self.knot_sigmas[1] - self.knot_sigmas[0]) / (self.knots[1] - self.knots[0])
        out[below] = self.knot_sigmas[0] + slope * (values[below] - self.knots[0])
        beyond = values > self.tail.start
        # Through the logarithm: the probability itself would underflow at 38 sigmas.
        out[beyond] = -special.ndtri_exp(self.tail.log_survival(values[beyond]))
        return out

    def info(self) -> dict[str, Any]:
        """The tail, for run.json."""
        return {f"tail_{key}": value for key, value in asdict(self.tail).items()}


def interpolated(
    values: NDArray[np.float64], knots: NDArray[np.float64], at_knots: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What `numpy.interp` gives, in less than half the time where knots and values are many.

    The stretch between two knots is not searched for each value. Even cells tell the stretch that
    a value lies in or the one before.
    """
    if values.size < 10 * knots.size:
        return np.asarray(np.interp(values, knots, at_knots))
    low, high = knots[0], knots[-1]
    last = len(knots) - 2
    per_unit = CELLS / (high - low)
    edges = low + np.arange(CELLS + 1) / per_unit
    first = np.clip(np.searchsorted(knots, edges, side="right") - 1, 0, last).astype(np.int32)
    # Rounding may put a value into the next cell: begin one stretch earlier.
    first = np.maximum(first - 1, 0)
    slopes = np.diff(at_knots) / np.diff(knots)
    inside = np.clip(values, low, high)
    stretch = first[((inside - low) * per_unit).astype(np.int32)]
    later = np.ones(1, dtype=bool)
    while later.any():
        later = (inside >= knots[stretch + 1]) & (stretch < last)
        stretch += later
    return np.asarray(at_knots[stretch] + slopes[stretch] * (inside - knots[stretch]))


def calibrate(
    values: NDArray[np.floating[Any]],
    tail_share: float = TAIL_SHARE,
    censored_share: float = CENSORED_SHARE,
) -> Calibration | None:
    """Learn the distribution of the background from the raw statistics of a scan.

    Gaussian equivalent of the tail probability: a score of 4 means that an ordinary pixel of this
    scan is that odd as rarely as a Gaussian exceeds four standard deviations. Beyond the 98th
    percentile the probability falls exponentially, the limit law of excesses over a high threshold
    for all light-tailed statistics (Coles 2001, An Introduction to Statistical Modeling of Extreme
    Values, ch. 4). Its scale is the maximum-likelihood estimate with the upper half of the
    excesses right-censored, so that anomalies of up to 1 % of the scan neither vanish into the
    tail nor stretch it much.

    The general Pareto tail with a fitted shape was tried and dropped: rock of several minerals
    gives the statistic bumps whose local slope, extrapolated, ends far too early, and anomalies
    in the fit make the tail so heavy that they no longer stand out of it.

    Parameters
    ----------
    values : (n,) float
        Finite raw statistics of the valid pixels.
    tail_share, censored_share : float
        Share of the pixels that the tail is fitted to (at least `MIN_TAIL_PIXELS`), and of those
        among them that count as "at least this odd".

    Returns
    -------
    Calibration or None
        None when all values are (nearly) the same, so that no pixel is odder than another.
    """
    ordered = np.sort(values)
    n = ordered.size
    if n < 2 or ordered[0] == ordered[-1]:
        return None
    n_tail = min(max(round(tail_share * n), MIN_TAIL_PIXELS), n // 2)
    start = float(ordered[n - n_tail - 1])
    if start == ordered[-1]:
        # More than half of the pixels share the highest value: the tail is that value alone.
        start = float(np.nextafter(ordered[-1], -np.inf))
    first = int(np.searchsorted(ordered, start, side="right"))
    excess = ordered[first:].astype(np.float64) - start
    share = excess.size / n
    scale = _tail_scale(excess, n_censored=round(excess.size * censored_share / tail_share))
    knots, knot_sigmas = _body(ordered[:first], n, start, share)
    return Calibration(knots, knot_sigmas, BackgroundTail(start, share, scale))


def ordinary_calibration(
    values: NDArray[np.floating[Any]], ordinary: NDArray[np.bool_]
) -> Calibration | None:
    """`calibrate` by the pixels that are known to be background.

    The tail is that of their oddest `ORDINARY_TAIL_SHARE`, none censored (our choice, for
    statistics in which ordinary pixels form a far tail of their own). Where they are all alike,
    every pixel takes part.

    Parameters
    ----------
    values : (n,) float
    ordinary : (n,) bool
    """
    told = calibrate(values[ordinary], ORDINARY_TAIL_SHARE, censored_share=0.0)
    return told or calibrate(values)


def _body(
    body: NDArray[np.floating[Any]], n: int, start: float, share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantile knots of the body and their sigmas; the last knot is the start of the tail."""
    chosen = np.unique(np.linspace(0, body.size - 1, min(BODY_KNOTS, body.size)).astype(int))
    knots, first = np.unique(body[chosen].astype(np.float64), return_index=True)
    # Mid-ranks: the lowest pixel is not at minus infinity.
    probability = (chosen[first] + 0.5) / n
    keep = knots < start
    knots = np.append(knots[keep], start)
    sigmas = np.append(special.ndtri(probability[keep]), special.ndtri(1 - share))
    if knots.size == 1:
        knots = np.array([start - 1.0, start])
        sigmas = np.array([sigmas[0] - 1.0, sigmas[0]])
    return knots, sigmas


def _tail_scale(excess: NDArray[np.float64], n_censored: int) -> float:
    """Scale of an exponential distribution from ordered excesses, the last ones censored."""
    seen = excess[: max(1, excess.size - n_censored)]
    at_least = (excess.size - seen.size) * seen[-1]
    return float((seen.sum() + at_least) / seen.size)


def background_sigmas(
    statistic: NDArray[np.floating[Any]],
    valid: NDArray[np.bool_],
    ordinary: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Turn a raw statistic into background sigmas, see `calibrate`.

    Parameters
    ----------
    statistic : (H, W) float
        Larger = odder, finite inside ``valid``.
    valid : (H, W) bool
    ordinary : (H, W) bool, optional
        Valid pixels that a detector knows to be background by other means than ``statistic``, see
        `ordinary_calibration`. Without it every valid pixel takes part.

    Returns
    -------
    score : (H, W) float32
        NaN outside ``valid``; 0 everywhere for a constant statistic.
    info : dict
        The tail that was fitted, empty for a constant statistic.

    Raises
    ------
    InputError
        When no pixel is valid.
    """
    values = statistic.reshape(-1) if valid.all() else statistic[valid]
    if values.size == 0:
        raise InputError("The scan has no valid pixel: every pixel is missing or zero.")
    out = np.full(valid.shape, np.nan, dtype=np.float32)
    calibration = (
        calibrate(values) if ordinary is None else ordinary_calibration(values, ordinary[valid])
    )
    if calibration is None:
        out[valid] = 0.0
        return out, {}
    sigmas = np.empty(values.size, dtype=np.float32)
    for start in range(0, values.size, BLOCK_PIXELS):
        part = slice(start, start + BLOCK_PIXELS)
        sigmas[part] = calibration.sigmas(values[part])
    out[valid] = sigmas
    return out, calibration.info()
