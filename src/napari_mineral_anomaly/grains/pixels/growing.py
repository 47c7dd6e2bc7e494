"""Whole grains: each is grown from its oddest pixel to where its signature ends.

A score is high where a grain is oddest, often in the middle only. So the pixels above a threshold
are a part of the grain, and their number is not its size. Here a grain ends where half of its
signature is left, which is where its edge lies when the beam is about as wide as a pixel.

Let g be the mean of the grain's own pixels in all elements, b the median of its surroundings and S
their covariance (with the counting noise of b). Fisher's linear discriminant (Fisher 1936, "The use
of multiple measurements in taxonomic problems")

    f(x) = (x - b)' S^-1 d / (d' S^-1 d),   d = g - b,

is 0 in the surroundings and 1 in the grain, linear in the share of the pixel that the grain fills,
and blind to elements that vary in the surroundings too. A pixel belongs to the grain when f is at
least `EDGE`, when it is connected to the oddest pixel, and when what f leaves unexplained is not
larger than what it explains: so grains of different signature that touch stay apart. g and the
extent are found in turn, a few times. Pixels beside the grain that hold less of the same signature
are its halo: they belong to no grain, and no other grain starts there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.progress import SILENT, Task

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Window = tuple[slice, slice]

# Half of the signature, less a tenth: g is the mean of the fuller half of the grain's pixels, which
# noise raises. Chosen on simulated sections with seeds 0 to 9; see docs/measurements.md.
EDGE = 0.45
_HALO_EDGE, _HALO_PX = 0.1, 3
# The surroundings are looked at up to this many pixels away, further for larger grains.
_FIRST_REACH_PX = 8
_DOUBLINGS = 5
_ROUNDS = 6
_LEAST_SURROUNDINGS_PX = 12
# The oddest tenth of the surroundings may be other grains.
_TRIMMED_SHARE = 0.1
# Steadies the covariance of few pixels.
_SHRINKAGE = 0.02
# What a pixel may hold beside the signature, in units of the noise of all its elements.
_UNEXPLAINED = 3.0
# A larger body is rock, not a grain; so is one whose mean score is below this share of its peak, or
# below this many sigmas. Such a grain is what has half of the peak's score.
LARGEST_SHARE = 0.02
_LEAST_SCORE_SHARE, _LEAST_SCORE = 0.25, 1.0
_SCORE_EDGE = 0.5
_SMALLEST_LIMIT_PX = 400
# Seeds below the threshold that may be tried for each row that is wanted.
_TRIES_PER_ROW = 5

_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class GrownGrains:
    """Whole grains, the oddest first.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no grain; grains are numbered from 1 in the order of their peaks, those above the
        threshold first.
    n_grains : int
    n_above : int
        Grains with a flagged pixel.
    """

    labels: NDArray[np.int32]
    n_grains: int
    n_above: int


@dataclass(frozen=True, eq=False)
class SignaturePlanes:
    """The planes in which the signatures of grains are compared.

    Attributes
    ----------
    planes : (C, H, W)
        Element maps or contributions; may be lazy.
    noise : (C,) float64 or None
        Variance of the noise of each plane; None for counts, whose variance is their mean.
    """

    planes: Any
    noise: Floats | None

    def window(self, rows: slice, columns: slice) -> Floats:
        """(n, C) values of a window."""
        block = np.asarray(self.planes[:, rows, columns]).astype(np.float64)
        return block.reshape(block.shape[0], -1).T

    def variance(self, mean: Floats) -> Floats:
        """(C,) variance of the noise at a mean."""
        return np.maximum(mean, 1.0) if self.noise is None else self.noise


def grow_grains(
    signatures: SignaturePlanes | None,
    score: NDArray[np.floating[Any]],
    mask: Bools,
    candidates: Bools,
    *,
    drawn: Bools | None = None,
    n_rows: int = 0,
    min_area_px: int = 1,
    task: Task = SILENT,
) -> GrownGrains:
    """Grow the grains of all flagged pixels, then the oddest others until there are ``n_rows``.

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
    task : Task, optional
        Can be cancelled.

    Returns
    -------
    GrownGrains
    """
    growth = _Growth(signatures, score, mask & candidates, candidates, drawn)
    n_above = n_grains = 0
    for seed in _in_order(score, mask & candidates):
        if growth.is_free(seed):
            task.check()
            n_grains += growth.grow(seed, n_grains + 1, min_area_px)
    n_above = n_grains
    tries = _TRIES_PER_ROW * max(n_rows - n_grains, 0)
    # Scores of 0 or less, as in a scan without contrast, are not odd.
    others = candidates & ~mask & (score > 0)
    for seed in _in_order(score, others) if tries else ():
        if n_grains >= n_rows or not tries:
            break
        if growth.is_free(seed):
            task.check()
            tries -= 1
            n_grains += growth.grow(seed, n_grains + 1, min_area_px)
    return GrownGrains(growth.labels, n_grains, n_above)


def _in_order(score: NDArray[np.floating[Any]], where: Bools) -> Iterator[int]:
    """Flat positions, the highest score first; of equals, the first."""
    pixels = np.flatnonzero(where)
    values = np.where(np.isfinite(score), score, -np.inf).reshape(-1)[pixels]
    return iter(pixels[np.argsort(-values, kind="stable")].tolist())


class _Growth:
    """Grows one grain after the other; what one has taken is not free for the next."""

    def __init__(
        self,
        signatures: SignaturePlanes | None,
        score: NDArray[np.floating[Any]],
        mask: Bools,
        candidates: Bools,
        drawn: Bools | None,
    ) -> None:
        self.labels: NDArray[np.int32] = np.zeros(score.shape, dtype=np.int32)
        self._height, self._width = int(score.shape[0]), int(score.shape[1])
        self._signatures, self._score = signatures, score
        # Connected flagged pixels: for grains without signatures and for those that were drawn.
        self._areas = _label(mask)
        self._boxes: list[Any] = ndimage.find_objects(self._areas)
        self._drawn = set() if drawn is None else set(np.unique(self._areas[drawn]).tolist()) - {0}
        self._free = candidates.copy()
        self._seedable = candidates.copy()
        share = round(LARGEST_SHARE * int(np.count_nonzero(candidates)))
        self._most_px = max(share, _SMALLEST_LIMIT_PX)

    def is_free(self, seed: int) -> bool:
        """Whether a pixel is in no grain and in no halo."""
        return bool(self._seedable.reshape(-1)[seed])

    def grow(self, seed: int, number: int, min_area_px: int) -> bool:
        """Grow a grain from a pixel; False where it is too small to be listed."""
        row, column = divmod(seed, self._width)
        window, grain, halo = self._extent(row, column)
        self._seedable[window][grain | halo] = False
        if np.count_nonzero(grain) < min_area_px:
            return False
        self.labels[window][grain] = number
        self._free[window][grain] = False
        return True

    def _extent(self, row: int, column: int) -> tuple[Window, Bools, Bools]:
        """The window, and the grain and its halo in it."""
        reach = _FIRST_REACH_PX
        number = int(self._areas[row, column])
        if number in self._drawn or (number and self._signatures is None):
            window: Window = self._boxes[number - 1]
            grain = (self._areas[window] == number) & self._free[window]
            return window, grain, np.zeros_like(grain)
        if self._signatures is None:
            return self._by_score(row, column)
        for _ in range(_DOUBLINGS):
            window = self._window(row, column, reach)
            at = (row - window[0].start, column - window[1].start)
            grain, halo = _extent_in(self._signatures, self._free[window], window, at)
            if grain.sum() > self._most_px or not self._is_odd(window, grain, at):
                break
            if not self._reaches_border(grain, window) and grain.sum() <= 0.3 * grain.size:
                return window, grain, halo
            reach *= 2
        return self._by_score(row, column)

    def _by_score(self, row: int, column: int) -> tuple[Window, Bools, Bools]:
        """The connected pixels around a peak with half of its score."""
        window = self._window(row, column, _FIRST_REACH_PX)
        at = (row - window[0].start, column - window[1].start)
        edge = _SCORE_EDGE * max(float(self._score[row, column]), 0.0)
        grain = _connected((self._score[window] >= edge) & self._free[window], at)
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


def _extent_in(
    signatures: SignaturePlanes, free: Bools, window: Window, at: tuple[int, int]
) -> tuple[Bools, Bools]:
    """Grain and halo (h, w) in one window, grown from the pixel ``at``."""
    values = signatures.window(*window)
    free = free & np.isfinite(values).all(axis=1).reshape(free.shape)
    grain = np.zeros(free.shape, dtype=bool)
    grain[at] = True
    # The first signature is a mean over 3 x 3 pixels: that of one pixel is mostly its noise.
    own = (ndimage.binary_dilation(grain, _EIGHT_CONNECTED) & free).reshape(-1)
    halo = np.zeros_like(grain)
    for _ in range(_ROUNDS):
        around = _surroundings(grain, free)
        if not own.any() or np.count_nonzero(around) < _LEAST_SURROUNDINGS_PX:
            break
        share, is_alike = _discriminant(signatures, values, own, around.reshape(-1))
        share, is_alike = share.reshape(free.shape), is_alike.reshape(free.shape) & free
        found = _connected((share >= EDGE) & is_alike, at)
        found = ndimage.binary_fill_holes(found) & free
        found[at] = True
        near = ndimage.binary_dilation(found, _EIGHT_CONNECTED, iterations=_HALO_PX)
        halo = near & is_alike & (share >= _HALO_EDGE) & ~found
        if np.array_equal(found, grain):
            break
        grain = found
        shares = share.reshape(-1)
        own = grain.reshape(-1) & (shares >= np.median(shares[grain.reshape(-1)]))
    return grain, halo


def _surroundings(grain: Bools, free: Bools) -> Bools:
    """Free pixels three steps and more from the grain, or two where those are too few."""
    for steps in (2, 1):
        found = free & ~ndimage.binary_dilation(grain, _EIGHT_CONNECTED, iterations=steps)
        if np.count_nonzero(found) >= _LEAST_SURROUNDINGS_PX:
            break
    return found


def _discriminant(
    signatures: SignaturePlanes, values: Floats, own: Bools, around: Bools
) -> tuple[Floats, Bools]:
    """The share f of every pixel (n,), and whether it explains most of what the pixel holds."""
    centre = np.median(values[around], axis=0)
    signature = values[own].mean(axis=0) - centre
    departure = values[around] - centre
    size = (departure**2 / (departure.var(axis=0) + 1e-12)).sum(axis=1)
    departure = departure[size <= np.quantile(size, 1 - _TRIMMED_SHARE)]
    covariance = departure.T @ departure / len(departure)
    spread = np.diag(covariance).copy()
    covariance *= 1 - _SHRINKAGE
    noise = signatures.variance(centre)
    covariance[np.diag_indices_from(covariance)] += _SHRINKAGE * spread + 0.5 * noise
    inverse = np.linalg.inv(covariance)
    weights = inverse @ signature
    length = float(weights @ signature)
    if not length > 0:
        return np.zeros(len(values)), np.zeros(len(values), dtype=bool)
    beside = values - centre
    share = beside @ weights / length
    explained = share**2 * length
    whole = (beside @ inverse * beside).sum(axis=1)
    allowed = np.maximum(explained, _UNEXPLAINED * values.shape[1])
    return share, whole - explained <= allowed


def _connected(mask: Bools, at: tuple[int, int]) -> Bools:
    """The 8-connected area of a mask that holds a pixel, which always belongs to it."""
    mask = mask.copy()
    mask[at] = True
    labels = _label(mask)
    return np.asarray(labels == labels[at])


def _label(mask: Bools) -> NDArray[np.int32]:
    labels = np.empty(mask.shape, dtype=np.int32)
    ndimage.label(mask, _EIGHT_CONNECTED, output=labels)
    return labels
