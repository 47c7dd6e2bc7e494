"""Leaves out the pixels of a scan that hold a marker of missing values: found, or typed.

What a file declares is applied when its maps are read (`formats.shared.steps`). This comes after
it: numbers that no file declares, and the answer of the user, which overrules the search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan import sentinels
from napari_mineral_anomaly.scan.quality.marker_words import at_pixels, kept_words, left_out_words

NONE = "none"

# What a user may type: numbers, or "none" for "every number is a number".
Typed = float | str | Sequence[float | str] | None


@dataclass(frozen=True)
class NamedMissing:
    """What the user says of missing values.

    Attributes
    ----------
    numbers : tuple of float
        Numbers that mark missing pixels.
    search : bool
        Whether the maps are searched for others.
    """

    numbers: tuple[float, ...] = ()
    search: bool = True


@dataclass(frozen=True, eq=False)
class WithoutMarkers:
    """Maps whose missing pixels are NaN.

    Attributes
    ----------
    maps : array (C, H, W)
        Those that were given where no pixel was left out; numpy or lazy as given.
    steps, warnings : tuple of str
        For the ingest report.
    """

    maps: Any
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def checked_missing(typed: Typed) -> NamedMissing:
    """What the user typed: numbers, and "none" where the maps are not to be searched.

    Raises
    ------
    InputError
        For anything that is no number, and for 0.
    """
    if typed is None:
        return NamedMissing()
    given = list(typed) if isinstance(typed, Sequence) and not isinstance(typed, str) else [typed]
    words = [one for one in given if isinstance(one, str) and one.strip().casefold() == NONE]
    numbers = [_number(one) for one in given if one not in words]
    if 0 in numbers:
        raise InputError(
            "0 cannot be named as a missing value, because it is also a count; pixels that are 0 "
            "in every element are left out without it."
        )
    return NamedMissing(tuple(dict.fromkeys(numbers)), not words)


def _number(typed: Any) -> float:
    try:
        number = float(typed)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f'A missing value must be a number, or "none"; got {typed!r}.')
    return number


def without_markers(
    maps: NDArray[Any], elements: Sequence[str], named: NamedMissing
) -> WithoutMarkers:
    """Maps (C, H, W) in memory without their missing pixels."""
    typed = {c: held for c, plane in enumerate(maps) if (held := _held(plane, named.numbers))}
    searched = sentinels.negative_markers(maps)
    others = {c: [n for n in numbers if n not in named.numbers] for c, numbers in searched.items()}
    others = {c: numbers for c, numbers in others.items() if numbers}
    steps = [
        f"{sentinels.in_words(number)} means missing, typed by the user "
        f"({at_pixels(maps, elements, number, typed)})"
        for number in _all_numbers(typed)
    ]
    warnings = [
        f"No map holds {sentinels.in_words(number)}, which was named as a missing value: "
        "type it as the report shows the numbers, after any scale."
        for number in named.numbers
        if number not in _all_numbers(typed)
    ]
    if not named.search:
        steps += kept_words(maps, elements, others)
        return WithoutMarkers(_applied(maps, typed), tuple(steps), tuple(warnings))
    steps += [
        f"{sentinels.in_words(number)} means missing, found in the numbers, not declared by a file "
        f"({at_pixels(maps, elements, number, others)})"
        for number in _all_numbers(others)
    ]
    warnings += left_out_words(maps, elements, others)
    both = {c: (*typed.get(c, ()), *others.get(c, ())) for c in {*typed, *others}}
    return WithoutMarkers(_applied(maps, both), tuple(steps), tuple(warnings))


def without_markers_lazily(
    maps: Any, block: NDArray[Any], elements: Sequence[str], named: NamedMissing
) -> WithoutMarkers:
    """The same for a dask array (C, H, W): markers are searched in a block (C, h, w) of it only."""
    height, width = block.shape[1:]
    place = f"seen in {height} x {width} pixels in the middle; the rest was not looked at"
    typed = [n for n in named.numbers if sentinels.can_hold(np.dtype(maps.dtype), n)]
    searched = sentinels.negative_markers(block) if named.search else {}
    others = {c: [n for n in numbers if n not in typed] for c, numbers in searched.items()}
    numbers = _all_numbers(others)
    steps = [f"{sentinels.in_words(n)} means missing, typed by the user" for n in typed]
    steps += [
        f"{sentinels.in_words(n)} means missing, found in the numbers, not declared by a file "
        f"({place})"
        for n in numbers
    ]
    warnings = [f"{one[:-1]} ({place})." for one in left_out_words(block, elements, others)]
    everything = (*typed, *numbers)
    measured = _lazily(maps, everything) if everything else maps
    return WithoutMarkers(measured, tuple(steps), tuple(warnings))


def _lazily(maps: Any, numbers: tuple[float, ...]) -> Any:
    dtype = np.result_type(maps.dtype, np.float32)

    def block_without(block: NDArray[Any]) -> NDArray[Any]:
        return sentinels.without(block, numbers).astype(dtype)

    return maps.map_blocks(block_without, dtype=dtype, meta=np.empty((0, 0, 0), dtype=dtype))


def _held(plane: NDArray[Any], numbers: Sequence[float]) -> tuple[float, ...]:
    return tuple(number for number in numbers if sentinels.marked(plane, [number]).any())


def _all_numbers(found: Mapping[int, Sequence[float]]) -> list[float]:
    return sorted({number for numbers in found.values() for number in numbers})


def _applied(maps: NDArray[Any], found: Mapping[int, Sequence[float]]) -> NDArray[Any]:
    """The maps with NaN for markers, in the smallest dtype that holds all of them unchanged."""
    if not found:
        return maps
    planes = [
        sentinels.without(plane, found[c]) if c in found else plane for c, plane in enumerate(maps)
    ]
    out = np.empty(maps.shape, dtype=np.result_type(*(_least_dtype(plane) for plane in planes)))
    for c in range(len(planes)):
        out[c] = planes[c]
        planes[c] = planes[c][:0]  # free each plane once it is copied
    return out


def _least_dtype(plane: NDArray[Any]) -> np.dtype[Any]:
    """float32 for whole numbers that float32 holds unchanged, else the dtype as it is."""
    if plane.dtype.kind not in "ui" or plane.dtype.itemsize <= 2:
        return plane.dtype
    low, high = int(plane.min()), int(plane.max())
    exact = max(-low, high) <= 2**24
    return np.dtype(np.float32) if exact else plane.dtype
