"""Where to look for a grain, on the map and on the SEM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.sem.fit import SemFit


def places_to_visit(
    table: pd.DataFrame, labels: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A place (y, x) in pixels that lies on each grain.

    It is the centre of the grain; for a grain that is bent around its centre, the pixel of the
    grain that is nearest to it.

    Parameters
    ----------
    table : DataFrame
        As `grains.table.find_grains` makes it.
    labels : (H, W)
        The pixels of the grains by their ids.
    """
    y = table["centroid_y_px"].to_numpy(np.float64).copy()
    x = table["centroid_x_px"].to_numpy(np.float64).copy()
    ids = table["id"].to_numpy()
    off = labels[np.round(y).astype(int), np.round(x).astype(int)] != ids
    for k in np.flatnonzero(off):
        row = table.iloc[k]
        top, left = int(row["row_min"]), int(row["col_min"])
        window = labels[top : int(row["row_max"]) + 1, left : int(row["col_max"]) + 1]
        inside = np.argwhere(window == ids[k]) + np.array([top, left])
        if len(inside):
            nearest = np.argmin(np.sum((inside - (y[k], x[k])) ** 2, axis=1))
            y[k], x[k] = inside[nearest]
    return y, x


def with_sem_places(table: pd.DataFrame, labels: NDArray[Any], fit: SemFit) -> pd.DataFrame:
    """The table with sem_y_mm and sem_x_mm of its grains; arguments as for `places_to_visit`."""
    y, x = fit.apply(*places_to_visit(table, labels))
    return table.assign(sem_y_mm=y, sem_x_mm=x)
