"""Spectrum images as bare arrays: numpy `.npy` and `.npz`.

An array is (rows, columns, channels) or (channels, rows, columns); `channel_axis` decides.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays.numpy_maps import (
    members,
    read_header,
    require_sound_archive,
)
from napari_mineral_anomaly.io.formats.shared.axes import channel_axis
from napari_mineral_anomaly.io.formats.shared.guards import explained
from napari_mineral_anomaly.io.formats.shared.spectra import axis_from_energies, mapped_file
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.words import listed, sizes

_TITLE = "array of spectra"
_ENERGY_NAMES = ("energy", "energy_kev", "kev")

_Shapes = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


def holds_spectra(path: Path) -> bool:
    """Whether a `.npy` or `.npz` has exactly one array of spectra; reads headers, never raises."""
    try:
        with explained(path, _TITLE):
            shapes = _of_npz(path) if zipfile.is_zipfile(path) else _of_npy(path)
            return _name_of_spectra(shapes) is not None
    except (InputError, OSError):
        return False


def open_npy(path: Path) -> SpectrumImage:
    """Open an array of spectra; the numbers stay in their file.

    Raises
    ------
    InputError
    """
    with explained(path, _TITLE):
        _require_bytes(path)
        shapes = _of_npy(path)
        shape, dtype = shapes[_required(path, shapes, shapes)]
        with path.open("rb") as file:
            _, columns_first, _ = read_header(path, file)
            offset = file.tell()
        stored = shape[::-1] if columns_first else shape
        counts, notes = mapped_file(path, dtype, stored, offset, header="its header")
        turned_back = counts.transpose(2, 1, 0) if columns_first else counts
        last, turned = _channels_last(turned_back)
    return SpectrumImage(last, source=str(path), files=(path.name,), notes=(*turned, *notes))


def open_npz(path: Path, dataset: str | None = None) -> SpectrumImage:
    """Open the array of spectra in a `.npz`; it is read as a whole.

    A vector ``energy`` (keV, one value per channel) in the same file is the calibration.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Name of the array, where there are several.

    Raises
    ------
    InputError
    """
    with explained(path, _TITLE):
        _require_bytes(path)
        with zipfile.ZipFile(path) as archive:
            require_sound_archive(path, archive)
        shapes = _of_npz(path)
        chosen = {name: found for name, found in shapes.items() if name == dataset}
        counts, notes = _channels_last(_member(path, _required(path, chosen or shapes, shapes)))
        energy = None
        key = next((name for name in shapes if name.casefold() in _ENERGY_NAMES), None)
        if key is not None and math.prod(shapes[key][0]) == counts.shape[2]:
            energy, remarks = axis_from_energies(_member(path, key))
            notes += remarks
    return SpectrumImage(counts, energy, source=str(path), files=(path.name,), notes=tuple(notes))


def _require_bytes(path: Path) -> None:
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty: save it again.")


def _of_npy(path: Path) -> _Shapes:
    with path.open("rb") as file:
        shape, _, dtype = read_header(path, file)
    return {"": (shape, dtype)}


def _of_npz(path: Path) -> _Shapes:
    with zipfile.ZipFile(path) as archive:
        return {name: (shape, dtype) for name, shape, dtype in members(path, archive)}


def _name_of_spectra(shapes: _Shapes) -> str | None:
    """The only array that holds spectra by its shape; None for none or several."""
    cubes = []
    for name, (shape, dtype) in shapes.items():
        axis = channel_axis(shape)
        if dtype.kind in "uif" and 0 not in shape and axis is not None and axis.is_energy:
            cubes.append(name)
    return cubes[0] if len(cubes) == 1 else None


def _required(path: Path, chosen: _Shapes, all_shapes: _Shapes) -> str:
    name = _name_of_spectra(chosen)
    if name is None:
        held = [f"{key or 'an array'} {sizes(shape)}" for key, (shape, _) in all_shapes.items()]
        raise InputError(
            f"{path.name} holds no cube of spectra (rows, columns, channels); it has "
            f"{listed(held) or 'no array of numbers'}."
        )
    return name


def _channels_last(counts: Any) -> tuple[Any, list[str]]:
    """The same array with the channels along the last axis, and a note where it was turned."""
    axis = channel_axis(counts.shape)
    if axis is None or axis.index == 2:
        return counts, []
    note = f"the first axis ({counts.shape[0]}) is taken for the channels"
    return counts.transpose(1, 2, 0), [note]


def _member(path: Path, name: str) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[name])
