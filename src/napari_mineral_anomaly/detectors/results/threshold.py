"""The threshold of a score: how its default is chosen, and how many false pixels it promises."""

from __future__ import annotations

from scipy import special

# By default one false pixel in 100 000 is accepted, but never less than one per scan.
FALSE_PIXEL_RATE = 1e-5


def promised_false_pixels(n_valid: int) -> float:
    """False pixels accepted per scan by default: max(1, 1e-5 x valid pixels)."""
    return max(1.0, FALSE_PIXEL_RATE * n_valid)


def default_threshold(n_valid: int) -> float:
    """Score (background sigmas) at which `promised_false_pixels` are expected.

    The Gaussian quantile of the promised share: with background sigmas the scan's own size is
    the only thing that matters.
    """
    if n_valid <= 1:
        return 0.0
    return float(-special.ndtri(promised_false_pixels(n_valid) / n_valid))


def expected_false_pixels(threshold: float, n_valid: int) -> float:
    """Background pixels expected at or above ``threshold`` among ``n_valid`` pixels."""
    return float(n_valid * special.ndtr(-threshold))
