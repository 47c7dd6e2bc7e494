"""Single pixels far above all their neighbours, in one element alone.

A Bragg reflection off a well-ordered crystal puts counts of no element into one window of one
pixel. So does a grain smaller than a pixel; the report says both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.transforms import stabilise

# Sigmas above the highest of the eight neighbours: a spike, and a map that stands out, too.
_SPIKE_SIGMAS = 8.0
# And so many times the highest neighbour: where counts are many, sigmas are small beside texture.
_SPIKE_RATIO = 1.5
_HIGH_SIGMAS = 3.0
_FEWEST_SPIKES = 3


def single_peaks(
    plane: NDArray[Any], valid: NDArray[np.bool_], noise: float | None
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Pixels above all eight neighbours.

    Parameters
    ----------
    plane : array (H, W)
    valid : (H, W) bool
    noise : float or None
        Standard deviation of one pixel; None for counts, which are stabilised to unit variance.

    Returns
    -------
    peaks : (n,) int
        Flat positions of those at least 8 sigmas above the highest neighbour, and 1.5 times it.
    high : (H, W) bool
        Those at least 3 sigmas above it.
    """
    high = np.zeros(plane.shape, dtype=bool)
    nothing = np.empty(0, dtype=np.intp)
    # A noise below the smallest float32 is none at all.
    if min(plane.shape) < 3 or (noise is not None and not np.float32(noise) > 0):
        return nothing, high
    # Three in a row, then the rows above and below: the eight neighbours, each seen once.
    across = np.maximum(plane[:, :-2], plane[:, 2:])
    three = np.maximum(across, plane[:, 1:-1])
    around = np.maximum(np.maximum(three[:-2], three[2:]), across[1:-1]).astype(np.float32)
    here = plane[1:-1, 1:-1].astype(np.float32)
    if noise is None:
        excess = stabilise(here, "anscombe") - stabilise(around, "anscombe")
    else:
        with np.errstate(over="ignore"):  # infinitely many sigmas are many sigmas
            excess = (here - around) / np.float32(noise)
    excess[~valid[1:-1, 1:-1]] = 0
    high[1:-1, 1:-1] = excess >= _HIGH_SIGMAS
    rows, columns = np.nonzero((excess >= _SPIKE_SIGMAS) & (here >= _SPIKE_RATIO * around))
    return (rows + 1) * plane.shape[1] + columns + 1, high


def count_alone(peaks: NDArray[np.intp], standing_out: NDArray[np.uint8]) -> int:
    """How many of the peaks of one map stand where no other map does."""
    return int(np.count_nonzero(standing_out.reshape(-1)[peaks] == 1))


def spike_words(elements: Sequence[str], spikes: Sequence[int]) -> list[str]:
    """One sentence about the maps with several spikes."""
    many = [
        f"{element} {count}"
        for element, count in zip(elements, spikes, strict=True)
        if count >= _FEWEST_SPIKES
    ]
    if not many:
        return []
    return [
        "Single pixels far above all their neighbours, in one map alone: "
        f"{', '.join(many)}: diffraction or detector spikes, or grains of one pixel."
    ]
