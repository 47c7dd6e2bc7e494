"""The score of a result once some of its pixels were taught to be ordinary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.detectors.preprocess import fit_preprocessing
from napari_mineral_anomaly.detectors.results.calibration import calibrate
from napari_mineral_anomaly.detectors.teaching.background import (
    ENOUGH_PIXELS,
    TaughtBackground,
    learn_background,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube

# Pixels below the first are ordinary enough to learn from; those below the second need not fall.
ORDINARY_SIGMAS, LOW_SIGMAS = 3.0, 2.0
# Ordinary pixels that what is left of a pixel is compared with.
CALIBRATION_PIXELS = 20_000
# From the first on (sigmas) the signature counts as present, from the second on fully. What it
# leaves is ordinary up to the first and strange from the second on.
PRESENT_SIGMAS = (2.5, 3.5)
STRANGE_SIGMAS = (2.5, 3.5)
# The host of a taught grain is looked for so far around it.
HOST_PIXELS = 3

TEACHING = "teaching"


def learn_taught(
    cube: ElementCube,
    score: NDArray[np.float32],
    taught: NDArray[np.bool_],
    *,
    task: Task = SILENT,
) -> TaughtBackground:
    """Learn what is ordinary in a scan from its score and from the taught pixels.

    Parameters
    ----------
    cube : ElementCube
    score : (H, W) float32
        Background sigmas.
    taught : (H, W) bool

    Raises
    ------
    InputError
        When no valid pixel is taught, or the scan has no ordinary pixel left.
    """
    taught = taught & cube.valid
    if not taught.any():
        raise InputError("No pixel inside the sample is brushed as ordinary: brush a grain first.")
    ordinary = cube.valid & ~taught & (score < ORDINARY_SIGMAS)
    if np.count_nonzero(ordinary) < 2:
        raise InputError("Every pixel was brushed as ordinary: nothing is left to compare with.")
    preprocessing = fit_preprocessing(cube, task=task)
    elements = preprocessing.elements
    kinds = (_some(ordinary, ENOUGH_PIXELS), taught, _around(taught) & ordinary)
    return learn_background(elements, preprocessing.transform, *_pixels(cube, elements, *kinds))


def taught_score(
    cube: ElementCube,
    score: NDArray[np.float32],
    background: TaughtBackground,
    taught: NDArray[np.bool_] | None = None,
    *,
    task: Task = SILENT,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The score with the taught signatures in the background.

    A pixel falls where two things hold: its maps show the signature (by as many sigmas as chi
    squared falls with it), and what the signature leaves is ordinary, compared with ordinary pixels
    of this scan. It falls to the sigmas of what is left. All other pixels keep their score exactly,
    and no score rises, so the threshold promises at most as many false pixels as before.

    Parameters
    ----------
    cube : ElementCube
    score : (H, W) float32
        Background sigmas of the untouched result.
    background : TaughtBackground
    taught : (H, W) bool, optional
        The brushed pixels of this scan; they fall to 0 sigmas or below.
    task : Task, optional

    Returns
    -------
    score : (H, W) float32
        NaN where it was NaN.
    fallen : (H, W) float32
        How much of each pixel is explained by what was taught, 0 to 1.
    """
    valid = cube.valid & np.isfinite(score)
    elements = background.elements
    task.step(TEACHING, 1, 3)
    sample = _some(valid & (score < ORDINARY_SIGMAS), CALIBRATION_PIXELS)
    odd = valid & (score >= LOW_SIGMAS)
    pixels_of_sample, odd_pixels = _pixels(cube, elements, sample, odd)
    _, left = background.explained(pixels_of_sample)
    calibration = calibrate(np.sqrt(left))
    task.step(TEACHING, 2, 3)
    gain, left = background.explained(odd_pixels)
    before = score[odd].astype(np.float64)
    sigmas = np.zeros_like(before) if calibration is None else calibration.sigmas(np.sqrt(left))
    present = _ramp(np.sqrt(gain), *PRESENT_SIGMAS)
    ordinary = 1.0 - _ramp(sigmas, *STRANGE_SIGMAS)
    explained = present * ordinary
    out, fallen = score.copy(), np.zeros_like(score)
    out[odd] = before + explained * (np.minimum(before, sigmas) - before)
    fallen[odd] = explained
    if taught is not None:
        brushed = taught & valid
        out[brushed] = np.minimum(out[brushed], 0.0)
        fallen[brushed] = 1.0
    task.step(TEACHING, 3, 3)
    return out, fallen


def _around(taught: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels around the taught ones: the host that the beam mixes with them."""
    near = ndimage.binary_dilation(taught, iterations=HOST_PIXELS)
    return np.asarray(near & ~taught)


def _ramp(values: NDArray[np.floating[Any]], low: float, high: float) -> NDArray[np.float64]:
    """0 up to ``low``, 1 from ``high`` on, straight between."""
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def _some(chosen: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """``n`` to 2 ``n`` of the chosen pixels, evenly spread; all where there are fewer."""
    places = np.flatnonzero(chosen)
    out = np.zeros(chosen.size, dtype=bool)
    out[places[:: max(1, places.size // n)]] = True
    return out.reshape(chosen.shape)


def _pixels(
    cube: ElementCube, elements: tuple[str, ...], *chosen: NDArray[np.bool_]
) -> list[NDArray[np.float32]]:
    """Values (n, K) of each choice of pixels in the units of the maps; a missing one is the median.

    Each map is read once, because it may be on disk.
    """
    found = [
        np.empty((int(np.count_nonzero(one)), len(elements)), dtype=np.float32) for one in chosen
    ]
    for k, element in enumerate(elements):
        c = cube.elements.index(element)
        plane = cube.plane(c)
        for one, out in zip(chosen, found, strict=True):
            values = cube.as_measured(c, plane[one]).astype(np.float32)
            finite = np.isfinite(values)
            if not finite.all():
                values[~finite] = np.median(values[finite]) if finite.any() else 0.0
            out[:, k] = values
    return found
