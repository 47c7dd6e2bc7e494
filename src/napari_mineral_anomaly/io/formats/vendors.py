"""Spectrum images of instrument makers, read through RosettaSciIO: Bruker, JEOL, EDAX.

RosettaSciIO is GPL-3. It is therefore an extra that the user installs, and is imported only when
such a file is opened. These readers are experimental: the makers do not publish their formats.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.guards import explained, silenced_log
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.spectra import axis_or_note
from napari_mineral_anomaly.io.formats.shared.stamps import FileStamp, unchanged
from napari_mineral_anomaly.io.formats.shared.stored_numbers import StoredNumbers
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT
from napari_mineral_anomaly.process import free_memory
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra import SpectrumImage

_BRUKER_MAGIC = b"AAMVHFSS"
_SPD_MAGIC = b"MAPSPECTRA_DATA"
# tag, version, spectra, points, lines, channels, bytes per count, offset of the data
_SPD_HEADER = struct.Struct("<16s7I")
# Decoding needs the cube and about as much again for a moment.
_MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class _Maker:
    """A maker, the module of RosettaSciIO for its files, and the options for its reader."""

    name: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name} spectrum image"


# index "all": an instrument with two detectors writes two cubes of one scan.
_BRUKER = _Maker(
    "Bruker", "rsciio.bruker", {"select_type": "spectrum_image", "index": "all", "lazy": True}
)
# The default of the library, uint8, cuts off at 255 counts.
_JEOL = _Maker("JEOL", "rsciio.jeol", {"SI_dtype": np.uint32})
_EDAX = _Maker("EDAX", "rsciio.edax", {"lazy": True})


def open_bruker(path: Path) -> SpectrumImage:
    """Open a Bruker spectrum image (`.bcf`).

    The file is decoded as a whole on first use, as the library cannot decode a part of it; whether
    it fits into memory is checked before. Counts of several detectors are summed.

    Raises
    ------
    InputError
        When RosettaSciIO is not installed, when the file is damaged, or when it holds no spectra.
    """
    head = _head(path)
    if not head.startswith(_BRUKER_MAGIC):
        raise InputError(
            f"{path.name} is no {_BRUKER.title}: it does not begin with {_BRUKER_MAGIC!r}."
        )
    return _open(path, _BRUKER)


def open_jeol(path: Path) -> SpectrumImage:
    """Open a JEOL spectrum image (`.pts` or `.asw`); counts of several detectors are summed.

    Raises
    ------
    InputError
        As `open_bruker`; also when numba, which RosettaSciIO needs here, is not installed.
    """
    _head(path)
    return _open(path, _JEOL)


def open_edax(path: Path) -> SpectrumImage:
    """Open an EDAX spectrum image (`.spd`).

    Raises
    ------
    InputError
        As `open_bruker`; also when the file is shorter than its header says, which the library
        does not notice.
    """
    head = _head(path)
    if not head.startswith(_SPD_MAGIC) or len(head) < _SPD_HEADER.size:
        raise InputError(f"{path.name} is no {_EDAX.title}: it does not begin with {_SPD_MAGIC!r}.")
    _, _, _, width, height, channels, count_bytes, offset = _SPD_HEADER.unpack(head)
    needed = offset + width * height * channels * count_bytes
    stamp = FileStamp.of(path)
    if stamp.size < needed:
        raise InputError(
            f"{path.name} is cut short: {height} x {width} spectra of {channels} channels are "
            f"{needed} bytes, the file has {stamp.size}."
        )
    image = _open(path, _EDAX)
    # The numbers are plain. The library would map them into memory, where a file that is cut short
    # by its instrument or drive ends the process.
    dtype = np.dtype(f"<u{count_bytes}")
    counts = StoredNumbers(path, dtype, (height, width, channels), offset, stamp)
    return replace(image, counts=counts)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_SPD_HEADER.size)
    if not head:
        raise InputError(f"{path.name} is empty: copy it again from the instrument.")
    return head


def _open(path: Path, maker: _Maker) -> SpectrumImage:
    reader = _library(path, maker.module)
    with explained(path, maker.title):
        try:
            with silenced_log("rsciio") as warnings:
                found = reader.file_reader(str(path), **maker.options)
        except ModuleNotFoundError as error:
            raise InputError(
                f"{path.name} needs the library {error.name}: pip install {error.name}."
            ) from None
        cubes = [item for item in found if np.ndim(item["data"]) == 3]
        if not cubes:
            raise InputError(f"{path.name} holds no spectra, only maps or images: export the maps.")
        lines = [" ".join(line.split()) for line in warnings]
        lines = [line.replace(str(path.parent), "").replace(" /", " ") for line in lines]
        return _spectrum_image(path, maker.title, cubes, lines)


def _library(path: Path, module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"{path.name} is read with RosettaSciIO (GPL-3), which is not installed: "
            'pip install "napari-mineral-anomaly[bcf]".'
        ) from None


def _spectrum_image(
    path: Path, title: str, cubes: Sequence[dict[str, Any]], warnings: Sequence[str]
) -> SpectrumImage:
    first = cubes[0]
    shapes = {tuple(cube["data"].shape) for cube in cubes}
    if len(shapes) > 1:
        raise InputError(
            f"{path.name} holds {len(cubes)} spectrum images of different size: open the file of "
            "one of them."
        )
    axes = {axis["name"].lower(): axis for axis in first["axes"]}
    down, across, channels = first["axes"]
    notes = [f"{title}s are read experimentally: compare a map with your instrument's software"]
    notes += [f"RosettaSciIO: {text.rstrip('.')}" for text in warnings]
    if len(cubes) > 1:
        notes.append(f"the counts of {len(cubes)} detectors are summed")
    energy = axes.get("energy", channels)
    factor = KEV_PER_UNIT.get(str(energy.get("units", "")).lower())
    axis = None
    if factor is not None:
        axis, remarks = axis_or_note(
            energy["offset"] * factor, energy["scale"] * factor, int(channels["size"])
        )
        notes += remarks
    size = length_in_um(
        (float(down.get("scale", 0)), float(across.get("scale", 0))), str(down.get("units", "")), ""
    )
    metadata = first.get("metadata", {})
    beam = next(
        (
            float(part["beam_energy"])
            for part in metadata.get("Acquisition_instrument", {}).values()
            if isinstance(part, dict) and _is_positive(part.get("beam_energy"))
        ),
        None,
    )
    declared = [name for name in metadata.get("Sample", {}).get("elements", ()) if name in SYMBOLS]
    return SpectrumImage(
        _Counts(path, [cube["data"] for cube in cubes]),
        axis,
        pixel_size=None if size is None else size.um,
        declared_elements=tuple(declared),
        beam_kev=beam,
        source=str(path),
        files=(path.name,),
        notes=tuple(notes),
    )


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


class _Counts:
    """Counts (H, W, E) of one or several detectors; lazy cubes of one piece are decoded once."""

    def __init__(self, path: Path, cubes: Sequence[Any]) -> None:
        self.shape: tuple[int, ...] = tuple(int(n) for n in cubes[0].shape)
        self.dtype: np.dtype[Any] = np.dtype(cubes[0].dtype)
        if len(cubes) > 1:
            self.dtype = np.result_type(*(cube.dtype for cube in cubes), np.uint32)
        self._path = path
        self.stamps = (FileStamp.of(path),)
        self._cubes = list(cubes)
        self._whole = any(getattr(cube, "npartitions", 0) == 1 for cube in cubes)
        self._decoded: NDArray[Any] | None = None
        self._lock = threading.Lock()

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[Any]:
        if not self._whole:
            return self._summed([cube[index] for cube in self._cubes])
        with self._lock:
            if self._decoded is None:
                self._require_memory()
                self._decoded = self._summed(self._cubes)
            return self._decoded[index]

    def _summed(self, cubes: Sequence[Any]) -> NDArray[Any]:
        with unchanged(*self.stamps), explained(self._path, "spectra"):
            if len(cubes) == 1:
                return np.asarray(cubes[0])
            total = np.zeros(cubes[0].shape, dtype=self.dtype)
            for cube in cubes:
                total += np.asarray(cube)
            return total

    def _require_memory(self) -> None:
        free = free_memory()
        if free is None:
            return
        needed = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize
        if needed > _MEMORY_SHARE * free:
            raise InputError(
                f"{self._path.name} can only be decoded whole, which takes {needed / 1e9:.1f} GB "
                f"and as much again for a moment; {free / 1e9:.1f} GB of memory are free: export "
                "element maps, or the cube as Ripple (.rpl), from your instrument's software."
            )
