"""The signal of each element in every grain and its local ring, for all grains at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.memory import FORGETFUL, ListRecall
from napari_mineral_anomaly.grains.pixels.regions import GrainRegions, PixelSets
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.robust import thinned

Floats = NDArray[np.float64]

# A place is "full of" an element at this percentile of the scan, or at the richest grain.
_RICH_PERCENTILE = 99.5
_SAMPLED_PIXELS = 50_000
# Nothing of an element is left at this percentile of the means over squares of so many pixels.
_POOR_PERCENTILE, _SQUARE_PX = 1.0, 6
_LEAST_PX = 4
_LEAST_SIGMA = 0.01

_PER_GRAIN = ("n_pixels", "n_ring", "mean", "ring_mean", "ring_sd", "peak", "peak_around")


@dataclass(frozen=True, eq=False)
class GrainSignals:
    """Means of n grains and their rings in C elements, in the units of the maps.

    Attributes
    ----------
    elements : tuple of str
    symbols : tuple of (str or None)
        Chemical symbol of each element map; None where its name holds none.
    is_counts : bool
        Whether the maps hold counts: then counting errors are known.
    is_concentration : bool
    n_pixels, n_ring : (n,) int64
    mean, ring_mean, ring_sd : (n, C) float64
        Ring values are NaN where the grain has no ring (`GrainRegions.ring`).
    peak, peak_around : (n, C) float64
        Highest pixel of the grain in the element, and the mean of the eight (or fewer) valid
        pixels around that pixel.
    scan_median, scan_rich : (C,) float64
        Median of the valid pixels, and the level of the richest: the larger of the
        `_RICH_PERCENTILE` of the valid pixels and the richest grain mean (rare elements are in the
        grains only).
    scan_low : (C,) float64
        What the map shows without the element: the poorest of its squares of pixels
        (`_POOR_PERCENTILE`), or the poorest grain of `_LEAST_PX` pixels or more.
    """

    elements: tuple[str, ...]
    symbols: tuple[str | None, ...]
    is_counts: bool
    is_concentration: bool
    n_pixels: NDArray[np.int64]
    n_ring: NDArray[np.int64]
    mean: Floats
    ring_mean: Floats
    ring_sd: Floats
    peak: Floats
    peak_around: Floats
    scan_median: Floats
    scan_rich: Floats
    scan_low: Floats

    @cached_property
    def excess(self) -> Floats:
        """(n, C) grain mean minus ring mean; 0 where there is no ring."""
        return np.nan_to_num(self.mean - self.ring_mean, nan=0.0)

    @cached_property
    def ring_sigmas(self) -> Floats:
        """(n, C) signed excess over the ring in sigmas of the difference of the two means.

        For counts: the counting errors of both means, and the variation of the ring beyond its
        counting noise (the ring in a rock is not uniform; this part does not shrink with the
        number of pixels, because neighbouring pixels share a mineral grain). For other
        quantities: the standard deviation of the ring. 0 where there is no ring.
        """
        if self.is_counts:
            uneven = np.maximum(self.ring_sd**2 - self.ring_rate, 0)
            variance = uneven + self.counting_variance
        else:
            variance = self._spread_without_counts
        return np.nan_to_num(self.excess / np.sqrt(variance), nan=0.0)

    @cached_property
    def ring_departure(self) -> Floats:
        """(n, C) signed excess over the ring in units of the spread of single ring pixels.

        The spread of counts is at least their counting error. 0 where there is no ring.
        """
        if self.is_counts:
            variance = np.maximum(self.ring_sd**2, self.ring_rate)
        else:
            variance = self._spread_without_counts
        return np.nan_to_num(self.excess / np.sqrt(variance), nan=0.0)

    @property
    def _spread_without_counts(self) -> Floats:
        return np.maximum(self.ring_sd**2, self.least_variance)

    @cached_property
    def least_variance(self) -> Floats:
        """(C,) variance below which no difference counts, of maps that are not counts.

        A ring in which an element is below the limit of detection has no spread at all. So one per
        cent of the richest level of the scan is a sigma at least. Our choice.
        """
        level = np.maximum(np.abs(self.scan_rich), np.abs(self.scan_median))
        return np.asarray((_LEAST_SIGMA * np.nan_to_num(level)) ** 2 + 1e-300)

    @cached_property
    def ring_rate(self) -> Floats:
        """(n, C) counts of a ring pixel; one count in the ring more than measured.

        So the error of an empty ring stays above zero.
        """
        n_ring = np.maximum(self.n_ring, 1)[:, None]
        return (np.maximum(np.nan_to_num(self.ring_mean), 0) * n_ring + 1) / n_ring

    @cached_property
    def counting_variance(self) -> Floats:
        """(n, C) variance of the excess from the counting errors of grain and ring."""
        n_ring = np.maximum(self.n_ring, 1)[:, None]
        grain_rate = np.maximum(self.mean, self.ring_rate)
        return grain_rate / self.n_pixels[:, None] + self.ring_rate / n_ring

    def of(self, grains: NDArray[np.intp]) -> GrainSignals:
        """The signals of some grains."""
        chosen = {name: getattr(self, name)[grains] for name in _PER_GRAIN}
        return replace(self, **chosen)


def element_symbols(elements: tuple[str, ...]) -> tuple[str | None, ...]:
    """Chemical symbol of each element name ("Fe", "Pb La", "FeO-T"); None for other names."""
    parsed = parse_names(list(elements))
    return tuple(
        name if name in SYMBOLS else entry.element
        for name, entry in zip(elements, parsed, strict=True)
    )


class _Levels(NamedTuple):
    """Of one element over the whole scan: median, `_RICH_PERCENTILE`, and the poorest square."""

    median: float
    rich: float
    poor: float


def measure_grains(
    cube: ElementCube,
    regions: GrainRegions,
    ring: PixelSets,
    *,
    recall: ListRecall = FORGETFUL,
    task: Task = SILENT,
) -> GrainSignals:
    """Means of all grains and rings; one element plane in memory at a time.

    Parameters
    ----------
    cube : ElementCube
    regions : GrainRegions
    ring : PixelSets
        ``regions.ring()``.
    recall : ListRecall, optional
        Knows what the elements show of the whole scan.
    task : Task, optional
    """
    n, shape = regions.n_grains, (regions.n_grains, cube.n_elements)
    mean, ring_mean, ring_sd = np.empty(shape), np.empty(shape), np.empty(shape)
    peak, around = np.empty(shape), np.empty(shape)
    median, rich, low = (np.empty(cube.n_elements) for _ in range(3))
    sample = thinned(np.flatnonzero(cube.valid), _SAMPLED_PIXELS)
    for c in range(cube.n_elements):
        task.check()
        plane = cube.plane(c)
        flat = plane.reshape(-1)
        inside = flat[regions.pixels.pixel].astype(np.float64)
        outside = flat[ring.pixel].astype(np.float64)
        mean[:, c] = regions.pixels.mean(inside)
        ring_mean[:, c] = ring.mean(outside)
        departure = outside - ring_mean[ring.grain, c]
        ring_sd[:, c] = np.sqrt(ring.mean(departure**2))
        at = _highest(regions.pixels, inside)
        peak[:, c] = inside[at]
        around[:, c] = _mean_around(plane, cube.valid, regions.rows[at], regions.columns[at])
        levels = recall.answer(("levels", c), partial(_levels, plane, cube.valid, sample))
        median[c] = levels.median
        large = mean[regions.pixels.size >= _LEAST_PX, c]
        low[c] = np.fmin(levels.poor, large.min(initial=np.inf))
        rich[c] = max(levels.rich, float(mean[:, c].max(initial=-np.inf))) if n else levels.rich
    return GrainSignals(
        elements=cube.elements,
        symbols=element_symbols(cube.elements),
        is_counts=cube.quantity == "counts",
        is_concentration=cube.quantity == "concentration",
        n_pixels=regions.pixels.size,
        n_ring=ring.size,
        mean=mean,
        ring_mean=ring_mean,
        ring_sd=ring_sd,
        peak=peak,
        peak_around=around,
        scan_median=median,
        scan_rich=rich,
        scan_low=low,
    )


def _levels(plane: NDArray[Any], valid: NDArray[np.bool_], sample: NDArray[np.intp]) -> _Levels:
    sampled = plane.reshape(-1)[sample]
    if not sampled.size:
        return _Levels(np.nan, np.nan, _poorest(plane, valid))
    rich = float(np.percentile(sampled, _RICH_PERCENTILE))
    return _Levels(float(np.median(sampled)), rich, _poorest(plane, valid))


def _highest(pixels: PixelSets, values: Floats) -> NDArray[np.int64]:
    """(n_grains,) position of each grain's highest value in the list; the first of equals.

    A grain that was edited may hold pixels that this map lacks (NaN): they are never the highest.
    """
    values = np.where(np.isnan(values), -np.inf, values)
    candidates = np.flatnonzero(values == pixels.largest(values)[pixels.grain])
    _, first = np.unique(pixels.grain[candidates], return_index=True)
    return candidates[first]


def _poorest(plane: NDArray[np.generic], valid: NDArray[np.bool_]) -> float:
    """`_POOR_PERCENTILE` of the means over squares that are all valid; NaN without one.

    Single pixels of few counts are zero by chance; their squares are not.
    """
    side = _SQUARE_PX
    height, width = (side * (length // side) for length in plane.shape)
    squares = (height // side, side, width // side, side)
    whole = valid[:height, :width].reshape(squares).all(axis=(1, 3))
    if not whole.any():
        return float("nan")
    means = plane[:height, :width].reshape(squares).mean(axis=(1, 3), dtype=np.float64)
    return float(np.percentile(means[whole], _POOR_PERCENTILE))


def _mean_around(
    plane: NDArray[np.generic],
    valid: NDArray[np.bool_],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
) -> Floats:
    """Mean of the valid neighbours of some pixels; NaN where a pixel has none."""
    height, width = plane.shape
    total, n = np.zeros(row.size), np.zeros(row.size)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            y, x = row + dy, column + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width) & ((dy, dx) != (0, 0))
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            use = inside & valid[y, x]
            total += np.where(use, plane[y, x].astype(np.float64), 0.0)
            n += use
    with np.errstate(invalid="ignore"):
        return np.asarray(total / n, dtype=np.float64)
