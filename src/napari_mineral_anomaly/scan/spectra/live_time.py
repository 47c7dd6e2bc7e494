"""`LiveTime`: how long the detector was ready to count, at each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Detectors need microseconds for a photon, and no scan waits longer than a day at a pixel.
_SHORTEST_S, _LONGEST_S = 1e-6, 1e5
# From this spread on (90 % of the pixels, relative to the median), counts follow the live time
# visibly: 10 % is three sigmas of a thousand counts.
_VARIES = 0.10


@dataclass(frozen=True, eq=False)
class LiveTime:
    """Live time of the pixels of a scan.

    Attributes
    ----------
    seconds : (H, W) or () float64
        Per pixel, or one time for every pixel; NaN where it is not known.
    source : str
        Where it is from: "Elapsed_Livetime in the file".
    """

    seconds: NDArray[np.float64]
    source: str

    @property
    def is_per_pixel(self) -> bool:
        """Whether the pixels have times of their own."""
        return self.seconds.ndim == 2

    def plane(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Live time (H, W) of every pixel in seconds."""
        return np.broadcast_to(self.seconds, shape)

    def total(self, mask: NDArray[np.bool_]) -> float:
        """Sum over the pixels of a mask (H, W), in seconds; NaN where one is not known."""
        return float(self.plane(mask.shape)[mask].sum())

    @property
    def in_words(self) -> str:
        """The times: "0.05 s" or "0.041 to 0.05 s"."""
        known = self.seconds[np.isfinite(self.seconds)]
        low, high = float(known.min()), float(known.max())
        return f"{low:.4g} s" if low == high else f"{low:.4g} to {high:.4g} s"

    @property
    def varies(self) -> bool:
        """Whether the times differ so much between pixels that maps of counts show it."""
        known = self.seconds[np.isfinite(self.seconds)]
        low, middle, high = np.percentile(known, [5, 50, 95])
        return bool(high - low > _VARIES * middle)


def live_time(
    seconds: ArrayLike, shape: tuple[int, int], source: str
) -> tuple[LiveTime | None, list[str]]:
    """The live time that a file declares; None, and a note, for one that cannot be right.

    Parameters
    ----------
    seconds : array-like
        One number for every pixel, or (H, W); H * W numbers are taken row by row.
    shape : (int, int)
        (H, W) of the scan.
    source : str
        As in `LiveTime`.
    """
    try:
        values = np.asarray(seconds, dtype=np.float64)
    except (TypeError, ValueError):
        return None, [f"the live time ({source}) is not used: it is not a number"]
    if values.size == 1:
        values = values.reshape(())
    elif values.size == shape[0] * shape[1] and values.ndim <= 2:
        if values.ndim == 2 and values.shape != shape:
            return None, [_misfit(values.shape, shape, source)]
        values = values.reshape(shape)
    else:
        return None, [_misfit(values.shape, shape, source)]
    usable = np.isfinite(values) & (values >= _SHORTEST_S) & (values <= _LONGEST_S)
    if not usable.any():
        return None, [f"the live time ({source}) is not used: it is no positive number of seconds"]
    notes = []
    if not usable.all():
        n = int(np.count_nonzero(~usable))
        notes.append(f"{n} pixels have no live time ({source})")
    return LiveTime(np.where(usable, values, np.nan), source), notes


def _misfit(found: tuple[int, ...], shape: tuple[int, int], source: str) -> str:
    there = "x".join(map(str, found))
    return (
        f"the live time ({source}) is not used: it has {there} numbers for "
        f"{shape[0]} x {shape[1]} pixels"
    )
