"""Which simulated grains are found, over the share of a pixel that they fill."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_mineral_anomaly.detectors.results.threshold import flagged
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.regions import label_grains

# Bins of the share that a grain fills of its fullest pixel. They begin at the share from which the
# truth counts a pixel. The last bin holds grains that fill a whole pixel; the others are smaller
# than a pixel.
FRACTION_EDGES = (0.1, 0.4, 0.6, 0.8, 0.99, 1.0)

# The second threshold: one background pixel in 10 000 exceeds it.
FALSE_ALARM_RATE = 1e-4


def threshold_at_false_alarm_rate(
    score: ArrayLike, truth: ArrayLike, rate: float = FALSE_ALARM_RATE
) -> float:
    """The lowest threshold that at most ``rate`` of the background pixels reach.

    Parameters
    ----------
    score : (H, W) float32
        Pixels that are not finite are left out.
    truth : (H, W)
        0 background, 1 anomaly, 255 leave out.
    rate : float
        Rounded down to whole pixels; where that is no pixel, no background pixel reaches the
        threshold.

    Raises
    ------
    InputError
        When there is no background pixel with a score.
    """
    values = np.asarray(score, dtype=np.float32)
    background = np.sort(values[(np.asarray(truth) == 0) & np.isfinite(values)])[::-1]
    if background.size == 0:
        raise InputError("The truth mask has no background pixel (0) where there is a score.")
    allowed = min(int(rate * background.size), background.size - 1)
    # The smallest float32 above the first pixel that is one too many: pixels of equal score are not
    # flagged either.
    return float(np.nextafter(background[allowed], np.float32(np.inf)))


def found_grains(
    score: ArrayLike, truth: ArrayLike, grains: pd.DataFrame, threshold: float
) -> NDArray[np.bool_]:
    """Whether each grain has a truth pixel at or above ``threshold``.

    Parameters
    ----------
    score, truth : (H, W)
        As in `metrics.evaluate`; truth grains are 8-connected areas of 1, one per row of
        ``grains``, as `simulate.simulate_section` places them.
    grains : DataFrame
        Columns centroid_y_px, centroid_x_px.
    threshold : float
        Background sigmas.

    Returns
    -------
    (n,) bool, in the order of ``grains``

    Raises
    ------
    InputError
        When grains and areas do not match one to one.
    """
    labels = label_grains(np.asarray(truth) == 1)
    owner = area_of_each(labels, grains)
    reached = np.unique(labels[flagged(np.asarray(score), threshold)])
    return np.isin(owner, reached)


def grain_recall_by_fraction(
    score: ArrayLike,
    truth: ArrayLike,
    grains: pd.DataFrame,
    threshold: float,
    edges: tuple[float, ...] = FRACTION_EDGES,
) -> pd.DataFrame:
    """Recall of the grains of one simulated section, by the share of a pixel that they fill.

    Parameters
    ----------
    score, truth, grains, threshold
        As in `found_grains`; ``grains`` also has ``fraction``, the share of its fullest pixel
        that a grain fills.
    edges : tuple of float
        Rising; a bin includes its lower edge, the last bin both edges.

    Returns
    -------
    DataFrame
        One row per bin: fraction_from, fraction_to, n_grains, n_found, recall (NaN without
        grains).
    """
    found = found_grains(score, truth, grains, threshold)
    fraction = np.clip(grains["fraction"].to_numpy(float), edges[0], edges[-1])
    of_bin = np.minimum(np.digitize(fraction, edges), len(edges) - 1) - 1
    n_bins = len(edges) - 1
    return with_recall(
        pd.DataFrame(
            {
                "fraction_from": edges[:-1],
                "fraction_to": edges[1:],
                "n_grains": np.bincount(of_bin, minlength=n_bins),
                "n_found": np.bincount(of_bin, weights=found, minlength=n_bins).astype(int),
            }
        )
    )


def with_recall(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with its column recall = n_found / n_grains; NaN without grains."""
    n_grains = table["n_grains"].where(table["n_grains"] > 0)
    return table.assign(recall=table["n_found"] / n_grains)


def area_of_each(labels: NDArray[np.integer], grains: pd.DataFrame) -> NDArray[np.integer]:
    """Label of the truth area nearest to the centre of each grain."""
    rows, columns = (
        np.clip(np.rint(grains[f"centroid_{axis}_px"].to_numpy(float)).astype(int), 0, size - 1)
        for axis, size in zip("yx", labels.shape, strict=True)
    )
    # A tiny grain between pixels may have its centre just outside the pixels of its truth.
    nearest = ndimage.distance_transform_edt(
        labels == 0, return_distances=False, return_indices=True
    )
    owner: NDArray[np.integer] = labels[tuple(nearest[:, rows, columns])]
    if not np.array_equal(np.sort(owner), np.arange(1, int(labels.max()) + 1)):
        raise InputError(
            f"The table of simulated grains ({len(grains)}) does not fit the truth mask "
            f"({int(labels.max())} separate areas)."
        )
    return owner
