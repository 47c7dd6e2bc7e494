"""Results as TIFF files that Fiji, QGIS and napari open with the same numbers and the same µm.

No number is scaled: scores and contributions are float32 with their NaN and negative values,
element maps have the number type of their files. Without a pixel size no physical size is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.tiff import (
    PixelSize,
    not_for_imagej,
    storable,
    write_imagej,
    write_ome,
)
from napari_mineral_anomaly.scan.labels import label_dtype

# Titles inside the files: a result is recognised by them, under any file name.
SCORE_TITLE = "Anomaly score (background sigmas)"
MASK_TITLE = "Anomaly mask"
PSEUDO_LABELS_TITLE = "Pseudo-labels"
GRAIN_LABELS_TITLE = "Grain labels"
TRUTH_TITLE = "Ground truth"
VALID_TITLE = "Valid area"
FOUND_BY_TITLE = "Question that found it"
TAUGHT_TITLE = "Taught to be ordinary"

Inputs = Sequence[str | Path]


def write_score(
    path: str | Path, score: ArrayLike, pixel_size: PixelSize, *, inputs: Inputs = ()
) -> Path:
    """Write a score map as OME-TIFF.

    Parameters
    ----------
    path : path
        Replaced once the new file is complete.
    score : (H, W), written as float32
        Background sigmas; NaN outside the valid area survives.
    pixel_size : (y, x) in µm, or None when unknown
    inputs : paths, optional
        Files that were read; they are never replaced, see `atomic.require_not_an_input`.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        For an array that is not an image, and when the file cannot be written.
    """
    image = _image(score).astype(np.float32, copy=False)
    return write_ome(path, image[None], [SCORE_TITLE], pixel_size, axes="YX", inputs=inputs)


def write_stack(path: str | Path, planes: Any, names: Sequence[str], pixel_size: PixelSize) -> Path:
    """Write one named plane per element as OME-TIFF, axes CYX.

    Parameters
    ----------
    planes : (C, H, W), written as float32
        May be lazy (dask, zarr): one plane at a time is in memory.
    names : C channel names

    Other parameters, result and errors as `write_score`.
    """
    shape = tuple(int(n) for n in planes.shape)
    if len(shape) != 3 or len(names) != shape[0]:
        raise InputError(
            f"A stack needs one name per plane: got {len(names)} names for an array of "
            f"shape {shape}."
        )
    names = [str(name) for name in names]
    return write_ome(path, planes, names, pixel_size, dtype=np.dtype(np.float32))


def write_map(
    path: str | Path, image: ArrayLike, name: str, pixel_size: PixelSize, *, inputs: Inputs = ()
) -> Path:
    """Write one map (H, W) in its own number type, so that counts do not change.

    uint8, uint16 and float32 become ImageJ TIFF, whose types these are, unless ``path`` ends with
    .ome.tif; other types OME-TIFF. Booleans become 0 and 1; 64-bit integers become 32-bit ones
    where those hold them and are refused otherwise.

    Parameters
    ----------
    name : str
        Title of the map, such as its element.

    Other parameters, result and errors as `write_score`.
    """
    planes = _image(image)[None]
    planes = planes.astype(storable(planes), copy=False)
    wants_ome = str(path).lower().endswith((".ome.tif", ".ome.tiff"))
    if wants_ome or not_for_imagej(planes.dtype, planes.nbytes):
        return write_ome(path, planes, [name], pixel_size, axes="YX", inputs=inputs)
    return write_imagej(path, planes, [name], pixel_size, axes="YX", inputs=inputs)


def write_mask(path: str | Path, mask: ArrayLike, pixel_size: PixelSize) -> Path:
    """Write a mask (H, W) as ImageJ TIFF, uint8: 0, and 255 where ``mask`` is not zero.

    Other parameters, result and errors as `write_score`.
    """
    image = mask_for_files(_image(mask))
    return write_imagej(path, image[None], [MASK_TITLE], pixel_size, axes="YX")


def write_labels(path: str | Path, labels: ArrayLike, pixel_size: PixelSize, *, title: str) -> Path:
    """Write labels (H, W) as ImageJ TIFF, uint16; above 65 535 as OME-TIFF, uint32.

    ImageJ's own TIFF knows no 32-bit integers; Fiji opens the OME file through Bio-Formats.
    Other parameters, result and errors as `write_score`.
    """
    image = labels_for_files(_image(labels))
    if image.dtype == np.uint32:
        return write_ome(path, image[None], [title], pixel_size, axes="YX")
    return write_imagej(path, image[None], [title], pixel_size, axes="YX")


def mask_for_files(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """0, and 255 where ``mask`` is not zero, as image programs expect a mask."""
    return np.where(mask != 0, 255, 0).astype(np.uint8)


def labels_for_files(labels: NDArray[Any]) -> NDArray[np.unsignedinteger[Any]]:
    """Labels as uint16, as uint32 where there are more than 65 535.

    Raises
    ------
    InputError
        For negative labels and fractions.
    """
    if labels.dtype.kind not in "uib" or (labels.size and int(labels.min()) < 0):
        raise InputError("Labels must be whole numbers from 0 up.")
    return labels.astype(label_dtype(int(labels.max(initial=0))))


def _image(values: ArrayLike) -> NDArray[Any]:
    image = np.asarray(values)
    if image.ndim != 2:
        raise InputError(f"An image has rows and columns; got an array of shape {image.shape}.")
    return image
