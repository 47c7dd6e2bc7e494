"""Whole grains: each is grown from its oddest pixel to where its signature ends.

A score is high where a grain is oddest, often in the middle only. So the pixels above a threshold
are a part of the grain, and their number is not its size. `extent` says how far a grain reaches.
Grains are grown one after the other, the oddest first, and never overlap: what one has taken is not
free for the next, and no other grain starts in its halo.

Below the threshold the order in the list follows the evidence of the whole grain and not its peak
alone, because one noisy pixel can be as high as the peak of a grain, and its neighbours are not:
see `evidence_of`.

What grows over more than a small share of the scan, or is not odd as a whole, is rock. Then the
grain is the part of the first round of growth that has half of the peak's score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.grains.memory import FORGETFUL, ListRecall
from napari_mineral_anomaly.grains.pixels.extent import (
    Bools,
    Extent,
    Floats,
    SignaturePlanes,
    Window,
    connected,
    find_extent,
    label_areas,
    widened,
)
from napari_mineral_anomaly.grains.pixels.pieces import NEAR_PX, PART, role_beside
from napari_mineral_anomaly.progress import SILENT, Task

# A grain is grown in a window that reaches this far, and in twice as large ones where it needs it.
_FIRST_REACH_PX = 8
_DOUBLINGS = 5
# A grain that fills more of its window leaves too few surroundings.
_LARGEST_FILL = 0.3
# A larger body is rock, not a grain; so is one whose mean score is below this share of its peak, or
# below this many sigmas.
LARGEST_SHARE = 0.02
_LEAST_SCORE_SHARE, _LEAST_SCORE = 0.25, 1.0
_SCORE_EDGE = 0.5
_SMALLEST_LIMIT_PX = 400
# Below the threshold so many grains are grown for each row that is wanted, and the best are kept.
# Chosen with the two numbers below on sections and planted scans with seeds 200 to 203.
_GROWN_PER_ROW = 4
# Seeds below the threshold that may be tried for each grain.
_TRIES_PER_GRAIN = 5
_EVIDENCE_PX, _EVIDENCE_FACTOR = 4, 0.5
# The pixels beside the peak add at most this share of it.
_MOST_BESIDE = 0.1
# Pixels that are sorted at first; each further part is eight times as large.
_FIRST_SORTED = 1 << 14


@dataclass(frozen=True, eq=False)
class GrownGrains:
    """Whole grains, the oddest first.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no grain; grains are numbered from 1: those above the threshold in the order of their
        peaks, then those below it in the order of their evidence (`evidence_of`).
    n_grains : int
    n_above : int
        Grains with a flagged pixel.
    """

    labels: NDArray[np.int32]
    n_grains: int
    n_above: int


def grow_grains(
    signatures: SignaturePlanes | None,
    score: NDArray[np.floating[Any]],
    mask: Bools,
    candidates: Bools,
    *,
    drawn: Bools | None = None,
    n_rows: int = 0,
    min_area_px: int = 1,
    recall: ListRecall = FORGETFUL,
    task: Task = SILENT,
) -> GrownGrains:
    """Grow the grains of all flagged pixels, then the oddest others up to ``n_rows``.

    Parameters
    ----------
    signatures : SignaturePlanes or None
        None: without the maps of the scan a grain is its connected flagged pixels, and one below
        the threshold the pixels around its peak with half of its score.
    score : (H, W)
        Background sigmas; where a grain starts, and their order.
    mask : (H, W) bool
        Flagged pixels. A grain with one of them is above the threshold.
    candidates : (H, W) bool
        Pixels that may belong to a grain: valid, and not taken out by the user.
    drawn : (H, W) bool, optional
        Pixels that the user brushed in. Connected flagged pixels with one of them are one grain,
        as it was drawn.
    n_rows : int
        Grains wanted in all; more where more are flagged.
    min_area_px : int
        Smaller grains are left out.
    recall : ListRecall, optional
        Knows grains that were grown before from the same pixel among the same free pixels.
    task : Task, optional
        Can be cancelled.

    Returns
    -------
    GrownGrains
    """
    growth = _Growth(signatures, score, mask & candidates, candidates, drawn, recall)
    # Grains that are too small are grown and numbered like the others, which are then the same for
    # every minimum; they are left out at the end.
    n_grains = 0
    for seed in _in_order(score, mask & candidates):
        if growth.is_free(seed):
            task.check()
            n_grains += growth.grow(seed, n_grains + 1) > 0
    n_flagged = n_grains
    wanted = n_rows - int(np.count_nonzero(_areas(growth.labels, n_grains) >= min_area_px))
    wanted = max(wanted, 0)
    tries = _TRIES_PER_GRAIN * _GROWN_PER_ROW * wanted
    n_large = 0
    # Scores of 0 or less, as in a scan without contrast, are not odd.
    others = candidates & ~mask & (score > 0)
    for seed in _in_order(score, others) if tries else ():
        if n_large >= _GROWN_PER_ROW * wanted or not tries:
            break
        if growth.is_free(seed):
            task.check()
            tries -= 1
            area = growth.grow(seed, n_grains + 1)
            n_grains += area > 0
            n_large += area >= min_area_px
    large = np.flatnonzero(_areas(growth.labels, n_grains) >= min_area_px)
    # Those above the threshold were grown in the order of their peaks already.
    above, below = large[large < n_flagged], large[large >= n_flagged]
    evidence = evidence_of(growth.labels, n_grains, score)
    below = below[np.argsort(-evidence[below], kind="stable")][: max(n_rows - len(above), 0)]
    order = np.concatenate((above, below))
    number = np.zeros(n_grains + 1, dtype=np.int32)
    number[order + 1] = np.arange(1, len(order) + 1)
    return GrownGrains(number[growth.labels], len(order), len(above))


def _areas(labels: NDArray[np.int32], n_grains: int) -> NDArray[np.int64]:
    """Pixels (n_grains,) of each grain."""
    return np.bincount(labels.reshape(-1), minlength=n_grains + 1)[1:].astype(np.int64)


def evidence_of(labels: NDArray[np.int32], n_grains: int, score: NDArray[Any]) -> Floats:
    """Evidence (n_grains,) that a grain is odd as a whole, for the order of the list.

    Its peak, plus its three next highest scores, of which each counts half as much as the one
    before and which add at most a tenth of the peak. So a single noisy pixel comes after a grain
    with an equal or slightly lower peak, and grains of several odd pixels follow their peaks:
    larger bodies of the rock gain nothing. Our choice, see docs/measurements.md.
    """
    inside = np.flatnonzero(labels)
    scores = np.maximum(score.reshape(-1)[inside].astype(np.float64), 0.0)
    grain = labels.reshape(-1)[inside].astype(np.int64) - 1
    order = np.lexsort((-scores, grain))
    grain, scores = grain[order], scores[order]
    size = np.bincount(grain, minlength=n_grains)
    place = np.arange(grain.size) - np.repeat(np.cumsum(size) - size, size)
    weight = np.where((place > 0) & (place < _EVIDENCE_PX), _EVIDENCE_FACTOR**place, 0.0)
    beside = np.bincount(grain, weights=weight * scores, minlength=n_grains)
    peak = np.zeros(n_grains)
    peak[grain[place == 0]] = scores[place == 0]
    return np.asarray(peak + np.minimum(beside, _MOST_BESIDE * peak), dtype=np.float64)


def _in_order(score: NDArray[np.floating[Any]], where: Bools) -> Iterator[int]:
    """Flat positions, the highest score first; of equals, the first.

    Sorted part by part, because few of the pixels below the threshold are ever asked for.
    """
    pixels = np.flatnonzero(where)
    values = score.reshape(-1)[pixels]
    values[~np.isfinite(values)] = -np.inf
    n = _FIRST_SORTED
    while pixels.size:
        n = min(n, pixels.size)
        # All of the lowest score as well: equals must not be torn apart.
        now = values >= np.partition(values, -n)[-n]
        part = pixels[now]
        for index in np.argsort(-values[now], kind="stable"):
            yield int(part[index])
        pixels, values = pixels[~now], values[~now]
        n *= 8


class _Growth:
    """Grows one grain after the other; what one has taken is not free for the next."""

    def __init__(
        self,
        signatures: SignaturePlanes | None,
        score: NDArray[np.floating[Any]],
        mask: Bools,
        candidates: Bools,
        drawn: Bools | None,
        recall: ListRecall,
    ) -> None:
        self._recall = recall
        self.labels: NDArray[np.int32] = np.zeros(score.shape, dtype=np.int32)
        self._height, self._width = int(score.shape[0]), int(score.shape[1])
        self._signatures, self._score = signatures, score
        # Connected flagged pixels: for grains without signatures and for those that were drawn.
        self._areas = label_areas(mask)
        self._boxes: list[Any] = ndimage.find_objects(self._areas)
        self._drawn = set() if drawn is None else set(np.unique(self._areas[drawn]).tolist()) - {0}
        self._free = candidates.copy()
        self._seedable = candidates.copy()
        share = round(LARGEST_SHARE * int(np.count_nonzero(candidates)))
        self._most_px = max(share, _SMALLEST_LIMIT_PX)

    def is_free(self, seed: int) -> bool:
        """Whether a pixel is in no grain and in no halo."""
        return bool(self._seedable.reshape(-1)[seed])

    def grow(self, seed: int, number: int) -> int:
        """Grow a grain from a pixel; its area, 0 where it is part of an earlier grain."""
        row, column = divmod(seed, self._width)
        window, grain, halo = self._extent(row, column)
        if self._joins_earlier(window, grain, halo, int(self._areas[row, column])):
            return 0
        self._seedable[window][grain | halo] = False
        self._free[window][grain] = False
        self.labels[window][grain] = number
        return int(np.count_nonzero(grain))

    def _joins_earlier(self, window: Window, grain: Bools, halo: Bools, area: int) -> bool:
        """Whether a piece is a part of an earlier grain, which then takes it, or its fringe."""
        if self._signatures is None or area in self._drawn:
            return False
        labels = self.labels[window]
        near = np.unique(labels[widened(grain, NEAR_PX)])
        for number in near[near > 0]:
            if self._areas[window][labels == number].max() in self._drawn:
                continue
            free = self._free[window]
            role = self._role(self._signatures, free, window, labels == number, grain)
            if role is not None:
                if role == PART:
                    labels[grain] = number
                    self._free[window][grain] = False
                self._seedable[window][grain | halo] = False
                return True
        return False

    def _extent(self, row: int, column: int) -> tuple[Window, Bools, Bools]:
        """The window, and the grain and its halo in it."""
        number = int(self._areas[row, column])
        if number in self._drawn or (number and self._signatures is None):
            window: Window = self._boxes[number - 1]
            grain = (self._areas[window] == number) & self._free[window]
            return window, grain, np.zeros_like(grain)
        if self._signatures is None:
            return self._by_score(row, column, None)
        reach = _FIRST_REACH_PX
        first: Bools | None = None
        for _ in range(_DOUBLINGS):
            window = self._window(row, column, reach)
            at = (row - window[0].start, column - window[1].start)
            grain, halo, start = self._found(self._signatures, self._free[window], window, at)
            first = start if first is None else first
            if grain.sum() > self._most_px or not self._is_odd(window, grain, at):
                break
            if (
                not self._reaches_border(grain, window)
                and grain.sum() <= _LARGEST_FILL * grain.size
            ):
                return window, grain, halo
            reach *= 2
        return self._by_score(row, column, first)

    def _found(
        self, signatures: SignaturePlanes, free: Bools, window: Window, at: tuple[int, int]
    ) -> Extent:
        """As `extent.find_extent`; what was found for an earlier list is not computed again."""

        def packed() -> NDArray[np.uint8]:
            return np.packbits(np.stack(find_extent(signatures, free, window, at)))

        key = ("extent", _place(window), at, np.packbits(free).tobytes())
        bits = np.unpackbits(self._recall.answer(key, packed), count=3 * free.size)
        grain, halo, first = bits.view(np.bool_).reshape(3, *free.shape)
        return Extent(grain, halo, first)

    def _role(
        self,
        signatures: SignaturePlanes,
        free: Bools,
        window: Window,
        grain: Bools,
        piece: Bools,
    ) -> str | None:
        """As `pieces.role_beside`, and remembered likewise."""
        bits = np.packbits(np.stack((free, grain, piece))).tobytes()
        return self._recall.answer(
            ("role", _place(window), bits),
            lambda: role_beside(signatures, free, window, grain, piece),
        )

    def _by_score(self, row: int, column: int, first: Bools | None) -> tuple[Window, Bools, Bools]:
        """The connected pixels around a peak with half of its score, within ``first``."""
        window = self._window(row, column, _FIRST_REACH_PX)
        at = (row - window[0].start, column - window[1].start)
        edge = _SCORE_EDGE * max(float(self._score[row, column]), 0.0)
        within = self._free[window] if first is None else first
        grain = connected((self._score[window] >= edge) & within, at)
        return window, grain, np.zeros_like(grain)

    def _is_odd(self, window: Window, grain: Bools, at: tuple[int, int]) -> bool:
        """Whether a grain is odd as a whole, not only in its peak."""
        score = self._score[window]
        least = max(_LEAST_SCORE_SHARE * float(score[at]), _LEAST_SCORE)
        return bool(grain.sum() == 1 or score[grain].mean() >= least)

    def _window(self, row: int, column: int, reach: int) -> Window:
        height, width = self._height, self._width
        return (
            slice(max(row - reach, 0), min(row + reach + 1, height)),
            slice(max(column - reach, 0), min(column + reach + 1, width)),
        )

    def _reaches_border(self, grain: Bools, window: Window) -> bool:
        """Whether a grain reaches a border of the window that is not a border of the scan."""
        height, width = self._height, self._width
        rows, columns = window
        return bool(
            (rows.start > 0 and grain[0].any())
            or (rows.stop < height and grain[-1].any())
            or (columns.start > 0 and grain[:, 0].any())
            or (columns.stop < width and grain[:, -1].any())
        )


def _place(window: Window) -> tuple[int, int, int, int]:
    rows, columns = window
    return rows.start, rows.stop, columns.start, columns.stop
