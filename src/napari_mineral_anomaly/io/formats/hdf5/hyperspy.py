"""Element maps in HyperSpy files: signals of two axes, or stacks of a few; others hold spectra."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.io.formats.hdf5.contents import holds_words, words_of
from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.hdf5.maps import read_container
from napari_mineral_anomaly.io.formats.shared.containers import StoredArray
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import Opened
from napari_mineral_anomaly.io.formats.shared.signals import is_signal, maps_of_signals, of_stacked
from napari_mineral_anomaly.io.formats.shared.texts import as_text

TITLE = "HyperSpy"


def open_maps(path: Path, dataset: str | None = None) -> Opened:
    """List the element maps in a HyperSpy file, or answer that it holds spectra.

    A map is named by the only X-ray line in its metadata, else by its title; a plane of a stack
    likewise by the signal that `hyperspy.api.stack` took it from.

    Raises
    ------
    InputError
        When the file is damaged, holds neither maps nor spectra, or several stacks of maps.
    """
    with explained(path, TITLE):
        container = read_container(path)
        if dataset is not None:
            container = container.below(dataset)
        container = replace(container, arrays=[a for a in container.arrays if is_signal(a)])
        return maps_of_signals(container, partial(_title, path), partial(_names, path), dataset)


def _title(path: Path, array: StoredArray) -> str:
    return _name(path, f"{array.group}/metadata") or array.group.rpartition("/")[2]


def _names(path: Path, array: StoredArray) -> tuple[str, ...]:
    """The names of the planes of a stack: of the signals it was made of, else its X-ray lines."""
    stacked = tuple(_name(path, f"{array.group}/{of_stacked(i)}") for i in range(array.shape[0]))
    return stacked if all(stacked) else _lines(path, f"{array.group}/metadata")


def _name(path: Path, metadata: str) -> str:
    lines = _lines(path, metadata)
    return lines[0] if len(lines) == 1 else as_text(_part(path, f"{metadata}/General").get("title"))


def _lines(path: Path, metadata: str) -> tuple[str, ...]:
    """The X-ray lines in the metadata of a signal: an attribute, or a list beside it."""
    value = _part(path, f"{metadata}/Sample").get("_list_xray_lines", ())
    return tuple(as_text(word) for word in np.ravel(np.asarray(value, dtype=object)))


def _part(path: Path, place: str) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as file:
        group = own_item(file, place)
        if not isinstance(group, h5py.Group):
            return {}
        found = dict(group.attrs)
        for key in group:
            item = own_item(group, key)
            if isinstance(item, h5py.Dataset) and holds_words(item):
                found[key] = words_of(item)
        return found
