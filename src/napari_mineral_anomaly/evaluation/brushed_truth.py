"""Compare a score with a truth that the user brushed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.evaluation import metrics
from napari_mineral_anomaly.words import sizes

# Values of the brushed truth mask; in files, "leave out" is `metrics.LEAVE_OUT`.
ANOMALY, LEAVE_OUT = 1, 2


@dataclass(frozen=True)
class BrushedComparison:
    """How well a score finds the brushed anomalies.

    ``missing`` is a sentence about what the user must brush before anything can be compared; then
    ``auc`` and ``average_precision`` are None.
    """

    auc: float | None = None
    average_precision: float | None = None
    n_anomaly: int = 0
    n_background: int = 0
    n_left_out: int = 0
    missing: str = ""


def truth_for_files(labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Brushed truth with the values used in files: 0 background, 1 anomaly, 255 leave out."""
    out = np.full(labels.shape, metrics.LEAVE_OUT, dtype=np.uint8)
    out[labels == 0] = 0
    out[labels == ANOMALY] = ANOMALY
    return out


def compare_brushed(
    score: NDArray[np.floating[Any]],
    labels: NDArray[Any],
    truth: NDArray[np.uint8] | None = None,
) -> BrushedComparison:
    """AUC and average precision of a score against a brushed truth.

    Pixels without a score count as left out. ``truth`` replaces that of the labels, see
    `verdict_truth.judged_truth`.
    """
    if score.shape != labels.shape:
        return BrushedComparison(
            missing=f"The truth mask is {sizes(labels.shape)} pixels, the score "
            f"{sizes(score.shape)}: choose a truth mask of the same scan.",
        )
    truth = truth_for_files(labels) if truth is None else truth.copy()
    truth[~np.isfinite(score)] = metrics.LEAVE_OUT
    n_anomaly = int(np.count_nonzero(truth == ANOMALY))
    n_background = int(np.count_nonzero(truth == 0))
    n_left_out = truth.size - n_anomaly - n_background
    missing = ""
    if n_anomaly == 0:
        missing = "Brush at least one anomalous pixel."
    elif n_background == 0:
        missing = "Leave at least one pixel as background: erase some of the brushed ones."
    if missing:
        return BrushedComparison(None, None, n_anomaly, n_background, n_left_out, missing)
    auc, average_precision = metrics.auc_and_ap(score, truth)
    return BrushedComparison(auc, average_precision, n_anomaly, n_background, n_left_out)
