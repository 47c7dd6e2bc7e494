"""The images of a project as TIFF files: what the window shows, and what other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.brushed_truth import ANOMALY, LEAVE_OUT, truth_for_files
from napari_mineral_anomaly.io import read_image
from napari_mineral_anomaly.io.writing.results import labels_for_files, mask_for_files, write_map
from napari_mineral_anomaly.words import sizes

Kind = Literal["strokes", "mask", "labels", "truth", "valid"]
PixelSize = tuple[float, float] | None

_TITLES: dict[Kind, str] = {
    "strokes": "Brush strokes",
    "mask": "Anomaly mask",
    "labels": "Labels",
    "truth": "Ground truth",
    "valid": "Valid area",
}
# Brushed out is -1 in memory; a label image has no negative numbers.
_OUT = 2


def write_layer(path: Path, image: NDArray[Any], kind: Kind, pixel_size: PixelSize) -> None:
    """Write one image (H, W) of a project; it appears complete or not at all.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    write_map(path, _for_file(image, kind), _TITLES[kind], pixel_size)


def read_layer(path: Path, kind: Kind, shape: tuple[int, int]) -> NDArray[Any]:
    """Read an image of `write_layer`, with the values that it had in memory.

    Raises
    ------
    InputError
        When it cannot be read, or is not of this shape.
    """
    image = read_image(path)
    if image.shape != shape:
        raise InputError(
            f"{path} is damaged: it has {sizes(image.shape)} pixels, the project {sizes(shape)}."
        )
    if kind == "strokes":
        strokes = np.zeros(shape, dtype=np.int8)
        strokes[image == 1] = 1
        strokes[image == _OUT] = -1
        return strokes
    if kind == "truth":
        truth = np.zeros(shape, dtype=np.uint8)
        truth[image != 0] = LEAVE_OUT
        truth[image == ANOMALY] = ANOMALY
        return truth
    return image != 0 if kind in ("mask", "valid") else image


def _for_file(image: NDArray[Any], kind: Kind) -> NDArray[Any]:
    if kind == "strokes":
        return np.where(image < 0, _OUT, image).astype(np.uint8)
    if kind == "truth":
        return truth_for_files(image)
    return labels_for_files(image) if kind == "labels" else mask_for_files(image)
