"""The statistics of the heads: how odd each pixel is by each question."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.heads.blocks import (
    AVERAGED_VARIANCE,
    BLOCK_PIXELS,
    HeadBlock,
    HeadFeatures,
    head_block,
)
from napari_mineral_anomaly.detectors.heads.fit import FittedHeads
from napari_mineral_anomaly.detectors.heads.likeness import squared_mean_distance
from napari_mineral_anomaly.detectors.heads.questions import (
    BESIDE_NETWORK,
    CELLS,
    LIKENESS,
    SCAN,
    SURROUNDINGS,
)
from napari_mineral_anomaly.detectors.heads.ring import MARGIN, TILE, ring_distance
from napari_mineral_anomaly.detectors.threads import in_threads, usable_threads
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# A block is one thread's work. Smaller ones spend too much on their margins.
LEAST_BLOCK_PIXELS = 20_000

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def answer(
    cube: ElementCube,
    features: HeadFeatures,
    heads: FittedHeads,
    questions: tuple[str, ...] = BESIDE_NETWORK,
    *,
    task: Task = SILENT,
) -> dict[str, Floats]:
    """Statistic (H, W) float32 for each question, larger = odder, 0 outside the valid area.

    Each is the cube root of a sum of squares over its degrees of freedom, which is close to a
    Gaussian for a Gaussian background (Wilson and Hilferty 1931).

    Raises
    ------
    CancelledError
    """
    out = {name: np.zeros(cube.shape, dtype=np.float32) for name in questions}
    height, width = cube.shape
    fair_share = -(-height * width // usable_threads())
    blocks = list(cube.row_blocks(min(BLOCK_PIXELS, max(LEAST_BLOCK_PIXELS, fair_share))))
    work = partial(_answered, cube, features, heads, questions, task)
    for rows, squares in zip(blocks, in_threads(work, blocks, task), strict=True):
        for name, square in squares.items():
            out[name][rows][cube.valid[rows]] = np.cbrt(square / features.n)
        task.step("heads", rows.stop, height)
    return out


def _answered(
    cube: ElementCube,
    features: HeadFeatures,
    heads: FittedHeads,
    questions: tuple[str, ...],
    task: Task,
    rows: slice,
) -> dict[str, Doubles]:
    """Sum of squares (n,) for each question, of the valid pixels of some rows."""
    block = head_block(cube, features, rows, MARGIN)
    near = block.pixels(block.averaged)
    if not len(near):
        return {}
    heads_of = {
        SCAN: lambda: _from_the_scan(near, heads),
        CELLS: lambda: _from_each_other(block.pixels(block.measured), heads),
        SURROUNDINGS: lambda: _from_the_ring(block, heads.noise, task)[block.valid[block.inside]],
        LIKENESS: lambda: squared_mean_distance(near, heads.sample, task=task),
    }
    return {name: heads_of[name]() for name in questions}


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
    height, width = (size - 2 * MARGIN for size in block.valid.shape)
    out = np.empty((height, width))
    for top in range(0, height, TILE[0]):
        for left in range(0, width, TILE[1]):
            task.check()
            bottom, right = min(top + TILE[0], height), min(left + TILE[1], width)
            cut = (slice(top, bottom + 2 * MARGIN), slice(left, right + 2 * MARGIN))
            out[top:bottom, left:right] = ring_distance(values[:, *cut], block.valid[cut])
    return out
