"""How well a score map separates a truth mask: the metrics of the field, with ties counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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
    pd, pf : (n,) float64
        Share of the anomalous and of the background pixels at or above the threshold; the areas
        under them over ``tau`` are auc_dtau and auc_ftau.
    """

    tau: FloatArray
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
    pixels = compared_pixels(score, truth, valid)
    curve = pixels.roc_curve()
    auc = curve.area()
    dtau = float(pixels.stretched[pixels.is_anomaly].mean())
    ftau = float(pixels.stretched[~pixels.is_anomaly].mean())
    n_anomaly = int(np.count_nonzero(pixels.is_anomaly))
    return {
        "auc": auc,
        "ap": pixels.average_precision(),
        "pauc_1e3": curve.area(LOW_FALSE_ALARM_RATE) / LOW_FALSE_ALARM_RATE,
        "auc_df": auc,
        "auc_dtau": dtau,
        "auc_ftau": ftau,
        "td": auc + dtau,
        "bs": auc - ftau,
        "odp": dtau + 1.0 - ftau,
        "grain_precision": None if threshold is None else _grain_precision(pixels, threshold),
        "n_anomaly": n_anomaly,
        "n_background": int(pixels.is_anomaly.size - n_anomaly),
        "n_excluded": int(pixels.use.size - pixels.is_anomaly.size),
    }


def auc_and_ap(score: ArrayLike, truth: ArrayLike) -> tuple[float, float]:
    """Area under the ROC curve and average precision, as `evaluate` gives them."""
    pixels = compared_pixels(score, truth)
    return pixels.roc_curve().area(), pixels.average_precision()


@dataclass(frozen=True, eq=False)
class ComparedPixels:
    """A score map, its truth, and the pixels to compare; made by `compared_pixels`.

    Attributes
    ----------
    scores : (H, W) float64
    labels : (H, W) uint8
        0 background, 1 anomaly, 255 leave out.
    use : (H, W) bool
        The pixels to compare.
    """

    scores: FloatArray
    labels: NDArray[np.uint8]
    use: NDArray[np.bool_]

    @cached_property
    def values(self) -> FloatArray:
        """(n,): the scores of the compared pixels."""
        return self.scores[self.use]

    @cached_property
    def is_anomaly(self) -> NDArray[np.bool_]:
        """(n,): whether each compared pixel is anomalous."""
        return np.asarray(self.labels[self.use] == 1)

    @cached_property
    def stretched(self) -> FloatArray:
        """(n,): scores stretched to 0-1; all zero where every score is the same."""
        low, high = self.values.min(), self.values.max()
        if high == low:
            return np.zeros_like(self.values)
        return np.asarray((self.values - low) / (high - low))

    def roc_curve(self) -> RocCurve:
        """The ROC curve over all distinct scores."""
        found, false, threshold = self._counts
        return RocCurve(
            false_positive_rate=np.concatenate(([0.0], false / false[-1])),
            true_positive_rate=np.concatenate(([0.0], found / found[-1])),
            threshold=np.concatenate(([np.inf], threshold)),
        )

    def pr_curve(self) -> PrCurve:
        """The precision-recall curve over all distinct scores."""
        found, false, threshold = self._counts
        return PrCurve(found / found[-1], found / (found + false), threshold)

    def average_precision(self) -> float:
        """The sum over the distinct scores of (recall step) x precision."""
        found, false, _ = self._counts
        recall_step = np.diff(found, prepend=0) / found[-1]
        return float(np.sum(recall_step * found / (found + false)))

    def roc_3d(self, n_points: int = 201) -> Roc3D:
        """Pd and Pf over the threshold (Chang 2021)."""
        low, high = float(self.values.min()), float(self.values.max())
        tau = np.linspace(0.0, 1.0, n_points)
        levels = low + tau * (high - low)
        levels[-1] = high  # rounding must not lift the last threshold above the highest score
        pd, pf = (
            1.0 - np.searchsorted(np.sort(part), levels, side="left") / part.size
            for part in (self.values[self.is_anomaly], self.values[~self.is_anomaly])
        )
        return Roc3D(tau, pd, pf)

    def separability(self) -> Separability:
        """The boxes of a separability map; from 10 to 90 % as in DirectNet (TGRS 62, 5504115)."""
        background, anomaly = (
            np.percentile(self.stretched[part], (10, 50, 90)).tolist()
            for part in (~self.is_anomaly, self.is_anomaly)
        )
        return Separability(tuple(background), tuple(anomaly), anomaly[0] - background[2])

    @cached_property
    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
        """(n,): anomalies and background at or above each distinct score; the scores, falling."""
        rising = np.sort(self.values)
        first_of_tie = np.concatenate(([0], np.flatnonzero(np.diff(rising)) + 1))
        threshold = rising[first_of_tie]
        anomalies = np.sort(self.values[self.is_anomaly])
        found = anomalies.size - np.searchsorted(anomalies, threshold, side="left")
        false = rising.size - first_of_tie - found
        return found[::-1], false[::-1], threshold[::-1]


def compared_pixels(
    score: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None
) -> ComparedPixels:
    """The pixels to compare; arguments and errors as in `evaluate`."""
    scores = np.asarray(score, dtype=np.float64)
    raw = np.asarray(truth)
    area = None if valid is None else np.nan_to_num(np.asarray(valid)) != 0  # NaN: not measured
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
    return ComparedPixels(scores, labels, use)


def _grain_precision(pixels: ComparedPixels, threshold: float) -> dict[str, float | None]:
    # Grains are found on the whole map, so that a left-out strip does not split one grain into two.
    scores, use = pixels.scores, pixels.use
    grains = label_grains(flagged(scores, threshold))
    count = int(grains.max()) + 1
    peak = np.full(count, -np.inf)
    np.maximum.at(peak, grains[use], scores[use])
    touches = np.zeros(count, dtype=bool)
    touches[grains[use & (pixels.labels == 1)]] = True
    peak[0] = -np.inf
    ranked = np.argsort(-peak, kind="stable")
    hits = touches[ranked[np.isfinite(peak[ranked])]]
    return {str(n): float(hits[:n].mean()) if hits.size else None for n in TOP_GRAINS}
