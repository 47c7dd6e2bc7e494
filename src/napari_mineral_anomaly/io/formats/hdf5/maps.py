"""HDF5 files of element maps: PyMca, MAPS / XRF-Maps, PyXRF, NeXus and plain ones."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    maps_in,
    stack_planes,
    stored_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.guards import explained, require_plausible
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, MapFile, Opened
from napari_mineral_anomaly.io.formats.shared.texts import as_text

TITLE = "HDF5"
_LONGEST_NAME_LIST = 10_000

# Where programs write fitted maps (C, H, W) and their names, the best fit first.
_KNOWN_STACKS = (
    ("MAPS/XRF_Analyzed/NNLS/Counts_Per_Sec", "MAPS/XRF_Analyzed/NNLS/Channel_Names"),
    ("MAPS/XRF_Analyzed/Fitted/Counts_Per_Sec", "MAPS/XRF_Analyzed/Fitted/Channel_Names"),
    ("MAPS/XRF_Analyzed/ROI/Counts_Per_Sec", "MAPS/XRF_Analyzed/ROI/Channel_Names"),
    ("MAPS/XRF_fits", "MAPS/channel_names"),
    ("MAPS/XRF_roi", "MAPS/channel_names"),
    ("xrfmap/detsum/xrf_fit", "xrfmap/detsum/xrf_fit_name"),
)


def open_maps(path: Path, dataset: str | None = None, channels: Channels | None = None) -> Opened:
    """List the maps in an HDF5 file.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of a stack, a map or a group in the file. Default: the layouts of MAPS / XRF-Maps and
        PyXRF, then whatever is named by elements (PyMca, NeXus).
    channels : {"first", "last"}, optional
        Which axis of a stack counts the channels; default: `channel_axis`.

    Raises
    ------
    InputError
        When the file is damaged, or holds neither maps nor spectra.
    """
    with explained(path, TITLE):
        container = replace(read_container(path), channels=channels)
        if dataset is not None:
            return maps_in(container.below(dataset))
        arrays = {array.name: array for array in container.arrays}
        for stack_name, names_name in _KNOWN_STACKS:
            stack, names = arrays.get(stack_name), container.texts.get(names_name, ())
            if stack is not None and len(stack.shape) == 3 and names:
                if len(names) != stack.shape[0]:
                    raise InputError(
                        f"{path.name} is damaged: {stack_name} holds {stack.shape[0]} maps, its "
                        f"list of names {len(names)}."
                    )
                planes = stack_planes(container, stack, 0, names)
                return MapFile(path, planes, notes=_other_fits(container, stack_name))
        return maps_in(container)


def _other_fits(container: Container, used: str) -> tuple[str, ...]:
    held = {array.name for array in container.arrays}
    others = [name for name, _ in _KNOWN_STACKS if name in held and name != used]
    if not others:
        return ()
    return (
        f"{used} is read; {', '.join(others)} can be read too, as "
        f'"{container.path.name}::/{others[0]}"',
    )


def read_container(path: Path) -> Container:
    """List every array of an HDF5 file; only short lists of words are read.

    Links that lead nowhere, to other files or in circles are not followed.
    """
    import h5py

    arrays: list[StoredArray] = []
    texts: dict[str, tuple[str, ...]] = {}
    sizes: list[FilePixelSize | None] = []

    def visit(name: str, item: Any) -> None:
        sizes.append(stored_pixel_size(_short_values(item.attrs), f"attribute of {name}"))
        if not isinstance(item, h5py.Dataset):
            return
        if h5py.check_string_dtype(item.dtype) is not None or item.dtype.kind == "S":
            if item.ndim <= 2 and 0 < item.size <= _LONGEST_NAME_LIST:
                texts[name] = _words(item)
        elif item.dtype.kind in "uif" and item.shape is not None:
            read, check = partial(_read, path, name), partial(_check, path, name)
            arrays.append(StoredArray(name, item.shape, item.dtype, read, check))

    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    if not h5py.is_hdf5(path):
        raise InputError(f"{path.name} is no HDF5 file although its name says so.")
    with h5py.File(path, "r") as file:
        sizes.append(stored_pixel_size(_short_values(file.attrs), "attribute of the file"))
        file.visititems(visit)
        known = next((found for found in sizes if found is not None), None)
        pixel_size = known or _scan_axes(file) or _positions(file)
    return Container(path, arrays, texts, pixel_size)


def _read(path: Path, name: str) -> NDArray[Any]:
    import h5py

    with explained(path, TITLE), h5py.File(path, "r") as file:
        return np.asarray(file[name][()])


def _check(path: Path, name: str) -> None:
    import h5py

    with explained(path, TITLE), h5py.File(path, "r") as file:
        require_stored(path, name, path.stat().st_size, file[name])


def require_stored(path: Path, name: str, size: int, dataset: Any) -> None:
    """Refuse a dataset with parts that were never written and would be read as zeros.

    Parameters
    ----------
    path : Path
    name : str
        Of the dataset, for the sentence.
    size : int
        Of the file in bytes.
    dataset : h5py.Dataset

    Raises
    ------
    InputError
        Also when the dataset declares more than the file can hold.
    """
    require_plausible(path, dataset.size * dataset.dtype.itemsize, size)
    if dataset.external or dataset.is_virtual:
        return
    if dataset.id.get_storage_size() == 0:
        raise InputError(f"{path.name} holds no numbers in {name}: they were never written.")
    if dataset.chunks is not None:
        expected = math.prod(
            -(-n // chunk) for n, chunk in zip(dataset.shape, dataset.chunks, strict=True)
        )
        written = dataset.id.get_num_chunks()
        if written < expected:
            raise InputError(
                f"{path.name} is incomplete: {expected - written} of the {expected} blocks of "
                f"{name} were never written and would read as zeros."
            )


def _words(dataset: Any) -> tuple[str, ...]:
    values = np.ravel(dataset[()])
    return tuple(as_text(value).strip("\x00 ") for value in values)


def _short_values(attributes: Any) -> dict[str, Any]:
    found = {}
    for key in attributes:
        try:
            value = np.asarray(attributes[key])
        except (OSError, TypeError, ValueError):  # types that h5py does not know
            continue
        if value.dtype.kind in "uifUSO" and 0 < value.size <= 3:
            found[str(key)] = value
    return found


def _scan_axes(file: Any) -> FilePixelSize | None:
    """Pixel size from the positions of columns and rows that XRF-Maps writes, in mm."""
    axes = [file.get(f"MAPS/Scan/{axis}_axis") for axis in "yx"]
    if any(axis is None for axis in axes):
        axes = [file.get(f"MAPS/{axis}_axis") for axis in "yx"]
    steps = []
    for axis in axes:
        if axis is None or axis.ndim != 1 or not 2 <= axis.size <= 1_000_000:
            return None
        steps.append(abs(float(np.median(np.diff(np.asarray(axis[()], dtype=float))))))
    return length_in_um((steps[0], steps[1]), "mm", "scan axes")


def _positions(file: Any) -> FilePixelSize | None:
    """Pixel size from the position of every pixel, (x or y, row, column), as PyXRF writes it."""
    positions, names = file.get("xrfmap/positions/pos"), file.get("xrfmap/positions/name")
    if positions is None or names is None or positions.ndim != 3 or positions.shape[0] != 2:
        return None
    words = [word.casefold() for word in _words(names)]
    by_name = dict(zip(words, np.asarray(positions[()], dtype=float), strict=False))
    x, y = by_name.get("x_pos"), by_name.get("y_pos")
    if x is None or y is None or min(x.shape) < 2:
        return None
    steps = (
        abs(float(np.median(np.diff(y, axis=0)))),
        abs(float(np.median(np.diff(x, axis=1)))),
    )
    # The file names no unit; beamlines write µm with steps of 0.1 and more, or mm with smaller.
    return length_in_um(steps, "mm" if max(steps) < 0.1 else "µm", "pixel positions")
