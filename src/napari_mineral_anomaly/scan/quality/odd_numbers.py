"""Numbers of a map that a fault of the measurement or of an export explains.

Each check looks at one map and returns a few plain facts; the sentences name the map and the
likely fault. All limits are our own choice, tried on the real scans that we have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.sentinels import in_words
from napari_mineral_anomaly.words import listed

# A few pixels are absurd when they are this many times as high as all others: in a map whose
# element is everywhere, and in one of a trace element.
_ABSURD_TIMES, _ABSURD_IN_TRACES = 10.0, 100.0
_MOST_ABSURD = 3
# Counts are called scaled when all of them are multiples of this number or more.
_LEAST_FACTOR = 10
_FEWEST_NUMBERS = 20
# An overflow: pixels in the upper tenth of the dtype beside pixels in the lower tenth.
_TENTH = 0.1
_FEWEST_JUMPS, _JUMP_SHARE = 20, 0.15


@dataclass(frozen=True)
class OddNumbers:
    """What one map holds.

    Attributes
    ----------
    absurd : tuple of (int, int)
        (row, column) of up to three pixels far above all others.
    factor : int
        All numbers are multiples of it; 1 for ordinary counts and for fractions.
    n_overflown : int
        Pixels near the top of the dtype beside pixels near 0.
    """

    absurd: tuple[tuple[int, int], ...] = ()
    factor: int = 1
    n_overflown: int = 0


def odd_numbers(plane: NDArray[Any], valid: NDArray[np.bool_], dtype: np.dtype[Any]) -> OddNumbers:
    """Look at one map (H, W); ``dtype`` is that of the file."""
    values = plane[valid]
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if values.size < _FEWEST_NUMBERS:
        return OddNumbers()
    return OddNumbers(
        _absurd_pixels(plane, valid, values), _common_factor(values), _overflown(plane, dtype)
    )


def _absurd_pixels(
    plane: NDArray[Any], valid: NDArray[np.bool_], values: NDArray[Any]
) -> tuple[tuple[int, int], ...]:
    next_highest = float(np.partition(values, -_MOST_ABSURD - 1)[-_MOST_ABSURD - 1])
    # In the map of a trace element, a small grain is far above nothing.
    is_dense = float(np.median(values)) > 0
    limit = (_ABSURD_TIMES if is_dense else _ABSURD_IN_TRACES) * next_highest
    if not next_highest > 0 or float(values.max()) < limit:
        return ()
    rows, columns = np.nonzero(valid & (plane >= limit))
    return tuple((int(y), int(x)) for y, x in zip(rows, columns, strict=True))


def _common_factor(values: NDArray[Any]) -> int:
    """The greatest common divisor of whole numbers; 1 for fractions and where all are 0."""
    if values.dtype.kind == "f":
        some = values[:_FEWEST_NUMBERS]
        if (some != np.rint(some)).any() or np.abs(values).max() >= 2**53:
            return 1
        if (values != np.rint(values)).any():
            return 1
        values = values.astype(np.int64)
    if values.dtype.kind == "b" or not values.any():
        return 1
    if np.gcd.reduce(values[:_FEWEST_NUMBERS]) == 1:
        return 1
    return int(np.gcd.reduce(values)) if values.min() != values.max() else 1


def _overflown(plane: NDArray[Any], dtype: np.dtype[Any]) -> int:
    # 8-bit maps are pictures that were stretched to their range: sharp edges span all of it.
    if dtype.kind not in "ui" or dtype.itemsize < 2 or dtype != plane.dtype:
        return 0
    top = float(np.iinfo(str(dtype)).max)
    high = plane > (1 - _TENTH) * top
    n_high = int(np.count_nonzero(high))
    if n_high < _FEWEST_JUMPS:
        return 0
    low = np.pad(plane < _TENTH * top, 1, constant_values=False)
    beside = low[:-2, 1:-1] | low[2:, 1:-1] | low[1:-1, :-2] | low[1:-1, 2:]
    # Saturated pixels stand at the top itself, and end at low ones without having run over.
    near = high & (plane < top)
    n_jumps = int(np.count_nonzero(near & beside))
    return n_jumps if n_jumps >= max(_FEWEST_JUMPS, _JUMP_SHARE * n_high) else 0


def odd_words(elements: Sequence[str], found: Sequence[OddNumbers], quantity: str) -> list[str]:
    """One sentence for each kind of fault and map, or for all maps with the same."""
    named = list(zip(elements, found, strict=True))
    lines = []
    by_place: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for element, one in named:
        if one.absurd:
            by_place.setdefault(one.absurd, []).append(element)
    for places, names in by_place.items():
        where = listed([f"row {y}, column {x}" for y, x in places])
        lines.append(
            f"{listed(names, shown=8)}: {where} (counted from 0), more than "
            f"{_ABSURD_TIMES:g} times as high as all others: a glitch of the detector, or a "
            "grain of one pixel."
        )
    lines += [
        f"{element}: every number is a multiple of {in_words(one.factor)}: these are scaled "
        f"counts, noisier than counts of this size; divide them by {in_words(one.factor)} first."
        for element, one in named
        if quantity == "counts" and one.factor >= _LEAST_FACTOR
    ]
    lines += [
        f"{element}: {one.n_overflown} pixels near the highest number of its type lie beside "
        "pixels near 0: counts that ran over and began again at 0? Export them in a larger type."
        for element, one in named
        if one.n_overflown
    ]
    return lines
