"""Decode a file with RosettaSciIO: runs in a bare process, so it imports next to nothing.

RosettaSciIO is GPL-3 and an extra that the user installs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.process import free_memory

# Decoding needs the cube and about as much again for a moment.
_MEMORY_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class DecodedCube:
    """The spectra of a file.

    Attributes
    ----------
    counts : (H, W, E) or None
        Sum over the detectors; None where only the description was asked for.
    n_detectors : int
    axes : list of dict
        ``name``, ``size``, ``offset``, ``scale`` and ``units`` of the rows, columns and channels.
    metadata : dict
        ``Acquisition_instrument`` and ``Sample``, as numbers, texts, lists and dicts.
    warnings : list of str
        What the library logged.
    """

    counts: NDArray[Any] | None
    n_detectors: int
    axes: list[dict[str, Any]]
    metadata: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def decode(
    path: str, name: str, module: str, options: dict[str, Any], *, counts: bool = True
) -> DecodedCube:
    """Decode the spectrum image of a file.

    Parameters
    ----------
    path : str
    name : str
        Of the file, for sentences.
    module : str
        The reader: "rsciio.bruker".
    options : dict
        For its ``file_reader``.
    counts : bool
        Whether the counts are wanted, too.

    Raises
    ------
    InputError
        When a library is missing, when there are no spectra, or too many for the memory.
    Exception
        Whatever the library raises for a damaged file.
    """
    collector = _Collector()
    try:
        reader = import_module(module)
        # After the import, which sets up handlers of its own.
        logging.getLogger("rsciio").addHandler(collector)
        found = reader.file_reader(path, **options)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{name} needs the library {error.name}: pip install {error.name}."
        ) from None
    except MemoryError:
        raise _too_large(name) from None
    cubes = [item for item in found if np.ndim(item["data"]) == 3]
    if not cubes:
        raise InputError(f"{name} holds no spectra, only maps or images: export the maps.")
    if len({tuple(cube["data"].shape) for cube in cubes}) > 1:
        raise InputError(
            f"{name} holds {len(cubes)} spectrum images of different size: open the file of one "
            "of them."
        )
    keys = ("name", "size", "offset", "scale", "units")
    axes = [{key: _plain(axis.get(key)) for key in keys} for axis in cubes[0]["axes"]]
    metadata = cubes[0].get("metadata", {})
    described = {key: _plain(metadata.get(key, {})) for key in ("Acquisition_instrument", "Sample")}
    values = _sum([cube["data"] for cube in cubes], name) if counts else None
    return DecodedCube(values, len(cubes), axes, described, collector.lines)


def _sum(cubes: list[Any], name: str) -> NDArray[Any]:
    first = cubes[0]
    dtype = np.dtype(first.dtype)
    if len(cubes) > 1:
        dtype = np.result_type(*(cube.dtype for cube in cubes), np.uint32)
    needed = int(np.prod(first.shape, dtype=np.int64)) * dtype.itemsize
    free = free_memory()
    if free is not None and needed > _MEMORY_SHARE * free:
        raise InputError(
            f"{name} can only be decoded whole, which takes {needed / 1e9:.1f} GB and as much "
            f"again for a moment; {free / 1e9:.1f} GB of memory are free: export element maps, or "
            "the cube as Ripple (.rpl), from your instrument's software."
        )
    try:
        if len(cubes) == 1:
            return np.ascontiguousarray(np.asarray(first))
        total = np.zeros(first.shape, dtype=dtype)
        for cube in cubes:
            total += np.asarray(cube)
    except MemoryError:
        raise _too_large(name) from None
    return total


def _too_large(name: str) -> InputError:
    return InputError(
        f"{name} needs more memory than is free to be decoded, or its header is damaged: export "
        "element maps, or the cube as Ripple (.rpl), from your instrument's software."
    )


def _plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts; anything else as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)
