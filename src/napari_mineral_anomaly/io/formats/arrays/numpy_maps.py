"""numpy arrays: `.npy` with one map or a stack, `.npz` with arrays named by elements."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.containers import (
    Container,
    StoredArray,
    maps_in,
    stack_planes,
    stored_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.guards import explained, require_plausible
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, PixelSize, Plane

TITLE = "numpy array"
_LONGEST_NAME_LIST = 100_000


def can_read(path: Path) -> bool:
    """Whether the name is that of a file of numpy arrays."""
    return path.suffix.lower() in (".npy", ".npz")


def open_file(path: Path, dataset: str | None = None) -> MapFile:
    """List the maps in a `.npy` or `.npz`; pickled objects are never loaded.

    A `.npy` has no names: those of its elements come from a file beside it, ``scan.json`` (a list,
    or ``{"elements": [...], "pixel_size_um": 20}``) or ``scan.txt`` (a name per line) for
    ``scan.npy``. A `.npz` is a stack with a list ``elements``, or a map under each element's name.

    Raises
    ------
    HoldsSpectra
        When the array is a spectrum image.
    InputError
        When the file is damaged or holds something else than real numbers.
    """
    with explained(path, TITLE):
        if path.suffix.lower() == ".npz":
            container = _npz(path)
            if dataset is not None:
                container = container.below(dataset)
            return MapFile(path, maps_in(container))
        return MapFile(path, _npy(path))


def _npy(path: Path) -> tuple[Plane, ...]:
    with path.open("rb") as file:
        shape, dtype = _header(path, file)
        start = file.tell()
    needed, size = start + math.prod(shape) * dtype.itemsize, path.stat().st_size
    if size < needed:
        raise InputError(
            f"{path.name} is cut short: its header promises {needed} bytes, the file has {size}."
        )
    _require_numbers(path, dtype)
    names, pixel_size = _beside(path)
    read = partial(np.load, path, mmap_mode="r", allow_pickle=False)
    array = StoredArray("array", shape, dtype, read)
    container = Container(path, [array], pixel_size=pixel_size)
    if len(shape) == 2 and 0 not in shape:
        name = names[0] if len(names) == 1 else ""
        native = dtype.newbyteorder("=")
        return (Plane(path, (shape[0], shape[1]), native, read, name, None, pixel_size),)
    if len(shape) != 3 or 0 in shape:
        words = "x".join(map(str, shape)) or "one value"
        raise InputError(f"{path.name} is no map and no stack of maps: its shape is {words}.")
    if names and len(names) not in (shape[0], shape[2]):
        raise InputError(
            f"The list of elements beside {path.name} has {len(names)} names, the array is "
            f"{'x'.join(map(str, shape))}."
        )
    return stack_planes(container, array, names)


def _npz(path: Path) -> Container:
    arrays: list[StoredArray] = []
    texts: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        if broken := archive.testzip():
            raise InputError(f"{path.name} is damaged: its array {broken} does not unpack.")
        for name, shape, dtype in _members(path, archive):
            if dtype.kind in "uifb":
                arrays.append(StoredArray(name, shape, dtype, partial(_member, path, name)))
            elif dtype.kind in "US" and len(shape) == 1 and shape[0] < _LONGEST_NAME_LIST:
                texts[name] = tuple(_text(word) for word in _member(path, name))
            if dtype.kind in "uifUS" and 0 < math.prod(shape) <= 3:
                numbers[name] = _member(path, name)
    return Container(path, arrays, texts, stored_pixel_size(numbers, "pixel_size array"))


def _members(
    path: Path, archive: zipfile.ZipFile
) -> Iterator[tuple[str, tuple[int, ...], np.dtype[Any]]]:
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        require_plausible(path, info.file_size, info.compress_size)
        with archive.open(info) as file:
            shape, dtype = _header(path, file)
        if math.prod(shape) * dtype.itemsize > info.file_size:
            raise InputError(f"{path.name} is damaged: its array {info.filename} is cut short.")
        yield info.filename.removesuffix(".npy"), shape, dtype


def _member(path: Path, name: str) -> NDArray[Any]:
    with explained(path, TITLE), np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[name])


def _header(path: Path, file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype from the head of a `.npy`; the file then stands at the numbers."""
    stream: BinaryIO = file
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise InputError(f"{path.name} is a numpy file of an unknown version {version}.")
    shape, _, dtype = read(stream)
    return tuple(int(size) for size in shape), dtype


def _require_numbers(path: Path, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "uifb":
        raise InputError(f"{path.name} holds no real numbers but {dtype}.")


def _beside(path: Path) -> tuple[tuple[str, ...], PixelSize | None]:
    """Names of the elements and pixel size from a file of the same name."""
    sidecar = path.with_suffix(".json")
    if sidecar.is_file():
        content = json.loads(sidecar.read_text(encoding="utf-8-sig"))
        listing = content.get("elements", []) if isinstance(content, dict) else content
        if not isinstance(listing, list):
            raise InputError(f"{sidecar.name} names no list of elements for {path.name}.")
        attributes = content if isinstance(content, dict) else {}
        size = stored_pixel_size(
            {k: v for k, v in attributes.items() if isinstance(v, int | float | str | list)},
            f"pixel size in {sidecar.name}",
        )
        return tuple(str(name) for name in listing), size
    sidecar = path.with_suffix(".txt")
    if sidecar.is_file():
        text = sidecar.read_text(encoding="utf-8-sig").replace(",", "\n")
        return tuple(line.strip() for line in text.splitlines() if line.strip()), None
    return (), None


def _text(word: Any) -> str:
    return word.decode("utf-8", errors="replace") if isinstance(word, bytes) else str(word)
