"""Spectrum images as bare arrays: numpy `.npy` and `.npz`.

An array is (rows, columns, channels) or (channels, rows, columns); `channel_axis` decides, or the
length of the list of energies beside it.
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays.numpy_files import (
    member,
    members,
    numbers_of,
    read_header,
    require_bytes,
    require_sound_archive,
)
from napari_mineral_anomaly.io.formats.shared.axes import (
    ChannelAxis,
    Channels,
    channel_axis,
    energies_of,
)
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.spectra import axis_from_energies, require_spectra
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.words import listed, sizes

_TITLE = "array of spectra"
_ENERGY_NAMES = ("energy", "energy_kev", "kev")

_Shapes = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


@dataclass(frozen=True)
class _Cube:
    """The array that holds the spectra: its name and the axis of its channels."""

    name: str
    axis: ChannelAxis


def holds_spectra(path: Path) -> bool:
    """Whether a `.npy` or `.npz` has exactly one array of spectra; reads headers, never raises."""
    try:
        with explained(path, _TITLE):
            shapes = _of_npz(path) if zipfile.is_zipfile(path) else _of_npy(path)
            return _cube_in(shapes, shapes, None) is not None
    except (InputError, OSError):
        return False


def open_npy(path: Path, channels: Channels | None = None) -> SpectrumImage:
    """Open an array of spectra; the numbers stay in their file and are read in blocks.

    Parameters
    ----------
    path : Path
    channels : {"first", "last"}, optional
        Which axis counts the channels; default: `channel_axis`.

    Raises
    ------
    InputError
    """
    with explained(path, _TITLE):
        _require_not_empty(path)
        shapes = _of_npy(path)
        cube = _required(path, shapes, shapes, channels)
        shape, dtype = shapes[cube.name]
        with path.open("rb") as file:
            _, columns_first, _ = read_header(path, file)
            offset = file.tell()
        require_bytes(path, shape, dtype, offset)
        counts = _channels_last(numbers_of(path, shape, columns_first, dtype, offset), cube.axis)
        require_spectra(path, counts.shape)
    notes, steps = _axis_words(cube.axis, shape)
    return SpectrumImage(counts, source=str(path), files=(path.name,), notes=notes, steps=steps)


def open_npz(
    path: Path, dataset: str | None = None, channels: Channels | None = None
) -> SpectrumImage:
    """Open the array of spectra in a `.npz`; it is read as a whole.

    A vector ``energy`` (keV, one value per channel) in the same file is the calibration. Where its
    length is that of one axis only, that axis counts the channels.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Name of the array, where there are several.
    channels : {"first", "last"}, optional
        Which axis counts the channels.

    Raises
    ------
    InputError
    """
    with explained(path, _TITLE):
        _require_not_empty(path)
        with zipfile.ZipFile(path) as archive:
            require_sound_archive(path, archive)
        shapes = _of_npz(path)
        chosen = {name: found for name, found in shapes.items() if name == dataset}
        cube = _required(path, chosen or shapes, shapes, channels)
        counts = _channels_last(member(path, cube.name), cube.axis)
        require_spectra(path, counts.shape)
        asked, steps = _axis_words(cube.axis, shapes[cube.name][0])
        notes = list(asked)
        energy = None
        key = _energy_name(shapes)
        if key is not None and math.prod(shapes[key][0]) == counts.shape[2]:
            energy, remarks = axis_from_energies(member(path, key))
            notes += remarks
        elif key is not None:
            notes.append(
                f"the energies in {key} are not used: they are {math.prod(shapes[key][0])}, the "
                f"spectra have {counts.shape[2]} channels"
            )
    return SpectrumImage(
        counts, energy, source=str(path), files=(path.name,), notes=tuple(notes), steps=steps
    )


def _require_not_empty(path: Path) -> None:
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty: save it again.")


def _of_npy(path: Path) -> _Shapes:
    with path.open("rb") as file:
        shape, _, dtype = read_header(path, file)
    return {"": (shape, dtype)}


def _of_npz(path: Path) -> _Shapes:
    with zipfile.ZipFile(path) as archive:
        return {name: (shape, dtype) for name, shape, dtype in members(path, archive)}


def _energy_name(shapes: _Shapes) -> str | None:
    return next((name for name in shapes if name.casefold() in _ENERGY_NAMES), None)


def _cube_in(chosen: _Shapes, shapes: _Shapes, channels: Channels | None) -> _Cube | None:
    """The only array that holds spectra by its shape; None for none or several."""
    key = _energy_name(shapes)
    n_energies = 0 if key is None else math.prod(shapes[key][0])
    cubes = []
    for name, (shape, dtype) in chosen.items():
        axis = _axis(shape, n_energies, channels)
        if dtype.kind in "uif" and 0 not in shape and axis is not None and axis.is_energy:
            cubes.append(_Cube(name, axis))
    return cubes[0] if len(cubes) == 1 else None


def _axis(shape: tuple[int, ...], n_energies: int, channels: Channels | None) -> ChannelAxis | None:
    """The axis of the channels; a list of energies decides where it fits one axis only."""
    if len(shape) == 3 and channels is None and n_energies > 1:
        fitting = [index for index in (0, 2) if shape[index] == n_energies]
        if len(fitting) == 1:
            rule = f"as long as the list of {n_energies} energies"
            return ChannelAxis(fitting[0], is_energy=True, rule=rule)
    if channels is not None:
        return energies_of(shape, channels)
    return channel_axis(shape)


def _required(path: Path, chosen: _Shapes, all_shapes: _Shapes, channels: Channels | None) -> _Cube:
    cube = _cube_in(chosen, all_shapes, channels)
    if cube is None:
        held = [f"{key or 'an array'} {sizes(shape)}" for key, (shape, _) in all_shapes.items()]
        raise InputError(
            f"{path.name} holds no cube of spectra (rows, columns, channels); it has "
            f"{listed(held) or 'no array of numbers'}."
        )
    return cube


def _channels_last(counts: Any, axis: ChannelAxis) -> Any:
    return counts if axis.index == 2 else counts.transpose(1, 2, 0)


def _axis_words(
    axis: ChannelAxis, shape: tuple[int, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the user should check about the axes; else what was understood, for ``steps``."""
    note = axis.note(shape)
    return ((note,), ()) if note else ((), (axis.words(shape),))
