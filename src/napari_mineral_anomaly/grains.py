"""From a mask of anomalous pixels to a ranked table of grains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.result import AnomalyResult

N_DRIVERS = 5

DRIVER_COLUMNS = tuple(f"driver_{k}" for k in range(1, N_DRIVERS + 1))

GRAIN_COLUMNS = (
    "id",
    "rank",
    "peak_score",
    "mean_score",
    "area_px",
    "area_um2",
    "centroid_y_px",
    "centroid_x_px",
    "centroid_y_um",
    "centroid_x_um",
    *DRIVER_COLUMNS,
)

# Diagonal neighbours belong together: a grain one pixel wide that runs obliquely is one grain.
_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)


def label_grains(mask: NDArray[Any]) -> NDArray[np.unsignedinteger[Any]]:
    """Number the 8-connected areas of a mask.

    Parameters
    ----------
    mask : (H, W), non-zero = anomalous

    Returns
    -------
    (H, W) uint16, or uint32 above 65 535 grains
        0 = no grain; grains are numbered from 1 in row-major order of their first pixel.
    """
    labels, count = _label(mask)
    return labels.astype(np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32)


def remove_small_grains(mask: NDArray[Any], min_area_px: int) -> NDArray[np.bool_]:
    """The mask (H, W) bool without its 8-connected areas of fewer than ``min_area_px`` pixels."""
    mask = np.asarray(mask) != 0
    if min_area_px <= 1:
        return mask
    labels, count = _label(mask)
    keep = np.bincount(labels.reshape(-1), minlength=count + 1) >= min_area_px
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def find_grains(
    result: AnomalyResult, *, mask: NDArray[Any] | None = None, min_area_px: int = 1
) -> pd.DataFrame:
    """Table of the anomalous grains, worst first.

    A grain is an 8-connected area of the mask. Grains are ranked by their peak score, then by
    their mean score.

    Parameters
    ----------
    result : AnomalyResult
    mask : (H, W), optional
        Non-zero = anomalous; default ``result.mask``. Pixels without a score never count.
    min_area_px : int
        Smaller grains are left out of the table.

    Returns
    -------
    DataFrame with the columns `GRAIN_COLUMNS`
        ``id`` is the number of the grain in ``label_grains(mask)``; with ``min_area_px`` > 1 some
        numbers are missing. ``peak_score`` and ``mean_score`` are in background sigmas.
        ``area_um2`` and ``centroid_*_um`` are NaN where the pixel size is unknown. Centroids are
        unweighted means of pixel positions; the centre of the first pixel is at 0 (0 µm), as in
        napari's world coordinates of a layer with the pixel size as scale.
        ``driver_1`` ... ``driver_5`` are such as "As+14.2": an element and its signed contribution
        in background sigmas, averaged over the grain (our choice: on a grain of n pixels the mean
        carries 1/sqrt(n) of the noise of its peak pixel), the largest magnitude first; empty
        where there are fewer elements.
    """
    mask = result.mask if mask is None else np.asarray(mask) != 0
    labels, count = _label(mask & result.valid)
    where = np.flatnonzero(labels)
    grain = labels.reshape(-1)[where]
    ids = np.arange(1, count + 1)
    area = np.bincount(grain, minlength=count + 1)[1:]
    score = result.score.reshape(-1)[where].astype(np.float64)
    peak = np.full(count + 1, -np.inf)
    np.maximum.at(peak, grain, score)
    rows, columns = np.divmod(where, labels.shape[1])
    pixel_y, pixel_x = result.pixel_size or (np.nan, np.nan)
    centroid_y = _mean_per_grain(rows, grain, area)
    centroid_x = _mean_per_grain(columns, grain, area)
    table = pd.DataFrame(
        {
            "id": ids,
            "peak_score": peak[1:],
            "mean_score": _mean_per_grain(score, grain, area),
            "area_px": area,
            "area_um2": area * pixel_y * pixel_x,
            "centroid_y_px": centroid_y,
            "centroid_x_px": centroid_x,
            "centroid_y_um": centroid_y * pixel_y,
            "centroid_x_um": centroid_x * pixel_x,
        }
    )
    drivers = _drivers(result, where, grain, area)
    for k, column in enumerate(DRIVER_COLUMNS):
        table[column] = drivers[:, k]
    table = table[table["area_px"] >= min_area_px]
    table = table.sort_values(["peak_score", "mean_score", "id"], ascending=[False, False, True])
    table["rank"] = np.arange(1, len(table) + 1)
    return table[list(GRAIN_COLUMNS)].reset_index(drop=True)


def split_driver(driver: str) -> tuple[str, float]:
    """Element and signed contribution (background sigmas) of a driver such as "As+14.2"."""
    at = max(driver.rfind("+"), driver.rfind("-"))
    return driver[:at], float(driver[at:])


def _label(mask: NDArray[Any]) -> tuple[NDArray[np.signedinteger[Any]], int]:
    labels, count = ndimage.label(np.asarray(mask) != 0, structure=_EIGHT_CONNECTED)
    return np.asarray(labels), int(count)


def _mean_per_grain(
    values: NDArray[Any], grain: NDArray[np.integer[Any]], area: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Mean of ``values`` (n flagged pixels) over the grain each belongs to."""
    sums = np.bincount(grain, weights=values, minlength=area.size + 1)[1:]
    return np.asarray(sums / area, dtype=np.float64)


def _drivers(
    result: AnomalyResult,
    where: NDArray[np.intp],
    grain: NDArray[np.integer[Any]],
    area: NDArray[np.integer[Any]],
) -> NDArray[np.object_]:
    """(grains, N_DRIVERS) texts; one contribution plane in memory at a time."""
    texts = np.full((area.size, N_DRIVERS), "", dtype=object)
    if area.size == 0:
        return texts
    means = np.empty((area.size, len(result.elements)))
    for c in range(len(result.elements)):
        plane = np.asarray(result.contributions[c]).reshape(-1)
        means[:, c] = _mean_per_grain(plane[where], grain, area)
    # A stable sort keeps ties in element order, so that the same run gives the same table.
    order = np.argsort(-np.abs(means), axis=1, kind="stable")[:, :N_DRIVERS]
    for k in range(order.shape[1]):
        element = order[:, k]
        texts[:, k] = [
            f"{result.elements[c]}{z:+.1f}"
            for c, z in zip(element, means[np.arange(area.size), element], strict=True)
        ]
    return texts
