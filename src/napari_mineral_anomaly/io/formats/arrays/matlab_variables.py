"""The variables of a MATLAB file, version 5 or 7.3: arrays of numbers and lists of words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.arrays.matlab_check import require_sound
from napari_mineral_anomaly.io.formats.hdf5.maps import require_stored
from napari_mineral_anomaly.io.formats.shared.disk.guards import require_memory, require_plausible
from napari_mineral_anomaly.io.formats.shared.texts import as_text

_BYTES_AT_LEAST = {"double": 8, "int64": 8, "uint64": 8, "single": 4, "int32": 4, "uint32": 4}
_BYTES_AT_LEAST |= {"int16": 2, "uint16": 2}
_MOST_CELLS = 10_000
_LONGEST_WORD = 1000
_STRINGS = "an array of strings, which only MATLAB can read: save it as cellstr(...)"


@dataclass
class Variables:
    """What a file holds.

    Attributes
    ----------
    arrays : dict of str to array
        Real numbers, axes in the order of MATLAB; logical and sparse ones as plain arrays.
    texts : dict of str to tuple of str
        Cell arrays of words, and char matrices, a word per row.
    others : dict of str to str
        What is not read, in words.
    steps : list of str
    notes : list of str
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def only(self, path: Path, name: str) -> Variables:
        """The chosen array, with the lists of words.

        Raises
        ------
        InputError
            When it is not there.
        """
        if name not in self.arrays:
            why = f": it is {self.others[name]}" if name in self.others else ""
            raise InputError(
                f"{path.name} has no array {name}{why}; it has {', '.join(self.arrays) or 'none'}."
            )
        return Variables({name: self.arrays[name]}, self.texts, {}, self.steps, self.notes)


def read_variables(path: Path) -> Variables:
    """All variables of a MATLAB file.

    Raises
    ------
    InputError
        When it is damaged or no MATLAB file of version 5 or 7.3.
    """
    import h5py

    return _of_hdf5(path) if h5py.is_hdf5(path) else _of_classic(path)


def _of_classic(path: Path) -> Variables:
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
    found = Variables()
    loaded = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    for name, value in loaded.items():
        names = getattr(getattr(value, "dtype", None), "names", None)
        if names and getattr(value, "size", 0) == 1 and not _is_opaque(value):
            fields = {one: value[one].ravel()[0] for one in names}
            if not fields.keys() & loaded.keys():
                found.steps.append(f"variables {', '.join(names)} from the struct {name}")
                for one, inner in fields.items():
                    _add(found, one, inner)
                continue
        _add(found, name, value)
    return found


def _is_opaque(value: Any) -> bool:
    """Whether scipy could not read an object of MATLAB."""
    return type(value).__name__ in ("MatlabOpaque", "MatlabFunction")


def _add(found: Variables, name: str, value: Any) -> None:
    """Sort one variable of scipy."""
    if hasattr(value, "toarray"):  # a sparse matrix
        value = value.toarray()
    if _is_opaque(value):
        strings = b"string" in bytes(str(value), "utf-8", errors="replace")
        found.others[name] = _STRINGS if strings else "an object that only MATLAB can read"
        return
    if not isinstance(value, np.ndarray):
        return
    if value.dtype.names:
        found.others[name] = f"a struct with the fields {', '.join(value.dtype.names)}"
    elif value.dtype.kind in "uif":
        found.arrays[name] = value
    elif value.dtype.kind == "b":
        found.arrays[name] = value.astype(np.uint8)
    elif value.dtype.kind == "c":
        found.others[name] = "complex numbers: save their real part or abs(...)"
    elif value.dtype.kind == "U":
        found.texts[name] = _words(value.ravel().tolist())
    elif value.dtype.kind == "O" and value.size <= _MOST_CELLS:
        cells = [np.ravel(cell) for cell in value.ravel()]
        if cells and all(cell.dtype.kind == "U" and cell.size <= 1 for cell in cells):
            found.texts[name] = _words([str(cell[0]) if cell.size else "" for cell in cells])
        else:
            found.others[name] = "a cell array"


def _of_hdf5(path: Path) -> Variables:
    """Variables of a MATLAB 7.3 file; MATLAB stores columns first, so their axes are reversed."""
    import h5py

    found = Variables()
    with path.open("rb") as raw:
        by_matlab = raw.read(10) == b"MATLAB 7.3"
    with h5py.File(path, "r") as file:
        members = dict(file.items())
        for name, item in list(members.items()):
            if isinstance(item, h5py.Group) and _kind(item) == "struct":
                inner = dict(item.items())
                if not inner.keys() & members.keys():
                    del members[name]
                    members.update(inner)
                    found.steps.append(f"variables {', '.join(inner)} from the struct {name}")
        for name, item in members.items():
            if not name.startswith("#"):
                by_matlab = by_matlab or bool(_kind(item))
                _add_stored(found, path, file, name, item)
    sentence = "a MATLAB 7.3 file keeps its axes in reverse order; they are turned back"
    if by_matlab:
        found.steps.append(sentence)
    else:
        found.notes.append(
            f"{sentence}; the file was perhaps not written by MATLAB: compare the maps, and call "
            "it .h5 to have its axes read as they are stored"
        )
    return found


def _kind(item: Any) -> str:
    """The class of a variable in MATLAB: "double", "char", "cell", "struct"."""
    return as_text(item.attrs.get("MATLAB_class"))


def _add_stored(found: Variables, path: Path, file: Any, name: str, item: Any) -> None:
    """Sort one variable of a MATLAB 7.3 file."""
    import h5py

    kind = _kind(item)
    if item.attrs.get("MATLAB_empty"):
        return
    if isinstance(item, h5py.Group):
        if "MATLAB_sparse" in item.attrs:
            found.arrays[name] = _sparse(path, item)
        elif kind:
            found.others[name] = "a struct"
    elif kind == "string" or "MATLAB_object_decode" in item.attrs:
        found.others[name] = _STRINGS if kind == "string" else "an object of MATLAB"
    elif h5py.check_ref_dtype(item.dtype):
        words = _cells(file, item)
        if words is None:
            found.others[name] = "a cell array"
        else:
            found.texts[name] = words
    elif kind == "char":
        if item.size <= _MOST_CELLS * _LONGEST_WORD:
            rows = np.atleast_2d(np.transpose(item[()]))
            found.texts[name] = _words(["".join(map(chr, row)) for row in rows])
    elif item.dtype.kind in "uifb":
        require_stored(path, name, path.stat().st_size, item)
        require_memory(path, item.size * item.dtype.itemsize, f"the numbers of {name}")
        values = np.transpose(item[()])
        found.arrays[name] = values.astype(np.uint8) if values.dtype.kind == "b" else values
    elif item.dtype.names == ("real", "imag"):
        found.others[name] = "complex numbers: save their real part or abs(...)"


def _cells(file: Any, item: Any) -> tuple[str, ...] | None:
    """The words of a cell array: references to arrays of character codes; None for others."""
    if item.size > _MOST_CELLS:
        return None
    words = []
    # Transposed, so that the cells come in the order of MATLAB.
    for reference in np.ravel(np.transpose(item[()]), order="F"):
        cell = file[reference] if reference else None
        if cell is None or cell.dtype.kind != "u" or cell.size > _LONGEST_WORD:
            return None
        empty = cell.attrs.get("MATLAB_empty")
        words.append("" if empty else "".join(map(chr, np.ravel(cell[()]))))
    return _words(words)


def _sparse(path: Path, group: Any) -> NDArray[Any]:
    """A sparse matrix as a plain array: ``data`` in column order, ``ir`` rows, ``jc`` columns."""
    from scipy.sparse import csc_matrix

    columns = np.asarray(group["jc"][()]).astype(np.int64)
    shape = (int(group.attrs["MATLAB_sparse"]), len(columns) - 1)
    require_plausible(path, shape[0] * shape[1], path.stat().st_size)
    if "data" not in group:
        return np.zeros(shape)
    rows = np.asarray(group["ir"][()]).astype(np.int64)
    return np.asarray(csc_matrix((group["data"][()], rows, columns), shape=shape).toarray())


def _words(rows: list[str]) -> tuple[str, ...]:
    """The words of a list; one row with commas or blanks is a list of words, too."""
    words = [row.strip().strip("\0") for row in rows]
    if len(words) == 1:
        words = [word for word in re.split(r"[,;\s]+", words[0]) if word]
    return tuple(words)


def held(variables: Variables, sizes: Mapping[str, str]) -> str:
    """The variables in words, for a refusal."""
    parts = [f"{name} {sizes[name]}" for name in variables.arrays]
    parts += [f"{name} ({what})" for name, what in variables.others.items()]
    return ", ".join(parts) or "no arrays"
