"""Verdicts as truth, and what may be judged by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.metrics import LEAVE_OUT
from napari_mineral_anomaly.grains.verdicts.book import VerdictBook

_ANOMALOUS, _ORDINARY = ("accept", "SEM-true"), ("reject", "SEM-false")


def truth_of_verdicts(book: VerdictBook) -> NDArray[np.uint8]:
    """Truth (H, W) as in files: 1 accepted, 0 rejected grains, 255 (left out) everything else.

    Where verdicts overlap, the newest counts.

    Raises
    ------
    InputError
        Without an accepted or without a rejected grain.
    """
    truth = np.full(book.shape, LEAVE_OUT, dtype=np.uint8)
    flat = truth.reshape(-1)
    for verdict in book.verdicts:
        if verdict.status in _ANOMALOUS:
            flat[verdict.pixels] = 1
        elif verdict.status in _ORDINARY:
            flat[verdict.pixels] = 0
        else:
            flat[verdict.pixels] = LEAVE_OUT
    if not (flat == 1).any() or not (flat == 0).any():
        raise InputError(
            "Verdicts serve as truth once at least one grain is accepted and one is rejected."
        )
    return truth


def judged_truth(
    truth: NDArray[np.uint8], taught: NDArray[np.bool_] | None, *, of_verdicts: bool
) -> NDArray[np.uint8]:
    """The truth that a result may be judged by.

    Pixels that taught the result are left out. Verdicts that taught it cannot judge it at all.

    Parameters
    ----------
    truth : (H, W) uint8
        0 background, 1 anomaly, 255 left out.
    taught : (H, W) bool or None
        The pixels that were taught to be ordinary; None for an untouched result.
    of_verdicts : bool
        Whether the truth comes from verdicts.

    Raises
    ------
    InputError
        When a result was taught with grains whose verdicts are the truth.
    """
    if taught is None or taught.shape != truth.shape:
        return truth
    if of_verdicts and (taught & (truth != LEAVE_OUT)).any():
        raise InputError(
            "This result was taught with grains that have a verdict, so these verdicts cannot "
            "judge it: judge the untouched result."
        )
    out = truth.copy()
    out[taught] = LEAVE_OUT
    return out
