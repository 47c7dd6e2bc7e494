"""The ratio of two element maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Added to both maps: counts of zero are common in traces, and their ratio would have no number.
_HALF_COUNT = 0.5


def ratio_map(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float32]:
    """Decimal logarithm of ``above / below``, pixel by pixel.

    Half a count is added to both, the usual correction for the ratio of two Poisson numbers
    (Haldane 1956); where both maps are zero or less there is nothing to compare.

    Parameters
    ----------
    above, below : (H, W) array

    Returns
    -------
    (H, W) float32
        0 where they are equal, 1 where ``above`` is ten times ``below``; NaN where both are zero
        or less, or where one is missing.
    """
    one, two = (np.maximum(plane.astype(np.float32), 0.0) for plane in (above, below))
    ratio = np.log10((one + _HALF_COUNT) / (two + _HALF_COUNT))
    ratio[(one <= 0) & (two <= 0)] = np.nan
    return np.asarray(ratio, dtype=np.float32)
