"""A short way through all places: nearest neighbour, then 2-opt."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A pass takes n x n steps. More passes than this gain less than a hundredth (our choice).
_PASSES = 30


def short_route(y: ArrayLike, x: ArrayLike) -> NDArray[np.int64]:
    """The order in which to visit places, on a short open path.

    The path begins at the outermost place, goes to the nearest one that is left, and is then
    improved by 2-opt (Croes 1958): a piece is turned around wherever that makes the path shorter.

    Parameters
    ----------
    y, x : (n,)
        The places.

    Returns
    -------
    (n,) int64
        Each place once.
    """
    places = np.column_stack([np.asarray(y, np.float64), np.asarray(x, np.float64)])
    order = _nearest_neighbours(places)
    for _ in range(_PASSES):
        if not _improve(order, places):
            break
    return order


def route_length(y: ArrayLike, x: ArrayLike, order: ArrayLike) -> float:
    """The length of a path, in the unit of the places."""
    places = np.column_stack([np.asarray(y, np.float64), np.asarray(x, np.float64)])
    return float(np.linalg.norm(np.diff(places[np.asarray(order)], axis=0), axis=1).sum())


def _nearest_neighbours(places: NDArray[np.float64]) -> NDArray[np.int64]:
    n = len(places)
    left = np.ones(n, dtype=bool)
    order = np.empty(n, dtype=np.int64)
    if n == 0:
        return order
    here = int(np.linalg.norm(places - places.mean(axis=0), axis=1).argmax())
    for k in range(n):
        order[k], left[here] = here, False
        if k + 1 < n:
            distances = np.where(left, np.linalg.norm(places - places[here], axis=1), np.inf)
            here = int(distances.argmin())
    return order


def _improve(order: NDArray[np.int64], places: NDArray[np.float64]) -> bool:
    """Turn pieces around where that helps; whether any did. Changes ``order``."""
    n, better = len(order), False
    for i in range(n - 1):
        # The piece i..j is turned: its ends change places. Nothing comes before the first place or
        # after the last one.
        path = places[order]
        j = np.arange(i + 1, n)
        following = np.minimum(j + 1, n - 1)
        before_j = np.linalg.norm(path[i - 1] - path[j], axis=1) if i else np.zeros(len(j))
        before_i = np.linalg.norm(path[i - 1] - path[i]) if i else 0.0
        after_i = np.linalg.norm(path[i] - path[following], axis=1)
        after_j = np.linalg.norm(path[j] - path[following], axis=1)
        after_i[j == n - 1] = 0.0
        gain = before_i + after_j - before_j - after_i
        best = int(gain.argmax())
        if gain[best] > 1e-9:
            order[i : j[best] + 1] = order[i : j[best] + 1][::-1].copy()
            better = True
    return better
