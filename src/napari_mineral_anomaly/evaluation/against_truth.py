"""Compare a score map with a truth mask: curves, the confusion at a threshold, grains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.detectors.results.threshold import flagged
from napari_mineral_anomaly.evaluation.intervals import Interval, bootstrap_share
from napari_mineral_anomaly.evaluation.metrics import (
    PrCurve,
    Roc3D,
    RocCurve,
    Separability,
    compared_pixels,
    evaluate,
)
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.progress import SILENT, Task


@dataclass(frozen=True)
class Confusion:
    """Numbers of compared pixels: flagged (at or above a threshold) or not, anomalous or not."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def precision(self) -> float | None:
        """Share of the flagged pixels that are anomalous; None where none is flagged."""
        flagged = self.true_positive + self.false_positive
        return self.true_positive / flagged if flagged else None

    @property
    def recall(self) -> float:
        """Share of the anomalous pixels that are flagged."""
        return self.true_positive / (self.true_positive + self.false_negative)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        twice = 2 * self.true_positive
        return twice / (twice + self.false_positive + self.false_negative)

    @property
    def false_alarm_rate(self) -> float:
        """Share of the background pixels that are flagged."""
        return self.false_positive / (self.false_positive + self.true_negative)


@dataclass(frozen=True, eq=False)
class Judgement:
    """How good a score map is, as numbers and as curves to draw.

    Attributes
    ----------
    threshold : float
    metrics : dict
        As `metrics.evaluate` gives them.
    roc, pr, roc3d, separability
        Curves and boxes; see `metrics`.
    confusion : Confusion
        Pixels at the threshold.
    grain_precision : Interval
        Share of the flagged grains that touch a true anomaly; only grains with a compared pixel
        count.
    grain_recall : Interval
        Share of the true grains of which at least one pixel is flagged.
    table : DataFrame
        figure, value, low, high (95 %; NaN where there is none), meaning.
    """

    threshold: float
    metrics: dict[str, Any]
    roc: RocCurve
    pr: PrCurve
    roc3d: Roc3D
    separability: Separability
    confusion: Confusion
    grain_precision: Interval
    grain_recall: Interval
    table: pd.DataFrame


def compare_with_truth(
    score: ArrayLike,
    truth: ArrayLike,
    threshold: float,
    *,
    task: Task = SILENT,
) -> Judgement:
    """Compare a score map with a truth mask: all metrics, curves and counts.

    Parameters
    ----------
    score, truth : (H, W)
        As in `metrics.evaluate`.
    threshold : float
        Background sigmas.
    task : Task, optional
        Reports progress (phase "judging") and can be cancelled.

    Raises
    ------
    InputError
        As `metrics.evaluate`.
    """
    task.step("judging", 0, 4, "metrics")
    metrics = evaluate(score, truth, threshold=threshold)
    pixels = compared_pixels(score, truth)
    task.step("judging", 1, 4, "ROC")
    roc = pixels.roc_curve()
    task.step("judging", 2, 4, "precision and recall")
    pr = pixels.pr_curve()
    task.step("judging", 3, 4, "grains")
    roc3d = pixels.roc_3d()
    boxes = pixels.separability()
    confusion, precision, recall = at_threshold(score, truth, threshold)
    table = _table(metrics, confusion, precision, recall, boxes)
    return Judgement(
        float(threshold), metrics, roc, pr, roc3d, boxes, confusion, precision, recall, table
    )


def at_threshold(
    score: ArrayLike, truth: ArrayLike, threshold: float
) -> tuple[Confusion, Interval, Interval]:
    """The values that depend on the threshold: confusion, grain precision and grain recall.

    Grains and true grains are 8-connected areas of the whole map, so that a left-out strip does
    not split a grain into two. A grain without a compared pixel does not count. The intervals are
    bootstrapped over grains (`intervals.bootstrap_share`), because the pixels of a grain are not
    independent.
    """
    pixels = compared_pixels(score, truth)
    use, is_anomaly, found = pixels.use, pixels.labels == 1, flagged(pixels.scores, threshold)
    confusion = Confusion(
        true_positive=int(np.count_nonzero(found & is_anomaly & use)),
        false_positive=int(np.count_nonzero(found & ~is_anomaly & use)),
        false_negative=int(np.count_nonzero(~found & is_anomaly & use)),
        true_negative=int(np.count_nonzero(~found & ~is_anomaly & use)),
    )
    precision = _touching(found, use, is_anomaly & use)
    recall = _touching(is_anomaly, use, found & use)
    return confusion, bootstrap_share(precision), bootstrap_share(recall)


def _touching(
    mask: NDArray[np.bool_], use: NDArray[np.bool_], other: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """For each grain of ``mask`` with a pixel in ``use``: whether it has one in ``other``."""
    grains = label_grains(mask)
    count = int(grains.max(initial=0)) + 1
    compared, hit = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    compared[grains[use]] = True
    hit[grains[other]] = True
    compared[0] = False
    return hit[compared]


def _table(
    metrics: dict[str, Any],
    confusion: Confusion,
    precision: Interval,
    recall: Interval,
    boxes: Separability,
) -> pd.DataFrame:
    def one(figure: str, value: float | None, meaning: str) -> tuple[Any, ...]:
        return figure, np.nan if value is None else float(value), np.nan, np.nan, meaning

    def interval(figure: str, share: Interval, meaning: str) -> tuple[Any, ...]:
        limits = (np.nan if v is None else v for v in (share.value, share.low, share.high))
        return (figure, *limits, f"{share.n_true} of {share.n} {meaning}")

    rows = [
        interval("Grain precision", precision, "listed grains touch a true one"),
        interval("Grain recall", recall, "true grains have a flagged pixel"),
        one("Pixel precision", confusion.precision, "flagged pixels that are anomalous"),
        one("Pixel recall", confusion.recall, "anomalous pixels that are flagged"),
        one("F1", confusion.f1, "harmonic mean of pixel precision and recall"),
        one("False-alarm rate", confusion.false_alarm_rate, "background pixels that are flagged"),
        one("AUC (Pd, Pf)", metrics["auc"], "area under the ROC curve"),
        one("Average precision", metrics["ap"], "area under precision over recall"),
        one("Mean Pd up to Pf 0.001", metrics["pauc_1e3"], "at false-alarm rates worth having"),
        one("AUC (Pd, tau)", metrics["auc_dtau"], "mean stretched score of the anomalies"),
        one("AUC (Pf, tau)", metrics["auc_ftau"], "mean stretched score of the background"),
        one("TD", metrics["td"], "AUC (Pd, Pf) + AUC (Pd, tau)"),
        one("BS", metrics["bs"], "AUC (Pd, Pf) - AUC (Pf, tau)"),
        one("ODP", metrics["odp"], "AUC (Pd, tau) + 1 - AUC (Pf, tau)"),
        one("Gap", boxes.gap, "10th percentile of anomalies minus 90th of background, stretched"),
    ]
    return pd.DataFrame(rows, columns=["figure", "value", "low", "high", "meaning"])
