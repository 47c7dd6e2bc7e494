"""OME-Zarr and plain Zarr: folders of arrays in chunks, also for scans larger than memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import Channels, channel_axis
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    maps_in,
    named_axis,
    names_of,
    stored_pixel_size,
    unused_names,
)
from napari_mineral_anomaly.io.formats.shared.declared import declared_quantity
from napari_mineral_anomaly.io.formats.shared.disk.guards import (
    explained,
    require_memory,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.disk.places import entries, is_file, is_folder
from napari_mineral_anomaly.io.formats.shared.named_axes import Order, arranged
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Opened,
    SpectraInside,
    numbered_planes,
)
from napari_mineral_anomaly.io.formats.shared.steps import (
    Step,
    applied,
    dtype_after,
    effective,
    with_steps,
)
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.io.formats.zarr.chunks import StoredChunks, require_sound_chunks
from napari_mineral_anomaly.io.formats.zarr.described import described
from napari_mineral_anomaly.io.formats.zarr.ngff import image_of, image_path, ome_attributes
from napari_mineral_anomaly.io.formats.zarr.own_files import codecs_named, require_own_files
from napari_mineral_anomaly.words import listed, sizes

TITLE = "Zarr"
# Below this a scan is read at once, with all statistics; above it stays on disk.
LAZY_ABOVE_BYTES = 256_000_000
_LARGEST_USUAL_CHUNK = 256_000_000
_MOST_ABSENT = 1000
_LONGEST_NAME_LIST = 10_000

_MARKS = ("zarr.json", ".zgroup", ".zarray")
_NAMES = ("elements", "element_names", "channel_names", "names", "channels", "labels")


def is_store(path: Path) -> bool:
    """Whether a folder is a Zarr store: by its ending or by the files in it."""
    if not is_folder(path):
        return False
    return path.suffix.lower() == ".zarr" or any(is_file(path / mark) for mark in _MARKS)


def open_maps(path: Path, dataset: str | None = None, channels: Channels | None = None) -> Opened:
    """List the maps in a Zarr store, version 2 or 3.

    OME-Zarr gives names (omero channel labels) and pixel size (the scale of the first level of
    multiscales). A plain array is (C, H, W) or (H, W, C) with a list ``elements`` and
    ``pixel_size_um`` in its attributes; a group may hold one map per element. Stacks above 256 MB
    are not read: ``lazy`` is a dask array over the store. ``channels`` says which axis of a plain
    array counts the channels, where the user knows.

    Raises
    ------
    InputError
        When the store is damaged, empty or holds no maps.
    """
    import zarr

    with explained(path, TITLE), codecs_named(path):
        require_sound_store(path)
        # Not the copy of all metadata in the store, which may be older than the arrays.
        top = node = zarr.open(str(path), mode="r", use_consolidated=False)
        place = ""
        if dataset is not None and not isinstance(node, zarr.Array):
            place = dataset.strip("/")
            node = _below(path, node, dataset) if place else node
        if isinstance(node, zarr.Array):
            return _stack(path, node, place, dict(node.attrs), _parent(top, place), channels)
        attributes = ome_attributes(dict(node.attrs))
        if not attributes.get("multiscales"):
            found = image_path(path, node, attributes)
            if found is not None:
                place, node = f"{place}/{found}".strip("/"), node[found]
                attributes = ome_attributes(dict(node.attrs))
        if attributes.get("multiscales"):
            return _multiscale(path, node, attributes, place)
        arrays = [(f"{place}/{name}".strip("/"), array) for name, array in _arrays(node)]
        numbers = [(n, a) for n, a in arrays if a.dtype.kind in "uifb"]
        stacks = [(name, array) for name, array in numbers if array.ndim > 1]
        if len(stacks) == 1 and stacks[0][1].ndim >= 3:
            name, array = stacks[0]
            both = {**dict(node.attrs), **dict(array.attrs)}
            return _stack(path, array, name, both, _parent(top, name), channels)
        stored = [stored_array(path, array, name, _parent(top, name)) for name, array in numbers]
        texts = {
            name: tuple(as_text(word).strip("\x00 ") for word in np.ravel(array[...]))
            for name, array in arrays
            if array.dtype.kind in "UTOS" and array.ndim == 1 and array.size <= _LONGEST_NAME_LIST
        }
        size, note = stored_pixel_size(_short_values(dict(node.attrs)), "Zarr attribute")
        return maps_in(Container(path, stored, texts, size, channels=channels, size_note=note))


def require_sound_store(path: Path) -> None:
    """Refuse an empty folder, and one with links out of it or files that cannot be read.

    Raises
    ------
    InputError
    """
    held = entries(path)
    if not held:
        raise InputError(f"{path.name} is an empty folder, not a Zarr store.")
    if odd := [one.name for one in held if not (is_file(one) or is_folder(one))]:
        raise InputError(
            f"{path.name} is damaged: {listed(odd)} in it is no ordinary file, or cannot be read."
        )
    require_own_files(path)


def stored_array(path: Path, array: Any, name: str, group: Any | None) -> StoredArray:
    """One array of a group, with what it says of itself."""
    known = described(path, array, group)
    readable = _Readable(path, array, name)
    read: Callable[[], NDArray[Any]] = partial(_whole, readable)
    shape = tuple(int(size) for size in array.shape)
    if known.order is not None:
        read, shape = arranged(read, known.order), known.order.shape(shape)
    return StoredArray(
        name,
        shape,
        array.dtype,
        read,
        partial(_require_stored, path, array, readable.stored),
        known.steps,
        known.order,
        known.names,
        declared_quantity(array.attrs.get("units")),
    )


def _parent(top: Any, name: str) -> Any | None:
    """The group that an array lies in; None for a store that is one array."""
    import zarr

    if isinstance(top, zarr.Array):
        return None
    above = name.rpartition("/")[0]
    return top[above] if above else top


def _below(path: Path, node: Any, dataset: str) -> Any:
    try:
        return node[dataset.strip("/")]
    except KeyError:
        names = ", ".join(name for name, _ in _arrays(node)) or "none"
        raise InputError(f"{path.name} has no dataset {dataset}; its arrays are {names}.") from None


def _arrays(group: Any) -> list[tuple[str, Any]]:
    import zarr

    members = group.members(max_depth=None)
    return sorted(
        ((name, member) for name, member in members if isinstance(member, zarr.Array)),
        key=lambda item: item[0],
    )


def _multiscale(path: Path, group: Any, attributes: Mapping[str, Any], place: str) -> MapFile:
    """The first, largest level of an OME-Zarr image."""
    image = image_of(path, group, attributes)
    name = f"{place}/{image.level}".strip("/")
    steps = described(path, image.array, group).steps
    file = _planes(
        path, image.array, name, False, image.labels, None, order=image.order, steps=steps
    )
    where = (f"the image {place} of the store is read",) if place else ()
    return replace(file, notes=(*file.notes, *image.notes), steps=(*where, *file.steps))


def _stack(
    path: Path,
    array: Any,
    name: str,
    attributes: Mapping[str, Any],
    group: Any | None,
    channels: Channels | None,
) -> Opened:
    """A plain array of two or three dimensions, or of more whose axes are named."""
    known = described(path, array, group)
    order, steps = known.order, known.steps
    texts = {
        key: tuple(map(str, value))
        for key, value in attributes.items()
        if key in _NAMES and isinstance(value, Sequence) and not isinstance(value, str)
    }
    size, doubt = stored_pixel_size(_short_values(attributes), "Zarr attribute")
    if array.ndim == 2 and order is None:
        file = _planes(path, array, name, False, [], size, steps=steps)
        return _with_size_note(file, doubt)
    if array.ndim != 3 and order is None:
        raise InputError(f"{path.name} holds no stack of maps: its array is {sizes(array.shape)}.")
    shape = tuple(array.shape) if order is None else order.shape(array.shape)
    read = partial(_whole, _Readable(path, array, name))
    stored = StoredArray("array", shape, array.dtype, read, order=order, names=known.names)
    if len(shape) == 2:
        file = _planes(path, array, name, False, [], size, order=order, steps=steps)
        return _with_size_note(file, doubt)
    container = Container(path, [stored], texts)
    names = names_of(container, stored)
    if not names and stored.is_series and order is not None:
        raise InputError(
            f"{path.name} holds no element maps: {order.words[0]}; channels, rows and columns are "
            "needed."
        )
    if not names and stored.picture:
        raise InputError(
            f"{path.name} holds no element maps: its array ({sizes(shape)}) looks like "
            f"{stored.picture}."
        )
    axis = named_axis(stored, len(names))
    is_named = axis is not None
    axis = axis or channel_axis(shape, len(names), channels)
    if axis is None or axis.is_energy:
        return SpectraInside(path, name or None)
    file = _planes(path, array, name, True, names, size, axis.index, order=order, steps=steps)
    unused = [] if names else unused_names(container, stored)
    notes = tuple(filter(None, [axis.note(shape), *unused]))
    said = () if is_named else (axis.words(shape),)
    file = replace(file, notes=(*file.notes, *notes), steps=(*file.steps, *said))
    return _with_size_note(file, doubt)


def _with_size_note(file: MapFile, note: str) -> MapFile:
    """The maps with the reason why a declared pixel size is not used."""
    return replace(file, planes=tuple(replace(plane, size_note=note) for plane in file.planes))


def _planes(
    path: Path,
    array: Any,
    name: str,
    has_channels: bool,
    names: Sequence[str],
    pixel_size: FilePixelSize | None,
    axis: int = 0,
    *,
    order: Order | None = None,
    steps: tuple[Step, ...] = (),
) -> MapFile:
    """Planes over a stored array whose axes are known; lazy where it is large."""
    import dask.array as da

    _require_numbers(path, array)
    readable = _Readable(path, array, name)
    notes = _require_stored(path, array, readable.stored)
    whole = da.from_array(  # type: ignore[no-untyped-call]  # dask has no types
        readable, chunks=_chunks(array), name=False, meta=np.empty(0, array.dtype)
    )
    words: tuple[str, ...] = ()
    if order is not None:
        whole = order.arrange(whole)
        whole = whole if whole.ndim == 3 else whole[None]
        pixel_size = order.pixel_size or pixel_size
        words, notes = order.words, (*notes, *order.notes)
    elif axis:
        whole = da.moveaxis(whole, axis, 0)
    else:
        # All other axes (time, depth) have length one.
        count = math.prod(array.shape[:-2]) if has_channels else 1
        whole = whole.reshape(count, *array.shape[-2:])
    if names and len(names) != whole.shape[0]:
        notes += (f"it names {len(names)} channels but holds {whole.shape[0]}; no name is used",)
        names = ()
    planes = numbered_planes(
        path,
        whole.shape[1:],
        np.dtype(array.dtype),
        whole.shape[0],
        lambda i: np.asarray(whole[i].compute(scheduler="synchronous")),
        names,
        pixel_size,
    )
    if len(planes) == 1:
        planes = (replace(planes[0], page=None),)
    planes = tuple(with_steps(plane, *steps) for plane in planes)
    lazy = None
    if math.prod(array.shape) * array.dtype.itemsize > LAZY_ABOVE_BYTES:
        lazy = _applied(whole, steps)
    quantity = declared_quantity(array.attrs.get("units"))
    return MapFile(path, planes, notes=notes, lazy=lazy, steps=words, quantity=quantity)


def _applied(whole: Any, steps: tuple[Step, ...]) -> Any:
    """A dask array with the steps applied to its blocks when they are read."""
    active = effective(steps, whole.dtype)
    if not active:
        return whole
    dtype = dtype_after(active, whole.dtype)
    return whole.map_blocks(applied, active, dtype=dtype, meta=np.empty(0, dtype))


class _Readable:
    """A Zarr array that reports a damaged or vanished chunk in one sentence, whenever it is read.

    A chunk that is removed while the store is open would otherwise be read as the fill value.
    """

    def __init__(self, path: Path, array: Any, name: str) -> None:
        self._path, self._array = path, array
        self.stored = StoredChunks(path, array, name)
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = np.dtype(array.dtype).newbyteorder("=")
        self.ndim: int = array.ndim

    def __getitem__(self, index: Any) -> NDArray[Any]:
        with self.stored.unchanged(index), explained(self._path, TITLE):
            return np.asarray(self._array[index], dtype=self.dtype)


def _whole(readable: _Readable) -> NDArray[Any]:
    return readable[...]


def _chunks(array: Any) -> tuple[int, ...]:
    """The shape of the stored files: of shards, else of chunks."""
    return tuple(getattr(array, "shards", None) or array.chunks)


def _require_numbers(path: Path, array: Any) -> None:
    if array.dtype.kind not in "uifb" or 0 in array.shape:
        raise InputError(f"{path.name} holds no real numbers: {array.dtype}, {sizes(array.shape)}.")


def _require_stored(path: Path, array: Any, stored: StoredChunks) -> tuple[str, ...]:
    """Refuse an array without chunks or with empty ones; a note where some chunks are missing.

    A missing chunk is no damage: the format says that it is read as the fill value.
    """
    files = list(stored.files)
    sizes = [size for size, _ in stored.files.values()]
    if not files:
        raise InputError(f"{path.name} holds no numbers: none of its chunks is there.")
    if 0 in sizes:
        raise InputError(f"{path.name} is damaged: {sizes.count(0)} of its chunks hold no bytes.")
    chunks = _chunks(array)
    expected = math.prod(-(-n // c) for n, c in zip(array.shape, chunks, strict=True))
    chunk_bytes = math.prod(chunks) * array.dtype.itemsize
    if chunk_bytes > _LARGEST_USUAL_CHUNK:
        require_plausible(path, chunk_bytes, max(sizes))
        require_memory(path, chunk_bytes, "the numbers of one of its chunks")
    # Chunks that hold a single value may be missing or have a few bytes: so chunks are counted.
    if expected > _MOST_ABSENT * len(files):
        raise InputError(
            f"{path.name} is damaged: its header declares {expected} chunks, {len(files)} are "
            "there."
        )
    require_sound_chunks(path, array, files, chunk_bytes)
    if len(files) < expected:
        return (
            f"{expected - len(files)} of its {expected} chunks are not stored and read as "
            f"{array.fill_value}, as the format says",
        )
    return ()


def _short_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in attributes.items() if isinstance(v, int | float | str | list | tuple)}
