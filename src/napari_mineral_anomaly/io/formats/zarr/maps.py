"""OME-Zarr and plain Zarr: folders of arrays in chunks, also for scans larger than memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.axes import channel_axis
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    maps_in,
    names_beside,
    stored_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.guards import (
    explained,
    require_memory,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.places import entries, is_file, is_folder
from napari_mineral_anomaly.io.formats.shared.planes import (
    FilePixelSize,
    MapFile,
    Opened,
    SpectraInside,
    numbered_planes,
)
from napari_mineral_anomaly.io.formats.zarr.chunks import StoredChunks, require_sound_chunks
from napari_mineral_anomaly.words import listed, sizes

TITLE = "Zarr"
# Below this a scan is read at once, with all statistics; above it stays on disk.
LAZY_ABOVE_BYTES = 256_000_000
_LARGEST_USUAL_CHUNK = 256_000_000
_MOST_ABSENT = 1000

_MARKS = ("zarr.json", ".zgroup", ".zarray")
_NAMES = ("elements", "element_names", "channel_names", "names", "channels", "labels")


def is_store(path: Path) -> bool:
    """Whether a folder is a Zarr store: by its ending or by the files in it."""
    if not is_folder(path):
        return False
    return path.suffix.lower() == ".zarr" or any(is_file(path / mark) for mark in _MARKS)


def open_maps(path: Path, dataset: str | None = None) -> Opened:
    """List the maps in a Zarr store, version 2 or 3.

    OME-Zarr gives names (omero channel labels) and pixel size (the scale of the first level of
    multiscales). A plain array is (C, H, W) or (H, W, C) with a list ``elements`` and
    ``pixel_size_um`` in its attributes; a group may hold one map per element. Stacks above 256 MB
    are not read: ``lazy`` is a dask array over the store.

    Raises
    ------
    InputError
        When the store is damaged, empty or holds no maps.
    """
    import zarr

    with explained(path, TITLE):
        held = entries(path)
        if not held:
            raise InputError(f"{path.name} is an empty folder, not a Zarr store.")
        if odd := [one.name for one in held if not (is_file(one) or is_folder(one))]:
            raise InputError(
                f"{path.name} is damaged: {listed(odd)} in it is no ordinary file, or cannot be "
                "read."
            )
        node = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Array):
            return _stack(path, node, "", dict(node.attrs))
        attributes = _ome(dict(node.attrs))
        if dataset is None and attributes.get("multiscales"):
            return _multiscale(path, node, attributes)
        if dataset is not None:
            node = _below(path, node, dataset)
            if isinstance(node, zarr.Array):
                return _stack(path, node, dataset.strip("/"), dict(node.attrs))
            attributes = _ome(dict(node.attrs))
            if attributes.get("multiscales"):
                return _multiscale(path, node, attributes)
        arrays = _arrays(node)
        if len(arrays) == 1 and arrays[0][1].ndim == 3:
            name, array = arrays[0]
            return _stack(path, array, name, {**dict(node.attrs), **dict(array.attrs)})
        stored = [
            StoredArray(
                name,
                array.shape,
                array.dtype,
                partial(_whole, readable),
                partial(_require_stored, path, array, readable.stored),
            )
            for name, array in arrays
            if array.dtype.kind in "uifb"
            for readable in [_Readable(path, array, name)]
        ]
        size = stored_pixel_size(_short_values(dict(node.attrs)), "Zarr attribute")
        return maps_in(Container(path, stored, pixel_size=size))


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


def _ome(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of OME-Zarr: those of the group up to version 0.4, its ``ome`` from 0.5 on."""
    inner = attributes.get("ome")
    return dict(inner) if isinstance(inner, Mapping) else attributes


def _multiscale(path: Path, group: Any, attributes: Mapping[str, Any]) -> MapFile:
    """The first, largest level of an OME-Zarr image."""
    image = attributes["multiscales"][0]
    level = image["datasets"][0]
    array = group[level["path"]]
    axes = [axis if isinstance(axis, str) else axis["name"] for axis in image.get("axes", "tczyx")]
    units = [None if isinstance(axis, str) else axis.get("unit") for axis in image.get("axes", "")]
    if len(axes) != array.ndim:
        raise InputError(
            f"{path.name} is damaged: it names {len(axes)} axes, its array has {array.ndim}."
        )
    labels = [
        str(channel.get("label", ""))
        for channel in attributes.get("omero", {}).get("channels", [])
        if isinstance(channel, Mapping)
    ]
    odd = [
        f"{name} {size}"
        for name, size in zip(axes, array.shape, strict=True)
        if name not in "cyx" and size > 1
    ]
    if odd or axes[-2:] != ["y", "x"]:
        raise InputError(
            f"{path.name} is no stack of element maps: its axes are "
            f"{', '.join(f'{n} {s}' for n, s in zip(axes, array.shape, strict=True))}; channels, "
            "rows and columns are needed."
        )
    scales = [
        step["scale"]
        for source in (level, image)
        for step in source.get("coordinateTransformations", [])
        if step.get("type") == "scale"
    ]
    pixel_size = None
    if scales and units:
        total = np.prod(np.array(scales, dtype=float), axis=0)
        pixel_size = length_in_um(
            (float(total[-2]), float(total[-1])), str(units[-1] or ""), "OME-Zarr scale"
        )
    return _planes(path, array, level["path"], "c" in axes, labels, pixel_size)


def _stack(path: Path, array: Any, name: str, attributes: Mapping[str, Any]) -> Opened:
    """A plain array of two or three dimensions."""
    texts = {
        key: tuple(map(str, value))
        for key, value in attributes.items()
        if key in _NAMES and isinstance(value, Sequence) and not isinstance(value, str)
    }
    size = stored_pixel_size(_short_values(attributes), "Zarr attribute")
    if array.ndim == 2:
        return _planes(path, array, name, False, [], size)
    if array.ndim != 3:
        raise InputError(f"{path.name} holds no stack of maps: its array is {sizes(array.shape)}.")
    read = partial(_whole, _Readable(path, array, name))
    stored = StoredArray("array", array.shape, array.dtype, read)
    names = names_beside(Container(path, [stored], texts), stored)
    axis = channel_axis(array.shape, len(names))
    if axis is None or axis.is_energy:
        return SpectraInside(path, name or None)
    return _planes(path, array, name, axis.index == 0, names, size, last=axis.index == 2)


def _planes(
    path: Path,
    array: Any,
    name: str,
    has_channels: bool,
    names: Sequence[str],
    pixel_size: FilePixelSize | None,
    last: bool = False,
) -> MapFile:
    """Planes over a stored array whose axes are known; lazy where it is large."""
    import dask.array as da

    _require_numbers(path, array)
    readable = _Readable(path, array, name)
    notes = _require_stored(path, array, readable.stored)
    whole = da.from_array(  # type: ignore[no-untyped-call]  # dask has no types
        readable, chunks=_chunks(array), name=False, meta=np.empty(0, array.dtype)
    )
    if last:
        whole = da.moveaxis(whole, 2, 0)
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
    is_large = math.prod(array.shape) * array.dtype.itemsize > LAZY_ABOVE_BYTES
    return MapFile(path, planes, notes=notes, lazy=whole if is_large else None)


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
