"""MATLAB files: a scene (`data` (H, W, C) and truth `map` (H, W)), or one map per variable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays.matlab_check import require_sound
from napari_mineral_anomaly.io.formats.hdf5.maps import require_stored
from napari_mineral_anomaly.io.formats.shared.guards import (
    explained,
    require_memory,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane, numbered_planes
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.words import sizes

TITLE = "MATLAB file"
_CUBE_NAMES = ("data", "image", "cube", "img", "hsi")
_TRUTH_NAMES = ("map", "mask", "truth", "gt", "groundtruth")
_BYTES_AT_LEAST = {"double": 8, "int64": 8, "uint64": 8, "single": 4, "int32": 4, "uint32": 4}
_BYTES_AT_LEAST |= {"int16": 2, "uint16": 2}
_NAME_LISTS = ("elements", "element_names", "names", "bands", "band_names")


def open_maps(path: Path, dataset: str | None = None) -> MapFile:
    """Read a `.mat` file, version 5 or 7.3 (HDF5).

    Planes of a scene get the names of the elements in the file (a cell array such as
    ``elements``), else "band 001" and so on; without names the quantity is reflectance. A file
    without a stack holds maps if two or more of its matrices are named by elements.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Name of the variable to read.

    Raises
    ------
    InputError
        When the file is damaged or holds no maps.
    """
    with explained(path, TITLE):
        is_hdf5 = _is_hdf5(path)
        variables = _read_hdf5(path) if is_hdf5 else _read_classic(path)
    if dataset is not None:
        variables = _only(path, variables, dataset.strip("/"))
    cube = _find(variables, _CUBE_NAMES, ndim=3)
    if cube is None:
        planes = _element_maps(path, variables)
        if planes:
            return MapFile(path, planes)
        held = (
            ", ".join(f"{k} {sizes(np.shape(v)) or 'a single value'}" for k, v in variables.items())
            or "no arrays"
        )
        raise InputError(
            f"{path.name} holds no stack of maps: a scene has data (rows, columns, bands) and "
            f"map (rows, columns), this file has {held}."
        )
    truth = _find(variables, _TRUTH_NAMES, ndim=2, shape=cube.shape[:2])
    notes = []
    if is_hdf5:
        notes.append("a MATLAB 7.3 file keeps its axes in reverse order; they are turned back")
    if truth is not None:
        name = next(key for key, value in variables.items() if value is truth)
        notes.append(
            f"{name} is a truth mask ({np.count_nonzero(np.nan_to_num(truth))} anomalous pixels); "
            "no detector sees it"
        )
    stored = _stored_names(variables, cube.shape[2])
    names = stored or [f"band {i:03d}" for i in range(1, cube.shape[2] + 1)]
    planes = numbered_planes(
        path, cube.shape, cube.dtype, len(names), lambda i: np.asarray(cube[:, :, i]), names
    )
    return MapFile(
        path,
        planes,
        quantity=None if stored else "reflectance",
        notes=tuple(notes),
        truth=None if truth is None else (np.nan_to_num(truth) != 0).astype(np.uint8),
    )


def _only(path: Path, variables: dict[str, Any], name: str) -> dict[str, Any]:
    """The chosen variable with the lists of names."""
    if name not in variables:
        raise InputError(
            f"{path.name} has no variable {name}; it has {', '.join(variables) or 'none'}."
        )
    kept = {k: v for k, v in variables.items() if k.casefold() in _NAME_LISTS}
    return {**kept, name: variables[name]}


def _element_maps(path: Path, variables: Mapping[str, Any]) -> tuple[Plane, ...]:
    """Matrices named by elements, () where fewer than two are."""
    matrices = {
        name: value
        for name, value in variables.items()
        if isinstance(value, np.ndarray)
        and value.ndim == 2
        and value.dtype.kind in "uifb"
        and min(value.shape) > 1
    }
    parsed = parse_names(list(matrices))
    if sum(entry.role == "element" for entry in parsed) < 2:
        return ()
    return tuple(
        Plane(path, value.shape, value.dtype.newbyteorder("="), partial(np.asarray, value), name, i)
        for i, (name, value) in enumerate(matrices.items(), start=1)
    )


def _is_hdf5(path: Path) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))


def _read_classic(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat, whosmat

    with path.open("rb") as file:
        # scipy reads any other file as version 4 and does not check the sizes in it.
        if file.read(6) != b"MATLAB":
            raise InputError(f"{path.name} is no MATLAB 5 or 7.3 file; save it with -v7.")
    require_sound(path)
    total = 0
    for _, shape, kind in whosmat(path):
        n_bytes = math.prod(shape) * _BYTES_AT_LEAST.get(kind, 1)
        require_plausible(path, n_bytes, path.stat().st_size)
        total += n_bytes
    require_memory(path, total, "its variables")
    return {k: v for k, v in loadmat(path).items() if not k.startswith("__")}


def _read_hdf5(path: Path) -> dict[str, Any]:
    """Arrays of a MATLAB 7.3 file; MATLAB stores columns first, so their axes are reversed."""
    import h5py

    found: dict[str, Any] = {}
    size = path.stat().st_size
    with h5py.File(path, "r") as file:
        for name, item in file.items():
            if not isinstance(item, h5py.Dataset):
                continue
            if item.dtype.kind in "uifb":
                require_stored(path, name, size, item)
                require_memory(path, item.size * item.dtype.itemsize, f"the numbers of {name}")
                found[name] = np.transpose(item[()])
            elif name.casefold() in _NAME_LISTS and h5py.check_ref_dtype(item.dtype):
                # A cell array of strings: references to arrays of character codes.
                cells = [file[reference] for reference in np.ravel(item[()])]
                found[name] = np.array(["".join(map(chr, np.ravel(c[()]))) for c in cells])
    return found


def _find(
    variables: Mapping[str, Any],
    names: tuple[str, ...],
    ndim: int,
    shape: tuple[int, ...] | None = None,
) -> NDArray[Any] | None:
    """The variable with one of these names, else the only one of this kind."""
    fitting = {
        key.casefold(): value
        for key, value in variables.items()
        if isinstance(value, np.ndarray)
        and value.dtype.kind in "uifb"
        and value.ndim == ndim
        and 0 not in value.shape
        and (shape is None or value.shape == shape)
    }
    for name in names:
        if name in fitting:
            return fitting[name]
    return next(iter(fitting.values())) if len(fitting) == 1 else None


def _stored_names(variables: Mapping[str, Any], count: int) -> list[str]:
    """Names of the bands from a cell array of strings, [] if there is none that fits."""
    for key in _NAME_LISTS:
        value = variables.get(key)
        if isinstance(value, np.ndarray) and value.dtype.kind in "OU" and value.size == count:
            names = [str(np.ravel(cell)[0]).strip() for cell in value.ravel() if np.size(cell)]
            if len(set(names)) == count:
                return names
    return []
