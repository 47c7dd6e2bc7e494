"""DBSCAN in bounded memory, which can be cancelled (Ester, Kriegel, Sander and Xu 1996).

scikit-learn's DBSCAN keeps every neighbour list at once, gigabytes for 20 000 points when the
radius is wide, and cannot be stopped. Here distances are computed in tiles of fixed size and only
what the definition needs is kept: how many neighbours a point has, and which core points are
connected. The result is the same up to rounding of distances at the radius itself, except that a
border point goes to the cluster of its nearest core point, not to the first cluster that reaches
it, so the result does not depend on the order of the points.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_mineral_anomaly.detectors.smallest import smallest
from napari_mineral_anomaly.progress import SILENT, Task

NOISE = -1

# Distances held at a time: 16 MB in float32.
TILE_DISTANCES = 4_000_000
QUERY_POINTS = 4_096


def core_points(
    points: NDArray[np.float32], eps: float, min_samples: int, *, task: Task = SILENT
) -> NDArray[np.bool_]:
    """Points with at least ``min_samples`` points within ``eps``, themselves included. (n,) bool.

    Parameters
    ----------
    points : (n, D) float32
    eps : float
        Euclidean radius.
    min_samples : int
    """
    counts = np.zeros(len(points), dtype=np.int64)
    for rows, squared in _upper_tiles(points, task):
        within = squared <= eps * eps
        size = rows.stop - rows.start
        counts[rows] += np.count_nonzero(within, axis=1)
        counts[rows.stop :] += np.count_nonzero(within[:, size:], axis=0)
    return counts >= min_samples


def connected_groups(
    points: NDArray[np.float32], eps: float, *, task: Task = SILENT
) -> NDArray[np.int32]:
    """Number the groups of points that chains of steps of at most ``eps`` connect. (n,) int32.

    Groups are numbered from 0 in the order of their first point.
    """
    group = np.arange(len(points), dtype=np.int32)
    for rows, squared in _upper_tiles(points, task):
        # Pairs within one group change nothing; after the first tiles hardly any others are left.
        pairs = (squared <= eps * eps) & (group[rows, None] != group[None, rows.start :])
        i, j = np.nonzero(pairs)
        if i.size == 0:
            continue
        edges = (group[rows][i], group[rows.start :][j])
        graph = coo_array((np.ones(i.size, dtype=np.int8), edges), shape=(len(points),) * 2)
        merged = connected_components(graph, directed=False)[1]
        group = merged[group].astype(np.int32)
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[number]


def neighbour_distances(
    points: NDArray[np.float32], rank: int, *, task: Task = SILENT
) -> NDArray[np.float32]:
    """Distance of each point to its ``rank``-th nearest point, itself being the first. (n,)."""
    out = np.empty(len(points), dtype=np.float32)
    rank = min(rank, len(points))
    step = max(1, TILE_DISTANCES // len(points))
    left, right = _factors(points)
    for start in range(0, len(points), step):
        task.check()
        squared = left[start : start + step] @ right.T
        out[start : start + step] = smallest(squared, rank).max(axis=1)
    return np.sqrt(np.maximum(out, 0))


class NearestCore:
    """Finds the core point nearest to a pixel, within a radius.

    Parameters
    ----------
    core : (m, D) float32
    eps : float
    """

    def __init__(self, core: NDArray[np.float32], eps: float) -> None:
        self._eps = eps
        self._mean = core.mean(axis=0) if len(core) else np.zeros(core.shape[1], dtype=np.float32)
        # Turning the axes to the main directions of the points changes no distance, but makes the
        # k-d tree, which splits along the axes, several times faster.
        centred = (core - self._mean).astype(np.float64)
        self._axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
        self._tree = cKDTree(centred @ self._axes, leafsize=32) if len(core) else None

    def find(self, points: NDArray[np.float32], *, task: Task = SILENT) -> NDArray[np.int64]:
        """Position of the nearest core point within the radius, or -1. (n,) int64."""
        out = np.full(len(points), NOISE, dtype=np.int64)
        if self._tree is None:
            return out
        for start in range(0, len(points), QUERY_POINTS):
            task.check()
            turned = (points[start : start + QUERY_POINTS] - self._mean) @ self._axes
            # The bound is exclusive; DBSCAN's radius is inclusive.
            bound = np.nextafter(self._eps, np.inf)
            _, nearest = self._tree.query(turned, 1, distance_upper_bound=bound)
            out[start : start + QUERY_POINTS] = np.where(nearest < self._tree.n, nearest, NOISE)
        return out


def _factors(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two matrices whose product is the matrix of squared distances.

    ``|a - b|^2 = |a|^2 + |b|^2 - 2 a.b`` as a single product; centred first, to keep rounding
    small against the distances.
    """
    centred = points - points.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)[:, None]
    ones = np.ones_like(squares)
    return np.hstack([-2 * centred, squares, ones]), np.hstack([centred, ones, squares])


def _upper_tiles(
    points: NDArray[np.float32], task: Task
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Tiles of squared distances of some rows to themselves and all later points."""
    if len(points) == 0:
        return
    left, right = _factors(points)
    step = max(1, TILE_DISTANCES // len(points))
    for start in range(0, len(points), step):
        task.check()
        rows = slice(start, min(start + step, len(points)))
        yield rows, left[rows] @ right[start:].T
