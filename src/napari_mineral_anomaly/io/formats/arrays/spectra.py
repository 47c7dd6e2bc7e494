"""Spectrum images as bare arrays: numpy `.npy` and `.npz`, MATLAB `.mat`."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.hdf5.spectra import HDF5Counts
from napari_mineral_anomaly.io.formats.shared.guards import explained, require_plausible
from napari_mineral_anomaly.io.formats.shared.spectra import (
    axis_from_energies,
    channel_axis,
    mapped_file,
)
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.words import listed

TITLE = "array of spectra"
SUFFIXES = (".npy", ".npz", ".mat")
_ENERGY_NAMES = ("energy", "energy_kev", "kev")

Shapes = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


def holds_spectra(path: Path) -> bool:
    """Whether an array file holds one cube with many channels; reads headers, never raises."""
    try:
        with explained(path, TITLE):
            return _cube_name(path, _shapes(path)) is not None
    except (InputError, OSError):
        return False


def open_file(path: Path, dataset: str = "") -> SpectrumImage:
    """Open an array (rows, columns, channels), or (channels, rows, columns).

    ``dataset`` names the array, where a file holds several.

    `.npy` is memory-mapped and MATLAB 7.3 is read in blocks; `.npz` and classic MATLAB files are
    compressed and are read whole. A vector ``energy`` (keV, one value per channel) in the same
    file is the calibration.

    Raises
    ------
    InputError
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty: save it again.")
    with explained(path, TITLE):
        shapes = _shapes(path)
        name = _cube_name(path, {k: v for k, v in shapes.items() if k == dataset} or shapes)
        if name is None:
            held = [
                f"{key or 'an array'} {'x'.join(map(str, s))}" for key, (s, _) in shapes.items()
            ]
            raise InputError(
                f"{path.name} holds no cube of spectra (rows, columns, channels); it has "
                f"{listed(held) or 'no array of numbers'}."
            )
        shape, dtype = shapes[name]
        channels = channel_axis(shape)
        counts, notes = _counts(path, name, shape, dtype, channels)
        energy = None
        remarks: list[str] = []
        key = next((k for k in shapes if k.casefold() in _ENERGY_NAMES), None)
        if key is not None and int(np.prod(shapes[key][0])) == counts.shape[2]:
            energy, remarks = axis_from_energies(_whole(path, key))
    return SpectrumImage(
        counts,
        energy,
        source=str(path),
        files=(path.name,),
        notes=(*notes, *remarks),
    )


def _cube_name(path: Path, shapes: Shapes) -> str | None:
    """The only array that can be spectra; a scene with truth of the same size is none."""
    cubes = [
        name
        for name, (shape, dtype) in shapes.items()
        if dtype.kind in "uif" and 0 not in shape and channel_axis(shape) is not None
    ]
    if len(cubes) != 1:
        return None
    shape = shapes[cubes[0]][0]
    area = shape[:2] if channel_axis(shape) == 2 else shape[1:]
    if path.suffix.lower() == ".mat" and any(s == area for s, _ in shapes.values()):
        return None
    return cubes[0]


def _shapes(path: Path) -> Shapes:
    """Names, shapes and dtypes of the arrays in a file, from headers alone.

    The axes are those of the program that wrote it: MATLAB's rows first.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        with path.open("rb") as file:
            shape, _, dtype = _npy_header(file)
        return {"": (shape, dtype)}
    if suffix == ".npz":
        found: Shapes = {}
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    with archive.open(info) as member:
                        shape, _, dtype = _npy_header(member)
                    found[info.filename[:-4]] = (shape, dtype)
        return found
    import h5py
    from scipy.io import whosmat

    if not h5py.is_hdf5(path):
        kinds = {"single": "f4", "double": "f8", "logical": "u1", "cell": "O", "char": "O"}
        return {
            name: (tuple(int(n) for n in shape), np.dtype(kinds.get(kind, kind)))
            for name, shape, kind in whosmat(str(path))
            if kind not in ("struct", "function", "object", "opaque", "sparse", "unknown")
        }
    with h5py.File(path, "r") as file:
        return {
            name: (tuple(int(n) for n in item.shape[::-1]), item.dtype)
            for name, item in file.items()
            if isinstance(item, h5py.Dataset)
        }


def _npy_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = read(file)
    return tuple(int(n) for n in shape), bool(fortran), dtype


def _counts(
    path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], channels: int | None
) -> tuple[Any, list[str]]:
    suffix = path.suffix.lower()
    turn = (1, 2, 0) if channels == 0 else (0, 1, 2)
    notes = []
    if channels == 0:
        notes.append(f"the first axis ({shape[0]}) is taken for the channels")
    if suffix == ".npy":
        with path.open("rb") as file:
            _, fortran, _ = _npy_header(file)
            offset = file.tell()
        stored = shape[::-1] if fortran else shape
        counts, remarks = mapped_file(path, dtype, stored, offset, told_by="its header")
        counts = counts.transpose(2, 1, 0) if fortran else counts
        return counts.transpose(turn), [*notes, *remarks]
    require_plausible(path, math.prod(shape) * dtype.itemsize, path.stat().st_size)
    if suffix == ".mat":
        import h5py

        if h5py.is_hdf5(path):  # MATLAB writes its columns first: the axes stand reversed
            order = (2 - turn[0], 2 - turn[1], 2 - turn[2])
            turned = tuple(shape[axis] for axis in turn)
            return HDF5Counts(path, name, turned, dtype, order=order), notes
    return _whole(path, name).transpose(turn), notes


def _whole(path: Path, name: str) -> NDArray[Any]:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])
    import h5py
    from scipy.io import loadmat

    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            return np.asarray(file[name][()]).T
    return np.asarray(loadmat(path, variable_names=[name])[name])
