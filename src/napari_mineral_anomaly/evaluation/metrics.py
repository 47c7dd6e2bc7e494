"""How well a score map separates a truth mask: the metrics of the field, with ties counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.detectors.results.threshold import flagged
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.words import sizes

LEAVE_OUT = 255
TOP_GRAINS = (10, 20, 50)
LOW_FALSE_ALARM_RATE = 1e-3

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Points of a ROC curve, one per distinct score, from (0, 0) to (1, 1).

    Attributes
    ----------
    false_positive_rate, true_positive_rate : (n,) float64
        Shares of the background and of the anomalous pixels at or above ``threshold``.
    threshold : (n,) float64
        Falling; the first is +inf.
    """

    false_positive_rate: FloatArray
    true_positive_rate: FloatArray
    threshold: FloatArray

    def area(self, up_to: float = 1.0) -> float:
        """Area under the curve from false positive rate 0 to ``up_to``.

        By trapezoids: background and anomalous pixels of equal score are one straight segment, so
        a tie counts one half.
        """
        fpr, tpr = self.false_positive_rate, self.true_positive_rate
        inside = fpr <= up_to
        x = np.append(fpr[inside], up_to)
        y = np.append(tpr[inside], np.interp(up_to, fpr, tpr))
        if fpr[inside][-1] == up_to:
            # The curve has a point at ``up_to``; at a vertical step np.interp takes the far end.
            x, y = x[:-1], y[:-1]
        return float(np.trapezoid(y, x))


@dataclass(frozen=True, eq=False)
class PrCurve:
    """Points of a precision-recall curve, one per distinct score, in order of rising recall.

    Attributes
    ----------
    recall, precision : (n,) float64
        Share of the anomalous pixels at or above ``threshold``; share of the pixels at or above
        it that are anomalous.
    threshold : (n,) float64
        Falling.
    """

    recall: FloatArray
    precision: FloatArray
    threshold: FloatArray


@dataclass(frozen=True, eq=False)
class Roc3D:
    """The two curves that a 3-D ROC adds to the ROC curve: Pd and Pf over the threshold.

    Attributes
    ----------
    tau : (n,) float64
        Threshold on scores stretched to 0-1 over the compared pixels, 0 to 1.
    tau_scores : (n,) float64
        The same thresholds as scores.
    pd, pf : (n,) float64
        Share of the anomalous and of the background pixels at or above the threshold; the areas
        under them over ``tau`` are auc_dtau and auc_ftau.
    """

    tau: FloatArray
    tau_scores: FloatArray
    pd: FloatArray
    pf: FloatArray


@dataclass(frozen=True)
class Separability:
    """The two boxes of a separability map, in scores stretched to 0-1 over the compared pixels.

    A box goes from the 10th to the 90th percentile; its line is the median. ``gap`` is the 10th
    percentile of the anomalies minus the 90th of the background: where it is positive, the boxes
    do not overlap.
    """

    background: tuple[float, float, float]
    anomaly: tuple[float, float, float]
    gap: float


def evaluate(
    score: ArrayLike,
    truth: ArrayLike,
    *,
    valid: ArrayLike | None = None,
    threshold: float | None = None,
) -> dict[str, Any]:
    """Compare a score map with a truth mask.

    Parameters
    ----------
    score : (H, W)
        Larger = odder; pixels that are not finite are left out.
    truth : (H, W)
        0 background, 1 anomaly, 255 (or NaN) leave out.
    valid : (H, W), optional
        Non-zero = compare; other pixels are left out.
    threshold : float, optional
        Score from which a pixel is anomalous, for ``grain_precision``.

    Returns
    -------
    dict of plain Python numbers
        auc = auc_df
            Area under the ROC curve: Pd (share of the anomalies found) over Pf (share of the
            background flagged). A tie counts one half.
        ap
            Average precision: sum over the distinct scores of (recall step) x precision.
        pauc_1e3
            Area up to Pf = 1e-3, divided by 1e-3: the mean Pd at useful false-alarm rates.
        auc_dtau, auc_ftau
            Areas of Pd and Pf over tau in [0, 1], the threshold on scores stretched to 0-1 over
            the compared pixels (one outlier compresses both). They equal the mean stretched
            score of the anomalies and of the background; they are computed as these means.
        td, bs, odp
            Chang 2021 (10.1109/TGRS.2020.3021671): td = auc_df + auc_dtau;
            bs = auc_df - auc_ftau; odp = auc_dtau + 1 - auc_ftau.
        grain_precision
            {"10", "20", "50"}: among the N grains (8-connected areas at or above ``threshold``)
            with the highest peak scores, the share that touches a true anomaly. With fewer than N
            grains it is the share among all of them. A grain with only left-out pixels does not
            count. None without a threshold; an entry is None where there is no grain.
        n_anomaly, n_background, n_excluded
            Pixels; together all pixels of the map.

    Raises
    ------
    InputError
        For shapes that differ, for a truth mask with other values, and when no anomalous or no
        background pixel is left to compare.
    """
    scores, labels, use = compared_pixels(score, truth, valid)
    values, is_anomaly = scores[use], labels[use] == 1
    counts = _Counts.of(values, is_anomaly)
    curve = counts.roc()
    auc = curve.area()
    stretched = _stretched(values)
    dtau = float(stretched[is_anomaly].mean())
    ftau = float(stretched[~is_anomaly].mean())
    n_anomaly = int(np.count_nonzero(is_anomaly))
    return {
        "auc": auc,
        "ap": counts.average_precision(),
        "pauc_1e3": curve.area(LOW_FALSE_ALARM_RATE) / LOW_FALSE_ALARM_RATE,
        "auc_df": auc,
        "auc_dtau": dtau,
        "auc_ftau": ftau,
        "td": auc + dtau,
        "bs": auc - ftau,
        "odp": dtau + 1.0 - ftau,
        "grain_precision": (
            None if threshold is None else _grain_precision(scores, labels, use, threshold)
        ),
        "n_anomaly": n_anomaly,
        "n_background": int(is_anomaly.size - n_anomaly),
        "n_excluded": int(use.size - is_anomaly.size),
    }


def auc_and_ap(score: ArrayLike, truth: ArrayLike) -> tuple[float, float]:
    """Area under the ROC curve and average precision, as `evaluate` gives them."""
    scores, labels, use = compared_pixels(score, truth, None)
    counts = _Counts.of(scores[use], labels[use] == 1)
    return counts.roc().area(), counts.average_precision()


def roc_curve(score: ArrayLike, truth: ArrayLike, *, valid: ArrayLike | None = None) -> RocCurve:
    """The ROC curve over all distinct scores; arguments and errors as in `evaluate`."""
    scores, labels, use = compared_pixels(score, truth, valid)
    return _Counts.of(scores[use], labels[use] == 1).roc()


def pr_curve(score: ArrayLike, truth: ArrayLike, *, valid: ArrayLike | None = None) -> PrCurve:
    """The precision-recall curve over all distinct scores; arguments as in `evaluate`."""
    scores, labels, use = compared_pixels(score, truth, valid)
    counts = _Counts.of(scores[use], labels[use] == 1)
    return PrCurve(
        recall=counts.found / counts.found[-1],
        precision=counts.found / (counts.found + counts.flagged),
        threshold=counts.threshold,
    )


def roc_3d(
    score: ArrayLike, truth: ArrayLike, *, valid: ArrayLike | None = None, n_points: int = 201
) -> Roc3D:
    """Pd and Pf over the threshold (Chang 2021); arguments and errors as in `evaluate`."""
    scores, labels, use = compared_pixels(score, truth, valid)
    values, is_anomaly = scores[use], labels[use] == 1
    low, high = float(values.min()), float(values.max())
    tau = np.linspace(0.0, 1.0, n_points)
    levels = low + tau * (high - low)
    levels[-1] = high  # rounding must not lift the last threshold above the highest score
    anomaly, background = np.sort(values[is_anomaly]), np.sort(values[~is_anomaly])
    pd, pf = (
        1.0 - np.searchsorted(part, levels, side="left") / part.size
        for part in (anomaly, background)
    )
    return Roc3D(tau=tau, tau_scores=levels, pd=pd, pf=pf)


def separability(
    score: ArrayLike, truth: ArrayLike, *, valid: ArrayLike | None = None
) -> Separability:
    """The boxes of a separability map; arguments and errors as in `evaluate`.

    The 10-90 per cent boxes follow DirectNet (IEEE TGRS 62, 5504115).
    """
    scores, labels, use = compared_pixels(score, truth, valid)
    stretched, is_anomaly = _stretched(scores[use]), labels[use] == 1
    background = np.percentile(stretched[~is_anomaly], (10, 50, 90))
    anomaly = np.percentile(stretched[is_anomaly], (10, 50, 90))
    return Separability(
        background=(float(background[0]), float(background[1]), float(background[2])),
        anomaly=(float(anomaly[0]), float(anomaly[1]), float(anomaly[2])),
        gap=float(anomaly[0] - background[2]),
    )


def compared_pixels(
    score: ArrayLike, truth: ArrayLike, valid: ArrayLike | None
) -> tuple[FloatArray, NDArray[np.uint8], NDArray[np.bool_]]:
    """Scores (float64), truth as 0 / 1 / 255 (uint8), and the pixels to compare (bool), all (H, W).

    Arguments and errors as in `evaluate`.
    """
    scores = np.asarray(score, dtype=np.float64)
    raw = np.asarray(truth)
    area = None if valid is None else np.asarray(valid) != 0
    for name, image in (("truth mask", raw), ("valid area", area)):
        if image is not None and image.shape != scores.shape:
            raise InputError(
                f"The {name} is {sizes(image.shape)} pixels but the score map is "
                f"{sizes(scores.shape)}: they must lie on the same grid."
            )
    if raw.dtype.kind == "f":
        raw = np.where(np.isnan(raw), LEAVE_OUT, raw)
    other = np.unique(raw[(raw != 0) & (raw != 1) & (raw != LEAVE_OUT)])
    if other.size:
        raise InputError(
            "A truth mask holds 0 (background), 1 (anomaly) and 255 (leave out); "
            f"this one also holds {', '.join(f'{value:g}' for value in other[:3].astype(float))}."
        )
    labels = raw.astype(np.uint8)
    use = (labels != LEAVE_OUT) & np.isfinite(scores)
    if area is not None:
        use &= area
    for value, name in ((1, "anomalous"), (0, "background")):
        if not np.any(labels[use] == value):
            hint = (
                "; it holds 255, which means leave out: write anomalies as 1"
                if value == 1 and not np.any(labels == 1) and np.any(labels == LEAVE_OUT)
                else ""
            )
            raise InputError(
                f"The truth mask has no {name} pixel ({value}) where there is a score, "
                f"so nothing can be compared{hint}."
            )
    return scores, labels, use


@dataclass(frozen=True, eq=False)
class _Counts:
    """Anomalous pixels found and background pixels flagged, (n,), at each score, highest first."""

    found: NDArray[np.int64]
    flagged: NDArray[np.int64]
    threshold: FloatArray

    @classmethod
    def of(cls, values: FloatArray, is_anomaly: NDArray[np.bool_]) -> _Counts:
        rising = np.sort(values)
        first_of_tie = np.concatenate(([0], np.flatnonzero(np.diff(rising)) + 1))
        threshold = rising[first_of_tie]
        anomalies = np.sort(values[is_anomaly])
        found = anomalies.size - np.searchsorted(anomalies, threshold, side="left")
        flagged = rising.size - first_of_tie - found
        return cls(found[::-1], flagged[::-1], threshold[::-1])

    def roc(self) -> RocCurve:
        return RocCurve(
            false_positive_rate=np.concatenate(([0.0], self.flagged / self.flagged[-1])),
            true_positive_rate=np.concatenate(([0.0], self.found / self.found[-1])),
            threshold=np.concatenate(([np.inf], self.threshold)),
        )

    def average_precision(self) -> float:
        recall_step = np.diff(self.found, prepend=0) / self.found[-1]
        return float(np.sum(recall_step * self.found / (self.found + self.flagged)))


def _stretched(values: FloatArray) -> FloatArray:
    """Scores stretched to 0-1; all zero where every score is the same."""
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low) if high > low else np.zeros_like(values))


def _grain_precision(
    scores: FloatArray, labels: NDArray[np.uint8], use: NDArray[np.bool_], threshold: float
) -> dict[str, float | None]:
    # Grains are found on the whole map, so that a
    # left-out strip does not split one grain into two.
    grains = label_grains(flagged(scores, threshold))
    count = int(grains.max()) + 1
    peak = np.full(count, -np.inf)
    np.maximum.at(peak, grains[use], scores[use])
    touches = np.zeros(count, dtype=bool)
    touches[grains[use & (labels == 1)]] = True
    peak[0] = -np.inf
    ranked = np.argsort(-peak, kind="stable")
    hits = touches[ranked[np.isfinite(peak[ranked])]]
    return {str(n): float(hits[:n].mean()) if hits.size else None for n in TOP_GRAINS}
