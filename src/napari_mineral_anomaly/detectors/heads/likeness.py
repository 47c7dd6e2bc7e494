"""How far each pixel is from the pixels of a sample that are most like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# How many of the nearest pixels count.
NEIGHBOURS = 25
# Pixels whose distances are held at once, so that they stay in the cache of a processor.
DISTANCE_PIXELS = 256
# The distances of a pixel are split into groups of this size.
GROUP = 8

Floats = NDArray[np.float32]


def squared_mean_distance(pixels: Floats, sample: Floats) -> NDArray[np.float64]:
    """Square (n,) of the mean distance of pixels (n, F) to the nearest pixels of a sample (m, F).

    Ramaswamy, Rastogi and Shim (2000), SIGMOD Record 29, 427-438; the mean after Angiulli and
    Pizzuti (2002).

    The k nearest lie in the k groups whose own nearest are the nearest, whatever the groups: each
    of these has one at least as near as any pixel of another group. So only the least of each group
    and the members of k groups are ordered, not the whole sample.
    """
    k = min(NEIGHBOURS, len(sample))
    groups = -(-len(sample) // GROUP)
    # Squared distances up to the length of the pixel itself, which changes no order.
    factor = np.zeros((sample.shape[1] + 1, groups * GROUP), dtype=np.float32)
    factor[:-1, : len(sample)] = -2.0 * sample.T
    factor[-1] = np.inf
    factor[-1, : len(sample)] = np.square(sample).sum(axis=1)
    shown = np.ones((DISTANCE_PIXELS, sample.shape[1] + 1), dtype=np.float32)
    squared = np.empty((DISTANCE_PIXELS, groups * GROUP), dtype=np.float32)
    out = np.empty(len(pixels))
    for start in range(0, len(pixels), DISTANCE_PIXELS):
        part = pixels[start : start + DISTANCE_PIXELS]
        n = len(part)
        shown[:n, :-1] = part
        np.matmul(shown[:n], factor, out=squared[:n])
        members = squared[:n].reshape(n, GROUP, groups)
        nearest = members.reshape(n, -1)
        if groups > k:
            least = members.min(axis=1)
            chosen = np.argpartition(least, k - 1, axis=1)[:, None, :k]
            nearest = np.take_along_axis(members, chosen, axis=2).reshape(n, -1)
        nearest = np.partition(nearest, k - 1, axis=1)[:, :k]
        nearest += np.square(part).sum(axis=1)[:, None]
        distance = np.sqrt(np.maximum(nearest, 0.0))
        out[start : start + n] = np.square(distance.mean(axis=1))
    return out
