"""Scenes with ground truth: element maps and `truth.tif` in one folder, or a `.mat` file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays import matlab_maps
from napari_mineral_anomaly.io.formats.registry import MATLAB
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file, is_folder
from napari_mineral_anomaly.io.reading.images import read_image
from napari_mineral_anomaly.io.reading.read import read_maps
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import sizes

ANOMALY, LEFT_OUT = 1, 255
_TRUTH_FILES = ("truth.tif", "truth.tiff")


def read_scene(path: str | Path, *, task: Task = SILENT) -> tuple[ElementCube, NDArray[np.uint8]]:
    """Read element maps together with their ground truth.

    Parameters
    ----------
    path : path
        A folder of element maps with ``truth.tif`` (0 background, 1 anomaly, 255 leave out), or a
        ``.mat`` file with ``data`` (H, W, C) and ``map`` (H, W; non-zero = anomaly).
    task : Task, optional
        As in `read_maps`.

    Returns
    -------
    cube : ElementCube
    truth : (H, W) uint8
        0, 1 and 255.

    Raises
    ------
    InputError
        When there is no truth, when it has another shape, or other values.
    """
    path = Path(path)
    if is_folder(path):
        truth_file = _truth_beside(path)
        cube = read_maps(path, task=task)
        truth = read_truth(truth_file)
        _require_fit(truth, cube, truth_file.name)
        return cube, truth
    if not MATLAB.takes(path) or not path.exists():
        kind = "is not a scene with ground truth" if path.exists() else "does not exist"
        raise InputError(
            f"{path} {kind}; a scene is a folder of element maps with truth.tif, "
            "or a .mat file with data and map."
        )
    stored = matlab_maps.open_maps(path).truth
    if stored is None:
        raise InputError(f"{path.name} holds no ground truth: a map (rows, columns) is missing.")
    return read_maps(path, task=task), stored


def read_truth(path: str | Path) -> NDArray[np.uint8]:
    """Read a ground-truth image (H, W): 0 background, 1 anomaly, 255 leave out.

    Raises
    ------
    InputError
        When it holds other values.
    """
    path = Path(path)
    truth = read_image(path)
    if truth.dtype.kind == "f":  # pixels that the file declares missing
        truth = np.where(np.isnan(truth), LEFT_OUT, truth)
    values = np.unique(truth)
    if not np.isin(values, (0, ANOMALY, LEFT_OUT)).all():
        shown = ", ".join(f"{value:g}" for value in values[:6])
        raise InputError(
            f"{path.name} is not a ground truth: it must hold 0 (background), 1 (anomaly) and "
            f"255 (leave out) only, it holds {shown}{' ...' if values.size > 6 else ''}."
        )
    if LEFT_OUT in values and ANOMALY not in values:
        raise InputError(
            f"{path.name} holds 255 but no 1: anomalies are marked 1, and 255 means "
            "leave out; save the mask with 1 instead of 255."
        )
    return truth.astype(np.uint8)


def _truth_beside(folder: Path) -> Path:
    for entry in entries(folder):
        if entry.name.lower() in _TRUTH_FILES and is_file(entry):
            return entry
    raise InputError(
        f"{folder} has no truth.tif: a scene is a folder of element maps with the ground truth "
        "beside them (0 background, 1 anomaly, 255 leave out)."
    )


def _require_fit(truth: NDArray[np.uint8], cube: ElementCube, name: str) -> None:
    if truth.shape != cube.shape:
        raise InputError(
            f"{name} has {sizes(truth.shape)} pixels, the element maps have {sizes(cube.shape)}."
        )
