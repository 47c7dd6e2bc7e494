"""How far each pixel is from the pixels of a sample that are most like it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.smallest import smallest
from napari_mineral_anomaly.progress import SILENT, Task

# How many of the nearest pixels count.
NEIGHBOURS = 25
# Pixels whose distances are held at once, so that they stay in the cache of a processor.
DISTANCE_PIXELS = 64

Floats = NDArray[np.float32]


def squared_mean_distance(
    pixels: Floats, sample: Floats, *, task: Task = SILENT
) -> NDArray[np.float64]:
    """Square (n,) of the mean distance of pixels (n, F) to the nearest pixels of a sample (m, F).

    Ramaswamy, Rastogi and Shim (2000), SIGMOD Record 29, 427-438; the mean after Angiulli and
    Pizzuti (2002).
    """
    k = min(NEIGHBOURS, len(sample))
    # Squared distances up to the length of the pixel itself, which changes no order.
    lengths = np.square(sample).sum(axis=1, keepdims=True)
    factor = np.concatenate([-2.0 * sample, lengths], axis=1).T.astype(np.float32, order="C")
    shown = np.ones((DISTANCE_PIXELS, len(factor)), dtype=np.float32)
    squared = np.empty((DISTANCE_PIXELS, len(sample)), dtype=np.float32)
    out = np.empty(len(pixels))
    for start in range(0, len(pixels), DISTANCE_PIXELS):
        task.check()
        part = pixels[start : start + DISTANCE_PIXELS]
        n = len(part)
        shown[:n, :-1] = part
        nearest = smallest(np.matmul(shown[:n], factor, out=squared[:n]), k)
        nearest += np.square(part).sum(axis=1)[:, None]
        distance = np.sqrt(np.maximum(nearest, 0.0))
        out[start : start + n] = np.square(distance.mean(axis=1))
    return out
