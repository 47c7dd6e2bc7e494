"""Transforms that make the noise of counts the same at all levels, and their inverses."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.cube import Quantity

Transform = Literal["auto", "none", "anscombe", "log1p"]

AppliedTransform = Literal["none", "anscombe", "log1p"]


def resolve_transform(transform: Transform, quantity: Quantity) -> AppliedTransform:
    """Resolve "auto": Anscombe for counts, whose noise is Poisson; none for other quantities."""
    if transform == "auto":
        return "anscombe" if quantity == "counts" else "none"
    return transform


def stabilise(values: NDArray[np.float32], transform: AppliedTransform) -> NDArray[np.float32]:
    """Apply a variance-stabilising transform, element by element.

    ``anscombe`` is ``2 sqrt(x + 3/8)`` (Anscombe 1948), which gives Poisson counts unit variance
    from about 4 counts up. Net counts can be negative; below -3/8 the curve is continued by point
    symmetry, ``-2 sqrt(-(x + 3/8))`` (our choice: one to one, no value is clipped, and a slightly
    negative count stays close to zero). ``log1p`` is ``sign(x) log(1 + |x|)``, for the same
    reason. Both are strictly increasing and keep NaN.

    Parameters
    ----------
    values : float32, any shape
    transform : {"none", "anscombe", "log1p"}

    Returns
    -------
    float32, same shape
        ``values`` itself for "none".
    """
    if transform == "anscombe":
        out: NDArray[np.float32] = np.asarray(values + np.float32(0.375))
        negative = out < 0
        if negative.any():
            np.abs(out, out=out)
        np.sqrt(out, out=out)
        out *= 2
        if negative.any():
            np.negative(out, out=out, where=negative)
        return out
    if transform == "log1p":
        out = np.sign(values) * np.log1p(np.abs(values))
        return out
    return values


def unstabilise(values: NDArray[np.float32], transform: AppliedTransform) -> NDArray[np.float32]:
    """The inverse of `stabilise`.

    The algebraic inverse (our choice), because it returns every map exactly. Its expectation for
    Poisson counts is about a quarter of a count too low, which is far below their noise.

    Parameters
    ----------
    values : float32, any shape
    transform : {"none", "anscombe", "log1p"}

    Returns
    -------
    float32, same shape
        ``values`` itself for "none".
    """
    if transform == "anscombe":
        half = values / 2
        return np.asarray(half * np.abs(half) - 0.375, dtype=np.float32)
    if transform == "log1p":
        return np.asarray(np.sign(values) * np.expm1(np.abs(values)), dtype=np.float32)
    return values
