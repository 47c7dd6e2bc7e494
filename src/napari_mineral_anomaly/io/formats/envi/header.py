"""ENVI images: a text header (`.hdr`) beside a file of plain numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.spectra import mapped_file
from napari_mineral_anomaly.io.formats.shared.stored_numbers import StoredNumbers
from napari_mineral_anomaly.io.formats.shared.texts import whole_number

_LARGEST_HEADER = 4_000_000
_FIELD = re.compile(r"^\s*([^=\n{}]+?)\s*=\s*(\{[^}]*\}|[^\n]*)", re.MULTILINE)
# ENVI's codes for types of numbers, without those for complex numbers (6 and 9).
_TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
_ORDERS = {"bsq": "band after band", "bil": "line by line", "bip": "pixel by pixel"}
_DATA_SUFFIXES = ("", ".dat", ".img", ".raw", ".bsq", ".bil", ".bip", ".bin")


@dataclass(frozen=True)
class EnviImage:
    """An opened ENVI image.

    Attributes
    ----------
    counts : array (H, W, B)
        In the file, in its dtype, whatever the interleave.
    fields : dict of str to str
        The header, keys in lower case.
    data_file : Path
    notes : tuple of str
    """

    counts: StoredNumbers
    fields: Mapping[str, str]
    data_file: Path
    notes: tuple[str, ...] = ()

    def listed(self, key: str) -> list[str]:
        """The parts of a field in braces; [] where the field is missing."""
        text = self.fields.get(key, "").strip().strip("{}")
        return [part.strip() for part in text.split(",")] if text.strip() else []


def open_envi(path: Path) -> EnviImage:
    """Open an ENVI image by its header; the numbers stay on disk.

    Raises
    ------
    InputError
        When the header makes no sense, the data file is missing, or is shorter than the header
        says.
    """
    fields = read_envi_header(path)
    height, width, bands = (
        whole_number(fields, key, path.name) for key in ("lines", "samples", "bands")
    )
    offset = whole_number(fields, "header offset", path.name, default="0", least=0)
    code = whole_number(fields, "data type", path.name)
    if code not in _TYPES:
        raise InputError(
            f"{path.name} says data type {code}; real numbers are {', '.join(map(str, _TYPES))}."
        )
    order = whole_number(fields, "byte order", path.name, default="0", least=0)
    if order not in (0, 1):
        raise InputError(f"{path.name} says byte order {order}; it is 0 (little) or 1 (big).")
    dtype = np.dtype((">" if order else "<") + _TYPES[code])
    interleave = fields.get("interleave", "bsq").lower()
    if interleave not in _ORDERS:
        raise InputError(f"{path.name} says interleave {interleave}; known are bsq, bil and bip.")
    stored, turn = {
        "bsq": ((bands, height, width), (1, 2, 0)),
        "bil": ((height, bands, width), (0, 2, 1)),
        "bip": ((height, width, bands), (0, 1, 2)),
    }[interleave]
    data_file = _data_file(path)
    counts, notes = mapped_file(data_file, dtype, stored, offset, header=path.name)
    return EnviImage(counts.transpose(*turn), fields, data_file, tuple(notes))


def read_envi_header(path: Path) -> dict[str, str]:
    """The fields of a header.

    Raises
    ------
    InputError
        When it is not an ENVI header.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty: an ENVI header begins with ENVI.")
    if size > _LARGEST_HEADER:
        raise InputError(f"{path.name} is no ENVI header: it has {size} bytes.")
    text = path.read_bytes().decode("utf-8", errors="replace")
    if not text.lstrip("\ufeff \t\r\n").startswith("ENVI"):
        raise InputError(f"{path.name} is no ENVI header: it does not begin with ENVI.")
    return {key.strip().lower(): value.strip() for key, value in _FIELD.findall(text)}


def _data_file(header: Path) -> Path:
    """The file of numbers beside a header: cube, cube.dat ... for cube.hdr and cube.dat.hdr."""
    stem = header.with_suffix("")
    options = [Path(f"{stem}{suffix}") for suffix in _DATA_SUFFIXES]
    options += [Path(f"{stem}{suffix.upper()}") for suffix in _DATA_SUFFIXES if suffix]
    found = next((option for option in options if option.is_file()), None)
    if found is None:
        raise InputError(
            f"{header.name} needs its numbers beside it: {stem.name}, {stem.name}.dat or "
            f"{stem.name}.img."
        )
    return found
