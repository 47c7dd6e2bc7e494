"""The threshold of a score, all of it: its default, what it promises, which pixels it flags.

Whoever changes the rule changes this file and no other. scipy is imported where it is needed, so
that the help of the command line, which quotes `DEFAULT_IN_WORDS`, stays quick.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# By default one false pixel in 100 000 is accepted, but never less than one per scan.
FALSE_PIXEL_RATE = 1e-5

_PIXELS = f"{round(1 / FALSE_PIXEL_RATE):_}".replace("_", " ")
DEFAULT_IN_WORDS = f"1 false pixel expected in {_PIXELS}, at least 1 per scan"


def promised_false_pixels(n_valid: int) -> float:
    """False pixels accepted per scan by default: max(1, `FALSE_PIXEL_RATE` x valid pixels)."""
    return max(1.0, FALSE_PIXEL_RATE * n_valid)


def default_threshold(n_valid: int) -> float:
    """Score (background sigmas) at which `promised_false_pixels` are expected.

    With background sigmas the size of the scan is the only thing that matters. 0 where fewer than
    two pixels are valid.
    """
    if n_valid <= 1:
        return 0.0
    return threshold_for(promised_false_pixels(n_valid), n_valid)


def threshold_for(false_pixels: float, n_valid: int) -> float:
    """Score (background sigmas) at which ``false_pixels`` of ``n_valid`` pixels are expected.

    The Gaussian quantile of their share.

    Raises
    ------
    InputError
        When ``false_pixels`` is not above 0 and below ``n_valid``.
    """
    from scipy import special

    if not 0 < false_pixels < n_valid:
        raise InputError(
            f"The number of false pixels must be above 0 and below the {n_valid} valid pixels of "
            f"the scan, not {false_pixels:g}."
        )
    return float(-special.ndtri(false_pixels / n_valid))


def checked_threshold(threshold: Any) -> float:
    """A threshold that a user gives.

    Raises
    ------
    InputError
        When it is not a finite number: nothing, or everything, would be flagged without a word.
    """
    is_number = isinstance(threshold, int | float) or getattr(threshold, "shape", None) == ()
    if isinstance(threshold, bool) or not is_number or not math.isfinite(threshold):
        raise InputError(
            f"The threshold must be a finite number of background sigmas; got {threshold!r}."
        )
    return float(threshold)


def expected_false_pixels(threshold: float, n_valid: int) -> float:
    """Background pixels expected at or above ``threshold`` among ``n_valid`` pixels."""
    from scipy import special

    return float(n_valid * special.ndtr(-threshold))


def promise_at(threshold: float, n_valid: int) -> float:
    """As `expected_false_pixels`; at the default threshold the round number it was made from."""
    if threshold == default_threshold(n_valid):
        return promised_false_pixels(n_valid)
    return expected_false_pixels(threshold, n_valid)


def flagged(score: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.bool_]:
    """Which pixels count as anomalous: score at or above ``threshold``; never a NaN."""
    # The comparison with NaN is False without a warning.
    mask: NDArray[np.bool_] = score >= threshold
    return mask
