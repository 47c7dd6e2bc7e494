"""EMD files: the open format of NCEM, which HyperSpy writes, and that of Velox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.hdf5.axes import is_emd
from napari_mineral_anomaly.io.formats.hdf5.layouts import velox
from napari_mineral_anomaly.io.formats.hdf5.links import own_item
from napari_mineral_anomaly.io.formats.hdf5.maps import read_container
from napari_mineral_anomaly.io.formats.shared.containers import Container, StoredArray, maps_in
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import MapFile
from napari_mineral_anomaly.io.formats.shared.signals import is_signal, maps_of_signals

TITLE = "EMD"


def open_maps(path: Path, dataset: str | None = None) -> MapFile:
    """List the element maps in an EMD file.

    In the open format a signal of two axes is a map, named by its group. In Velox files the
    pictures are named by the displays that show them.

    Raises
    ------
    InputError
        When the file is damaged, holds no maps, or spectra.
    """
    with explained(path, TITLE):
        container = read_container(path)
        signals = _open_signals(container)
        if signals:
            container = replace(container, arrays=signals)
            container = container if dataset is None else container.below(dataset)
            found = maps_of_signals(container, _title, lambda _: (), dataset)
        else:
            container = velox.arranged(container)
            found = maps_in(container if dataset is None else container.below(dataset))
    if not isinstance(found, MapFile):
        raise InputError(
            f"{path.name} holds a spectrum per pixel; spectra are read from .hspy, not from .emd: "
            "open it in HyperSpy and save it as .hspy."
        )
    return found


def _open_signals(container: Container) -> list[StoredArray]:
    import h5py

    with h5py.File(container.path, "r") as file:
        return [
            array
            for array in container.arrays
            if is_signal(array) and is_emd(own_item(file, array.group))
        ]


def _title(array: StoredArray) -> str:
    return array.group.rpartition("/")[2]
