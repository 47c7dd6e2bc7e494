"""HyperSpy files in Zarr (`.zspy`): a signal of two axes is a map, as in `.hspy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.containers import Container, StoredArray
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.disk.places import is_folder
from napari_mineral_anomaly.io.formats.shared.planes import MapFile
from napari_mineral_anomaly.io.formats.shared.signals import (
    is_signal,
    maps_of_signals,
    of_stacked,
)
from napari_mineral_anomaly.io.formats.zarr.maps import require_sound_store, stored_array
from napari_mineral_anomaly.io.formats.zarr.own_files import codecs_named

TITLE = "HyperSpy in Zarr"


def open_maps(path: Path, dataset: str | None = None) -> MapFile:
    """List the element maps in a HyperSpy store.

    Maps are named as in `.hspy`.

    Raises
    ------
    InputError
        When the store is damaged, zipped, holds spectra, or several stacks of maps.
    """
    import zarr

    if not is_folder(path):
        raise InputError(
            f"{path.name} is a zipped HyperSpy store, which is not read: open it in HyperSpy and "
            "save it as .hspy, or unpack it into a folder of this name."
        )
    with explained(path, TITLE), codecs_named(path):
        require_sound_store(path)
        top = zarr.open_group(str(path), mode="r", use_consolidated=False)
        arrays = [
            stored_array(path, item, name, top[name.rpartition("/")[0]])
            for name, item in sorted(top.members(max_depth=None), key=lambda item: item[0])
            if isinstance(item, zarr.Array) and name.endswith("/data") and item.dtype.kind in "uifb"
        ]
        container = Container(path, [array for array in arrays if is_signal(array)])
        if dataset is not None:
            container = container.below(dataset)
        found = maps_of_signals(container, partial(_title, top), partial(_names, top), dataset)
    if not isinstance(found, MapFile):
        raise InputError(
            f"{path.name} holds a spectrum per pixel; spectra are read from .hspy, not from .zspy: "
            "open it in HyperSpy and save it as .hspy."
        )
    return found


def _title(top: Any, array: StoredArray) -> str:
    return _name(top, f"{array.group}/metadata") or array.group.rpartition("/")[2]


def _names(top: Any, array: StoredArray) -> Sequence[str]:
    """The names of the planes of a stack: of the signals it was made of, else its X-ray lines."""
    stacked = [_name(top, f"{array.group}/{of_stacked(i)}") for i in range(array.shape[0])]
    return stacked if all(stacked) else _lines(top, f"{array.group}/metadata")


def _name(top: Any, metadata: str) -> str:
    lines = _lines(top, metadata)
    title = _part(top, f"{metadata}/General").get("title")
    return lines[0] if len(lines) == 1 else title if isinstance(title, str) else ""


def _lines(top: Any, metadata: str) -> Sequence[str]:
    """The X-ray lines in the metadata of a signal."""
    value = _part(top, f"{metadata}/Sample").get("_list_xray_lines", ())
    return [str(word) for word in value] if isinstance(value, list | tuple) else ()


def _part(top: Any, place: str) -> Mapping[str, Any]:
    import zarr

    group = top.get(place)
    if group is None:
        return {}
    found = dict(group.attrs)
    if isinstance(group, zarr.Group):
        for name, item in group.arrays():
            if name == "_list_xray_lines" and item.ndim == 1:
                found[name] = [str(word) for word in np.asarray(item[...]).tolist()]
    return found
