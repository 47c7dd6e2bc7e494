"""Names of numbers that are computed from several elements, or from one: Fe/Ti, Fe+Ti, Mg#."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from napari_mineral_anomaly.scan.names.readings import Reading
from napari_mineral_anomaly.scan.names.vocabulary import (
    DERIVED_WORDS,
    JOINING_WORDS,
    NEUTRAL_WORDS,
)
from napari_mineral_anomaly.scan.names.words import symbol_of

_RATIO = "a ratio of elements"
_SUM = "a sum of elements"
_BETWEEN = {
    "/": _RATIO,
    ":": _RATIO,
    "÷": _RATIO,
    "+": _SUM,
    "&": _SUM,
    "*": "a product of elements",
}
_SHELLS = ("K", "L", "M")
# Mg#, Cr #, #Mg; "Fe #2" is the second map of iron.
_NUMBER = re.compile(
    r"(?:^|[\s_\-(])(?:([A-Z][a-z]?)\s?#(?!\s?\d)|#\s?([A-Z][a-z]?))(?:$|[\s_\-.)])"
)
# "Fe a*2" of core scanners: two photons counted as one.
_SUM_PEAK = re.compile(r"[\s\-_]a?\*2$")
_MOLE_FRACTION = re.compile(r"[Xx]([A-Z][a-z]?)")


def is_line_behind_slash(base: str) -> bool | None:
    """Whether a name is an element, a slash and a shell ("Fe/K"); None for names without slash."""
    if "/" not in base:
        return None
    return base.rpartition("/")[2].strip() in _SHELLS


def computed_from(
    base: str,
    words: Sequence[str],
    spans: Sequence[tuple[int, int]],
    readings: Sequence[Reading],
    *,
    slash_is_line: bool,
) -> str:
    """What a name says that its numbers were computed from, in words; "" for other names.

    Parameters
    ----------
    base : str
        The name without its ending.
    words, spans
        Its words, and where they stand.
    readings
        Every element in it, leftmost first.
    slash_is_line : bool
        Whether the other names show that "Fe/K" is the K line of iron.
    """
    match = _NUMBER.search(base)
    if match and symbol_of(match[1] or match[2]):
        return f"a number computed from elements ({match[0].strip(' _-()')})"
    if readings and _SUM_PEAK.search(base):
        return "a sum peak"
    if any((found := _MOLE_FRACTION.fullmatch(word)) and symbol_of(found[1]) for word in words):
        return "a mole fraction"
    if len(readings) < 2:
        return ""
    for first, second in pairwise(readings):
        stop = first.stop
        if first.line is not None and second.start == first.stop - 1:
            if slash_is_line:
                continue
            stop -= 1  # "Fe/K": the K may be potassium
        between = base[spans[stop - 1][1] : spans[second.start][0]]
        if stop == second.start:
            for mark, meaning in _BETWEEN.items():
                is_line = mark == ":" and stop < first.stop  # "Fe:K"
                if mark in between and not is_line:
                    return meaning
        elif stop + 1 == second.start and words[stop].casefold() in JOINING_WORDS:
            return "a combination of elements"
    if len({one.element for one in readings}) > 1:
        for word in words:
            if word.casefold() in ("ratio", "ratios", "logratio", "quotient", "diff", "difference"):
                return f"{DERIVED_WORDS[word.casefold()]} of elements"
    return ""


def names_several(words: Sequence[str], readings: Sequence[Reading]) -> tuple[str, bool]:
    """The elements of a name that may be that of any of them, and whether it has no other words.

    Returns
    -------
    elements : str
        "Fe and Ti"; "" where the name leaves no doubt.
    only : bool
        Whether the name consists of elements and units only.
    """
    covered: set[int] = set()
    found: list[str] = []
    for one in readings:
        if one.start not in covered and one.element not in found:
            found.append(one.element)
        covered |= set(range(one.start, one.stop))
    if len(found) < 2:
        return "", False
    only = all(i in covered or w.casefold() in NEUTRAL_WORDS for i, w in enumerate(words))
    return f"{', '.join(found[:-1])} and {found[-1]}", only
