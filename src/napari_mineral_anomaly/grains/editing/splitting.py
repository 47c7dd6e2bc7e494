"""Cut one grain into parts: along a line, at its necks, by its composition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.extent import (
    Background,
    Bools,
    SignaturePlanes,
    Window,
    find_surroundings,
    label_areas,
)
from napari_mineral_anomaly.grains.pixels.pieces import SAME

Parts = NDArray[np.int32]

# A neck is narrower than this share of the narrower of the two bodies beside it. Our choice.
NECK = 0.75
# Smaller pieces of one composition inside the other are noise. Our choice.
LEAST_PX = 4
_MARGIN_PX = 12
_ROUNDS = 20
_ALL = np.ones((3, 3), dtype=bool)


def cut_along(grain: Bools, line: Bools) -> Parts:
    """Cut a grain along a drawn line.

    The pixels of the line go to the nearest part.

    Parameters
    ----------
    grain, line : (h, w) bool

    Returns
    -------
    (h, w) int32
        0 = outside, 1, 2, ... = the parts.

    Raises
    ------
    InputError
        When the line does not part the grain in two.
    """
    # A grain holds together at its corners, so the line must not: its diagonal steps are filled.
    barrier = np.pad(line, 1)
    down, up = barrier[:-1, :-1] & barrier[1:, 1:], barrier[1:, :-1] & barrier[:-1, 1:]
    barrier[:-1, 1:] |= down
    barrier[:-1, :-1] |= up
    rest = grain & ~barrier[1:-1, 1:-1]
    areas = label_areas(rest)
    before = int(label_areas(grain).max(initial=0))
    if not (grain & line).any() or int(areas.max(initial=0)) <= before:
        raise InputError(
            "The line does not part the grain: draw it right across, from outside to outside."
        )
    nearest = ndimage.distance_transform_edt(
        areas == 0, return_distances=False, return_indices=True
    )
    return np.where(grain, areas[tuple(nearest)], 0).astype(np.int32)


def cut_at_necks(grain: Bools) -> Parts:
    """Cut a grain where it is narrow: a watershed of the distance to its edge.

    Two basins stay together unless the neck between them is narrower than `NECK` of the narrower
    one. Pieces that do not touch are parts of their own.

    Parameters
    ----------
    grain : (h, w) bool

    Returns
    -------
    (h, w) int32
        0 = outside, 1, 2, ... = the parts.

    Raises
    ------
    InputError
        When there is no neck.
    """
    inside = np.pad(grain, 1)
    depth = ndimage.distance_transform_edt(inside)
    tops = (depth == ndimage.maximum_filter(depth, footprint=_ALL)) & inside
    basins = watershed(  # type: ignore[no-untyped-call]
        -depth, label_areas(tops), mask=inside, connectivity=2
    )
    parts = _joined_unless_narrow(np.asarray(basins, dtype=np.int32), depth)[1:-1, 1:-1]
    if int(parts.max(initial=0)) < 2:
        raise InputError("The grain has no neck: draw a line across it, or brush a part of it.")
    return parts


def cut_by_composition(grain: Bools, free: Bools, planes: SignaturePlanes) -> Parts:
    """Cut a grain into two parts of different composition.

    Spherical k-means (Dhillon and Modha 2001, "Concept decompositions for large sparse text data
    using clustering") with two clusters, of what each pixel holds beyond the surroundings of the
    grain, in the Mahalanobis metric of these surroundings. So brightness, which falls towards the
    edge of a grain, does not count. The parts must differ as two grains do (`pieces.SAME`).

    Parameters
    ----------
    grain : (H, W) bool
    free : (H, W) bool
        Ordinary pixels: valid and in no grain.
    planes : SignaturePlanes

    Returns
    -------
    (H, W) int32
        0 = outside, 1 and 2 = the parts.

    Raises
    ------
    InputError
        When there is one composition only.
    """
    window = _around(grain)
    own = grain[window]
    one = InputError(
        "The pixels of the grain do not differ in composition: draw a line across it, or brush a "
        "part of it."
    )
    around = find_surroundings(own, free[window])
    values = planes.window(*window)
    known = np.isfinite(values).all(axis=1)
    values[~known] = 0.0
    around &= known.reshape(own.shape)
    measured = own & known.reshape(own.shape)
    if np.count_nonzero(measured) < 2 * LEAST_PX or not around.any():
        raise one
    background = Background.of(planes, values, around)
    # In these coordinates the metric of the surroundings is the plain one.
    beside = background.beside[measured.reshape(-1)] @ np.linalg.cholesky(background.inverse)
    second = np.zeros(own.shape, dtype=bool)
    second[measured] = _two_directions(beside)
    second = _without_specks(second, own)
    first = own & ~second
    if not (first & measured).any() or not (second & measured).any():
        raise one
    a, b = (background.signature(part & measured) for part in (first, second))
    length = np.sqrt(background.product(a, a) * background.product(b, b))
    if not length > 0 or background.product(a, b) >= SAME * length:
        raise one
    parts = np.zeros(grain.shape, dtype=np.int32)
    parts[window] = np.where(own, 1 + second, 0)
    return parts


def _joined_unless_narrow(basins: Parts, depth: NDArray[np.float64]) -> Parts:
    """Basins joined, the widest neck first, until each neck is narrow."""
    count = int(basins.max(initial=0))
    top = np.array([depth[basins == k].max() for k in range(1, count + 1)])
    necks: dict[tuple[int, int], float] = {}
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, basins.shape[0] - dy), slice(max(0, -dx), basins.shape[1] - max(0, dx)))
        there = (slice(dy, None), slice(max(0, dx), basins.shape[1] + min(0, dx)))
        a, b = basins[here], basins[there]
        for y, x in np.argwhere((a != b) & (a > 0) & (b > 0)):
            pair = (int(min(a[y, x], b[y, x])), int(max(a[y, x], b[y, x])))
            width = float(min(depth[here][y, x], depth[there][y, x]))
            necks[pair] = max(necks.get(pair, 0.0), width)
    root = np.arange(count + 1)
    while True:
        wide = [
            (width, pair)
            for pair, width in necks.items()
            if root[pair[0]] != root[pair[1]]
            and width >= NECK * min(top[root[pair[0]] - 1], top[root[pair[1]] - 1])
        ]
        if not wide:
            break
        _, (a_, b_) = max(wide)
        kept, gone = sorted((int(root[a_]), int(root[b_])))
        top[kept - 1] = max(top[kept - 1], top[gone - 1])
        root[root == gone] = kept
    _, number = np.unique(root, return_inverse=True)
    return number[basins].astype(np.int32)


def _around(grain: Bools) -> Window:
    rows, columns = (np.flatnonzero(grain.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(int(rows[0]) - _MARGIN_PX, 0), int(rows[-1]) + 1 + _MARGIN_PX),
        slice(max(int(columns[0]) - _MARGIN_PX, 0), int(columns[-1]) + 1 + _MARGIN_PX),
    )


def _two_directions(beside: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of n pixels (n, C) belong to the second of two directions."""
    length = np.linalg.norm(beside, axis=1)
    unit = beside / np.maximum(length, 1e-12)[:, None]
    # The longest vector, and the one that holds most of another direction.
    first = unit[np.argmax(length)]
    rest = beside - np.outer(beside @ first, first)
    second = unit[np.argmax(np.linalg.norm(rest, axis=1))]
    is_second = np.zeros(len(beside), dtype=bool)
    for _ in range(_ROUNDS):
        found = beside @ second > beside @ first
        if not found.any() or found.all() or np.array_equal(found, is_second):
            break
        is_second = found
        first, second = (
            total / max(float(np.linalg.norm(total)), 1e-12)
            for total in (beside[~found].sum(axis=0), beside[found].sum(axis=0))
        )
    return is_second


def _without_specks(second: Bools, own: Bools) -> Bools:
    """Two parts of a grain; pieces of fewer than `LEAST_PX` go to the part around them."""
    second = second.copy()
    for value in (True, False):
        areas = label_areas(own & (second == value))
        size = np.bincount(areas.reshape(-1))
        small = size < LEAST_PX
        small[0] = False
        second[small[areas]] = not value
    return second
