"""What is checked of an HDF5 dataset before its numbers are read.

HDF5 reads virtual datasets and raw numbers from other files without a word, and takes 0 for those
that it does not find. It makes room for a whole block before it unpacks it. And it cannot unpack
every block: some filters are packages of their own.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import require_plausible

# Registered filters of HDF5 that the package hdf5plugin brings (its documentation).
_IN_HDF5PLUGIN = {
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32018: "FCIDECOMP",
    32024: "SZ3",
    32026: "Blosc2",
    32028: "SPERR",
}


def require_safe(path: Path, name: str, size: int, dataset: Any) -> None:
    """Refuse a dataset that takes its numbers from elsewhere, or that cannot be unpacked here.

    Parameters
    ----------
    path : Path
    name : str
        Of the dataset, for the sentences.
    size : int
        Of the file in bytes.
    dataset : h5py.Dataset

    Raises
    ------
    InputError
    """
    settings = dataset.id.get_create_plist()
    if settings.get_external_count():
        raise InputError(
            f"{path.name}: the numbers of {name} lie in another file "
            f"({_text(settings.get_external(0)[0])}), which is not opened; copy the dataset into "
            "one file."
        )
    if is_virtual(dataset):
        _require_own_sources(path, name, dataset)
        return
    if dataset.chunks is not None:
        require_plausible(path, math.prod(dataset.chunks) * dataset.dtype.itemsize, size)
    for i in range(settings.get_nfilters()):
        code, _, _, label = settings.get_filter(i)
        if not _is_available(code):
            raise InputError(_missing_filter(path, name, code, _text(label)))


def is_virtual(dataset: Any) -> bool:
    """Whether a dataset is put together from others; asks nothing of the others."""
    import h5py

    return bool(dataset.id.get_create_plist().get_layout() == h5py.h5d.VIRTUAL)


def _require_own_sources(path: Path, name: str, dataset: Any) -> None:
    """Refuse a virtual dataset with a source outside the folder, or with one that is not whole."""
    import h5py

    folder = path.resolve().parent
    covered = 0
    for source in dataset.virtual_sources():
        covered += source.vspace.get_select_npoints()
        own = source.file_name == "."
        file = path.resolve() if own else (folder / source.file_name).resolve()
        if not file.is_relative_to(folder):
            raise InputError(
                f"{path.name}: {name} takes its numbers from {source.file_name}, outside its own "
                "folder, which is not opened; copy the numbers into one file."
            )
        if not file.is_file():
            raise InputError(
                f"{path.name}: {name} takes its numbers from {source.file_name}, which is not "
                "there, so they would read as zeros; put that file beside it."
            )
        with h5py.File(file, "r") as opened:
            held = opened.get(source.dset_name) if _is_own_path(opened, source.dset_name) else None
            if not isinstance(held, h5py.Dataset) or is_virtual(held):
                raise InputError(
                    f"{path.name}: {name} takes its numbers from {source.dset_name} in "
                    f"{file.name}, where there is no such dataset; export it again."
                )
            require_safe(file, source.dset_name, file.stat().st_size, held)
            if held.id.get_storage_size() == 0:
                raise InputError(
                    f"{file.name} holds no numbers in {source.dset_name}: they were never written."
                )
    if covered < dataset.size:
        raise InputError(
            f"{path.name} is incomplete: {dataset.size - covered} of the {dataset.size} numbers of "
            f"{name} have no source and would read as zeros."
        )


def _is_own_path(file: Any, name: str) -> bool:
    """Whether a path leads through no link to another file."""
    import h5py

    place = file
    for part in name.strip("/").split("/"):
        if not isinstance(place, h5py.Group):
            return False
        if not isinstance(place.get(part, getlink=True), h5py.HardLink):
            return False
        place = place[part]
    return True


def _is_available(code: int) -> bool:
    import h5py

    if h5py.h5z.filter_avail(code):
        return True
    if code in _IN_HDF5PLUGIN:
        try:
            importlib.import_module("hdf5plugin")
        except ImportError:
            return False
    return bool(h5py.h5z.filter_avail(code))


def _missing_filter(path: Path, name: str, code: int, label: str) -> str:
    known = _IN_HDF5PLUGIN.get(code)
    if known is None:
        return (
            f"{path.name}: {name} is packed with the HDF5 filter {code} ({label or 'no name'}), "
            "which is not installed here; save the file with gzip or without compression."
        )
    return (
        f"{path.name}: {name} is packed with the HDF5 filter {known}, which is not installed here; "
        "install the Python package hdf5plugin (pip install hdf5plugin), or save the file with "
        "gzip."
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
