"""Whether a grain is no more than a blend of the two ordinary phases beside it.

A pixel on the boundary of two minerals holds both, in a mixture that may occur nowhere else: the
commonest false anomaly where the beam is as wide as the texture. The ring of a grain is divided
into two groups of pixels (from its pseudo-label clusters where there are several, refined by a few
steps of 2-means); their means m1 and m2 are what the grain is fitted by, without negative shares.
A grain is explained when both phases take part, together make up about one pixel, and no element is
left over beyond its error.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.grain_regions import GrainRegions, PixelSets
from napari_mineral_anomaly.grain_signals import GrainSignals
from napari_mineral_anomaly.progress import CancelToken, check

Floats = NDArray[np.float64]

LEAST_SHARE = 0.1
TOTAL_SHARE = (0.6, 1.4)
LARGEST_RESIDUAL_SIGMAS = 3.5
# Mineral grains vary inside (zoning, matrix effects): part of the fitted value.
UNEVENNESS = 0.05
# Boundaries are thin: width of the pixels' ellipse across its long axis.
WIDEST_PX = 2.5
_LEAST_RING_PX = 12
_FARTHEST_GROUP_SD = 4.4
_STEPS = 3
_MAX_PAIRS = 400_000


def is_mixture(
    cube: ElementCube,
    regions: GrainRegions,
    ring: PixelSets,
    signals: GrainSignals,
    pseudo_labels: NDArray[np.unsignedinteger],
    *,
    cancel: CancelToken | None = None,
) -> NDArray[np.bool_]:
    """(n,) bool: grains that two phases of their ring explain within the errors."""
    out = np.zeros(regions.n_grains, dtype=bool)
    possible = (widths(regions) <= WIDEST_PX) & (ring.size >= _LEAST_RING_PX)
    possible &= _within_ring(signals)
    for grains in _blocks(np.flatnonzero(possible), ring.size):
        check(cancel)
        out[grains] = _explained(cube, ring, signals, pseudo_labels, grains)
    return out


def _within_ring(signals: GrainSignals) -> NDArray[np.bool_]:
    """Grains near enough to their ring in every element for a mixture of it to be possible.

    The mean of a group of 5 % of the ring lies at most 4.4 standard deviations from the ring's
    mean, and mixtures lie between the means of the groups.
    """
    error = LARGEST_RESIDUAL_SIGMAS * _error(signals, np.arange(signals.n_pixels.size))
    reach = _FARTHEST_GROUP_SD * signals.ring_sd + error
    return np.asarray((np.abs(signals.excess) <= reach).all(axis=1))


def _error(signals: GrainSignals, grains: NDArray[np.intp]) -> Floats:
    """(n, C) one sigma of the mean of some grains, unevenness of the rock included."""
    level = np.maximum(signals.mean[grains], signals.ring_mean[grains])
    if signals.is_counts:
        variance = (np.maximum(level, 0) + 1) / signals.n_pixels[grains, None]
    else:
        variance = _ring_noise(signals, grains) ** 2
    return np.asarray(np.sqrt(variance + (UNEVENNESS * level) ** 2))


def _ring_noise(signals: GrainSignals, grains: NDArray[np.intp]) -> Floats:
    """(n, C) one sigma of a pixel of the ring."""
    ring_mean = signals.ring_mean[grains]
    noise = np.maximum(ring_mean, 0) + 1 if signals.is_counts else signals.ring_sd[grains] ** 2
    return np.asarray(np.sqrt(np.maximum(noise, 1e-12 * (1 + ring_mean**2))))


def widths(regions: GrainRegions) -> Floats:
    """(n,) width in px of each grain across its long axis, from its second moments.

    A straight line of pixels is 1 px wide, a square of n x n pixels n px.
    """
    y, x, pixels = regions.rows.astype(float), regions.columns.astype(float), regions.pixels
    dy, dx = y - pixels.mean(y)[pixels.grain], x - pixels.mean(x)[pixels.grain]
    yy, xx, xy = pixels.mean(dy * dy), pixels.mean(dx * dx), pixels.mean(dy * dx)
    smaller = 0.5 * (yy + xx) - np.sqrt((0.5 * (yy - xx)) ** 2 + xy**2)
    return np.asarray(np.sqrt(12 * (np.maximum(smaller, 0) + 1 / 12)))


def _blocks(grains: NDArray[np.intp], n_ring: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    total = np.cumsum(n_ring[grains])
    yield from np.split(grains, np.flatnonzero(np.diff(total // _MAX_PAIRS)) + 1)


def _explained(
    cube: ElementCube,
    ring: PixelSets,
    signals: GrainSignals,
    pseudo_labels: NDArray[np.unsignedinteger],
    grains: NDArray[np.intp],
) -> NDArray[np.bool_]:
    n = grains.size
    number = np.full(ring.n_grains, -1)
    number[grains] = np.arange(n)
    use = number[ring.grain] >= 0
    owner, pixel = number[ring.grain[use]], ring.pixel[use]
    ring_mean, mean = signals.ring_mean[grains], signals.mean[grains]
    values = np.stack(
        [cube.plane(c).reshape(-1)[pixel].astype(np.float64) for c in range(cube.n_elements)],
        axis=1,
    )
    scale = _ring_noise(signals, grains)
    second = _start(values, owner, ring_mean, scale, pseudo_labels.reshape(-1)[pixel], n)
    for _ in range(_STEPS):
        first_mean, second_mean = (
            _group_mean(values, owner, group, n) for group in (~second, second)
        )
        to_first, to_second = (
            np.sum(((values - means[owner]) / scale[owner]) ** 2, axis=1)
            for means in (first_mean, second_mean)
        )
        second = to_second < to_first
    first_mean, second_mean = (_group_mean(values, owner, group, n) for group in (~second, second))
    there = np.isfinite(first_mean).all(axis=1) & np.isfinite(second_mean).all(axis=1)
    return there & _fits(
        mean, np.nan_to_num(first_mean), np.nan_to_num(second_mean), _error(signals, grains)
    )


def _start(
    values: Floats,
    owner: NDArray[np.int64],
    ring_mean: Floats,
    scale: Floats,
    cluster: NDArray[np.unsignedinteger],
    n: int,
) -> NDArray[np.bool_]:
    """First division of each ring: its commonest cluster against the rest, or high against low.

    High and low in the element that varies most over the ring, for its noise.
    """
    size = np.bincount(owner, minlength=n)
    pairs, count = np.unique(
        owner * (int(cluster.max(initial=0)) + 1) + cluster, return_counts=True
    )
    of_grain = pairs // (int(cluster.max(initial=0)) + 1)
    most = np.zeros(n, dtype=np.int64)
    order = np.lexsort((-count, of_grain))
    grain, first = np.unique(of_grain[order], return_index=True)
    most[grain] = pairs[order][first] % (int(cluster.max(initial=0)) + 1)
    outside = cluster != most[owner]
    several = np.bincount(owner, weights=outside, minlength=n) >= 0.15 * size
    departure = (values - ring_mean[owner]) / scale[owner]
    spread = np.add.reduceat(departure**2, np.searchsorted(owner, np.arange(n)), axis=0)
    widest = np.argmax(spread, axis=1)
    high = departure[np.arange(owner.size), widest[owner]] > 0
    return np.asarray(np.where(several[owner], outside, high))


def _group_mean(
    values: Floats, owner: NDArray[np.int64], group: NDArray[np.bool_], n: int
) -> Floats:
    """(n, C) mean over the ring pixels of one group; NaN where it is empty.

    ``owner`` rises and misses no number.
    """
    starts = np.searchsorted(owner, np.arange(n))
    total = np.add.reduceat(np.where(group[:, None], values, 0.0), starts, axis=0)
    count = np.bincount(owner[group], minlength=n)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count[:, None])


def _fits(mean: Floats, first: Floats, second: Floats, error: Floats) -> NDArray[np.bool_]:
    """Whether shares a, b exist with mean = a first + b second within the errors.

    Weighted least squares in two unknowns; a fit with a negative share is no mixture, so the
    non-negative solution is only needed where both are positive, and there it is this one.
    """
    x, p, q = mean / error, first / error, second / error
    pp, qq, pq = (p * p).sum(1), (q * q).sum(1), (p * q).sum(1)
    px, qx = (p * x).sum(1), (q * x).sum(1)
    determinant = pp * qq - pq * pq
    solvable = determinant > 1e-9 * pp * qq
    with np.errstate(divide="ignore", invalid="ignore"):
        a = (px * qq - qx * pq) / determinant
        b = (qx * pp - px * pq) / determinant
    residual = np.abs(x - a[:, None] * p - b[:, None] * q).max(axis=1)
    low, high = TOTAL_SHARE
    total = a + b
    mixed = (a >= LEAST_SHARE) & (b >= LEAST_SHARE) & (total >= low) & (total <= high)
    return np.asarray(solvable & mixed & (residual <= LARGEST_RESIDUAL_SIGMAS))
