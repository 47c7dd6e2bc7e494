"""Which minerals fit the elements that a grain holds more of than its surroundings. Only a hint.

Signs and relative strengths are compared, not compositions: counts have no common scale between
elements, the surroundings dilute a grain smaller than the beam, and light elements (C, O, H, often
Na) are not mapped. Let g be the signed excess of an element over the local ring in sigmas
(`GrainSignals.ring_sigmas`), w its mass fraction in a mineral, and r how full of it the ring is
(ring mean over the scan's richest level, 0 to 1). Then

    observed   u = sign(g) log(1 + max(|g| - 3, 0) / 3)
    expected   v = sqrt(w) (1 - r)  if the mineral holds at least 1 % of it, else  -0.3 r
    distance   d = 1 - cos(u, v) + 0.1 (if the mineral is rare) + 0.1 (1 - m)

over the mapped elements, where m is the mapped share of the mineral's mass of sodium and heavier
elements. 0 fits perfectly, 1 does not fit. Because of the last two terms, zircon wins over
baddeleyite and pyrite over molybdenite where the maps cannot distinguish them. Because of the
logarithm, one strong element does not decide alone. An element of which the ring is already full is
not expected to rise. An element whose lines another element of the mineral could fake
(`line_leaks`) is left out for that mineral: Zr beside P and Ca is no argument against apatite where
Zr is mapped by its L line. All constants are our choice, made on simulated sections and metapelite
maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.minerals.table import FORMULAS, RARE
from napari_mineral_anomaly.grains.signals import GrainSignals
from napari_mineral_anomaly.scan.names.formulas import mass_fractions
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra.leaks import LineLeaks

Floats = NDArray[np.float64]

N_HINTS = 3
LARGEST_DISTANCE = 0.45
LEAST_SIGMAS = 3.0
MAJOR_SHARE = 0.01
LACK_WEIGHT = 0.3
RARITY = 0.1
UNMAPPED = 0.1
# A leak of this share can hide or fake an element; weaker leaks matter for strong partners only.
LEAK_THAT_FAKES = 0.2


@dataclass(frozen=True)
class MineralHint:
    """A mineral that a grain may be.

    Attributes
    ----------
    name, formula : str
    distance : float
        0 fits perfectly, `LARGEST_DISTANCE` is the worst that is shown.
    elements : tuple of str
        Names of the maps that support it: in excess in the grain, and part of the mineral.
    """

    name: str
    formula: str
    distance: float
    elements: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class HintTable:
    """Distances of n grains to all minerals that the mapped elements can show.

    Attributes
    ----------
    names : tuple of str
        The m minerals.
    distance : (n, m) float64
        NaN where nothing can be compared.
    supports : (n, m, C) bool
        Elements that support the mineral.
    """

    names: tuple[str, ...]
    elements: tuple[str, ...]
    distance: Floats
    supports: NDArray[np.bool_]

    def of(self, grain: int) -> tuple[MineralHint, ...]:
        """The best hints of one grain, at most `N_HINTS`, nearest first."""
        distances = self.distance[grain]
        order = np.argsort(distances, kind="stable")[:N_HINTS]  # NaN sorts last
        return tuple(
            MineralHint(
                self.names[m],
                FORMULAS[self.names[m]],
                float(distances[m]),
                tuple(np.array(self.elements)[self.supports[grain, m]].tolist()),
            )
            for m in order
            if distances[m] <= LARGEST_DISTANCE
        )

    def texts(self) -> tuple[list[str], Floats, list[str]]:
        """`of` for all grains, as a table shows it: the best name, its distance, the others.

        Empty and NaN where no mineral fits; the others are such as "rutile 0.21, anatase 0.24".
        """
        order = np.argsort(self.distance, axis=1, kind="stable")[:, :N_HINTS]  # NaN sorts last
        near = np.take_along_axis(self.distance, order, axis=1)
        fits = near <= LARGEST_DISTANCE
        best = [
            self.names[m] if fit else "" for m, fit in zip(order[:, 0], fits[:, 0], strict=True)
        ]
        others = [
            ", ".join(f"{self.names[m]} {d:.2f}" for m, d, fit in zip(*row, strict=True) if fit)
            for row in zip(order[:, 1:], near[:, 1:], fits[:, 1:], strict=True)
        ]
        return best, np.where(fits[:, 0], near[:, 0], np.nan), others


def hint_minerals(signals: GrainSignals, leaks: LineLeaks) -> HintTable:
    """Distances of all grains to all minerals; the docstring of this module has the formula.

    A mineral is only compared when at least one of its elements is mapped and in excess.
    """
    weights = np.array([_weights(name, signals.symbols) for name in FORMULAS])
    with np.errstate(divide="ignore", invalid="ignore"):
        full = np.nan_to_num(signals.ring_mean / signals.scan_rich, nan=0.0, posinf=0.0, neginf=0.0)
    full = np.clip(full, 0.0, 1.0)
    strength = np.maximum(np.abs(signals.ring_sigmas) - LEAST_SIGMAS, 0.0) / LEAST_SIGMAS
    observed = np.sign(signals.ring_sigmas) * np.log1p(strength)
    observed[:, [symbol is None for symbol in signals.symbols]] = 0.0
    distance = np.full((observed.shape[0], len(FORMULAS)), np.nan)
    supports = np.zeros((*distance.shape, observed.shape[1]), dtype=bool)
    for m, (name, weight) in enumerate(zip(FORMULAS, weights, strict=True)):
        holds = weight >= MAJOR_SHARE
        if not holds.any():
            continue
        fakeable = ~holds & (leaks.share[:, holds] >= LEAK_THAT_FAKES).any(axis=1)
        expected = np.where(holds, np.sqrt(weight) * (1.0 - full), -LACK_WEIGHT * full)
        seen = np.where(fakeable, 0.0, observed)
        expected[:, fakeable] = 0.0
        lengths = np.linalg.norm(seen, axis=1) * np.linalg.norm(expected, axis=1)
        supports[:, m] = holds & (observed > 0)
        use = (lengths > 0) & supports[:, m].any(axis=1)
        cosine = np.einsum("ij,ij->i", seen[use], expected[use]) / lengths[use]
        penalty = RARITY * (name in RARE) + UNMAPPED * (1.0 - _mapped(name, signals.symbols))
        distance[use, m] = 1.0 - cosine + penalty
    return HintTable(tuple(FORMULAS), signals.elements, distance, supports)


def _weights(mineral: str, symbols: tuple[str | None, ...]) -> Floats:
    fractions = _fractions(FORMULAS[mineral])
    return np.array([0.0 if symbol is None else fractions.get(symbol, 0.0) for symbol in symbols])


def _mapped(mineral: str, symbols: tuple[str | None, ...]) -> float:
    """Share of a mineral's mass of sodium and heavier elements that is mapped."""
    heavy = {
        symbol: weight
        for symbol, weight in _fractions(FORMULAS[mineral]).items()
        if SYMBOLS.index(symbol) >= SYMBOLS.index("Na")
    }
    return sum(w for symbol, w in heavy.items() if symbol in symbols) / sum(heavy.values())


@cache
def _fractions(formula: str) -> dict[str, float]:
    return mass_fractions(formula)
