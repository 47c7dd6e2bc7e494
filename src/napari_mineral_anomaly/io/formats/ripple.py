"""Ripple spectrum images: a `.rpl` text header beside a `.raw` file of plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.lengths import length_in_um
from napari_mineral_anomaly.io.formats.shared.spectra import axis_or_note, mapped_file
from napari_mineral_anomaly.io.formats.shared.texts import KEV_PER_UNIT, whole_number
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage

TITLE = "Ripple spectrum image"
_HEADER, _NUMBERS = ".rpl", ".raw"

# A header is a dozen short lines.
_LARGEST_HEADER = 65_536
_KINDS = {"signed": "i", "unsigned": "u", "float": "f"}
_LENGTHS = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
_ORDERS = {"little-endian": "<", "big-endian": ">", "dont-care": "="}
_RECORDS = ("vector", "image", "dont-care")


def open_spectra(path: Path) -> SpectrumImage:
    """Open a Ripple pair by either of its files; the numbers stay on disk.

    The description of the format (Lispix, NIST) defines the keys width, height, depth, offset,
    data-length, data-type, byte-order and record-by. The calibration is in depth-origin,
    depth-scale and depth-units (or ev-per-chan), the pixel size in width-scale and width-units.

    Raises
    ------
    InputError
        When a key is missing or makes no sense, when the `.raw` file is missing, or when it is
        shorter than the header says.
    """
    header_path, raw_path = _pair(path)
    header = _read_header(header_path)
    name = header_path.name
    sizes = [whole_number(header, key, name) for key in ("height", "width", "depth")]
    height, width, depth = sizes
    offset = whole_number(header, "offset", name, least=0, default="0")
    kind = _one_of(header, "data-type", _KINDS, name)
    length = whole_number(header, "data-length", name)
    if length not in _LENGTHS[kind]:
        raise InputError(f"{name} says data-length {length}, which no {header['data-type']} has.")
    order = _one_of(header, "byte-order", _ORDERS, name, default="dont-care")
    if order == "=" and length > 1:
        raise InputError(
            f"{name} says byte-order dont-care for numbers of {length} bytes: "
            "write little-endian or big-endian there."
        )
    by_vector = _record(header, name, depth)
    shape = (height, width, depth) if by_vector else (depth, height, width)
    dtype = np.dtype(f"{order}{kind}{length}")
    counts, notes = mapped_file(raw_path, dtype, shape, offset, header=name)
    if not by_vector:
        counts = counts.transpose(1, 2, 0)
    energy, calibration_notes = _energy(header, depth)
    size = _pixel_size(header)
    return SpectrumImage(
        counts,
        energy,
        pixel_size=size,
        beam_kev=_number(header, "beam-energy"),
        source=str(header_path),
        files=(raw_path.name, name),
        notes=(*notes, *calibration_notes),
    )


def _pair(path: Path) -> tuple[Path, Path]:
    """The header and the file of numbers, from the path of either."""
    found = {}
    for suffix in (_HEADER, _NUMBERS):
        if path.suffix.lower() == suffix:
            found[suffix] = path
            continue
        beside = (path.with_suffix(suffix), path.with_suffix(suffix.upper()))
        match = next((other for other in beside if other.is_file()), None)
        if match is None:
            raise InputError(
                f"{path.name} needs {beside[0].name} beside it: a Ripple spectrum image is a "
                ".rpl header and a .raw file of the same name."
            )
        found[suffix] = match
    return found[_HEADER], found[_NUMBERS]


def _read_header(path: Path) -> dict[str, str]:
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty: a Ripple header holds lines such as width 25.")
    if size > _LARGEST_HEADER:
        raise InputError(
            f"{path.name} is no Ripple header: it has {size} bytes, a header a few hundred."
        )
    text = path.read_bytes().decode("utf-8", errors="replace")
    header = {}
    for line in text.splitlines():
        words = line.split(None, 1)
        if len(words) == 2 and not words[0].startswith(";"):
            header[words[0].strip().lower().replace("_", "-")] = words[1].strip()
    if not {"width", "height", "depth"} & header.keys():
        raise InputError(f"{path.name} is no Ripple header: it has no width, height and depth.")
    return header


def _one_of(
    header: Mapping[str, str],
    key: str,
    options: Mapping[str, str],
    name: str,
    default: str | None = None,
) -> str:
    text = header.get(key, default)
    if text is None:
        raise InputError(f"{name} lacks the line {key}.")
    value = options.get(text.lower())
    if value is None:
        raise InputError(f"{name} says {key} {text}; known are {', '.join(options)}.")
    return value


def _record(header: Mapping[str, str], name: str, depth: int) -> bool:
    """Whether the channels of one pixel follow each other in the file."""
    text = header.get("record-by", "dont-care").lower()
    if text not in _RECORDS:
        raise InputError(f"{name} says record-by {text}; known are {', '.join(_RECORDS)}.")
    if text == "dont-care" and depth > 1:
        raise InputError(
            f"{name} does not say how the numbers are ordered: write record-by vector (spectrum "
            "after spectrum) or record-by image (channel after channel)."
        )
    return text == "vector"


def _number(header: Mapping[str, str], key: str) -> float | None:
    try:
        return float(header[key])
    except (KeyError, ValueError):
        return None


def _energy(header: Mapping[str, str], depth: int) -> tuple[EnergyAxis | None, list[str]]:
    scale, origin = _number(header, "depth-scale"), _number(header, "depth-origin") or 0.0
    unit = header.get("depth-units", "").lower()
    factor = KEV_PER_UNIT.get(unit)
    if scale is None or factor is None:
        scale, factor = _number(header, "ev-per-chan"), 1e-3
    if scale is None:
        return None, []
    return axis_or_note(origin * factor, scale * factor, depth)


def _pixel_size(header: Mapping[str, str]) -> tuple[float, float] | None:
    lengths: list[Any] = [_number(header, "height-scale"), _number(header, "width-scale")]
    across = lengths[1] if lengths[1] is not None else lengths[0]
    down = lengths[0] if lengths[0] is not None else across
    if across is None or down is None:
        return None
    unit = header.get("width-units", header.get("height-units", ""))
    if header.get("height-units", unit).casefold() != unit.casefold():
        return None  # one of the two units is wrong, and the file does not say which
    size = length_in_um((down, across), unit, "")
    return None if size is None else size.um
