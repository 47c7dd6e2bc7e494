"""What a mineral looks like in a real scan: its numbers, and their noise.

**Counts.** The rates of a mineral come from its formula (`simulate.sensitivity.count_rates`). One
factor per element turns them into counts of this scan. It is set on the scan's own purest pixels:
the 99th percentile of the element is taken as a pixel of the mineral that carries it in this rock
(quartz for Si, and so on), and the brightest pixels of a rare element as its rare carrier (zircon
for Zr). Elements without a carrier get the median factor. A line that overlaps with another one
does so in the mineral too, and no pixel is darker than the scan's darkest. The noise is Poisson.

**Per cent of oxides.** The numbers follow from the formula alone. The noise is measured: the
variance in windows of 3 x 3 pixels, in the quietest windows of each level, fitted by
``a + b * level``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.optimize import nnls
from scipy.stats import chi2

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.scan.names.formulas import mass_fractions
from napari_mineral_anomaly.simulate.artefacts import OVERLAPS
from napari_mineral_anomaly.simulate.minerals import MINERALS, Mineral
from napari_mineral_anomaly.simulate.sensitivity import count_rates

PURE_PERCENTILE, RAREST_PERCENTILE, DARKEST_PERCENTILE = 99.0, 99.995, 1.0
LEVELS, QUIET, WINDOW = 10, 0.2, 3

Floats = NDArray[np.float64]


def symbol(name: str) -> str:
    """The element of a map: Fe of "Fe", "FeO-T" and "Fe2O3"."""
    found = re.match("[A-Z][a-z]?", name)
    if found is None:
        raise ValueError(f"{name} names no element.")
    return found.group()


@dataclass(frozen=True, eq=False)
class CountModel:
    """Expected counts of a mineral: ``factor`` (C,) times its rates, at least ``darkest`` (C,).

    ``leaks`` holds (to, from, counts per count) of overlapping lines.
    """

    elements: tuple[str, ...]
    factor: Floats
    darkest: Floats
    leaks: tuple[tuple[int, int, float], ...] = ()

    @classmethod
    def of(
        cls, cube: ElementCube, carriers: Mapping[str, str], rare: Mapping[str, str]
    ) -> CountModel:
        """The model of a scan.

        ``carriers`` and ``rare`` name the main or rare mineral that carries an element.
        """
        maps = np.asarray(cube.maps)[:, cube.valid]
        elements = tuple(symbol(name) for name in cube.elements)
        factor = np.full(len(elements), np.nan)
        for index, element in enumerate(elements):
            for known, percentile in ((carriers, PURE_PERCENTILE), (rare, RAREST_PERCENTILE)):
                if element in known:
                    pure = np.percentile(maps[index], percentile)
                    factor[index] = pure / count_rates(MINERALS[known[element]], (element,))[0]
        factor[np.isnan(factor)] = np.nanmedian(factor)
        leaks = []
        for to, source in OVERLAPS:
            if to in elements and source in elements:
                i, j = elements.index(to), elements.index(source)
                bright = maps[j] >= np.percentile(maps[j], PURE_PERCENTILE)
                ratio = float(np.median(maps[i][bright] / np.maximum(maps[j][bright], 1)))
                leaks.append((i, j, ratio))
        darkest = np.percentile(maps, DARKEST_PERCENTILE, axis=1)
        return cls(elements, factor, darkest, tuple(leaks))

    def pure(self, mineral: Mineral) -> Floats:
        """Expected counts (C,) of a pixel that the mineral fills."""
        counts = np.maximum(self.factor * count_rates(mineral, self.elements), self.darkest)
        for to, source, ratio in self.leaks:
            counts[to] += ratio * counts[source]
        return counts

    def plant(
        self, pixels: Floats, share: Floats, pure: Floats, rng: np.random.Generator
    ) -> Floats:
        """Pixels (C, n) of which a mineral takes ``share`` (n,).

        The old counts are thinned and the new ones drawn, so that Poisson counts stay Poisson.
        """
        kept = rng.binomial(pixels.astype(np.int64), 1.0 - share)
        return np.asarray(kept + rng.poisson(pure[:, None] * share), dtype=np.float64)

    def stabilised(self, values: Floats) -> Floats:
        """Numbers (C, ...) whose noise has a standard deviation of 1."""
        return 2.0 * np.sqrt(np.maximum(values, 0.0) + 0.375)


@dataclass(frozen=True, eq=False)
class OxideModel:
    """Per cent of oxides; the variance of the noise is ``a + b * level``, both (C,)."""

    names: tuple[str, ...]
    noise_a: Floats
    noise_b: Floats
    lowest: Floats

    @classmethod
    def of(cls, cube: ElementCube) -> OxideModel:
        """The model of a scan in per cent."""
        maps = np.asarray(cube.maps, dtype=np.float64)
        fits = np.array([_noise(plane, cube.valid) for plane in maps])
        lowest = np.array([plane[cube.valid].min() for plane in maps])
        return cls(cube.elements, fits[:, 0], fits[:, 1], lowest)

    def pure(self, mineral: Mineral) -> Floats:
        """Per cent (C,) of a pixel that the mineral fills."""
        fractions = mineral.mass_fractions()
        values = []
        for name in self.names:
            oxide = name.partition("-")[0]
            element = symbol(name)
            carried = 0.0 if name == "O" else mass_fractions(oxide)[element]
            values.append(100.0 * fractions.get(element, 0.0) / carried if carried else 0.0)
        return np.array(values)

    def plant(
        self, pixels: Floats, share: Floats, pure: Floats, rng: np.random.Generator
    ) -> Floats:
        """Pixels (C, n) of which a mineral takes ``share`` (n,); noise is added that is missing."""
        mixed = (1.0 - share) * pixels + share * pure[:, None]
        left = (1.0 - share) ** 2 * self._variance(pixels)
        missing = np.maximum(self._variance(mixed) - left, 0.0)
        drawn = mixed + np.sqrt(missing) * rng.standard_normal(mixed.shape)
        return np.asarray(np.maximum(drawn, self.lowest[:, None]), dtype=np.float64)

    def stabilised(self, values: Floats) -> Floats:
        """Numbers (C, ...) whose noise has a standard deviation of about 1 at their own level."""
        flat = values.reshape(len(values), -1)
        # The integral of d(level) / sqrt(a + b * level), for b > 0 and b = 0.
        a, b = self.noise_a[:, None] + 1e-6, self.noise_b[:, None]
        level = np.maximum(flat, 0.0)
        curved = 2.0 * (np.sqrt(a + b * level) - np.sqrt(a)) / np.where(b > 0, b, 1.0)
        return np.where(b > 0, curved, level / np.sqrt(a)).reshape(values.shape)

    def _variance(self, values: Floats) -> Floats:
        return self.noise_a[:, None] + self.noise_b[:, None] * np.maximum(values, 0.0)


ScanModel = CountModel | OxideModel


def _noise(plane: Floats, valid: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit ``a`` and ``b`` of the variance ``a + b * level`` of the noise of one map."""
    mean = uniform_filter(plane, WINDOW)
    n = WINDOW**2
    variance = np.maximum(uniform_filter(plane**2, WINDOW) - mean**2, 0.0) * n / (n - 1)
    whole = uniform_filter(valid.astype(np.float64), WINDOW) > 1.0 - 0.5 / n
    level, spread = np.maximum(mean[whole], 0.0), variance[whole]
    edges = np.quantile(level, np.linspace(0.0, 1.0, LEVELS + 1))
    # The quietest windows of a level hold the noise alone; their variance is the lower quantile of
    # a scaled chi-squared distribution.
    quiet_factor = chi2.ppf(QUIET, n - 1) / (n - 1)
    rows = []
    for low, high in pairwise(edges):
        inside = (level >= low) & (level <= high)
        if np.count_nonzero(inside) >= n:
            rows.append((level[inside].mean(), np.quantile(spread[inside], QUIET) / quiet_factor))
    levels, spreads = np.array(rows).T
    (a, b), _ = nnls(np.stack([np.ones_like(levels), levels], axis=1), spreads)
    return float(a), float(b)


@cache
def mapped_share(mineral: Mineral, names: tuple[str, ...]) -> float:
    """Mass fraction of the mapped elements in a mineral, oxygen aside."""
    fractions = mineral.mass_fractions()
    return sum(fractions.get(element, 0.0) for element in {symbol(n) for n in names} - {"O"})
