"""HDF5 files of element maps: PyMca, MAPS / XRF-Maps, PyXRF, NeXus and plain ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.hdf5.axes import file_axes
from napari_mineral_anomaly.io.formats.hdf5.checks import is_virtual, require_safe
from napari_mineral_anomaly.io.formats.hdf5.contents import (
    dataset_steps,
    fills_with_missing,
    holds_words,
    listed_names,
    other_kind,
    words_of,
)
from napari_mineral_anomaly.io.formats.hdf5.layouts import h5oina, xrm
from napari_mineral_anomaly.io.formats.hdf5.links import foreign_links, own_item
from napari_mineral_anomaly.io.formats.hdf5.positions import Positions, scan_positions
from napari_mineral_anomaly.io.formats.hdf5.virtual import require_openable
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    maps_in,
    stack_planes,
    stored_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.declared import declared_quantity
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained, require_plausible
from napari_mineral_anomaly.io.formats.shared.named_axes import arranged
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, MapFile, Opened

TITLE = "HDF5"

# What turns the arrays of a known layout into named maps, and leaves other files as they are.
_LAYOUTS = (xrm.arranged, h5oina.arranged)

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
        for arranged_by in _LAYOUTS:
            container = arranged_by(container)
        if dataset is not None:
            return maps_in(container.below(_own_path(path, dataset)))
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
                notes = (*container.notes, *_other_fits(container, stack_name))
                return MapFile(path, planes, notes=notes, steps=container.words)
        return maps_in(container)


def _own_path(path: Path, dataset: str) -> str:
    """A path in the file without its links; unchanged where it leads nowhere."""
    import h5py

    with h5py.File(path, "r") as file:
        item = own_item(file, dataset)
        return dataset if item is None else str(item.name)


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
    """List every array of an HDF5 file; only short lists are read.

    Links that lead nowhere, to other files or in circles are not followed.
    """
    import h5py

    names: list[str] = []
    sizes: list[tuple[FilePixelSize | None, str]] = []
    arrays: list[StoredArray] = []
    texts: dict[str, tuple[str, ...]] = {}

    def visit(name: str, item: Any) -> None:
        sizes.append(stored_pixel_size(_short_values(item.attrs), f"attribute of {name}"))
        texts.update({f"{name}/{key}": words for key, words in listed_names(item).items()})
        if isinstance(item, h5py.Dataset):
            names.append(name)

    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes).")
    if not h5py.is_hdf5(path):
        raise InputError(f"{path.name} is no HDF5 file although its name says so.")
    require_openable(path)
    with h5py.File(path, "r") as file:
        sizes.append(stored_pixel_size(_short_values(file.attrs), "attribute of the file"))
        texts.update(listed_names(file))
        file.visititems(visit)
        others = foreign_links(file)
        for name in names:
            item = file[name]
            if holds_words(item):
                texts[name] = words_of(item)
            elif kind := other_kind(item):
                others[name] = kind
            else:
                arrays.append(_array(path, name, item))
        known = next((found for found, _ in sizes if found is not None), None)
        positions = Positions(known) if known else scan_positions(file)
    words, notes = positions.words, positions.notes
    doubt = next((note for _, note in sizes if note), "")
    size = positions.pixel_size
    return Container(path, arrays, texts, size, others, words, notes, size_note=doubt)


def _array(path: Path, name: str, item: Any) -> StoredArray:
    """One array of numbers, with what the file says of its axes and its numbers."""
    shape = tuple(int(size) for size in item.shape)
    read: Callable[[], NDArray[Any]] = partial(_read, path, name)
    axes = file_axes(item)
    order = axes.order(shape) if axes is not None else None
    listed: tuple[str, ...] = ()
    if axes is not None and order is not None:
        read, shape = arranged(read, order), order.shape(shape)
        held = axes.channel_list(order)
        if held is not None and holds_words(held) and held.size == shape[0]:
            listed = words_of(held)
    return StoredArray(
        name,
        shape,
        item.dtype,
        read,
        partial(_check, path, name),
        dataset_steps(path, item),
        order,
        listed,
        declared_quantity(item.attrs.get("units")),
    )


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
    require_safe(path, name, size, dataset)
    if is_virtual(dataset):
        return
    require_plausible(path, dataset.size * dataset.dtype.itemsize, size)
    if dataset.id.get_storage_size() == 0:
        raise InputError(f"{path.name} holds no numbers in {name}: they were never written.")
    if dataset.chunks is not None:
        expected = math.prod(
            -(-n // chunk) for n, chunk in zip(dataset.shape, dataset.chunks, strict=True)
        )
        written = dataset.id.get_num_chunks()
        if written < expected and not fills_with_missing(dataset):
            raise InputError(
                f"{path.name} is incomplete: {expected - written} of the {expected} blocks of "
                f"{name} were never written and would read as zeros."
            )


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
