"""MATLAB files: a scene (`data` (H, W, C) and truth `map` (H, W)), or one map per variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays.matlab_variables import (
    Variables,
    held,
    read_variables,
)
from napari_mineral_anomaly.io.formats.shared.axes import (
    MOST_UNNAMED_CHANNELS,
    ChannelAxis,
    Channels,
)
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane, numbered_planes
from napari_mineral_anomaly.scan.names.map_names import any_element, parse_names
from napari_mineral_anomaly.words import sizes

TITLE = "MATLAB file"
_CUBE_NAMES = ("data", "image", "cube", "img", "hsi")
_TRUTH_NAMES = ("map", "mask", "truth", "gt", "groundtruth")
_NAME_LISTS = ("elements", "element_names", "names", "channels", "labels", "bands", "band_names")


def open_maps(path: Path, dataset: str | None = None, channels: Channels | None = None) -> MapFile:
    """Read a `.mat` file, version 5 or 7.3 (HDF5).

    The axes of a scene are rows, columns, bands, unless a list of names, the truth or the user says
    otherwise. Planes get the names of the elements in the file (a cell array or a char matrix such
    as ``elements``), else "band 001" and so on; without elements the quantity is reflectance. A
    file without a stack holds maps if two or more of its matrices are named by elements.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Name of the variable to read.
    channels : {"first", "last"}, optional
        Which axis counts the bands.

    Raises
    ------
    InputError
        When the file is damaged or holds no maps.
    """
    with explained(path, TITLE):
        variables = read_variables(path)
    if dataset is not None:
        variables = variables.only(path, dataset.strip("/"))
    cube = _named(variables.arrays, _CUBE_NAMES, ndim=3)
    if cube is None:
        return _single_maps(path, variables, channels)
    lists = _name_lists(variables)
    axis = _band_axis(path, cube.shape, lists, variables.arrays, channels)
    n_bands = cube.shape[axis.index]
    shape = tuple(n for i, n in enumerate(cube.shape) if i != axis.index)
    key, names = next(((k, v) for k, v in lists.items() if len(v) == n_bands), ("", ()))
    steps = [axis.words(cube.shape), *variables.steps]
    notes = [*variables.notes, *filter(None, [axis.note(cube.shape)])]
    notes += [
        f"the list {other} is not used: its {len(words)} names fit no axis of {sizes(cube.shape)}"
        for other, words in lists.items()
        if len(words) not in cube.shape
    ]
    notes += [
        f"{other} is not read: it is {what}"
        for other, what in variables.others.items()
        if other.casefold() in _NAME_LISTS or not key
    ]
    if key:
        steps.append(f"names of the maps from {key} in the file")
    truth = _truth(variables.arrays, shape, notes)
    called = names or [f"band {i:03d}" for i in range(1, n_bands + 1)]
    planes = numbered_planes(
        path, shape, cube.dtype, n_bands, partial(_band, cube, axis.index), called
    )
    return MapFile(
        path,
        planes,
        quantity=None if any_element(parse_names(names)) else "reflectance",
        notes=tuple(notes),
        truth=None if truth is None else (np.nan_to_num(truth) != 0).astype(np.uint8),
        steps=tuple(steps),
    )


def _band(cube: NDArray[Any], axis: int, index: int) -> NDArray[Any]:
    return np.asarray(np.take(cube, index, axis=axis))


def _band_axis(
    path: Path,
    shape: Sequence[int],
    lists: Mapping[str, tuple[str, ...]],
    arrays: Mapping[str, NDArray[Any]],
    channels: Channels | None,
) -> ChannelAxis:
    """The axis of the bands: what the user says, the names, the truth; else the last."""
    if channels is not None:
        return ChannelAxis(
            0 if channels == "first" else 2, is_energy=False, rule="as the user says"
        )
    for key, names in lists.items():
        fitting = [index for index in (2, 0, 1) if shape[index] == len(names)]
        if fitting:
            rule = f"as long as the list {key} ({len(names)} names)"
            both = fitting[:2] == [2, 0]
            rule += ", as is the first" if both else ""
            return ChannelAxis(fitting[0], is_energy=False, rule=rule, is_open=both)
    for name, array in arrays.items():
        if name.casefold() in _TRUTH_NAMES and array.ndim == 2:
            for index in (2, 0):
                if array.shape == tuple(n for i, n in enumerate(shape) if i != index):
                    rule = f"{name} has the rows and columns"
                    return ChannelAxis(index, is_energy=False, rule=rule)
    is_open = shape[0] < shape[2] and shape[0] <= MOST_UNNAMED_CHANNELS
    rule = "the usual order of MATLAB scenes"
    return ChannelAxis(2, is_energy=False, rule=rule, is_open=is_open)


def _single_maps(path: Path, variables: Variables, channels: Channels | None) -> MapFile:
    """The matrices that are named by elements.

    Raises
    ------
    InputError
        Where fewer than two are.
    """
    matrices = {
        name: value
        for name, value in variables.arrays.items()
        if value.ndim == 2 and min(value.shape) > 1
    }
    parsed = parse_names(list(matrices))
    if sum(entry.role == "element" for entry in parsed) < 2:
        shapes = {k: sizes(np.shape(v)) or "a single value" for k, v in variables.arrays.items()}
        raise InputError(
            f"{path.name} holds no stack of maps: a scene has data (rows, columns, bands) and "
            f"map (rows, columns), this file has {held(variables, shapes)}."
        )
    if channels is not None:
        raise InputError(f"{path.name} holds a matrix for each element: leave out --channels.")
    planes = tuple(
        Plane(path, value.shape, value.dtype.newbyteorder("="), partial(np.asarray, value), name, i)
        for i, (name, value) in enumerate(matrices.items(), start=1)
    )
    return MapFile(path, planes, notes=tuple(variables.notes), steps=tuple(variables.steps))


def _named(
    arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...], ndim: int
) -> NDArray[Any] | None:
    """The array with one of these names, else the only one of so many dimensions."""
    fitting = {
        key.casefold(): value
        for key, value in arrays.items()
        if value.ndim == ndim and 0 not in value.shape
    }
    for name in names:
        if name in fitting:
            return fitting[name]
    return next(iter(fitting.values())) if len(fitting) == 1 else None


def _truth(
    arrays: Mapping[str, NDArray[Any]], shape: tuple[int, ...], notes: list[str]
) -> NDArray[Any] | None:
    """The truth mask of a scene; what is taken for it, or is not, goes into ``notes``."""
    pictures = {name: value for name, value in arrays.items() if value.ndim == 2}
    by_name = [name for name in pictures if name.casefold() in _TRUTH_NAMES]
    by_name.sort(key=lambda name: _TRUTH_NAMES.index(name.casefold()))
    chosen = next((name for name in by_name if pictures[name].shape == shape), None)
    if chosen is None:
        notes += [
            f"{name} ({sizes(pictures[name].shape)}) is not used as truth: the maps have "
            f"{sizes(shape)} pixels"
            for name in by_name
        ]
        others = [
            name for name, value in pictures.items() if value.shape == shape and _is_mask(value)
        ]
        chosen = others[0] if len(others) == 1 else None
    if chosen is None:
        return None
    truth = pictures[chosen]
    notes.append(
        f"{chosen} is a truth mask ({np.count_nonzero(np.nan_to_num(truth))} anomalous pixels); "
        "no detector sees it"
    )
    return truth


def _is_mask(values: NDArray[Any]) -> bool:
    """Whether a picture without a telling name is a mask: 0 and one other number."""
    found = np.unique(values)
    return len(found) == 2 and found[0] == 0


def _name_lists(variables: Variables) -> dict[str, tuple[str, ...]]:
    """The lists that may name the bands, of different words, in the order of preference."""
    by_key = {key.casefold(): (key, words) for key, words in variables.texts.items()}
    return {
        by_key[wanted][0]: by_key[wanted][1]
        for wanted in _NAME_LISTS
        if wanted in by_key and len(set(by_key[wanted][1])) == len(by_key[wanted][1]) > 0
    }
