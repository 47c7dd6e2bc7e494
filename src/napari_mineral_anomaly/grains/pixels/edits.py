"""Grains whose pixels the user has edited, and how they are laid over the computed ones.

An edit belongs to pixels of the scan, as a verdict does. So it stays when the threshold, the length
of the list or the detector changes: an edited grain is in every list of the scan, exactly as it was
drawn. A computed grain most of whose pixels were edited gives way; another one that lies under
edited pixels keeps the rest of its own. Grains never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.int64]
How = Literal["merged", "split", "redrawn", "cut"]

# What the column ``edited`` says; "cut" is a grain that gave pixels to another one.
HOW: tuple[How, ...] = ("merged", "split", "redrawn", "cut")

_NO_PIXELS: Pixels = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class EditedGrain:
    """A grain as the user wants it.

    Attributes
    ----------
    pixels : (n,) int64
        Rising positions in the flattened map.
    how : {"merged", "split", "redrawn", "cut"}
        The last edit.
    anchor : int or None
        The oddest pixel of the computed grain whose id this one keeps.
    number : int or None
        1, 2, ... for a grain that an edit made new; it comes after the computed ones.
    """

    pixels: Pixels
    how: How
    anchor: int | None = None
    number: int | None = None


@dataclass(frozen=True, eq=False)
class GrainEdits:
    """All edits of the grains of a scan; a value: an edit makes a new one.

    Attributes
    ----------
    grains : tuple of EditedGrain
        They share no pixel.
    freed : (n,) int64
        Pixels that were taken from a grain and are in none: rising positions.
    n_new : int
        Numbers given to new grains so far; none is given twice.
    """

    grains: tuple[EditedGrain, ...] = ()
    freed: Pixels = field(default_factory=lambda: _NO_PIXELS)
    n_new: int = 0

    def __bool__(self) -> bool:
        return bool(self.grains or self.freed.size)

    def at(self, pixel: int) -> EditedGrain | None:
        """The edited grain that holds a pixel (flat position)."""
        for grain in self.grains:
            place = int(np.searchsorted(grain.pixels, pixel))
            if place < grain.pixels.size and grain.pixels[place] == pixel:
                return grain
        return None

    def changed(self, gone: Iterable[EditedGrain], new: Iterable[EditedGrain]) -> GrainEdits:
        """With grains in place of others, whose further pixels are in none from now on.

        ``gone`` may hold grains that were not edited until now.
        """
        new, gone = tuple(new), tuple(gone)
        left_out = set(map(id, gone))
        kept = tuple(grain for grain in self.grains if id(grain) not in left_out)
        before = np.concatenate([self.freed, *(grain.pixels for grain in gone)])
        taken = np.concatenate([_NO_PIXELS, *(grain.pixels for grain in new)])
        free = np.setdiff1d(before, taken)
        n_new = max([self.n_new, *(grain.number or 0 for grain in new)])
        return replace(self, grains=(*kept, *new), freed=free, n_new=n_new)


NO_EDITS = GrainEdits()


@dataclass(frozen=True, eq=False)
class LaidOver:
    """Computed and edited grains together, numbered from 1 without a gap.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no grain.
    ids : (n,) int64
        The id of each grain. That of a computed grain is its number; an edited one keeps the id of
        its oddest part; new ones come after all computed ones.
    computed : (n,) int64
        The number of the computed grain, -1 for an edited one.
    how : tuple of str
        What was edited; "" for a computed grain.
    """

    labels: NDArray[np.int32]
    ids: NDArray[np.int64]
    computed: NDArray[np.int64]
    how: tuple[str, ...]


def lay_over(
    labels: NDArray[np.int32], n_grains: int, edits: GrainEdits, allowed: NDArray[np.bool_]
) -> LaidOver:
    """Lay edited grains over computed ones.

    Parameters
    ----------
    labels : (H, W) int32
        The computed grains, numbered from 1.
    n_grains : int
    edits : GrainEdits
    allowed : (H, W) bool
        Pixels that may belong to a grain. An edited grain without one of them is left out.
    """
    if not edits:
        numbers = np.arange(1, n_grains + 1, dtype=np.int64)
        return LaidOver(labels, numbers, numbers, ("",) * n_grains)
    flat, free = labels.reshape(-1), allowed.reshape(-1)
    edited = np.concatenate([edits.freed, *(grain.pixels for grain in edits.grains)])
    size = np.bincount(flat, minlength=n_grains + 1)
    covered = np.bincount(flat[edited], minlength=n_grains + 1)
    gives_way = covered * 2 > size
    gives_way[0] = False
    stays = (size > covered) & ~gives_way
    stays[0] = False
    kept = np.flatnonzero(stays)
    number = np.zeros(n_grains + 1, dtype=np.int32)
    number[kept] = np.arange(1, kept.size + 1)
    out = number[flat]
    out[edited] = 0
    ids, how, taken = kept.tolist(), [""] * kept.size, set[int]()
    last_id = n_grains + edits.n_new
    for grain in edits.grains:
        pixels = grain.pixels[free[grain.pixels]]
        if not pixels.size:
            continue
        own = 0 if grain.anchor is None else int(flat[grain.anchor])
        if own and gives_way[own] and own not in taken:
            taken.add(own)
        elif grain.number is not None:
            own = n_grains + grain.number
        else:  # in this list, the grain whose id it kept is another one
            last_id += 1
            own = last_id
        ids.append(own)
        how.append(grain.how)
        out[pixels] = len(ids)
    computed = np.full(len(ids), -1, dtype=np.int64)
    computed[: kept.size] = kept
    return LaidOver(
        out.reshape(labels.shape), np.asarray(ids, dtype=np.int64), computed, tuple(how)
    )


def flat_pixels(mask: NDArray[Any]) -> Pixels:
    """Rising flat positions of the non-zero pixels of a map (H, W)."""
    return np.flatnonzero(mask).astype(np.int64)
