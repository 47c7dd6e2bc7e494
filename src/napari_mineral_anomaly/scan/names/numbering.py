"""Names that only count: B1 to B40 are bands, not isotopes of boron."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

# Anything, then the word of letters and a number that ends the name: "B12", "S2A B8A".
_COUNTED = re.compile(r"(.*?)(?<![A-Za-z])([A-Za-z]{1,2})(\d{1,3})[A-Za-z]?")


def counted_names(names: Sequence[str], is_isotope: Callable[[str, int], bool]) -> frozenset[int]:
    """Positions of names that are numbers of a series, not isotopes.

    Names that differ in their last number only are isotopes where each of them can be one (Pb206,
    Pb207, Pb208). Where one cannot (B1), the others only look like isotopes (B10, B11).

    Parameters
    ----------
    names : sequence of str
        All names of a folder or stack, without endings of files.
    is_isotope : callable
        Whether a symbol and a mass number can be an isotope.
    """
    series: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for position, name in enumerate(names):
        if match := _COUNTED.fullmatch(name):
            series[match[1], match[2]].append((position, int(match[3])))
    return frozenset(
        position
        for (_, letters), members in series.items()
        if len(members) > 1 and not all(is_isotope(letters, number) for _, number in members)
        for position, _ in members
    )
