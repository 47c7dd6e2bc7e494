"""OME-TIFF and ImageJ TIFF: two forms of TIFF with a pixel size and a name for each plane.

OME-TIFF holds every number type that element maps come in; napari, QuPath and Fiji (through
Bio-Formats) read it. ImageJ's own dialect is read by Fiji without a dialogue and holds unsigned
8 and 16 bits and float32 only. Both carry the pixel size in µm and a name for each plane, which
ImageJ and GDAL show too (`page_names`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.io.writing.page_names import name_pages, name_tags

PixelSize = tuple[float, float] | None

# Written into the tag Software of stacks of element maps, so that their names are known to be
# names of elements, whatever they look like.
SOFTWARE = "napari-mineral-anomaly"

IMAGEJ_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
# ImageJ's form is classic TIFF, which ends at 4 GiB; this leaves room for the descriptions.
IMAGEJ_MOST_BYTES = 2**32 - 2**25

_UM_PER_CM = 1e4


def stored_type(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The number type that a map of ``dtype`` has in a TIFF; None where it depends on the values.

    Booleans become 8 bits, half floats float32, byte orders native; 64-bit integers become 32-bit
    ones where those hold them.
    """
    native = dtype.newbyteorder("=")
    if native == np.bool_:
        return np.dtype(np.uint8)
    if native == np.float16:
        return np.dtype(np.float32)
    return None if native in (np.int64, np.uint64) else native


def not_for_imagej(dtype: np.dtype[Any], n_bytes: int) -> str:
    """Why ImageJ's own TIFF cannot hold such numbers, in words; "" if it can."""
    stored = stored_type(dtype)
    if stored not in IMAGEJ_TYPES:
        return f"ImageJ's own TIFF knows no {dtype.newbyteorder('=').name}"
    if n_bytes > IMAGEJ_MOST_BYTES:
        return f"ImageJ's own TIFF ends at 4 GB, these are {n_bytes / 1e9:.1f} GB"
    return ""


def storable(planes: Any) -> np.dtype[Any]:
    """The number type for planes (C, H, W), numpy or lazy: `stored_type`, or 32 bits of 64.

    Raises
    ------
    InputError
        For whole numbers beyond 32 bits.
    """
    decided = stored_type(np.dtype(planes.dtype))
    if decided is not None:
        return decided
    low, high = 0, 0
    for c in range(planes.shape[0]):
        plane = np.asarray(planes[c])
        low, high = min(low, int(plane.min(initial=0))), max(high, int(plane.max(initial=0)))
    for dtype in (np.dtype(np.int32), np.dtype(np.uint32)):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return dtype
    raise InputError("The map holds whole numbers beyond 32 bits, which TIFF readers do not know.")


def visible(name: str) -> str:
    """``name`` with what XML cannot hold, line breaks among it, written as an escape."""
    return "".join(
        c if c.isprintable() or c == " " else c.encode("unicode_escape").decode() for c in name
    )


def write_ome(
    path: str | Path,
    planes: Any,
    names: Sequence[str],
    pixel_size: PixelSize,
    *,
    axes: str = "CYX",
    dtype: np.dtype[Any] | None = None,
    before_plane: Callable[[int], None] | None = None,
    inputs: Sequence[str | Path] = (),
) -> Path:
    """Write planes as OME-TIFF.

    Parameters
    ----------
    path : path
        Replaced once the new file is complete.
    planes : (C, H, W), numpy or lazy
        One plane at a time is in memory.
    names : C channel names; may be empty
    pixel_size : (y, x) in µm, or None when unknown
        Also written as plain resolution tags for programs that do not read OME.
    axes : {"CYX", "YX"}
        "YX" writes a single plane without an axis of channels.
    dtype : numpy dtype, optional
        Default: `storable` of the planes.
    before_plane : callable, optional
        Called with the number of each plane before it is written; may raise to stop.
    inputs : paths, optional
        See `atomic.require_not_an_input`.

    Raises
    ------
    InputError
        When the numbers do not fit, or the file cannot be written.
    """
    names = [visible(name) for name in names]
    # A single plane gives its name to the image too, which some programs show instead.
    title = names[0] if len(names) == 1 else Path(path).name.split(".")[0]
    metadata: dict[str, Any] = {"axes": axes, "Name": visible(title)}
    if names:
        metadata["Channel"] = {"Name": names}
    options: dict[str, Any] = {"ome": True}
    if pixel_size is not None:
        y, x = pixel_size
        metadata |= {
            "PhysicalSizeY": y,
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeX": x,
            "PhysicalSizeXUnit": "µm",
        }
        options["resolution"] = (_UM_PER_CM / x, _UM_PER_CM / y)
        options["resolutionunit"] = "CENTIMETER"
    dtype = storable(planes) if dtype is None else dtype
    options |= {"metadata": metadata, "extratags": name_tags(names, with_labels=True)}
    return _write(path, planes, names, dtype, axes, options, before_plane, inputs)


def write_imagej(
    path: str | Path,
    planes: Any,
    names: Sequence[str],
    pixel_size: PixelSize,
    *,
    axes: str = "CYX",
    before_plane: Callable[[int], None] | None = None,
    inputs: Sequence[str | Path] = (),
) -> Path:
    """Write planes as an ImageJ TIFF, a hyperstack of channels with a label each.

    Parameters, result and errors as `write_ome`; also refuses what `not_for_imagej` names.
    """
    height, width = planes.shape[1:]
    dtype = np.dtype(planes.dtype)
    n_bytes = planes.shape[0] * height * width * dtype.itemsize
    reason = not_for_imagej(dtype, n_bytes)
    if reason:
        raise InputError(f"{Path(path).name}: {reason}; write an OME-TIFF instead.")
    names = [visible(name) for name in names]
    # With all axes: tifffile takes the columns of a map of one column for samples.
    axes = "TZCYXS" if axes == "CYX" else axes
    metadata: dict[str, Any] = {"axes": axes}
    if any(names):
        metadata["Labels"] = names
    options: dict[str, Any] = {"imagej": True}
    if pixel_size is not None:
        y, x = pixel_size
        # ImageJ shows "um" as µm.
        metadata["unit"] = "um"
        options["resolution"] = (1.0 / x, 1.0 / y)
    options |= {"metadata": metadata, "extratags": name_tags(names, with_labels=False)}
    return _write(path, planes, names, storable(planes), axes, options, before_plane, inputs)


def _write(
    path: str | Path,
    planes: Any,
    names: Sequence[str],
    dtype: np.dtype[Any],
    axes: str,
    options: dict[str, Any],
    before_plane: Callable[[int], None] | None,
    inputs: Sequence[str | Path],
) -> Path:
    count, height, width = (int(n) for n in planes.shape)

    def each_plane() -> Iterator[NDArray[Any]]:
        for c in range(count):
            if before_plane is not None:
                before_plane(c)
            yield np.asarray(planes[c]).astype(dtype, copy=False)

    lengths = {"C": count, "Y": height, "X": width}
    shape = tuple(lengths.get(axis, 1) for axis in axes)
    with atomic_path(path, inputs=inputs) as temporary:
        tifffile.imwrite(
            temporary,
            each_plane(),
            shape=shape,
            dtype=dtype,
            photometric="minisblack",
            software=SOFTWARE,
            # ImageJ is big-endian by tradition and reads both; GDAL's VRT is told this one.
            byteorder="<",
            **options,
        )
        name_pages(temporary, names)
    return Path(path)
