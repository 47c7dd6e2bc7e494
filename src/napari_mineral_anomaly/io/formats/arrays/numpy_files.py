"""Headers and numbers of `.npy` and `.npz` files."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.guards import require_memory, require_plausible
from napari_mineral_anomaly.io.formats.shared.spectra import mapped_file

# numpy.lib.format refuses longer headers, but only after it has read them.
_MOST_HEADER_BYTES = 10_000


def read_header(path: Path, file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and dtype of a `.npy`; ``file`` then is at the numbers.

    Raises
    ------
    InputError
        For versions of the format other than 1.0 to 3.0, and for headers longer than numpy reads.
    """
    stream: BinaryIO = file
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise InputError(f"{path.name} is a numpy file of an unknown version {version}.")
    if version != (1, 0):
        _require_short_header(path, stream)
    # Versions 2 and 3 differ in the encoding of field names only; numpy reads both here.
    read: Any = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, columns_first, dtype = read(stream)
    return tuple(int(size) for size in shape), bool(columns_first), dtype


def _require_short_header(path: Path, stream: BinaryIO) -> None:
    """Refuse a header longer than numpy evaluates, before numpy asks for that much memory."""
    start = stream.tell()
    length = int.from_bytes(stream.read(4), "little")
    stream.seek(start)
    if length > _MOST_HEADER_BYTES:
        raise InputError(
            f"{path.name} is damaged: its header says that it is {length} bytes long, "
            f"and numpy reads at most {_MOST_HEADER_BYTES}; save the array again."
        )


def require_bytes(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], offset: int) -> None:
    """Refuse a file that is shorter than its header says.

    Raises
    ------
    InputError
    """
    needed, size = offset + math.prod(shape) * dtype.itemsize, path.stat().st_size
    if size < needed:
        raise InputError(
            f"{path.name} is cut short: its header promises {needed} bytes, the file has {size}."
        )


def numbers_of(
    path: Path, shape: tuple[int, ...], columns_first: bool, dtype: np.dtype[Any], offset: int
) -> Any:
    """The numbers of a `.npy` as an array-like that reads them block by block."""
    if 0 in shape or not shape:
        return np.zeros(shape, dtype)
    stored = shape[::-1] if columns_first else shape
    numbers, _ = mapped_file(path, dtype, stored, offset, header="its header")
    return numbers.transpose(*reversed(range(len(shape)))) if columns_first else numbers


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
        if dtype.hasobject:
            dtype = np.dtype(object)  # a pickle of any length
        elif math.prod(shape) * dtype.itemsize > info.file_size:
            raise InputError(f"{path.name} is damaged: its array {info.filename} is cut short.")
        yield info.filename.removesuffix(".npy"), shape, dtype


def member(path: Path, name: str) -> NDArray[Any]:
    """One array of a `.npz`; pickled objects are never loaded."""
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[name])


def not_numbers(path: Path, dtype: np.dtype[Any]) -> InputError:
    """Why an array that holds no real numbers is not read."""
    if dtype.hasobject:
        return InputError(
            f"{path.name} holds pickled Python objects, which are never loaded: save an array of "
            "numbers (numpy.save of array.astype(float))."
        )
    if dtype.kind == "c":
        return InputError(
            f"{path.name} holds complex numbers: save their real part or their absolute value."
        )
    kind = "the fields " + ", ".join(dtype.names) if dtype.names else str(dtype)
    return InputError(f"{path.name} holds no real numbers but {kind}.")
