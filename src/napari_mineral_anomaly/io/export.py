"""TIFF files that Fiji, QGIS and napari open with the same numbers and the same µm.

The OME files (score, contributions) are float32 with NaN and negative values as they are: nothing
is stretched. The ImageJ files (mask, labels) carry resolution tags and the unit ``um``, which
ImageJ shows as µm. Without a pixel size no physical size is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import ArrayLike, NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.atomic import atomic_path

PixelSize = tuple[float, float] | None

SCORE_CHANNEL = "Anomaly score (background sigmas)"

_UM_PER_CM = 1e4


def write_score(path: str | Path, score: ArrayLike, pixel_size: PixelSize) -> Path:
    """Write a score map as OME-TIFF.

    Parameters
    ----------
    path : path
        Replaced once the new file is complete.
    score : (H, W), written as float32
        Background sigmas; NaN outside the valid area survives.
    pixel_size : (y, x) in µm, or None when unknown

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        For an array that is not an image, and when the file cannot be written.
    """
    image = _image(score)
    metadata = {"axes": "YX", "Channel": {"Name": [SCORE_CHANNEL]}}
    return _write_ome(path, image.astype(np.float32, copy=False), metadata, pixel_size)


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

    def each_plane() -> Iterator[NDArray[np.float32]]:
        for c in range(shape[0]):
            yield np.asarray(planes[c]).astype(np.float32, copy=False)

    metadata = {"axes": "CYX", "Channel": {"Name": [str(name) for name in names]}}
    return _write_ome(path, each_plane(), metadata, pixel_size, shape=shape, dtype=np.float32)


def write_map(path: str | Path, image: ArrayLike, name: str, pixel_size: PixelSize) -> Path:
    """Write one map (H, W) in its own number type, so that counts stay the counts they were.

    uint8, uint16 and float32 become ImageJ TIFF, whose types these are, unless ``path`` ends with
    .ome.tif; other types OME-TIFF. Booleans become 0 and 1; 64-bit integers become 32-bit ones
    where those hold them and are refused otherwise.

    Parameters
    ----------
    name : str
        Title of the map, such as its element.

    Other parameters, result and errors as `write_score`.
    """
    values = _storable(_image(image))
    wants_ome = str(path).lower().endswith((".ome.tif", ".ome.tiff"))
    if values.dtype in (np.uint8, np.uint16, np.float32) and not wants_ome:
        return _write_imagej(path, values, pixel_size, name)
    return _write_ome(path, values, {"axes": "YX", "Channel": {"Name": [name]}}, pixel_size)


def write_mask(path: str | Path, mask: ArrayLike, pixel_size: PixelSize) -> Path:
    """Write a mask (H, W) as ImageJ TIFF, uint8: 0, and 255 where ``mask`` is not zero.

    Other parameters, result and errors as `write_score`.
    """
    image = np.where(_image(mask) != 0, 255, 0).astype(np.uint8)
    return _write_imagej(path, image, pixel_size)


def write_labels(path: str | Path, labels: ArrayLike, pixel_size: PixelSize) -> Path:
    """Write labels (H, W) as ImageJ TIFF, uint16; above 65 535 as OME-TIFF, uint32.

    ImageJ's own TIFF knows no 32-bit integers; Fiji opens the OME file through Bio-Formats.
    Other parameters, result and errors as `write_score`.
    """
    image = _image(labels)
    if image.dtype.kind not in "uib" or (image.size and int(image.min()) < 0):
        raise InputError("Labels must be whole numbers from 0 up.")
    if image.size and int(image.max()) > np.iinfo(np.uint16).max:
        return _write_ome(path, image.astype(np.uint32), {"axes": "YX"}, pixel_size)
    return _write_imagej(path, image.astype(np.uint16), pixel_size)


def _image(values: ArrayLike) -> NDArray[Any]:
    image = np.asarray(values)
    if image.ndim != 2:
        raise InputError(f"An image has rows and columns; got an array of shape {image.shape}.")
    return image


def _storable(image: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in a type that TIFF readers know."""
    if image.dtype == np.bool_:
        return image.astype(np.uint8)
    if image.dtype == np.float16:
        return image.astype(np.float32)
    if image.dtype not in (np.int64, np.uint64):
        return image
    for dtype in (np.int32, np.uint32):
        limits = np.iinfo(dtype)
        if image.size and limits.min <= int(image.min()) and int(image.max()) <= limits.max:
            return image.astype(dtype)
    raise InputError("The map holds whole numbers beyond 32 bits, which TIFF readers do not know.")


def _write_ome(
    path: str | Path, data: Any, metadata: dict[str, Any], pixel_size: PixelSize, **options: Any
) -> Path:
    if pixel_size is not None:
        y, x = pixel_size
        metadata = metadata | {
            "PhysicalSizeY": y,
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeX": x,
            "PhysicalSizeXUnit": "µm",
        }
        # The baseline tags say the same to programs that do not read OME.
        options |= {
            "resolution": (_UM_PER_CM / x, _UM_PER_CM / y),
            "resolutionunit": "CENTIMETER",
        }
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary, data, ome=True, photometric="minisblack", metadata=metadata, **options
        )
    return Path(path)


def _write_imagej(
    path: str | Path, image: NDArray[Any], pixel_size: PixelSize, name: str = ""
) -> Path:
    metadata: dict[str, Any] = {"axes": "YX"}
    if name:
        metadata["Labels"] = [name]
    options: dict[str, Any] = {}
    if pixel_size is not None:
        y, x = pixel_size
        metadata["unit"] = "um"
        options["resolution"] = (1.0 / x, 1.0 / y)
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary, image, imagej=True, photometric="minisblack", metadata=metadata, **options
        )
    return Path(path)
