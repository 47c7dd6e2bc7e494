"""Numbers that stand for "not measured" although no file says so: -9999, -32768, -3.4e38.

A *marker* is one exact number, repeated, far outside the other numbers of its map. Two kinds are
told apart:

*Negative markers* (`negative_markers`) are left out. A number v of a map is one when the map holds
other numbers, too, and one of these is true (our own choice, tried on all real scans we have):

1. v is -1e30 or below: no instrument gives it.
2. v is a usual marker of -99 or below (`_USUAL`), stands in four pixels or more, and is three times
   as far below zero as the lowest other numbers.
3. v is -100 or below, ten times as far below zero as the lowest other numbers, and stands in a
   block: four or more pixels that touch.
4. v is -1 or -9, the only negative number of its map, and stands in solid blocks: nine or more
   pixels, no other numbers sprinkled between them. The other numbers are counts, mostly of five or
   more; or several maps hold v at the same pixels.

A marker of one map counts in the other maps of the scan, also where it stands alone there.

Net counts are negative because a background was subtracted: they scatter, so that the lowest of
them are neither repeated nor far from the next. Logarithms and standardised maps have a repeated
lowest number, but not one so far from the rest.

*Suspects* (`suspects`) are only named in the report: positive numbers that stand in blocks far
above everything else (65535, 9999, 1e20), which may also be saturated counts; and negative numbers
that nearly look like a marker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Some programs write missing values as about -3.4e38; no element map holds numbers of this size.
MISSING_MAGNITUDE = np.float64(1e30)  # no plain number: float16 maps cannot hold it

# Markers in use: strings of nines, the lowest numbers of integer dtypes, and those of well logs.
_USUAL = np.array(
    [
        *(-99.0, -999.0, -9999.0, -99999.0, -999999.0, -9999999.0, -99999999.0),
        *(-99.9, -99.99, -999.9, -999.99, -9999.9, -9999.99, -999.25, -9999.25),
        *(-128.0, -32767.0, -32768.0, -2147483647.0, -2147483648.0, -9223372036854775808.0),
        *(-1e4, -1e5, -1e6, -1e9, -1e10, -1e20),
    ]
)
_SMALL = (-1.0, -9.0)
_FEWEST_PIXELS = 4
_USUAL_TIMES, _OTHER_TIMES, _LEAST_OTHER = 3.0, 10.0, 100.0
_SOLID_PIXELS, _SOLID_SHARE, _HOLES_SHARE = 9, 0.95, 0.002
_DENSE_COUNTS = 5.0
_MOST_ALONE = 0.5
_SAME_PIXELS = 0.95
# A suspect is this many times as high as nearly all other numbers.
_ABOVE_TIMES = 3.0
_ABOVE_SHARE = 0.02
# Some absurd pixels do not hide a marker: this share of the other numbers may lie beyond.
_ABSURD_SHARE = 1e-4
_MOST_PER_MAP = 4

Planes = Sequence[NDArray[Any]] | NDArray[Any]


@dataclass(frozen=True)
class Suspect:
    """A number that may stand for missing pixels, and is kept.

    Attributes
    ----------
    number : float
    maps : tuple of int
        Positions of the maps.
    n_pixels : int
        Pixels at which it stands in one of them or more.
    """

    number: float
    maps: tuple[int, ...]
    n_pixels: int


def negative_markers(planes: Planes) -> dict[int, tuple[float, ...]]:
    """The negative numbers that mark missing pixels (rules: docstring of this module).

    Parameters
    ----------
    planes : (C, H, W) array, or C arrays (H, W)
        The maps of one scan, or a block of them.

    Returns
    -------
    dict of int to tuple of float
        The numbers by the position of the map; maps without a marker are left out.
    """
    negatives = {c: one for c, plane in enumerate(planes) if (one := _Negatives.of(plane))}
    found = {c: numbers for c, one in negatives.items() if (numbers := one.far_below())}
    for number in _SMALL:
        for c in _maps_with_small(number, negatives, found):
            found[c] = (*found.get(c, ()), number)
    everywhere = sorted({number for numbers in found.values() for number in numbers})
    for c, one in negatives.items():
        more = [n for n in everywhere if n <= _USUAL[0] and one.has(n)]
        everything = tuple(sorted({*found.get(c, ()), *more}))
        if everything and one.has_others(everything):
            found[c] = everything
    return found


def suspects(planes: Planes, markers: Mapping[int, Sequence[float]]) -> list[Suspect]:
    """Numbers that may stand for missing pixels, but are kept.

    Parameters
    ----------
    planes : (C, H, W) array, or C arrays (H, W)
    markers : mapping of int to sequence of float
        What `negative_markers` found, or what the user named.

    Returns
    -------
    list of Suspect
        One for each number, the lowest first.
    """
    where: dict[float, dict[int, NDArray[np.bool_]]] = {}
    for c, plane in enumerate(planes):
        known = markers.get(c, ())
        numbers = [n for n in (far_above(plane), _negative_suspect(plane)) if n is not None]
        for number in numbers:
            if number not in known:
                where.setdefault(number, {})[c] = marked(plane, [number])
    return [
        Suspect(number, tuple(masks), int(np.count_nonzero(np.any(list(masks.values()), axis=0))))
        for number, masks in sorted(where.items())
    ]


def marked(plane: NDArray[Any], numbers: Sequence[float]) -> NDArray[np.bool_]:
    """Where a map (H, W) holds one of some markers; those beyond 1e30 stand for all beyond it."""
    out = np.zeros(plane.shape, dtype=bool)
    for number in numbers:
        if abs(number) >= MISSING_MAGNITUDE:
            if plane.dtype.kind == "f" and plane.dtype.itemsize >= 4:
                out |= plane <= -MISSING_MAGNITUDE if number < 0 else plane >= MISSING_MAGNITUDE
        elif can_hold(plane.dtype, number):
            out |= plane == np.asarray(number).astype(plane.dtype)
    return out


def can_hold(dtype: np.dtype[Any], number: float) -> bool:
    """Whether maps of a dtype can hold a number."""
    if dtype.kind == "f":
        return abs(number) <= float(np.finfo(str(dtype)).max)
    if dtype.kind not in "ui" or number != round(number):
        return False
    limits = np.iinfo(str(dtype))
    return bool(limits.min <= number <= limits.max)


def without(plane: NDArray[Any], numbers: Sequence[float]) -> NDArray[Any]:
    """A map (H, W) with NaN for markers: float32 where that changes no other number, else float64.

    The map itself where it holds none of them, or 0 only: 0 is also a count.
    """
    missing = marked(plane, [number for number in numbers if number != 0])
    if not missing.any():
        return plane
    if plane.dtype.kind == "f":
        values = plane.copy()
    else:
        kept = np.where(missing, 0, plane)
        values = kept.astype(np.float32)
        # Compared as float64: that holds whole numbers up to 2^53, and float32 fewer.
        if not np.array_equal(values.astype(np.float64), kept.astype(np.float64)):
            values = kept.astype(np.float64)
    values[missing] = np.nan
    return values


def in_words(number: float) -> str:
    """A marker as people write it: -9999, -3.40282e+38."""
    return f"{number:.0f}" if number == round(number) and abs(number) < 1e15 else f"{number:.6g}"


@dataclass(frozen=True, eq=False)
class _Negatives:
    """A map with its negative numbers (n,)."""

    plane: NDArray[Any]
    values: NDArray[Any]

    @classmethod
    def of(cls, plane: NDArray[Any]) -> _Negatives | None:
        """None for a map without negative numbers."""
        if plane.dtype.kind not in "if":
            return None
        with np.errstate(invalid="ignore"):
            below = plane < 0
        if not below.any():
            return None
        values = plane[below]
        values = values[np.isfinite(values)]
        return cls(plane, values) if values.size else None

    def has(self, number: float) -> bool:
        """Whether the map holds a number, far from all others."""
        if not marked(self.plane, [number]).any():
            return False
        return bool(number <= -MISSING_MAGNITUDE) or self._is_below(number, _USUAL_TIMES)

    def has_others(self, numbers: Sequence[float]) -> bool:
        """Whether the map holds anything beside some numbers."""
        return bool((np.isfinite(self.plane) & ~marked(self.plane, numbers)).any())

    def far_below(self) -> tuple[float, ...]:
        """Markers by rules 1 to 3."""
        found = []
        if (self.values <= -MISSING_MAGNITUDE).any():
            found.append(float(self.values.min()))
        for number in self._usual_ones():
            n_pixels = np.count_nonzero(marked(self.plane, [number]))
            if n_pixels >= _FEWEST_PIXELS and self._is_below(number, _USUAL_TIMES):
                found.append(number)
        for number in self._lowest():
            if number in found or number > -_LEAST_OTHER:
                continue
            blocks = _block_sizes(marked(self.plane, [number]))
            if blocks.max() >= _FEWEST_PIXELS and self._is_below(number, _OTHER_TIMES):
                found.append(number)
        return tuple(found) if found and self.has_others(found) else ()

    def _usual_ones(self) -> list[float]:
        usual = [n for n in _USUAL.tolist() if can_hold(self.values.dtype, n)]
        stored = np.array(usual).astype(self.values.dtype)
        lowest = self.values.min()
        return [float(v) for v in np.unique(stored[stored >= lowest]) if (self.values == v).any()]

    def _lowest(self) -> list[float]:
        """The lowest few numbers that are repeated."""
        left = self.values[self.values > -MISSING_MAGNITUDE]
        found = []
        for _ in range(_MOST_PER_MAP):
            if not left.size:
                break
            number = left.min()
            same = left == number
            if np.count_nonzero(same) >= _FEWEST_PIXELS:
                found.append(float(number))
            left = left[~same]
        return found

    def _is_below(self, number: float, times: float) -> bool:
        """Whether a number is so many times as far below zero as the lowest others."""
        usual = np.array(self._usual_ones(), dtype=self.values.dtype)
        others = self.values[(self.values > -MISSING_MAGNITUDE) & ~np.isin(self.values, usual)]
        others = others[others != np.asarray(number).astype(others.dtype)]
        n_absurd = max(_FEWEST_PIXELS - 1, int(_ABSURD_SHARE * self.plane.size))
        if others.size <= n_absurd:
            return True
        lowest = float(np.partition(others, n_absurd)[n_absurd])
        return number <= times * lowest


def _maps_with_small(
    number: float,
    negatives: Mapping[int, _Negatives],
    found: Mapping[int, Sequence[float]],
) -> list[int]:
    """The maps in which -1 or -9 marks missing pixels (rule 4)."""
    masks = {}
    for c, one in negatives.items():
        known = (*found.get(c, ()), *_SMALL)
        if (one.values == number).any() and not (~marked(one.values, known)).any():
            masks[c] = marked(one.plane, [number])
    accepted = []
    for c, mask in masks.items():
        plane = negatives[c].plane
        others = plane[np.isfinite(plane) & ~marked(plane, (*found.get(c, ()), *_SMALL))]
        if not others.size or not is_solid(mask):
            continue
        shared = any(_overlap(mask, other) >= _SAME_PIXELS for k, other in masks.items() if k != c)
        typical = float(np.median(others))
        is_counts = typical >= _DENSE_COUNTS and np.array_equal(others, np.rint(others))
        few = np.count_nonzero(mask) <= _MOST_ALONE * mask.size
        if (shared and typical > 0) or (is_counts and few):
            accepted.append(c)
    if accepted:
        known_place = np.any([masks[c] for c in accepted], axis=0)
        for c, mask in masks.items():
            inside = np.count_nonzero(mask & known_place) >= _SAME_PIXELS * np.count_nonzero(mask)
            if c not in accepted and inside:
                accepted.append(c)
    return accepted


def is_solid(mask: NDArray[np.bool_]) -> bool:
    """Whether some pixels stand in blocks of nine or more, without single others inside them."""
    sizes = _block_sizes(mask)
    n_pixels = int(sizes.sum())
    if n_pixels == 0 or sizes[sizes >= _SOLID_PIXELS].sum() < _SOLID_SHARE * n_pixels:
        return False
    around = np.pad(mask, 1, constant_values=False)
    beside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return bool(np.count_nonzero(beside & ~mask) <= _HOLES_SHARE * n_pixels)


def _block_sizes(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Sizes of the parts of a mask whose pixels touch, also at corners; (1,) zero without any."""
    labels, _ = ndimage.label(mask, np.ones((3, 3), dtype=bool))
    sizes: NDArray[np.intp] = np.bincount(labels.ravel(), minlength=2)[1:]
    return sizes


def _overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / either if either else 0.0


def far_above(plane: NDArray[Any]) -> float | None:
    """The highest number of a map, if it stands in blocks far above nearly all others."""
    if plane.dtype.kind not in "uif":
        return None
    finite = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    finite = finite[finite < np.float64(MISSING_MAGNITUDE)] if plane.dtype.kind == "f" else finite
    if not finite.size:
        return None
    highest = finite.max()
    number = float(highest)
    n_pixels = int(np.count_nonzero(finite == highest))
    if number <= 1 or not _FEWEST_PIXELS <= n_pixels < finite.size:
        return None
    n_near = np.count_nonzero(finite > number / _ABOVE_TIMES) - n_pixels
    n_others = finite.size - n_pixels
    if n_near > max(_ABSURD_SHARE * n_others, _ABOVE_SHARE * n_pixels) or not (
        np.count_nonzero(finite) > n_pixels
    ):
        return None
    blocks = _block_sizes(plane == highest)
    return number if blocks.max() >= _SOLID_PIXELS else None


def _negative_suspect(plane: NDArray[Any]) -> float | None:
    """A negative number that nearly looks like a marker: usual but rare, or -1 in solid blocks."""
    one = _Negatives.of(plane)
    if one is None:
        return None
    usual = [number for number in one._usual_ones() if one.has(number)]
    if usual:
        return usual[0]
    for number in _SMALL:
        if (one.values == number).all() and is_solid(plane == number):
            return number
    return None
