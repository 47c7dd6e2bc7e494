"""Ripple: a `.rpl` text header beside a `.raw` file of plain numbers; its spectrum images.

Single maps in this format are read by `ripple_maps`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.lengths import is_length, length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.io.formats.shared.spectra import (
    axis_or_note,
    mapped_file,
    require_spectra,
)
from napari_mineral_anomaly.io.formats.shared.texts import (
    KEV_PER_UNIT,
    decoded,
    whole_number,
)
from napari_mineral_anomaly.scan.spectra import EnergyAxis, SpectrumImage
from napari_mineral_anomaly.scan.spectra.beam import checked_beam_kev
from napari_mineral_anomaly.scan.spectra.live_time import LiveTime, live_time

TITLE = "Ripple spectrum image"
_HEADER, _NUMBERS = ".rpl", ".raw"

# A header is a dozen short lines.
_LARGEST_HEADER = 65_536
_KINDS = {"signed": "i", "unsigned": "u", "float": "f"}
_LENGTHS = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
_OPEN = "="
_ORDERS = {"little-endian": "<", "big-endian": ">", "dont-care": _OPEN}
# "width 25", and "(MLX:: width : 512)" of INCA.
_LINE = re.compile(r"\(?(?:MLX::)?\s*([A-Za-z][\w-]*)\s*(?:\s:?|:)\s*(.*?)\)?")
_MUCH_LARGER = 16
# Pixels are longer than wide where lines are further apart than points, but not by so much.
_LONGEST_PIXEL = 100.0
_RECORDS = ("vector", "image", "dont-care")


@dataclass(frozen=True)
class RippleFile:
    """An opened pair of header and numbers.

    Attributes
    ----------
    counts : array-like (H, W, E)
        In the dtype of the file; read in blocks.
    header : dict of str to str
        Keys in lower case.
    files : (Path, Path)
        The header and the file of numbers.
    pixel_size : FilePixelSize or None
    notes, steps : tuples of str
    """

    counts: Any
    header: Mapping[str, str]
    files: tuple[Path, Path]
    pixel_size: FilePixelSize | None
    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def open_pair(path: Path) -> RippleFile:
    """Open a Ripple pair by either of its files; the numbers stay on disk.

    The description of the format (Lispix, NIST) defines the keys width, height, depth, offset,
    data-length, data-type, byte-order and record-by. The calibration is in depth-origin,
    depth-scale and depth-units (or ev-per-chan), the pixel size in width-scale and width-units.
    Numbers of several bytes with byte-order dont-care, as HyperSpy writes them, are taken for
    little-endian, the order of nearly all computers, unless they only make sense the other way.

    Raises
    ------
    InputError
        When a key is missing or makes no sense, when the `.raw` file is missing, or when it is
        shorter than the header says.
    """
    header_path, raw_path = _pair(path)
    header = read_header(header_path)
    name = header_path.name
    height, width, depth = (whole_number(header, key, name) for key in ("height", "width", "depth"))
    offset = whole_number(header, "offset", name, least=0, default="0")
    kind = _one_of(header, "data-type", _KINDS, name)
    length = whole_number(header, "data-length", name)
    if length not in _LENGTHS[kind]:
        raise InputError(f"{name} says data-length {length}, which no {header['data-type']} has.")
    order = _one_of(header, "byte-order", _ORDERS, name, default="dont-care")
    by_vector = _record(header, name, depth)
    shape = (height, width, depth) if by_vector else (depth, height, width)
    is_open = order == _OPEN and length > 1
    dtype = np.dtype(f"{'<' if order == _OPEN else order}{kind}{length}")
    counts, notes = mapped_file(raw_path, dtype, shape, offset, header=name)
    steps = []
    if is_open:
        _require_little_endian(name, np.asarray(counts[shape[0] // 2]))
        steps.append("numbers are taken for little-endian: the header says byte-order dont-care")
    if not by_vector:
        counts = counts.transpose(1, 2, 0)
    size, size_notes = _pixel_size(header)
    return RippleFile(
        counts, header, (header_path, raw_path), size, (*notes, *size_notes), tuple(steps)
    )


def holds_spectra(path: Path) -> bool:
    """Whether a header is not that of a single map (depth 1); never raises."""
    try:
        return int(read_header(path).get("depth", "0")) != 1
    except (InputError, OSError, ValueError):
        return True


def open_spectra(path: Path) -> SpectrumImage:
    """Open a Ripple spectrum image by either of its files.

    Raises
    ------
    InputError
        As `open_pair`, and for a single map.
    """
    pair = open_pair(path)
    header_path, raw_path = pair.files
    depth = int(pair.counts.shape[2])
    if depth == 1:
        raise InputError(
            f"{header_path.name} holds a single map (depth 1), no spectra: read it as a map."
        )
    require_spectra(header_path, pair.counts.shape)
    energy, calibration_notes = _energy(pair.header, depth)
    beam, beam_notes = _beam_energy(pair.header)
    height, width = pair.counts.shape[:2]
    live, live_notes = _live_time(pair.header, (int(height), int(width)))
    return SpectrumImage(
        pair.counts,
        energy,
        pixel_size=None if pair.pixel_size is None else pair.pixel_size.um,
        beam_kev=beam,
        live_time=live,
        source=str(header_path),
        files=(raw_path.name, header_path.name),
        steps=pair.steps,
        notes=(*pair.notes, *calibration_notes, *beam_notes, *live_notes),
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


def read_header(path: Path) -> dict[str, str]:
    """The keys and values of a header; also as INCA writes them: ``(MLX:: width : 512)``.

    Raises
    ------
    InputError
        When it is no Ripple header.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty: a Ripple header holds lines such as width 25.")
    if size > _LARGEST_HEADER:
        raise InputError(
            f"{path.name} is no Ripple header: it has {size} bytes, a header a few hundred."
        )
    header = {}
    for line in decoded(path.read_bytes()).splitlines():
        if match := _LINE.fullmatch(line.partition(";")[0].strip()):
            header[match[1].lower().replace("_", "-")] = match[2].strip()
    if not {"width", "height", "depth"} & header.keys():
        raise InputError(f"{path.name} is no Ripple header: it has no width, height and depth.")
    return header


def _require_little_endian(name: str, sample: NDArray[Any]) -> None:
    """Refuse numbers that make sense only with their bytes in the other order."""
    swapped = sample.view(sample.dtype.newbyteorder())
    if sample.dtype.kind == "f":
        is_odd = _usual_share(sample) < 0.9 < _usual_share(swapped)
    else:
        # Small counts are huge numbers in the wrong order.
        sizes = [float(np.abs(one.astype(np.float64)).mean()) for one in (sample, swapped)]
        is_odd = sizes[0] > _MUCH_LARGER * sizes[1]
    if is_odd:
        raise InputError(
            f"{name} says byte-order dont-care, but its numbers make sense as big-endian only: "
            "write byte-order big-endian there."
        )


def _usual_share(values: NDArray[Any]) -> float:
    """The part of numbers that are 0 or of a usual size."""
    with np.errstate(all="ignore"):
        size = np.abs(values.astype(np.float64))
        return float(((size == 0) | ((size > 1e-12) & (size < 1e12))).mean())


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


def _beam_energy(header: Mapping[str, str]) -> tuple[float | None, list[str]]:
    """The key beam-energy, which HyperSpy writes in keV; a note for one that cannot be right."""
    kev = _number(header, "beam-energy")
    if kev is None:
        return None, []
    try:
        return checked_beam_kev(kev), []
    except InputError:
        return None, [f"the beam-energy {kev:g} in the header is not used: it must be in keV"]


def _live_time(
    header: Mapping[str, str], shape: tuple[int, int]
) -> tuple[LiveTime | None, list[str]]:
    if "live-time" not in header:
        return None, []
    seconds = _number(header, "live-time")
    source = "live-time in the header, for each pixel"
    return live_time(nan if seconds is None else seconds, shape, source)


def _energy(header: Mapping[str, str], depth: int) -> tuple[EnergyAxis | None, list[str]]:
    scale, origin = _number(header, "depth-scale"), _number(header, "depth-origin") or 0.0
    unit = header.get("depth-units", "").lower()
    factor = KEV_PER_UNIT.get(unit)
    if scale is None or factor is None:
        scale, factor = _number(header, "ev-per-chan"), 1e-3
    if scale is None:
        return None, []
    return axis_or_note(origin * factor, scale * factor, depth)


def _pixel_size(header: Mapping[str, str]) -> tuple[FilePixelSize | None, list[str]]:
    """The pixel size (y, x), each with its own unit; a note where only one is usable."""
    scales = {key: _number(header, f"{key}-scale") for key in ("height", "width")}
    units = {key: header.get(f"{key}-units", "") for key in ("height", "width")}
    for key, other in (("height", "width"), ("width", "height")):
        if scales[key] is None:
            scales[key], units[key] = scales[other], units[other]
        units[key] = units[key] or units[other]
    height, width = scales["height"], scales["width"]
    if height is None or width is None or not all(is_length(unit) for unit in units.values()):
        return None, []
    down = length_in_um((height, height), units["height"], "header")
    across = length_in_um((width, width), units["width"], "header")
    if down is not None and across is not None:
        size = FilePixelSize((down.um[0], across.um[1]), "header")
        if max(size.um) <= _LONGEST_PIXEL * min(size.um):
            return size, []
    return None, [
        f"the pixel size in the header is not used: {height:g} {units['height']} high and "
        f"{width:g} {units['width']} wide is no pixel of a map, perhaps a unit is wrong"
    ]
