"""Which minerals fit what a grain holds more and less of than its surroundings. Only a hint.

The fit is `minerals.fit`: a mineral that replaces a part of the surroundings, with sensitivities
from published X-ray data (`minerals.pure`). The distance of a mineral is

    d = misfit / difference + 0.1 (if the mineral is rare) + 0.02 (if most rocks are made of it)
        + 0.1 (1 - m) + 0.2 (if it lacks the element by which the grain stands out most)
        + 0.05 h

where misfit / difference is the share of the difference to the ring that it leaves unexplained,
m the mapped share of its mass of sodium and heavier elements, and h the share of its mapped mass of
which the grain shows no more than its ring. 0 fits perfectly. Because of the
terms for rare minerals and unmapped elements, zircon wins over baddeleyite and pyrite over
molybdenite where the maps cannot distinguish them. Minerals whose distances agree to three digits
share a place; the one that is first in the table is named first. Names whose distances differ by
`TIE` or less are a tie. No mineral is named that lacks what defines it, or the rarer element by
which the grain stands out (`_lead`); where none is left, the grain is "a phosphate" or "a mineral
of nickel". All constants are our choice, made on simulated sections with seeds 0 to 9, 200 to 209
and 400 to 409; `benchmarks/mineral_hints.py` measures how often the hints are right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.minerals.defining import ROCK_FORMING, defining_elements
from napari_mineral_anomaly.grains.minerals.fit import (
    LEAST_SIGMAS,
    MAJOR_SHARE,
    Fit,
    fit_minerals,
)
from napari_mineral_anomaly.grains.minerals.pure import (
    fractions_of,
    tube_signals,
    weights,
)
from napari_mineral_anomaly.grains.minerals.table import FORMULAS, MATRIX, RARE
from napari_mineral_anomaly.grains.signals import GrainSignals
from napari_mineral_anomaly.scan.names.periodic_table import ELEMENT_NAMES, SYMBOLS
from napari_mineral_anomaly.scan.spectra.leaks import LineLeaks

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

N_HINTS = 3
LARGEST_DISTANCE = 0.45
RARITY = 0.1
ORDINARY = 0.02
UNMAPPED = 0.1
LACK = 0.2
HIDDEN = 0.05
CLEAR_SIGMAS = 5.0
# A leak of this share can fake an element; weaker leaks matter for strong partners only.
LEAK_THAT_FAKES = 0.2
# Minerals whose distances differ by no more are said as a tie.
TIE = 0.04
# What a grain is called by one element alone; others are such as "a mineral of nickel".
GROUPS = {
    "P": "a phosphate",
    "S": "a sulfide or sulfate",
    "Cl": "a chloride",
    "As": "an arsenide or arsenate",
}
# Such an element decides when it has this share of the sigmas of the clearest element.
_LEAD_SHARE = 0.5
# An element is shown from so many sigmas on.
_HIDDEN_SIGMAS = 2.0
_DIGITS = 3


@dataclass(frozen=True)
class MineralHint:
    """A mineral that a grain may be.

    Attributes
    ----------
    name : str
    formula : str
        Empty for a group of minerals, such as "a phosphate".
    distance : float
        0 fits perfectly, `LARGEST_DISTANCE` is the worst that is shown; NaN for a group.
    elements : tuple of str
        Names of the maps that support it: more in the grain than the diluted surroundings bring,
        and part of the mineral.
    ties : bool
        Whether it fits as well as the best, within `TIE`; also true for the best.
    """

    name: str
    formula: str
    distance: float
    elements: tuple[str, ...]
    ties: bool = True


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
    groups : tuple of str
        What each grain is called where no mineral can be named; may be empty.
    """

    names: tuple[str, ...]
    elements: tuple[str, ...]
    distance: Floats
    supports: Bools
    groups: tuple[str, ...]

    def without(self, grains: Bools) -> HintTable:
        """The table with no hint for some grains (n,)."""
        return replace(
            self,
            distance=np.where(grains[:, None], np.nan, self.distance),
            groups=tuple(
                "" if no else group for group, no in zip(self.groups, grains, strict=True)
            ),
        )

    def of(self, grain: int) -> tuple[MineralHint, ...]:
        """The best hints of one grain, at most `N_HINTS`, nearest first."""
        distances = self.distance[grain]
        order = _nearest(distances)  # NaN sorts last
        if not distances[order[0]] <= LARGEST_DISTANCE:
            group = self.groups[grain]
            return (MineralHint(group, "", float("nan"), ()),) if group else ()
        return tuple(
            MineralHint(
                self.names[m],
                FORMULAS[self.names[m]],
                float(distances[m]),
                tuple(np.array(self.elements)[self.supports[grain, m]].tolist()),
                bool(distances[m] <= distances[order[0]] + TIE),
            )
            for m in order
            if distances[m] <= LARGEST_DISTANCE
        )

    def texts(self) -> tuple[list[str], Floats, list[str]]:
        """`of` for all grains, as a table shows it: the best name, its distance, the others.

        Names that tie are one text, such as "ilmenite or titanite"; the others are such as
        "rutile 0.21, anatase 0.24". Empty and NaN where no mineral fits.
        """
        hints = [self.of(grain) for grain in range(len(self.distance))]
        best = [" or ".join(hint.name for hint in of if hint.ties) for of in hints]
        others = [
            ", ".join(f"{hint.name} {hint.distance:.2f}" for hint in of if not hint.ties)
            for of in hints
        ]
        near = np.array([of[0].distance if of else np.nan for of in hints], dtype=np.float64)
        return best, near, others


def minerals_sentence(hints: tuple[MineralHint, ...]) -> str:
    """Such as "May be: ilmenite FeTiO3 (0.12) or titanite CaTiSiO5 (0.14), rutile TiO2 (0.21)"."""
    if not hints:
        return "No mineral fits well."
    if not hints[0].formula:
        return f"May be: {hints[0].name}. The maps do not show which."
    text = ""
    for hint in hints:
        joined = " or " if hint.ties else ", "
        text += f"{joined if text else ''}{hint.name} {hint.formula} ({hint.distance:.2f})"
    return f"May be: {text}"


def hint_minerals(signals: GrainSignals, leaks: LineLeaks) -> HintTable:
    """Distances of all grains to all minerals; the docstring of this module has the formula.

    A mineral is only compared when at least one of its elements is mapped and supports it, and when
    nothing that defines it is missing (`_without_defining`).
    """
    mass = weights(signals.symbols)
    pure = mass if signals.is_concentration else tube_signals(signals.symbols)
    fit = fit_minerals(signals, pure, mass, leaks)
    penalty = [
        RARITY * (name in RARE)
        + ORDINARY * (name in MATRIX)
        + UNMAPPED * (1.0 - _mapped(name, signals.symbols))
        for name in FORMULAS
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = fit.misfit / fit.difference[:, None] + np.array(penalty)
    lead = _lead(signals, leaks)
    distance += LACK * _without_lead(signals, mass, leaks)
    distance += HIDDEN * _hidden(signals, mass)
    impossible = _without_defining(signals, fit) | _lacks(lead, mass, leaks)
    distance[impossible | ~np.isfinite(distance)] = np.nan
    return HintTable(
        tuple(FORMULAS), signals.elements, distance, fit.supports, _groups(signals, lead)
    )


def _without_defining(signals: GrainSignals, fit: Fit) -> Bools:
    """(n, m) whether something that defines a mineral (`minerals.defining`) is missing.

    That is so where an element is not mapped; and, of the elements that are not rock-forming, where
    none stands out from the ring, or where one does not of which the mineral should bring much.
    How well the rock-forming ones agree is measured by the misfit. But sulfur alone is no pyrite:
    of a mineral that rock-forming elements define too, one of these must stand out, or a second
    other one.
    """
    sigma = np.sqrt(_counting(signals))
    clear = signals.excess > LEAST_SIGMAS * sigma
    some = signals.excess > _HIDDEN_SIGMAS * sigma
    missing = np.zeros(fit.misfit.shape, dtype=bool)
    for m, name in enumerate(FORMULAS):
        shown, rock = [], []
        for group in defining_elements(name):
            at = [c for c, symbol in enumerate(signals.symbols) if symbol in group]
            if not at:
                missing[:, m] = True
                continue
            if group & ROCK_FORMING:
                rock.append(some[:, at].any(axis=1))
            else:
                shown.append(clear[:, at].any(axis=1))
                missing[:, m] |= ~shown[-1] & fit.demands[:, m, at].any(axis=1)
        if shown:
            missing[:, m] |= ~np.any(shown, axis=0)
        if shown and rock:
            missing[:, m] |= ~np.any(rock, axis=0) & (np.sum(shown, axis=0) < 2)
    return missing


def _hidden(signals: GrainSignals, mass: Floats) -> Floats:
    """(n, m) share of a mineral's mapped mass of which a grain shows no more than its ring.

    An almandine may hold as much iron as its surroundings. A grain with an excess of silicon alone
    is more simply quartz.
    """
    shown = signals.excess > _HIDDEN_SIGMAS * np.sqrt(_counting(signals))
    whole = np.maximum(mass.sum(axis=1), 1e-12)
    return np.asarray(1.0 - shown.astype(float) @ mass.T / whole)


def _counting(signals: GrainSignals) -> Floats:
    """(n, C) variance of the excess; that of the ring where the maps are not counts."""
    if signals.is_counts:
        return signals.counting_variance
    return np.maximum(np.nan_to_num(signals.ring_sd) ** 2, signals.least_variance)


def _lead(signals: GrainSignals, leaks: LineLeaks) -> NDArray[np.intp]:
    """(n,) the element that is no rock-forming one and by which a grain clearly stands out; or -1.

    Never one that the lines of another clear element can fake.
    """
    clear = signals.ring_sigmas >= CLEAR_SIGMAS
    faked = (clear.astype(float) @ (leaks.share >= LEAK_THAT_FAKES).T) > 0
    known = np.array([s is not None and s not in ROCK_FORMING for s in signals.symbols])
    strong = signals.ring_sigmas >= _LEAD_SHARE * signals.ring_sigmas.max(axis=1, keepdims=True)
    sigmas = np.where(known & clear & strong & ~faked, signals.ring_sigmas, -np.inf)
    return np.where(np.isfinite(sigmas.max(axis=1, initial=-np.inf)), sigmas.argmax(axis=1), -1)


def _groups(signals: GrainSignals, lead: NDArray[np.intp]) -> tuple[str, ...]:
    """What a grain is called by its lead element alone; empty without one."""
    names = [
        "" if symbol is None else GROUPS.get(symbol, f"a mineral of {ELEMENT_NAMES[symbol]}")
        for symbol in signals.symbols
    ]
    return tuple(names[c] if c >= 0 else "" for c in lead)


def _without_lead(signals: GrainSignals, mass: Floats, leaks: LineLeaks) -> Bools:
    """(n, m) whether a mineral lacks the element by which a grain stands out most.

    Only elements whose excess the ring's own variation leaves clear count, and none that the lines
    of another element of the mineral can fake.
    """
    known = np.array([symbol is not None for symbol in signals.symbols])
    sigmas = np.where(known, signals.ring_sigmas, -np.inf)
    lead = sigmas.argmax(axis=1)
    stands_out = sigmas.max(axis=1) >= CLEAR_SIGMAS
    return _lacks(np.where(stands_out, lead, -1), mass, leaks)


def _lacks(lead: NDArray[np.intp], mass: Floats, leaks: LineLeaks) -> Bools:
    """(n, m) whether a mineral neither holds nor fakes the element ``lead`` (n,); -1 is none."""
    holds = mass >= MAJOR_SHARE
    faked = (holds.astype(float) @ (leaks.share >= LEAK_THAT_FAKES).T) > 0
    lacks = ~(holds | faked)
    return np.asarray((lead >= 0)[:, None] & lacks.T[lead])


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
