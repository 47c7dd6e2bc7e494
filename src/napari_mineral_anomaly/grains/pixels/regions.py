"""The pixels of all grains of a mask at once: areas, bounds, rings, and means over them.

Lists of (grain, pixel) pairs and sums per grain replace loops over grains: 5 000 grains take about
as long as five.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.labels import label_dtype

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Diagonal neighbours belong together: an oblique line of pixels is one grain.
_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)

# The local ring: pixels 2 to 4 steps (chessboard) from the grain. The first step is left out
# because the beam, about as wide as a pixel, brings the grain's own signal there.
RING_FROM, RING_TO = 2, 4
# Pairs made at a time: about 100 MB of working memory, for any number of flagged pixels.
_MAX_PAIRS = 4_000_000


def label_grains(mask: NDArray[Any]) -> NDArray[np.unsignedinteger[Any]]:
    """Number the 8-connected areas of a mask.

    Parameters
    ----------
    mask : (H, W), non-zero = anomalous

    Returns
    -------
    (H, W) uint16, or uint32 above 65 535 grains
        0 = no grain; grains are numbered from 1 in row-major order of their first pixel.
    """
    return numbered(*_label(mask))


def numbered(labels: NDArray[Any], count: int) -> NDArray[np.unsignedinteger[Any]]:
    """The labels of ``count`` grains as uint16, or as uint32 above 65 535 grains."""
    return labels.astype(label_dtype(count))


def remove_small_grains(mask: NDArray[Any], min_area_px: int) -> NDArray[np.bool_]:
    """The mask (H, W) bool without its 8-connected areas of fewer than ``min_area_px`` pixels."""
    mask = np.asarray(mask) != 0
    if min_area_px <= 1:
        return mask
    labels, count = _label(mask)
    keep = np.bincount(labels.reshape(-1), minlength=count + 1) >= min_area_px
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


@dataclass(frozen=True, eq=False)
class PixelSets:
    """One set of pixels per grain, as a list of pairs sorted by grain.

    Attributes
    ----------
    grain : (n,) int64
        0-based number of the grain, rising.
    pixel : (n,) int64
        Position in the flattened map.
    n_grains : int
    """

    grain: Ints
    pixel: Ints
    n_grains: int

    @classmethod
    def of_labels(cls, labels: NDArray[Any], n_grains: int | None = None) -> PixelSets:
        """The pixels of grains 1 to ``n_grains`` (default: the highest number) in ``labels``."""
        where = np.flatnonzero(labels)
        grain = labels.reshape(-1)[where].astype(np.int64) - 1
        order = np.argsort(grain, kind="stable")
        count = int(grain.max(initial=-1)) + 1 if n_grains is None else n_grains
        return cls(grain[order], where[order], count)

    @cached_property
    def size(self) -> Ints:
        """(n_grains,) pixels in each set."""
        return np.bincount(self.grain, minlength=self.n_grains)

    @cached_property
    def start(self) -> Ints:
        """(n_grains + 1,) where each set begins in the list, and where the last ends."""
        return np.concatenate(([0], np.cumsum(self.size)))

    def of(self, grain: int) -> Ints:
        """Flat positions of one set."""
        return self.pixel[self.start[grain] : self.start[grain + 1]]

    def sum(self, values: NDArray[Any]) -> Floats:
        """Sum over each set of ``values`` (n,), given per pair."""
        total = np.bincount(self.grain, weights=values, minlength=self.n_grains)
        return total.astype(np.float64, copy=False)

    def mean(self, values: NDArray[Any]) -> Floats:
        """Mean over each set of ``values`` (n,), given per pair; NaN for an empty set."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sum(values) / self.size, dtype=np.float64)

    def largest(self, values: NDArray[Any]) -> Floats:
        """Maximum over each set of ``values`` (n,), given per pair; -inf for an empty set.

        Missing values (NaN) count as no values.
        """
        out = np.full(self.n_grains, -np.inf)
        np.fmax.at(out, self.grain, values)
        return out


@dataclass(frozen=True, eq=False)
class GrainRegions:
    """The grains of a scan.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no grain, else its 1-based number.
    valid : (H, W) bool
        Pixels that may lie in a ring.
    pixels : PixelSets
        The pixels of each grain.
    """

    labels: NDArray[np.signedinteger[Any]]
    valid: NDArray[np.bool_]
    pixels: PixelSets

    @classmethod
    def of(cls, mask: NDArray[Any], valid: NDArray[np.bool_]) -> GrainRegions:
        """The grains of ``mask`` inside ``valid``, both (H, W)."""
        labels, count = _label((np.asarray(mask) != 0) & valid)
        return cls(labels, valid, PixelSets.of_labels(labels, count))

    @classmethod
    def of_labels(cls, labels: NDArray[np.int32], valid: NDArray[np.bool_]) -> GrainRegions:
        """Grains that are numbered already."""
        return cls(labels, valid, PixelSets.of_labels(labels))

    @property
    def n_grains(self) -> int:
        """How many grains there are."""
        return self.pixels.n_grains

    @cached_property
    def rows(self) -> Ints:
        """(n,) row of each pixel in the list."""
        return np.asarray(self.pixels.pixel // self.labels.shape[1])

    @cached_property
    def columns(self) -> Ints:
        """(n,) column of each pixel in the list."""
        return np.asarray(self.pixels.pixel % self.labels.shape[1])

    @cached_property
    def bounds(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Inclusive (row_min, row_max, col_min, col_max), each (n_grains,)."""
        starts = self.pixels.start[:-1]
        if self.n_grains == 0:
            return starts, starts, starts, starts
        return (
            np.minimum.reduceat(self.rows, starts),
            np.maximum.reduceat(self.rows, starts),
            np.minimum.reduceat(self.columns, starts),
            np.maximum.reduceat(self.columns, starts),
        )

    def around(
        self, low: int, high: int, *, allowed: NDArray[np.bool_] | None = None, task: Task = SILENT
    ) -> PixelSets:
        """The pixels ``low`` to ``high`` steps (chessboard distance) from each grain.

        Parameters
        ----------
        low, high : int
            Both at least 1.
        allowed : (H, W) bool, optional
            Where such pixels may lie; default: valid pixels that belong to no grain.
        task : Task, optional
        """
        if allowed is None:
            allowed = self.valid & (self.labels == 0)
        parts = []
        for piece in self._pieces(high):
            task.check()
            parts.append(_grown(self, piece, low, high, allowed))
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return PixelSets(nothing, nothing, self.n_grains)
        grain, pixel = (np.concatenate(part) for part in zip(*parts, strict=True))
        return PixelSets(grain, pixel, self.n_grains)

    def ring(self, *, task: Task = SILENT) -> PixelSets:
        """The local ring of each grain: valid, in no grain, `RING_FROM` to `RING_TO` steps away."""
        return self.around(RING_FROM, RING_TO, task=task)

    def _pieces(self, reach: int) -> Iterator[slice]:
        """Slices of the pixel list that hold whole grains and grow to a bounded size each."""
        start = self.pixels.start
        step = max(1, _MAX_PAIRS // (2 * reach + 1) ** 2)
        first = 0
        while first < self.n_grains:
            last = int(np.searchsorted(start, start[first] + step, side="right")) - 1
            last = max(last, first + 1)
            yield slice(int(start[first]), int(start[last]))
            first = last


def _grown(
    regions: GrainRegions, piece: slice, low: int, high: int, allowed: NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    """(grain, pixel) of the allowed pixels around the grains of one piece of the list."""
    height, width = regions.labels.shape
    grain, row, column = regions.pixels.grain[piece], regions.rows[piece], regions.columns[piece]
    outer = _on_border(regions, piece)
    far = _keys(grain[outer], row[outer], column[outer], high, allowed)
    if low > 1:
        near = _keys(grain[outer], row[outer], column[outer], low - 1, allowed)
        far = np.setdiff1d(far, near, assume_unique=True)
    return far // (height * width), far % (height * width)


def _on_border(regions: GrainRegions, piece: slice) -> NDArray[np.bool_]:
    """Pixels of the list with a neighbour outside their grain: the others are not needed."""
    height, width = regions.labels.shape
    row, column = regions.rows[piece], regions.columns[piece]
    own = regions.labels.reshape(-1)[regions.pixels.pixel[piece]]
    border = np.zeros(row.size, dtype=bool)
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        y, x = np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)
        border |= regions.labels[y, x] != own
    return border


def _keys(grain: Ints, row: Ints, column: Ints, reach: int, allowed: NDArray[np.bool_]) -> Ints:
    """Sorted keys (grain x number of pixels + pixel), once each, of allowed pixels in reach."""
    height, width = allowed.shape
    step = np.arange(-reach, reach + 1)
    y = row[:, None, None] + step[:, None]
    x = column[:, None, None] + step
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    pixel = (y * width + x)[inside]
    owner = np.broadcast_to(grain[:, None, None], inside.shape)[inside]
    good = allowed.reshape(-1)[pixel]
    keys = owner[good] * (height * width) + pixel[good]
    keys.sort(kind="stable")  # nearly sorted already, which this kind uses
    return np.asarray(keys[np.diff(keys, prepend=-1) > 0])


def _label(mask: NDArray[Any]) -> tuple[NDArray[np.signedinteger[Any]], int]:
    labels, count = ndimage.label(np.asarray(mask) != 0, structure=_EIGHT_CONNECTED)
    return np.asarray(labels), int(count)
