"""The native dtype of numbers that come as text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_INTEGER_DTYPES = (np.uint8, np.uint16, np.uint32, np.int16, np.int32, np.int64)
_LARGEST_EXACT = 2**53


def in_smallest_dtype(values: NDArray[np.float64]) -> NDArray[Any]:
    """The same numbers in the smallest dtype that holds them exactly.

    Whole numbers become the first of uint8, uint16, uint32, int16, int32, int64 that fits, also
    when the file writes 6258.00000: they are counts. Other numbers become float32 if that changes
    none of them, else float64, so that each value in the cube equals the value in the file (12.34
    has no exact float32).
    """
    finite = np.isfinite(values)
    if finite.all() and np.array_equal(values, np.rint(values)):
        low, high = float(values.min()), float(values.max())
        if max(-low, high) <= _LARGEST_EXACT:
            for dtype in _INTEGER_DTYPES:
                if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                    return values.astype(dtype)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values
