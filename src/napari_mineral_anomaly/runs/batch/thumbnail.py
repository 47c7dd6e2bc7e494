"""A small picture of a score map, for the page of a batch."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 160
# On the page of a batch, which shows every pixel of the picture, so that no grain is left out.
PAGE_SIDE = 96
# The score is shown up to so many thresholds, as in the report.
_THRESHOLDS_SHOWN = 3.0
_OUTSIDE = (238, 238, 241)


def thumbnail_png(score: NDArray[np.floating], threshold: float, side: int = SIDE) -> bytes:
    """The score map as PNG of at most ``side`` pixels; each shows the highest score below it.

    Parameters
    ----------
    score : (H, W)
        Background sigmas; NaN outside the valid area.
    threshold : float
        Background sigmas; pixels from there up are red, so that a barren section looks barren.
    side : int
        Rows or columns of the picture at most.
    """
    step = max(1, -(-max(score.shape) // side))
    height, width = (-(-n // step) for n in score.shape)
    padded = np.full((height * step, width * step), -np.inf, np.float32)
    padded[: score.shape[0], : score.shape[1]] = np.where(np.isfinite(score), score, -np.inf)
    highest = padded.reshape(height, step, width, step).max(axis=(1, 3))
    share = np.clip(highest / (_THRESHOLDS_SHOWN * max(threshold, 1e-6)), 0, 1)
    grey = (235 - 150 * np.clip(share * _THRESHOLDS_SHOWN, 0, 1)).astype(np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=-1)
    found = highest >= threshold
    picture[found] = np.stack(
        [200 + 0 * share[found], 70 - 60 * share[found], 60 - 50 * share[found]], axis=-1
    ).astype(np.uint8)
    picture[np.isneginf(highest)] = _OUTSIDE
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", optimize=True)
    return stream.getvalue()
