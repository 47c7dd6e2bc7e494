"""Mixtures of what is ordinary and what was taught: how well they explain a pixel.

The maps of a pixel that is partly one mineral and partly another are the sum of both, so a pixel is
fitted as ``share x background + amount x signature``, neither below zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Signature:
    """What a mineral adds to the maps.

    Attributes
    ----------
    mean : (K,) float32
        In the units of the maps, none below zero.
    variance : (K,) float32
        How uncertain ``mean`` is, because few pixels were taught and counts are few.
    """

    mean: Floats
    variance: Floats


@dataclass(frozen=True, eq=False)
class Noise:
    """The variance of a map value around what is expected: ``constant + slope x value``.

    Attributes
    ----------
    constant : (K,) float32
    slope : float
        1 for counts (Poisson), 0 for other quantities.
    chemistry : float
        Spread of the composition of a mineral, as a share of its value.
    """

    constant: Floats
    slope: float
    chemistry: float

    def variance(self, values: Floats) -> Floats:
        """Variance (n, K) at some values (n, K)."""
        level = np.maximum(values, 0.0)
        relative = np.float32(self.chemistry) * level
        out: Floats = self.constant + np.float32(self.slope) * level + relative * relative
        return out


def unexplained(
    pixels: Floats, backgrounds: Floats, signature: Signature | None, noise: Noise
) -> Floats:
    """Chi squared (n,) of each pixel around its best mixture.

    Parameters
    ----------
    pixels : (n, K) float32
        In the units of the maps.
    backgrounds : (B, K) float32
        Kinds of ordinary pixels; the mixture holds one of them.
    signature : Signature or None
        None: the background alone.
    noise : Noise
    """
    share, amount, kind = _best_mixture(pixels, backgrounds, signature, noise)
    model = share[:, None] * backgrounds[kind]
    uncertain = np.zeros_like(model)
    if signature is not None:
        model += amount[:, None] * signature.mean
        uncertain = np.square(amount)[:, None] * signature.variance
    # Between the variance at the value and that at the model: low counts scatter upwards.
    variance = 0.5 * (noise.variance(pixels) + noise.variance(model)) + uncertain
    gap = np.square(pixels - model) / variance
    return np.asarray(gap.sum(axis=1), dtype=np.float32)


def _best_mixture(
    pixels: Floats, backgrounds: Floats, signature: Signature | None, noise: Noise
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Share, amount and kind of the mixture with the least weighted squares, in closed form."""
    weights = 1.0 / noise.variance(pixels)
    weighted = weights * pixels
    bb, xb = weights @ np.square(backgrounds).T, weighted @ backgrounds.T
    share = xb / np.maximum(bb, 1e-12)
    gained = share * xb
    amount = np.zeros_like(share)
    if signature is not None:
        mean = signature.mean
        ee, xe = (weights @ np.square(mean))[:, None], (weighted @ mean)[:, None]
        be = weights @ (backgrounds * mean).T
        determinant = bb * ee - np.square(be)
        both = determinant > 1e-6 * bb * ee
        safe = np.where(both, determinant, 1.0)
        c, a = (xb * ee - xe * be) / safe, (xe * bb - xb * be) / safe
        alone = np.maximum(xe, 0.0) / np.maximum(ee, 1e-12)
        inside = both & (c >= 0) & (a >= 0)
        only_signature = ~inside & (alone * xe > gained)
        share = np.where(inside, c, np.where(only_signature, 0.0, share))
        amount = np.where(inside, a, np.where(only_signature, alone, 0.0))
        gained = np.where(inside, c * xb + a * xe, np.where(only_signature, alone * xe, gained))
    kind = gained.argmax(axis=1)
    rows = np.arange(len(pixels))
    return share[rows, kind], amount[rows, kind], kind
