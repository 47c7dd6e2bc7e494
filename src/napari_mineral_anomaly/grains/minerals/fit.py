"""How well each mineral explains the difference between a grain and its ring.

A grain is a mineral that fills a share f of the pixels; the rest is as the ring. So the signal
above the ring is

    o = a p - f (b - l)

in every element, where p is what the pure mineral shows (`minerals.pure`), a its free amplitude, b
the mean of the ring and l what the map shows without the element. The ratios of the elements decide
and not their absolute signal: a follows from the elements of the mineral, as the mean of
ln((o + f (b - l)) / p) weighted by their errors. f is tried in steps. What is left over is compared
with

- the counting errors of grain and ring, and the share 1 - f of the variation of the ring;
- a factor of two in the sensitivities: the variance tau^2 o a p, because the square of the log of a
  ratio r is about (r - 1)^2 / r;
- a per cent of the mineral's mass of any element;
- a tenth of what the mineral displaces, for its other absorption;
- what the excess of the mineral's elements may leak into the map (`LineLeaks`): Zr beside P is no
  argument against apatite where Zr is mapped by its L line.

The misfit is the sum of log(1 + (|z| - 0.5)^2 / 4) over the elements (the log-likelihood of
Student's t: one wrong element does not decide alone; deviations below half a sigma are free), plus
the same for f, which is expected to be 1 - 0.45 / r for a grain of the radius r in pixels: its
border is half full. The difference is this sum for no mineral at all, with counting errors only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.signals import GrainSignals
from napari_mineral_anomaly.scan.spectra.leaks import LineLeaks

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Sigma of ln(sensitivity): two elements are known to a factor of two, exp(sqrt(2) 0.5).
_SENSITIVITY = 0.5
_TRACE = 0.01
_DISPLACED = 0.1
MAJOR_SHARE = 0.01
_FREEDOM = 4.0
_FREE_SIGMAS = 0.5
LEAST_SIGMAS = 3.0
# Twice as much, because the sensitivities are known to a factor of two.
_DEMANDED_SIGMAS = 6.0
# An element below so many sigmas does not decide the amplitude.
_AMPLITUDE_SIGMAS = 2.0
_SHARES = np.array([0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
_RIM_PX = 0.2
_SHARE_ERROR = 0.25
# Pixels over which the variation of a ring averages out within a grain, in maps without counts.
_MOST_PIXELS = 9
# Grains compared at a time, so that the working memory stays in the cache.
_AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class Fit:
    """n grains against m minerals.

    Attributes
    ----------
    misfit : (n, m) float64
        NaN where nothing supports the mineral.
    difference : (n,) float64
        The misfit of no mineral.
    supports : (n, m, C) bool
        Elements that are part of the mineral, and more in the grain than diluted surroundings
        bring.
    demands : (n, m, C) bool
        Elements of which the mineral should bring so much that they could not be overlooked.
    """

    misfit: Floats
    difference: Floats
    supports: Bools
    demands: Bools


def fit_minerals(signals: GrainSignals, pure: Floats, mass: Floats, leaks: LineLeaks) -> Fit:
    """Fit all minerals to all grains; the docstring of this module has the formulas.

    Parameters
    ----------
    signals : GrainSignals
    pure : (m, C)
        Signal of each pure mineral in each element, in any common unit.
    mass : (m, C)
        Mass fractions.
    leaks : LineLeaks
    """
    # Minerals of the same mapped elements in the same ratios must get the same misfit.
    whole = np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
    pure, mass = pure / whole, mass / whole
    parts = [
        _fit(signals.of(np.arange(at, min(at + _AT_A_TIME, len(signals.mean)))), pure, mass, leaks)
        for at in range(0, len(signals.mean), _AT_A_TIME)
    ]
    if not parts:
        nothing = np.empty((0, *pure.shape), dtype=bool)
        return Fit(np.empty((0, len(pure))), np.empty(0), nothing, nothing)
    return Fit(
        np.concatenate([part.misfit for part in parts]),
        np.concatenate([part.difference for part in parts]),
        np.concatenate([part.supports for part in parts]),
        np.concatenate([part.demands for part in parts]),
    )


def _fit(signals: GrainSignals, pure: Floats, mass: Floats, leaks: LineLeaks) -> Fit:
    known = np.flatnonzero([symbol is not None for symbol in signals.symbols])
    counting, uneven = (part[:, known] for part in _variances(signals))
    excess = signals.excess[:, known]
    ring = np.nan_to_num(signals.ring_mean[:, known])
    low = np.nan_to_num(np.fmin(signals.scan_low[known], ring))
    displaced = ring - np.maximum(low, 0.0)
    shares = _SHARES[:, None, None]
    # (shares, n, C): what the mineral must supply, and its variance without the mineral's own.
    needed = excess + shares * displaced
    variance = (1 - shares) ** 2 * uneven + counting + (_DISPLACED * shares * displaced) ** 2
    sigma = np.sqrt(variance)
    usual = 1.0 - _RIM_PX / np.sqrt(signals.n_pixels / np.pi)
    of_share = _deviance((_SHARES[:, None] - np.clip(usual, 0.1, 1.0)) / _SHARE_ERROR, free=0.0)
    pure, mass = pure[:, known], mass[:, known]
    sensitivity = _usual_sensitivity(pure, mass)
    share = leaks.share[np.ix_(known, known)]

    n, m = len(excess), len(pure)
    misfit = np.full((n, m), np.nan)
    supports = np.zeros((n, m, signals.mean.shape[1]), dtype=bool)
    demands = supports.copy()
    for k in range(m):
        holds = (mass[k] >= MAJOR_SHARE) & (pure[k] > 0)
        if not holds.any():
            continue
        amplitude = _amplitude(needed, variance, pure[k], holds)
        expected = amplitude * pure[k]
        allowed = (
            variance
            + _SENSITIVITY**2 * np.maximum(needed, 0.0) * expected
            + (np.maximum(expected - shares * displaced, 0.0) @ share.T) ** 2
            + (amplitude * _TRACE * sensitivity) ** 2
        )
        total = _deviance((needed - expected) / np.sqrt(allowed)).sum(axis=-1) + of_share
        best = total.argmin(axis=0)
        seen = holds & (needed[-1] > LEAST_SIGMAS * sigma[-1])
        use = seen.any(axis=1)
        misfit[use, k] = total[best, np.arange(n)][use]
        at_best = (best, np.arange(n))
        supports[:, k, known] = seen & (needed[at_best] > LEAST_SIGMAS * sigma[at_best])
        demands[:, k, known] = holds & (expected[at_best] > _DEMANDED_SIGMAS * sigma[at_best])
    return Fit(misfit, _deviance(excess / np.sqrt(counting)).sum(axis=-1), supports, demands)


def _usual_sensitivity(pure: Floats, mass: Floats) -> Floats:
    """(C,) median signal per mass over the minerals that hold an element; 0 where none does."""
    holds = mass > 0
    found = np.zeros(mass.shape[1])
    for c in np.flatnonzero(holds.any(axis=0)):
        found[c] = np.median(pure[holds[:, c], c] / mass[holds[:, c], c])
    return found


def _amplitude(needed: Floats, variance: Floats, pure: Floats, holds: Bools) -> Floats:
    """(shares, n, 1) amplitude of one mineral; 0 where none of its elements stands out."""
    signal, of_pure = needed[..., holds], pure[holds]
    safe = np.maximum(signal, 1e-12)
    clear = signal > _AMPLITUDE_SIGMAS * np.sqrt(variance[..., holds])
    weight = np.where(clear, 1.0 / (_SENSITIVITY**2 + variance[..., holds] / safe**2), 0.0)
    logs = np.where(clear, np.log(safe / of_pure), 0.0)
    total = weight.sum(axis=-1, keepdims=True)
    mean = (weight * logs).sum(axis=-1, keepdims=True) / np.maximum(total, 1e-300)
    return np.where(total > 0, np.exp(mean), 0.0)


def _deviance(sigmas: Floats, free: float = _FREE_SIGMAS) -> Floats:
    beyond = np.maximum(np.abs(sigmas) - free, 0.0)
    return np.asarray(np.log1p(beyond**2 / _FREEDOM))


def _variances(signals: GrainSignals) -> tuple[Floats, Floats]:
    """(n, C) variance of the excess from counting, and from the variation within the ring."""
    spread = np.nan_to_num(signals.ring_sd) ** 2
    if signals.is_counts:
        return signals.counting_variance, np.maximum(spread - signals.ring_rate, 0.0)
    averaged = np.minimum(signals.n_pixels, _MOST_PIXELS)[:, None]
    return spread / averaged + signals.least_variance, spread
