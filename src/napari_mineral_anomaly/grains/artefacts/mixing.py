"""Whether a grain is only a mixture of the two ordinary phases beside it.

A pixel on the boundary of two minerals holds both, in a mixture that may occur nowhere else. This
is the commonest false anomaly where the beam is as wide as the texture. The ring of a grain is
divided into two groups of pixels: by its pseudo-label clusters where it has several, then by a few
steps of 2-means. The grain is fitted by the means m1 and m2 of the groups, without negative shares.
The mixture explains the grain when both phases take part, their shares add up to about one pixel,
and no element is left over beyond its error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.pixels.regions import GrainRegions, PixelSets
from napari_mineral_anomaly.grains.signals import GrainSignals
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

Floats = NDArray[np.float64]

LEAST_SHARE = 0.1
TOTAL_SHARE = (0.6, 1.4)
LARGEST_RESIDUAL_SIGMAS = 3.5
# Mineral grains vary inside (zoning, matrix effects) by this share of the fitted value.
UNEVENNESS = 0.05
# Boundaries are thin. Width of the grain across its long axis.
WIDEST_PX = 2.5
_LEAST_RING_PX = 12
_FARTHEST_GROUP_SD = 4.4
_STEPS = 3
# Pixels of the rings that are examined together: one row of departures fits the processor's cache.
_MAX_PAIRS = 40_000


def is_mixture(
    cube: ElementCube,
    regions: GrainRegions,
    ring: PixelSets,
    signals: GrainSignals,
    pseudo_labels: NDArray[np.unsignedinteger],
    *,
    task: Task = SILENT,
) -> NDArray[np.bool_]:
    """(n,) bool: grains that a mixture of two phases of their ring explains within the errors."""
    out = np.zeros(regions.n_grains, dtype=bool)
    possible = (widths(regions) <= WIDEST_PX) & (ring.size >= _LEAST_RING_PX)
    possible &= _within_ring(signals)
    grains = np.flatnonzero(possible)
    pixel = ring.pixel[possible[ring.grain]]
    first = 0
    for block in _blocks(grains, ring.size):
        task.check()
        size = ring.size[block]
        last = first + int(size.sum())
        rings = _rings(cube, signals, block, pixel[first:last], size)
        codes = pseudo_labels.reshape(-1)[pixel[first:last]]
        out[block] = _explained(rings, codes, signals, block)
        first = last
    return out


def _within_ring(signals: GrainSignals) -> NDArray[np.bool_]:
    """Grains that are close enough to their ring in every element to be a mixture of it.

    The mean of a group of 5 % of the ring lies at most 4.4 standard deviations from the ring's
    mean, and mixtures lie between the means of the groups.
    """
    error = LARGEST_RESIDUAL_SIGMAS * _error(signals, np.arange(signals.n_pixels.size))
    reach = _FARTHEST_GROUP_SD * signals.ring_sd + error
    return np.asarray((np.abs(signals.excess) <= reach).all(axis=1))


def _error(signals: GrainSignals, grains: NDArray[np.intp]) -> Floats:
    """(n, C) one sigma of the mean of some grains, with the unevenness of the rock."""
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


@dataclass(frozen=True, eq=False)
class _Rings:
    """The pixels of some rings, one ring after the other; no ring is empty.

    Attributes
    ----------
    departure : (C, k) float64
        Difference of each pixel from the mean of its ring, divided by the noise of a pixel there.
    size, start : (n,) int64
        How many pixels each ring has, and where it begins.
    mean, noise : (n, C) float64
        Mean of each ring, and noise of one of its pixels.
    """

    departure: Floats
    size: NDArray[np.int64]
    start: NDArray[np.int64]
    mean: Floats
    noise: Floats

    def sums(self, values: NDArray[Any]) -> Floats:
        """(n,) sum over each ring of ``values`` (k,)."""
        return np.asarray(np.add.reduceat(values, self.start, dtype=np.float64))

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """``values`` (n,) for every pixel of its ring, (k,)."""
        return np.repeat(values, self.size)

    def sums_of(self, group: NDArray[np.bool_]) -> Floats:
        """(n, C) sum of the departures over the pixels of a group."""
        return np.stack([self.sums(np.where(group, row, 0.0)) for row in self.departure], axis=1)


def _rings(
    cube: ElementCube,
    signals: GrainSignals,
    grains: NDArray[np.intp],
    pixel: NDArray[np.int64],
    size: NDArray[np.int64],
) -> _Rings:
    mean, noise = signals.ring_mean[grains], _ring_noise(signals, grains)
    departure = np.empty((cube.n_elements, pixel.size))
    for c, row in enumerate(departure):
        np.subtract(cube.plane(c).reshape(-1)[pixel], np.repeat(mean[:, c], size), out=row)
        row /= np.repeat(noise[:, c], size)
    return _Rings(departure, size, np.cumsum(size) - size, mean, noise)


def _explained(
    rings: _Rings,
    codes: NDArray[np.unsignedinteger],
    signals: GrainSignals,
    grains: NDArray[np.intp],
) -> NDArray[np.bool_]:
    if grains.size == 0:
        return np.zeros(0, dtype=bool)
    second = _start(rings, codes)
    everything = rings.sums_of(np.ones(second.size, dtype=bool))
    for step in range(_STEPS + 1):
        n_second = rings.sums(second)
        sums = rings.sums_of(second)
        with np.errstate(invalid="ignore"):
            second_mean = sums / n_second[:, None]
            first_mean = (everything - sums) / (rings.size - n_second)[:, None]
        if step < _STEPS:
            # The nearer mean: squared distances differ by a sum that is linear in the departure.
            weight = 2.0 * (second_mean - first_mean)
            level = np.sum(second_mean**2 - first_mean**2, axis=1)
            nearer = -rings.each(level)
            for c, row in enumerate(rings.departure):
                nearer += row * rings.each(weight[:, c])
            second = nearer > 0  # nowhere where a group is empty: then there is no mean
    there = np.isfinite(first_mean).all(axis=1) & np.isfinite(second_mean).all(axis=1)
    first, other = (
        np.nan_to_num(means) * rings.noise + rings.mean for means in (first_mean, second_mean)
    )
    return there & _fits(signals.mean[grains], first, other, _error(signals, grains))


def _start(rings: _Rings, codes: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """First division of each ring: its commonest cluster and the rest, or high and low pixels.

    High and low in the element that varies most over the ring, relative to its noise.
    """
    n = rings.size.size
    names, cluster = np.unique(codes, return_inverse=True)
    pair = rings.each(np.arange(n)) * names.size + cluster
    counts = np.bincount(pair, minlength=n * names.size).reshape(n, names.size)
    outside = cluster != rings.each(np.argmax(counts, axis=1))
    several = rings.sums(outside) >= 0.15 * rings.size
    spread = np.stack([rings.sums(row * row) for row in rings.departure], axis=1)
    widest = rings.each(np.argmax(spread, axis=1))
    high = rings.departure[widest, np.arange(widest.size)] > 0
    return np.asarray(np.where(rings.each(several), outside, high))


def _fits(mean: Floats, first: Floats, second: Floats, error: Floats) -> NDArray[np.bool_]:
    """Whether shares a, b exist with mean = a first + b second within the errors.

    Weighted least squares in two unknowns. A fit with a negative share is no mixture; where both
    shares are positive, this solution is also the non-negative one.
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
