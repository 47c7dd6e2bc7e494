"""The statistics of the heads: how odd each pixel is by each question."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.heads.blocks import (
    AVERAGED_VARIANCE,
    HeadBlock,
    HeadFeatures,
    head_blocks,
)
from napari_mineral_anomaly.detectors.heads.fit import NEIGHBOURS, FittedHeads
from napari_mineral_anomaly.detectors.heads.questions import CELLS, LIKENESS, SCAN, SURROUNDINGS
from napari_mineral_anomaly.detectors.statistical.ring import ring_sum
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# Squares (px) around a pixel: grains of up to 5 px do not enter their own background.
INNER, OUTER = 5, 13
MARGIN = OUTER // 2
# Pixels whose covariances, or whose distances to the sample, are held at once.
RING_PIXELS, DISTANCE_PIXELS = 8192, 4096

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def answer(
    cube: ElementCube, features: HeadFeatures, heads: FittedHeads, *, task: Task = SILENT
) -> dict[str, Floats]:
    """Statistic (H, W) float32 of each head, larger = odder, 0 outside the valid area.

    Each is the cube root of a sum of squares over its degrees of freedom, which is close to a
    Gaussian for a Gaussian background (Wilson and Hilferty 1931).

    Raises
    ------
    CancelledError
    """
    out = {
        name: np.zeros(cube.shape, dtype=np.float32)
        for name in (SCAN, CELLS, SURROUNDINGS, LIKENESS)
    }
    n = features.n
    for block in head_blocks(cube, features, MARGIN, "heads", task):
        inside = block.valid[block.inside]
        near = block.pixels(block.averaged)
        if not len(near):
            continue
        squares = {
            SCAN: _from_the_scan(near, heads),
            CELLS: _from_each_other(block.pixels(block.measured), heads),
            SURROUNDINGS: _from_the_ring(block, heads.noise, task)[inside],
            LIKENESS: _from_the_sample(near, heads.sample, task),
        }
        for name, square in squares.items():
            out[name][block.rows][inside] = np.cbrt(square / n)
    return out


def _from_the_scan(pixels: Floats, heads: FittedHeads) -> Doubles:
    """Squared Mahalanobis distance (n,) of averaged pixels: RX of Reed and Yu (1990)."""
    white = (pixels - heads.mean) @ heads.whitening
    return np.asarray(np.square(white).sum(axis=1))


def _from_each_other(pixels: Floats, heads: FittedHeads) -> Doubles:
    """Sum (n,) of the squared robust z of each feature's residual from the others."""
    residual = (pixels - heads.cell_mean) @ heads.cell_weights
    return np.asarray(np.square((residual - heads.cell_median) / heads.cell_spread).sum(axis=1))


def _from_the_ring(block: HeadBlock, noise: Doubles, task: Task) -> Doubles:
    """Squared distance (h, W) of averaged pixels to the mean and covariance of their ring.

    The variance of the averaged noise is added to each variance: a ring of few counts then cannot
    look more even than its noise allows.
    """
    scale = noise * np.sqrt(AVERAGED_VARIANCE)
    values = block.averaged / scale.astype(np.float32)[:, None, None]
    n, height, width = len(values), *(size - 2 * MARGIN for size in block.valid.shape)
    weight = block.valid.astype(np.float64)
    count = np.maximum(ring_sum(weight, INNER, OUTER), 1.0)
    mean = ring_sum(values * weight, INNER, OUTER) / count
    out = np.zeros((height, width))
    step = max(1, RING_PIXELS // width)
    for start in range(0, height, step):
        task.check()
        rows = slice(start, min(start + step, height))
        padded = slice(rows.start, rows.stop + 2 * MARGIN)
        part, seen = values[:, padded], weight[padded]
        here = mean[:, rows]
        covariance = np.empty((*here.shape[1:], n, n))
        for i in range(n):
            products = ring_sum(part[i] * part[: i + 1] * seen, INNER, OUTER) / count[rows]
            products -= here[i] * here[: i + 1]
            covariance[..., i, : i + 1] = np.moveaxis(products, 0, -1)
            covariance[..., : i + 1, i] = covariance[..., i, : i + 1]
        covariance += np.eye(n)
        inner = part[:, MARGIN:-MARGIN, MARGIN:-MARGIN] - here
        difference = np.moveaxis(inner, 0, -1)[..., None]
        solved = np.linalg.solve(covariance, difference)
        out[rows] = (difference * solved).sum(axis=(-2, -1))
    # Without a ring there is nothing to compare with.
    lonely = ring_sum(weight, INNER, OUTER) < 2
    return np.where(lonely, 0.0, np.maximum(out, 0.0))


def _from_the_sample(pixels: Floats, sample: Floats, task: Task) -> Doubles:
    """Square (n,) of the mean distance to the nearest pixels of the sample.

    Ramaswamy, Rastogi and Shim (2000), SIGMOD Record 29, 427-438; the mean after Angiulli and
    Pizzuti (2002).
    """
    k = min(NEIGHBOURS, len(sample))
    lengths = np.square(sample).sum(axis=1)
    out = np.empty(len(pixels))
    for start in range(0, len(pixels), DISTANCE_PIXELS):
        task.check()
        part = pixels[start : start + DISTANCE_PIXELS]
        squared = lengths - 2.0 * (part @ sample.T)
        squared += np.square(part).sum(axis=1)[:, None]
        nearest = np.partition(squared, k - 1, axis=1)[:, :k]
        distance = np.sqrt(np.maximum(nearest, 0.0))
        out[start : start + len(part)] = np.square(distance.mean(axis=1))
    return out
