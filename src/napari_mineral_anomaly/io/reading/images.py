"""Single images: a score, a ground truth, a valid area."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.registry import NPY, TEXT, TIFF
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.disk.places import require_file
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype
from napari_mineral_anomaly.io.formats.text import matrix as text
from napari_mineral_anomaly.io.formats.tiff import maps as tiff
from napari_mineral_anomaly.words import sizes

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


def valid_image(
    valid: ArrayLike | str | Path | None, shape: tuple[int, int]
) -> NDArray[np.bool_] | None:
    """The valid area (H, W) bool from an array or an image that the user gives.

    Raises
    ------
    InputError
        When it cannot be read or does not fit on the maps.
    """
    if valid is None:
        return None
    if isinstance(valid, (str, Path)):
        values, name = read_image(valid), Path(valid).name
    else:
        values, name = np.asarray(valid), "the given array"
    if values.dtype.kind not in "uifb" or values.ndim == 0:
        raise InputError(f"The valid area must be an image of numbers, or its path; got {valid!r}.")
    if values.shape != shape:
        raise InputError(
            f"The valid area does not fit: {name} has {sizes(values.shape)} pixels, "
            f"the element maps have {sizes(shape)}."
        )
    return np.asarray(np.nan_to_num(values) != 0)


def read_image(path: str | Path) -> NDArray[Any]:
    """Read one single-channel image in its native dtype.

    Parameters
    ----------
    path : path
        TIFF (also OME, ImageJ), PNG and other pictures, `.npy`, or a text matrix. A colour
        picture is accepted when it is grey, as paint programs save masks.

    Returns
    -------
    (H, W) array

    Raises
    ------
    InputError
        When the file is missing or damaged or holds more than one channel.
    """
    path = Path(path)
    require_file(path, "an image")
    if TIFF.takes(path):
        values = _read_tiff(path)
    elif NPY.takes(path):
        with explained(path, "numpy array"):
            values = np.load(path, allow_pickle=False)
    elif path.suffix.lower() in _PICTURES:
        from skimage.io import imread

        with explained(path, "image"):
            values = np.asarray(imread(path))
    elif TEXT.takes(path):
        values = in_smallest_dtype(text.read_matrix(path))
    else:
        raise InputError(f"{path.name} is not an image; TIFF, PNG, .npy or text is needed.")
    return _one_channel(path, values)


def _read_tiff(path: Path) -> NDArray[Any]:
    file = tiff.open_maps(path)
    if file.not_maps:
        import tifffile

        with explained(path, tiff.TITLE):
            return np.asarray(tifffile.imread(path, key=0))
    if len(file.planes) > 1:
        raise InputError(f"{path.name} holds {len(file.planes)} planes; one image is needed.")
    return file.planes[0].read()


def _one_channel(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 3 and values.shape[2] in (2, 3, 4):
        colours = values[:, :, : 1 if values.shape[2] == 2 else 3]
        if (colours == colours[:, :, :1]).all():
            values = np.ascontiguousarray(colours[:, :, 0])
        else:
            raise InputError(f"{path.name} is a colour picture; one grey channel is needed.")
    if values.ndim != 2 or values.dtype.kind not in "uifb":
        raise InputError(
            f"{path.name} is not one image of numbers: shape {values.shape}, {values.dtype}."
        )
    return values
