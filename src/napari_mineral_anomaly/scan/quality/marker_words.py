"""Sentences on numbers that mark missing pixels, or may mark them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.sentinels import Suspect, in_words, marked
from napari_mineral_anomaly.words import listed

_MAPS_SHOWN = 8

Markers = Mapping[int, Sequence[float]]


def at_pixels(maps: Any, elements: Sequence[str], number: float, markers: Markers) -> str:
    """Where a marker stands: "120 pixels of Fe, Ca"."""
    where, names = np.zeros(maps.shape[1:], dtype=bool), []
    for c, numbers in markers.items():
        if number in numbers:
            where |= marked(np.asarray(maps[c]), [number])
            names.append(elements[c])
    n_pixels = int(np.count_nonzero(where))
    every = len(names) == len(elements) > 1
    place = "every map" if every else listed(names, _MAPS_SHOWN)
    return f"{n_pixels} pixel{'' if n_pixels == 1 else 's'} of {place}"


def left_out_words(
    maps: Any, elements: Sequence[str], markers: Markers, how: str = "--missing none"
) -> tuple[str, ...]:
    """One sentence for each marker whose pixels are left out."""
    return tuple(
        f"{in_words(number)} marks missing pixels, although no file says so: it stands at "
        f"{at_pixels(maps, elements, number, markers)}, {_where(number)}; they are left out, and "
        f"{how} keeps it as a number."
        for number in _numbers(markers)
    )


def kept_words(maps: Any, elements: Sequence[str], markers: Markers) -> tuple[str, ...]:
    """One step for each number that looks like a marker and is kept, as the user asked."""
    return tuple(
        f"{in_words(number)} is kept as a number, as the user asked "
        f"({at_pixels(maps, elements, number, markers)})"
        for number in _numbers(markers)
    )


def suspect_words(elements: Sequence[str], found: Sequence[Suspect]) -> list[str]:
    """One sentence for each number that may mark missing pixels and is kept."""
    return [_suspect_words(elements, one) for one in found]


def _suspect_words(elements: Sequence[str], one: Suspect) -> str:
    number = in_words(one.number)
    names = listed([elements[c] for c in one.maps], _MAPS_SHOWN)
    pixels = "1 pixel holds" if one.n_pixels == 1 else f"{one.n_pixels} pixels hold"
    what = "counts that were cut off, or missing pixels" if one.number > 0 else "missing pixels"
    return (
        f"{names}: {pixels} {number}, {_where(one.number)}: {what}? They are kept; "
        f"--missing {number} leaves them out."
    )


def _where(number: float) -> str:
    if number > 0:
        return "in blocks, far above nearly everything else"
    return "far below everything else" if number < -9 else "in blocks, the only number below zero"


def _numbers(markers: Markers) -> list[float]:
    return sorted({number for numbers in markers.values() for number in numbers})


def suspect_pixels(planes: Sequence[NDArray[Any]], found: Sequence[Suspect]) -> Any:
    """Where any map holds a suspect number (H, W) bool; None without one."""
    out = None
    for one in found:
        for c in one.maps:
            here = marked(planes[c], [one.number])
            out = here if out is None else out | here
    return out
