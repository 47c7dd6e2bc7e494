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
    open_stack,
    stored_pixel_size,
)
from napari_mineral_anomaly.io.formats.shared.guards import (
    explained,
    require_memory,
    require_plausible,
)
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize, MapFile, Opened, Plane
from napari_mineral_anomaly.io.formats.shared.texts import as_text
from napari_mineral_anomaly.words import sizes

TITLE = "numpy array"
_LONGEST_NAME_LIST = 100_000


def open_npy(path: Path) -> Opened:
    """List the map or the maps in a `.npy`; pickled objects are never loaded.

    The file holds no names. Those of its elements come from a file beside it, ``scan.json`` (a
    list, or ``{"elements": [...], "pixel_size_um": 20}``) or ``scan.txt`` (a name per line) for
    ``scan.npy``.

    Raises
    ------
    InputError
        When the file is damaged or holds something else than real numbers.
    """
    with explained(path, TITLE):
        return _npy(path)


def open_npz(path: Path, dataset: str | None = None) -> Opened:
    """List the maps in a `.npz`: a stack with a list ``elements``, or a map for each element.

    Raises
    ------
    InputError
        As `open_npy`.
    """
    with explained(path, TITLE):
        container = _npz(path)
        return maps_in(container if dataset is None else container.below(dataset))


def _npy(path: Path) -> Opened:
    with path.open("rb") as file:
        shape, _, dtype = read_header(path, file)
        start = file.tell()
    needed, size = start + math.prod(shape) * dtype.itemsize, path.stat().st_size
    if size < needed:
        raise InputError(
            f"{path.name} is cut short: its header promises {needed} bytes, the file has {size}."
        )
    _require_numbers(path, dtype)
    names, pixel_size = _beside(path)
    read = partial(np.load, path, allow_pickle=False)
    array = StoredArray("array", shape, dtype, read)
    container = Container(path, [array], pixel_size=pixel_size)
    if len(shape) == 2 and 0 not in shape:
        name = names[0] if len(names) == 1 else ""
        native = dtype.newbyteorder("=")
        plane = Plane(path, (shape[0], shape[1]), native, read, name, None, pixel_size)
        return MapFile(path, (plane,))
    if len(shape) != 3 or 0 in shape:
        raise InputError(
            f"{path.name} is no map and no stack of maps: its shape is "
            f"{sizes(shape) or 'one value'}."
        )
    if names and len(names) not in (shape[0], shape[2]):
        raise InputError(
            f"The list of elements beside {path.name} has {len(names)} names, the array is "
            f"{sizes(shape)}."
        )
    return open_stack(container, array, names)


def _npz(path: Path) -> Container:
    arrays: list[StoredArray] = []
    texts: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        require_sound_archive(path, archive)
        if broken := archive.testzip():
            raise InputError(f"{path.name} is damaged: its array {broken} does not unpack.")
        for name, shape, dtype in members(path, archive):
            if dtype.kind in "uifb":
                arrays.append(StoredArray(name, shape, dtype, partial(_member, path, name)))
            elif dtype.kind in "US" and len(shape) == 1 and shape[0] < _LONGEST_NAME_LIST:
                texts[name] = tuple(as_text(word) for word in _member(path, name))
            if dtype.kind in "uifUS" and 0 < math.prod(shape) <= 3:
                numbers[name] = _member(path, name)
    return Container(path, arrays, texts, stored_pixel_size(numbers, "pixel_size array"))


def require_sound_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse arrays that unpack to more than they can, or than fits into memory.

    Raises
    ------
    InputError
    """
    for info in archive.infolist():
        require_plausible(path, info.file_size, info.compress_size)
        require_memory(path, info.file_size, f"the array {info.filename}")


def members(
    path: Path, archive: zipfile.ZipFile
) -> Iterator[tuple[str, tuple[int, ...], np.dtype[Any]]]:
    """Name, shape and dtype of each array of a `.npz`, from the headers.

    Raises
    ------
    InputError
        When an array is cut short, or declares more numbers than the file can hold.
    """
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        require_plausible(path, info.file_size, info.compress_size)
        with archive.open(info) as file:
            shape, _, dtype = read_header(path, file)
        if math.prod(shape) * dtype.itemsize > info.file_size:
            raise InputError(f"{path.name} is damaged: its array {info.filename} is cut short.")
        yield info.filename.removesuffix(".npy"), shape, dtype


def _member(path: Path, name: str) -> NDArray[Any]:
    with explained(path, TITLE), np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[name])


def read_header(path: Path, file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and dtype of a `.npy`; ``file`` then is at the numbers.

    Raises
    ------
    InputError
        For versions of the format other than 1.0 and 2.0.
    """
    stream: BinaryIO = file
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise InputError(f"{path.name} is a numpy file of an unknown version {version}.")
    shape, columns_first, dtype = read(stream)
    return tuple(int(size) for size in shape), bool(columns_first), dtype


def _require_numbers(path: Path, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "uifb":
        raise InputError(f"{path.name} holds no real numbers but {dtype}.")


def _beside(path: Path) -> tuple[tuple[str, ...], FilePixelSize | None]:
    """Names of the elements and pixel size from a file beside it with the same name."""
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
