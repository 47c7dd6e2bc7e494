"""Which minerals fit what a grain holds more and less of than its surroundings. Only a hint.

The fit is `minerals.fit`: a mineral that replaces a part of the surroundings, with sensitivities
from published X-ray data (`minerals.pure`). The distance of a mineral is

    d = misfit / difference + 0.05 (if the mineral is rare) + 0.1 (1 - m)
        + 0.2 (if it lacks the element by which the grain stands out most)

where misfit / difference is the share of the difference to the ring that it leaves unexplained,
and m the mapped share of its mass of sodium and heavier elements. 0 fits perfectly. Because of the
terms for rare minerals and unmapped elements, zircon wins over baddeleyite and pyrite over
molybdenite where the maps cannot distinguish them. Minerals whose distances agree to three digits
share a place; the one that is first in the table is named first. All constants are our choice, made
on simulated sections with seeds 0 to 9; `benchmarks/mineral_hints.py` measures how often the hints
are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.minerals.fit import MAJOR_SHARE, fit_minerals
from napari_mineral_anomaly.grains.minerals.pure import (
    fractions_of,
    tube_signals,
    weights,
)
from napari_mineral_anomaly.grains.minerals.table import FORMULAS, RARE
from napari_mineral_anomaly.grains.signals import GrainSignals
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra.leaks import LineLeaks

Floats = NDArray[np.float64]

N_HINTS = 3
LARGEST_DISTANCE = 0.45
RARITY = 0.05
UNMAPPED = 0.1
LACK = 0.2
CLEAR_SIGMAS = 5.0
# A leak of this share can fake an element; weaker leaks matter for strong partners only.
LEAK_THAT_FAKES = 0.2
_DIGITS = 3


@dataclass(frozen=True)
class MineralHint:
    """A mineral that a grain may be.

    Attributes
    ----------
    name, formula : str
    distance : float
        0 fits perfectly, `LARGEST_DISTANCE` is the worst that is shown.
    elements : tuple of str
        Names of the maps that support it: more in the grain than the diluted surroundings bring,
        and part of the mineral.
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
        order = _nearest(distances)  # NaN sorts last
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
        order = _nearest(self.distance)  # NaN sorts last
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

    A mineral is only compared when at least one of its elements is mapped and supports it.
    """
    mass = weights(signals.symbols)
    pure = mass if signals.is_concentration else tube_signals(signals.symbols)
    fit = fit_minerals(signals, pure, mass, leaks)
    penalty = [
        RARITY * (name in RARE) + UNMAPPED * (1.0 - _mapped(name, signals.symbols))
        for name in FORMULAS
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = fit.misfit / fit.difference[:, None] + np.array(penalty)
    distance += LACK * _without_lead(signals, mass, leaks)
    distance[~np.isfinite(distance)] = np.nan
    return HintTable(tuple(FORMULAS), signals.elements, distance, fit.supports)


def _without_lead(signals: GrainSignals, mass: Floats, leaks: LineLeaks) -> NDArray[np.bool_]:
    """(n, m) whether a mineral lacks the element by which a grain stands out most.

    Only elements whose excess the ring's own variation leaves clear count, and none that the lines
    of another element of the mineral can fake.
    """
    known = np.array([symbol is not None for symbol in signals.symbols])
    sigmas = np.where(known, signals.ring_sigmas, -np.inf)
    lead = sigmas.argmax(axis=1)
    stands_out = sigmas.max(axis=1) >= CLEAR_SIGMAS
    holds = mass >= MAJOR_SHARE
    faked = (holds.astype(float) @ (leaks.share >= LEAK_THAT_FAKES).T) > 0
    lacks = ~(holds | faked)
    return np.asarray(stands_out[:, None] & lacks.T[lead])


def _nearest(distance: Floats) -> NDArray[np.intp]:
    """Positions of the `N_HINTS` smallest distances along the last axis; NaN sorts last."""
    order = np.argsort(np.round(distance, _DIGITS), axis=-1, kind="stable")
    return order[..., :N_HINTS]


def _mapped(mineral: str, symbols: tuple[str | None, ...]) -> float:
    """Share of a mineral's mass of sodium and heavier elements that is mapped."""
    heavy = {
        symbol: weight
        for symbol, weight in fractions_of(mineral).items()
        if SYMBOLS.index(symbol) >= SYMBOLS.index("Na")
    }
    return sum(w for symbol, w in heavy.items() if symbol in symbols) / sum(heavy.values())
