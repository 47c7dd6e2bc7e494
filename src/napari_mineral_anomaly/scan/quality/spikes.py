"""Single pixels far above all their neighbours, in one element only.

A Bragg reflection from a well-ordered crystal adds counts that belong to no element to one window
of one pixel. A grain smaller than a pixel looks the same; the report names both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.scan.transforms import stabilise

# A spike is this many sigmas above the highest of its eight neighbours, and this many times as
# high: where counts are many, sigmas are small compared with the texture of the rock.
_SPIKE_SIGMAS, _SPIKE_RATIO = 8.0, 1.5
# A map is high at a pixel this many sigmas above the highest neighbour.
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
        Flat positions of pixels at least 8 sigmas above, and 1.5 times, the highest neighbour.
    high : (H, W) bool
        Pixels at least 3 sigmas above it.
    """
    high = np.zeros(plane.shape, dtype=bool)
    nothing = np.empty(0, dtype=np.intp)
    # A noise below the smallest float32 is no noise.
    if min(plane.shape) < 3 or (noise is not None and not np.float32(noise) > 0):
        return nothing, high
    # The maximum of three in a row, then of the rows above and below: all eight neighbours.
    across = np.maximum(plane[:, :-2], plane[:, 2:])
    three = np.maximum(across, plane[:, 1:-1])
    around = np.maximum(np.maximum(three[:-2], three[2:]), across[1:-1]).astype(np.float32)
    here = plane[1:-1, 1:-1].astype(np.float32)
    if noise is None:
        excess = stabilise(here, "anscombe") - stabilise(around, "anscombe")
    else:
        with np.errstate(over="ignore"):  # infinity is many sigmas, too
            excess = (here - around) / np.float32(noise)
    excess[~valid[1:-1, 1:-1]] = 0
    high[1:-1, 1:-1] = excess >= _HIGH_SIGMAS
    rows, columns = np.nonzero((excess >= _SPIKE_SIGMAS) & (here >= _SPIKE_RATIO * around))
    return (rows + 1) * plane.shape[1] + columns + 1, high


def count_alone(peaks: NDArray[np.intp], standing_out: NDArray[np.uint8]) -> int:
    """The number of peaks of one map at pixels where no other map is high."""
    return int(np.count_nonzero(standing_out.reshape(-1)[peaks] == 1))


def spike_words(elements: Sequence[str], spikes: Sequence[int]) -> list[str]:
    """One sentence on the maps with several spikes."""
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
