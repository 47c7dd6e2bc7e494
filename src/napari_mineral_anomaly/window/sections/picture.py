"""The small picture of a section and the number of its grains; a worker makes them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_mineral_anomaly.grains.pixels.mask import count_grains
from napari_mineral_anomaly.runs.batch.thumbnail import SIDE, thumbnail_png


@dataclass(frozen=True, eq=False)
class ToLookAt:
    """Arrays of a section; no layer, so that a worker may hold them.

    Attributes
    ----------
    score : (H, W) or None
        Background sigmas.
    threshold : float
        Of the score.
    mask : (H, W) or None
        With the strokes until now; no array that the brush writes into.
    element : (H, W) array, possibly lazy, or None
        Shown where there is no score.
    limits : (float, float)
        Of the element: shown as black and as white.
    """

    score: NDArray[Any] | None
    threshold: float
    mask: NDArray[Any] | None
    element: Any | None
    limits: tuple[float, float]


@dataclass(frozen=True)
class Seen:
    """A PNG of at most `SIDE` pixels, and the grains of the mask; None where there is no mask."""

    png: bytes
    grains: int | None


def look_at(what: ToLookAt) -> Seen:
    """Make the picture, and count the grains of the mask with its brush strokes."""
    grains = None if what.mask is None else count_grains(what.mask != 0)
    if what.score is not None:
        return Seen(thumbnail_png(what.score, what.threshold), grains)
    if what.element is not None:
        return Seen(_element_png(what.element, what.limits), grains)
    return Seen(b"", grains)


def _element_png(plane: Any, limits: tuple[float, float]) -> bytes:
    step = max(1, -(-max(plane.shape) // SIDE))
    shown = np.asarray(plane[::step, ::step], dtype=np.float64)
    low, high = limits
    share = np.clip((np.nan_to_num(shown) - low) / max(high - low, 1e-12), 0, 1)
    stream = io.BytesIO()
    Image.fromarray((255 * share).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
