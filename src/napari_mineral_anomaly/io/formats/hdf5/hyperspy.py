"""Element maps in HyperSpy files: signals of two axes, or stacks of a few; others hold spectra."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.hdf5.contents import holds_words, words_of
from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.hdf5.maps import read_container
from napari_mineral_anomaly.io.formats.shared.axes import MOST_UNNAMED_CHANNELS
from napari_mineral_anomaly.io.formats.shared.containers import (
    StoredArray,
    map_file,
    open_stack,
    single_plane,
)
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import Opened, SpectraInside
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.words import listed

TITLE = "HyperSpy"


def open_maps(path: Path, dataset: str | None = None) -> Opened:
    """List the element maps in a HyperSpy file, or answer that it holds spectra.

    A map is named by the only X-ray line in its metadata, else by its title.

    Raises
    ------
    InputError
        When the file is damaged, holds neither maps nor spectra, or several stacks of maps.
    """
    with explained(path, TITLE):
        container = read_container(path)
        if dataset is not None:
            container = container.below(dataset)
        signals = [array for array in container.arrays if _is_signal(array)]
        container = replace(container, arrays=signals)
        if any(_holds_spectra(array) for array in signals):
            return SpectraInside(path, dataset)
        flat = [array for array in signals if len(array.shape) == 2]
        if flat:
            planes = [
                replace(single_plane(container, array, None), name=_title(path, array))
                for array in flat
            ]
            if len(planes) > 1:
                planes = [replace(plane, page=i) for i, plane in enumerate(planes, start=1)]
            return map_file(container, tuple(planes), flat)
        stacks = [array for array in signals if len(array.shape) == 3]
        if len(stacks) == 1:
            lines = _lines(path, stacks[0])
            return open_stack(container, stacks[0], lines if _fits(lines, stacks[0]) else ())
        if stacks:
            raise InputError(
                f"{path.name} holds {len(stacks)} stacks "
                f"({listed([stack.name for stack in stacks])}): name the one to read, as "
                f'"{path.name}::/{stacks[0].name}".'
            )
        raise InputError(
            f"{path.name} holds no maps and no spectra on a map: its signals are "
            f"{container.contents()}."
        )


def _is_signal(array: StoredArray) -> bool:
    return array.basename == "data" and "/" in array.group and 0 not in array.shape


def _holds_spectra(array: StoredArray) -> bool:
    if array.order is None or len(array.shape) != 3:
        return False
    # The shape is in the order of the map by now.
    is_long = array.order.roles == "?yx" and array.shape[0] > MOST_UNNAMED_CHANNELS
    return array.order.roles == "yxe" or is_long


def _fits(lines: tuple[str, ...], stack: StoredArray) -> bool:
    return len(lines) == stack.shape[0] and len(set(lines)) == len(lines)


def _title(path: Path, array: StoredArray) -> str:
    lines = _lines(path, array)
    if len(lines) == 1:
        return lines[0]
    general = _metadata(path, array, "General")
    return as_text(general.get("title")) or array.group.rpartition("/")[2]


def _lines(path: Path, array: StoredArray) -> tuple[str, ...]:
    """The X-ray lines in the metadata of a signal: an attribute, or a list beside it."""
    value = _metadata(path, array, "Sample").get("_list_xray_lines", ())
    return tuple(as_text(word) for word in np.ravel(np.asarray(value, dtype=object)))


def _metadata(path: Path, array: StoredArray, part: str) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        group = own_item(file, f"{array.group}/metadata/{part}")
        if not isinstance(group, h5py.Group):
            return {}
        found = dict(group.attrs)
        for key in group:
            item = own_item(group, key)
            if isinstance(item, h5py.Dataset) and holds_words(item):
                found[key] = words_of(item)
        return found
