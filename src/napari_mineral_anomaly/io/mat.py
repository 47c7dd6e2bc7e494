"""MATLAB scenes, the form of the field's benchmarks: `data` (H, W, C) and truth `map` (H, W)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.planes import MapFile, Plane, explained

TITLE = "MATLAB file"
_CUBE_NAMES = ("data", "image", "cube", "img", "hsi")
_TRUTH_NAMES = ("map", "mask", "truth", "gt", "groundtruth")
_NAME_LISTS = ("elements", "element_names", "names", "bands", "band_names")


def can_read(path: Path) -> bool:
    """Whether the name is that of a MATLAB file."""
    return path.suffix.lower() == ".mat"


def open_file(path: Path) -> MapFile:
    """Read a `.mat` scene, classic or 7.3 (HDF5).

    Planes are named by the elements stored in the file (a cell array such as ``elements``), else
    "band 001" and so on; without stored names the numbers are called reflectance.

    Raises
    ------
    InputError
        When the file is damaged or holds no stack of maps.
    """
    with explained(path, TITLE):
        variables = _read_hdf5(path) if _is_hdf5(path) else _read_classic(path)
    cube = _find(variables, _CUBE_NAMES, ndim=3)
    if cube is None:
        held = ", ".join(f"{k} {_size(v)}" for k, v in variables.items()) or "no arrays"
        raise InputError(
            f"{path.name} holds no stack of maps: a scene has data (rows, columns, bands) and "
            f"map (rows, columns), this file has {held}."
        )
    truth = _find(variables, _TRUTH_NAMES, ndim=2, shape=cube.shape[:2])
    stored = _stored_names(variables, cube.shape[2])
    names = stored or [f"band {i:03d}" for i in range(1, cube.shape[2] + 1)]
    shape = (int(cube.shape[0]), int(cube.shape[1]))
    planes = tuple(
        Plane(path, shape, cube.dtype.newbyteorder("="), partial(_band, cube, i), name, i + 1)
        for i, name in enumerate(names)
    )
    return MapFile(
        path,
        planes,
        quantity=None if stored else "reflectance",
        truth=None if truth is None else (np.nan_to_num(truth) != 0).astype(np.uint8),
    )


def _band(cube: NDArray[Any], index: int) -> NDArray[Any]:
    return np.asarray(cube[:, :, index])


def _is_hdf5(path: Path) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))


def _read_classic(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    return {k: v for k, v in loadmat(path).items() if not k.startswith("__")}


def _read_hdf5(path: Path) -> dict[str, Any]:
    """MATLAB writes its columns first, so every array comes back with reversed axes."""
    import h5py

    with h5py.File(path, "r") as file:
        return {
            name: np.transpose(item[()])
            for name, item in file.items()
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "uifb"
        }


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


def _size(value: Any) -> str:
    return "x".join(map(str, np.shape(value))) or "a single value"
