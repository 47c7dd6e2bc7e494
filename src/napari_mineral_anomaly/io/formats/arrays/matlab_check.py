"""Checks the tags of a MATLAB 5 file, which scipy's reader does not check.

In scipy, a data type that does not exist ends the process, and a size of gigabytes is allocated
before it is compared with the size of the file. So the tags are checked first ("MAT-File Format",
The MathWorks, chapter 1: elements of a tag and data, padded to 8 bytes; small ones in one tag).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from napari_mineral_anomaly.errors import InputError

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_DATA_TYPES = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 12, 13, _MATRIX, 16, 17, 18))
# The tags before the numbers of a variable, and cells of names, are within this.
_HEAD_BYTES = 65_536
_DEEPEST = 16


def require_sound(path: Path) -> None:
    """Check the tags of all elements of a MATLAB 5 file; of large elements only the first 64 kB.

    Raises
    ------
    InputError
        When an element reaches beyond its place or has a type that does not exist.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
        if order is None:
            raise _damaged(path, "its header is not that of MATLAB 5")
        position = _HEADER_BYTES
        while position < size:
            file.seek(position)
            tag = file.read(8)
            if len(tag) < 8:
                raise _damaged(path, "it is cut short")
            kind, n_bytes = struct.unpack(order + "II", tag)
            if kind not in (_MATRIX, _COMPRESSED):
                raise _damaged(path, f"it holds an element of the unknown type {kind}")
            if position + 8 + n_bytes > size:
                raise _damaged(path, f"it needs {position + 8 + n_bytes} bytes and has {size}")
            body = file.read(min(n_bytes, _HEAD_BYTES))
            if kind == _COMPRESSED:
                n_bytes, body = _unpacked(path, order, body)
            _walk_matrix(path, order, body, n_bytes, 0)
            position += 8 + struct.unpack(order + "I", tag[4:])[0]


def _unpacked(path: Path, order: str, packed: bytes) -> tuple[int, bytes]:
    """Declared size and head of the matrix in a compressed element."""
    try:
        head = zlib.decompressobj().decompress(packed, _HEAD_BYTES)
    except zlib.error as error:
        raise _damaged(path, f"a variable cannot be unpacked ({error})") from None
    if len(head) < 8:
        raise _damaged(path, "it is cut short")
    kind, n_bytes = struct.unpack(order + "II", head[:8])
    if kind != _MATRIX:
        raise _damaged(path, f"it holds an element of the unknown type {kind}")
    return int(n_bytes), head[8:]


def _walk_matrix(path: Path, order: str, body: bytes, n_bytes: int, depth: int) -> None:
    """Check the tags inside a matrix of ``n_bytes``, as far as ``body`` reaches."""
    if depth > _DEEPEST:
        raise _damaged(path, "its variables lie too deep in one another")
    position, number = 0, 0
    while position + 8 <= min(n_bytes, len(body)):
        word, size = struct.unpack_from(order + "II", body, position)
        if word >> 16:
            kind, size, step = word & 0xFFFF, word >> 16, 8
            start, fits = position + 4, size <= 4
        else:
            kind, start, step = word, position + 8, 8 + -(-size // 8) * 8
            fits = start + size <= n_bytes
        if kind not in _DATA_TYPES or not fits:
            raise _damaged(path, f"an element of type {kind} with {size} bytes is not possible")
        if number == 0 and (kind, size) != (6, 8):
            raise _damaged(path, "a variable has no flags")
        if number == 1 and kind != 5:
            raise _damaged(path, "a variable has no size")
        if kind == _MATRIX:
            _walk_matrix(path, order, body[start : start + size], size, depth + 1)
        position += step
        number += 1


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path.name} is damaged: {why}.")
