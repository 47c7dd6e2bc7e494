"""datamuncher stacks: `.ims` with numbers as text, `.dms` with raw numbers, names at the end."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.containers import Container, StoredArray, stack_planes
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype
from napari_mineral_anomaly.io.formats.shared.guards import explained
from napari_mineral_anomaly.io.formats.shared.planes import MapFile

TITLE = "datamuncher stack"
_LONGEST_LINE = 1000
# The least that a number takes: a digit and a blank in an .ims, a float32 in a .dms.
_LEAST_BYTES = {"ims": 2, "dms": 4}
_NOTE = (
    "datamuncher stacks are read as rows, columns, maps in the order of their sizes, which no "
    "real file has confirmed to us; compare a map with the sample"
)


def can_read(path: Path) -> bool:
    """Whether the name is that of a datamuncher stack."""
    return path.suffix.lower() in (".dms", ".ims")


def open_file(path: Path) -> MapFile:
    """Read a stack: number of dimensions, sizes (rows, columns, maps), numbers, names.

    The map changes fastest, then the column. The numbers of a `.dms` are little-endian floats of 8
    or 4 bytes, whichever leaves room for the names.

    Raises
    ------
    InputError
        When sizes, numbers and names do not agree.
    """
    kind = path.suffix.lower()[1:]
    with explained(path, TITLE), path.open("rb") as file:
        sizes = _sizes(path, file.readline(_LONGEST_LINE), file.readline(_LONGEST_LINE))
        count, start = math.prod(sizes), file.tell()
        size = path.stat().st_size
        if size - start < count * _LEAST_BYTES[kind] - 1:
            raise InputError(
                f"{path.name} is cut short: {count} numbers ({'x'.join(map(str, sizes))}) do not "
                f"fit into its {size} bytes."
            )
        rest = file.read()
    with explained(path, TITLE):
        if kind == "dms":
            values, tail = _raw_numbers(rest, count, sizes[2])
        else:
            values, tail = _text_numbers(path, rest, count, sizes[2])
    rows, columns, maps = sizes
    names = tuple(line.strip() for line in tail if line.strip())
    if len(names) != maps:
        raise InputError(
            f"{path.name} is damaged: it declares {maps} maps but names {len(names)} elements."
        )
    notes: tuple[str, ...] = (_NOTE,)
    if not rest.endswith((b"\n", b"\r")):
        notes += (
            "the file ends without a line break; if it was cut short there, the name of its last "
            f"map ({names[-1]}) is not whole",
        )
    stack = in_smallest_dtype(values.reshape(rows, columns, maps).transpose(2, 0, 1))
    stored = StoredArray("stack", stack.shape, stack.dtype, partial(_given, stack))
    return MapFile(path, stack_planes(Container(path, [stored]), stored, names), notes=notes)


def _sizes(path: Path, first: bytes, second: bytes) -> tuple[int, int, int]:
    try:
        n_dimensions = int(first)
        sizes = [int(word) for word in second.split()]
    except ValueError:
        raise InputError(
            f"{path.name} is no datamuncher stack although its name says so."
        ) from None
    if n_dimensions != 3 or len(sizes) != 3 or min(sizes) < 1:
        raise InputError(
            f"{path.name} holds no stack of maps: it declares {n_dimensions} dimensions of "
            f"{sizes}; columns, rows and maps are needed."
        )
    return sizes[0], sizes[1], sizes[2]


def _raw_numbers(rest: bytes, count: int, maps: int) -> tuple[NDArray[Any], list[str]]:
    tail: list[str] = []
    for dtype in ("<f8", "<f4"):
        n_bytes = count * np.dtype(dtype).itemsize
        text = rest[n_bytes:].decode("ascii", errors="replace")
        tail = [line.strip() for line in text.splitlines() if line.strip()]
        if len(rest) >= n_bytes and len(tail) == maps and text.isprintable() is False:
            return np.frombuffer(rest, dtype=dtype, count=count), tail
    return np.zeros(count), tail


def _text_numbers(path: Path, rest: bytes, count: int, maps: int) -> tuple[NDArray[Any], list[str]]:
    """Numbers, then a name per line."""
    lines = [line for line in rest.decode("utf-8", errors="replace").splitlines() if line.strip()]
    words = " ".join(lines[:-maps]).split()
    if len(words) < count:
        raise InputError(
            f"{path.name} is cut short: {len(words)} of its {count} numbers are left above the "
            f"names of {maps} elements."
        )
    if len(words) > count:
        raise InputError(
            f"{path.name} is damaged: {len(words)} numbers stand above the names of its {maps} "
            f"elements, its sizes declare {count}."
        )
    return np.array(words, dtype=np.float64), lines[-maps:]


def _given(values: NDArray[Any]) -> NDArray[Any]:
    return values
