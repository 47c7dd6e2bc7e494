"""Rows and columns of a scan that were measured worse than their neighbours, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.robust import MAD_TO_SIGMA

Floats = NDArray[np.float64]

# A row is dim (or bright) when the intensity of most elements, relative to the median of the seven
# rows around it, is beyond these factors, and further off than this many robust sigmas of the rows.
DIM_GAIN, BRIGHT_GAIN = 0.75, 1.33
LEAST_SIGMAS = 6.0
_WINDOW = 7
# Rows are compared on about this many columns, and columns on as many rows.
_SAMPLED = 512


@dataclass(frozen=True, eq=False)
class BadLines:
    """Bad rows (H,) and columns (W,), bool.

    ``dead`` lines were not measured: (almost) no pixel is valid, but the lines beside them are.
    ``dim`` lines were measured, but with another intensity in all elements together.
    """

    dead_rows: NDArray[np.bool_]
    dim_rows: NDArray[np.bool_]
    dead_columns: NDArray[np.bool_]
    dim_columns: NDArray[np.bool_]


def find_bad_lines(cube: ElementCube, *, task: Task = SILENT) -> BadLines:
    """Dead and dim rows and columns, from the intensity of all elements together.

    For each element the intensity of a row is divided by that of the rows around it. The median of
    these ratios over the elements decides, so that one bright grain in one or two maps does not
    make a bad row. Our choice: the rock changes from row to row too, but slowly, and not in all
    elements in the same direction.
    """
    valid = cube.valid
    height, width = cube.shape
    across = slice(None, None, max(1, width // _SAMPLED))
    down = slice(None, None, max(1, height // _SAMPLED))
    rows_used, columns_used = valid[:, across], valid[down]
    row_sums = np.zeros((cube.n_elements, height))
    column_sums = np.zeros((cube.n_elements, width))
    for c in range(cube.n_elements):
        task.check()
        plane = cube.plane(c)
        row_sums[c] = np.where(rows_used, plane[:, across], 0).sum(axis=1, dtype=np.float64)
        column_sums[c] = np.where(columns_used, plane[down], 0).sum(axis=0, dtype=np.float64)
    dead_rows, dim_rows = _dead_and_dim(row_sums, rows_used.sum(axis=1))
    dead_columns, dim_columns = _dead_and_dim(column_sums, columns_used.sum(axis=0))
    return BadLines(dead_rows, dim_rows, dead_columns, dim_columns)


def _dead_and_dim(
    sums: Floats, n_valid: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Dead and dim lines from the sums (C, n) of the elements over each line's valid pixels."""
    around = ndimage.median_filter(n_valid.astype(float), _WINDOW, mode="nearest")
    dead = (n_valid < 0.25 * around) & (around > 0)
    logs = np.full(sums.shape, np.nan)
    for log, total in zip(logs, sums, strict=True):
        profile = np.where(n_valid > 0, total / np.maximum(n_valid, 1), np.nan)
        usual = ndimage.median_filter(
            np.where(np.isnan(profile), np.nanmedian(profile) if n_valid.any() else 0.0, profile),
            _WINDOW,
            mode="nearest",
        )
        known = (usual > 0) & (profile > 0)
        log[known] = np.log(profile[known] / usual[known])
    # An element without counts in a line or around it cannot judge the line.
    silent = np.isnan(logs).all(axis=0)
    logs[:, silent] = 0.0
    gain = np.nanmedian(logs, axis=0)
    spread = MAD_TO_SIGMA * float(np.median(np.abs(gain))) if gain.size else 0.0
    dim = ((gain < np.log(DIM_GAIN)) | (gain > np.log(BRIGHT_GAIN))) & (
        np.abs(gain) > LEAST_SIGMAS * spread
    )
    return dead, dim & ~dead
