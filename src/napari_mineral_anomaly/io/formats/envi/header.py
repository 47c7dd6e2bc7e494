"""ENVI images: a text header (`.hdr`) beside a file of plain numbers.

The fields are those of the format's description ("ENVI Header Files", NV5 Geospatial Solutions).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.envi.fields import listed_field, read_envi_header
from napari_mineral_anomaly.io.formats.shared.disk.stored_numbers import StoredNumbers
from napari_mineral_anomaly.io.formats.shared.spectra import mapped_file
from napari_mineral_anomaly.io.formats.shared.texts import whole_number
from napari_mineral_anomaly.words import listed

# ENVI's codes for types of numbers.
_TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
_COMPLEX = (6, 9)
# The order of the axes in the file, and for rows, columns and bands their place in it.
_ORDERS = {"bsq": ("blc", (1, 2, 0)), "bil": ("lbc", (0, 2, 1)), "bip": ("lcb", (0, 1, 2))}
_DATA_SUFFIXES = (
    *("", ".dat", ".img", ".raw", ".bsq", ".bil", ".bip", ".bin", ".cube", ".hyspex", ".sli"),
    *(".ref", ".refl"),
)
# Bytes between lines or bands that the format allows and hardly any program writes.
_GAPS = ("major frame offsets", "minor frame offsets")
# Types of files (``file type``) whose numbers are not plain, or lie in other files.
_FOREIGN = ("meta", "virtual", "tiff", "erdas", "jpeg", "jp2", "nitf", "hdf", "netcdf", "png")


@dataclass(frozen=True)
class EnviImage:
    """An opened ENVI image.

    Attributes
    ----------
    counts : array-like (H, W, B)
        In the dtype of the file, whatever the interleave; read in blocks.
    fields : dict of str to str
        The header, keys in lower case.
    data_file : Path
    notes : tuple of str
    steps : tuple of str
    """

    counts: StoredNumbers
    fields: Mapping[str, str]
    data_file: Path
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def listed(self, key: str) -> list[str]:
        """The parts of a field in braces; [] where the field is missing."""
        return listed_field(self.fields, key)


def open_envi(path: Path) -> EnviImage:
    """Open an ENVI image by its header; the numbers stay on disk.

    Raises
    ------
    InputError
        When the header makes no sense, the data file is missing, or is shorter than the header
        says.
    """
    fields = read_envi_header(path)
    _require_plain_numbers(path, fields)
    height, width, bands = (
        whole_number(fields, key, path.name) for key in ("lines", "samples", "bands")
    )
    offset = whole_number(fields, "header offset", path.name, default="0", least=0)
    code = whole_number(fields, "data type", path.name)
    if code in _COMPLEX:
        raise InputError(
            f"{path.name} holds complex numbers (data type {code}): export their real part or "
            "absolute value."
        )
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
    axes, turn = _ORDERS[interleave]
    sizes = {"l": height, "c": width, "b": bands}
    stored = tuple(sizes[axis] for axis in axes)
    data_file, steps = _data_file(path, offset + math.prod(stored) * dtype.itemsize)
    counts, notes = mapped_file(data_file, dtype, stored, offset, header=path.name)
    for key, default in (("interleave", "bsq"), ("byte order", "0")):
        if key not in fields and (key != "byte order" or dtype.itemsize > 1):
            notes.append(f"the header does not say the {key}: {default} is taken")
    return EnviImage(counts.transpose(*turn), fields, data_file, tuple(notes), tuple(steps))


def what_else(fields: Mapping[str, str]) -> str:
    """What a file is whose numbers are no maps: "a class map (ENVI Classification)"; else ""."""
    kind = fields.get("file type", "").lower()
    if "classification" in kind:
        return "a class map (ENVI Classification), not counts"
    if "spectral library" in kind:
        return "a library of single spectra (ENVI Spectral Library), not a map"
    return ""


def _require_plain_numbers(path: Path, fields: Mapping[str, str]) -> None:
    """Refuse headers whose numbers do not lie one after the other in the file beside them."""
    kind = fields.get("file type", "")
    if any(word in kind.lower() for word in _FOREIGN):
        raise InputError(
            f"{path.name} describes a file of the type {kind}, not plain numbers: open that file "
            "itself, or export it as ENVI Standard."
        )
    if fields.get("file compression", "0") not in ("0", ""):
        raise InputError(
            f"{path.name} says that the numbers are compressed: export them without compression."
        )
    for key in _GAPS:
        if any(part not in ("0", "") for part in listed_field(fields, key)):
            raise InputError(
                f"{path.name} has {key}, bytes between its numbers, which are not read: export it "
                "as ENVI Standard without them."
            )


def _data_file(header: Path, n_bytes: int) -> tuple[Path, list[str]]:
    """The file of numbers beside a header: cube, cube.dat ... for cube.hdr and cube.dat.hdr.

    Where there are several, the one that has the size that the header says.
    """
    stem = header.with_suffix("")
    found: list[Path] = []
    for suffix in _DATA_SUFFIXES:
        for written in dict.fromkeys((suffix, suffix.upper())):
            option = Path(f"{stem}{written}")
            if option.is_file() and not any(option.samefile(other) for other in found):
                found.append(option)
    if not found:
        raise InputError(
            f"{header.name} needs its numbers beside it: {stem.name}, {stem.name}.dat or "
            f"{stem.name}.img."
        )
    if len(found) == 1:
        return found[0], []
    exact = [option for option in found if option.stat().st_size == n_bytes]
    if len(exact) == 1:
        return exact[0], [
            f"numbers from {exact[0].name}: of {listed([one.name for one in found])} the one "
            "of the size in the header"
        ]
    raise InputError(
        f"{header.name} could belong to each of {listed([one.name for one in found])}: call the "
        f"header {found[0].name}.hdr, or move the other files away."
    )
