"""The pixel size that a TIFF or a world file tells, and what to make of several of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.planes import PixelSize, Plane
from napari_mineral_anomaly.io.remembered import remembered_pixel_size

_UNITS_UM = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("in", "inch", "inches"), 25_400.0),
}
# Pixels per inch that programs write when they know nothing (screens, printers, cameras). Scan
# steps do not fall on them: 10, 20, 25, 50 µm are 2540, 1270, 1016, 508 per inch.
_PRINT_DPI = (
    *(50, 60, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 220, 240, 250, 300, 350, 360),
    *(400, 450, 600, 720, 1200, 2400, 4800),
)
# From electron microscopes to metre-sized core scanners; our choice.
_PLAUSIBLE_UM = (0.001, 2000.0)
# Pixel sizes of one scan may differ by rounding; our choice.
_TOLERANCE = 0.01


def imagej_pixel_size(page: Any, metadata: dict[str, Any]) -> PixelSize | None:
    """Pixel size from ImageJ's ``unit`` and the resolution tags of the first page."""
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").replace("\\u00b5", "µ")
    factor = _UNITS_UM.get(unit.strip().lower())
    resolution = _resolution(page)
    if factor is None or resolution is None:
        return None
    if factor == 25_400.0 and _is_print_resolution(resolution):
        return None
    return _checked((factor * resolution[0], factor * resolution[1]), "ImageJ tag")


def ome_pixel_size(pixels: Element) -> PixelSize | None:
    """Pixel size from PhysicalSizeX and PhysicalSizeY of an OME ``Pixels`` element."""
    sizes = []
    for axis in "YX":
        value = pixels.get(f"PhysicalSize{axis}")
        factor = _UNITS_UM.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").strip().lower())
        if value is None or factor is None:
            return None
        try:
            sizes.append(float(value) * factor)
        except ValueError:
            return None
    return _checked((sizes[0], sizes[1]), "OME tag")


def tiff_pixel_size(page: Any) -> tuple[PixelSize | None, str]:
    """Pixel size from the plain TIFF resolution tags, and a note where they mean nothing."""
    tag = page.tags.get("ResolutionUnit")
    resolution = _resolution(page)
    factor = {2: 25_400.0, 3: 10_000.0}.get(int(tag.value)) if tag is not None else None
    if factor is None or resolution is None:
        return None, ""
    inches = (resolution[0] * factor / 25_400.0, resolution[1] * factor / 25_400.0)
    if _is_print_resolution(inches):
        return None, f"{1 / inches[1]:.0f} dpi is a printing default, not a pixel size"
    return _checked((factor * resolution[0], factor * resolution[1]), "TIFF resolution tag"), ""


def is_length(unit: str) -> bool:
    """Whether we know the word as a unit of length."""
    return unit.strip().lower() in _UNITS_UM


def length_in_um(lengths: tuple[float, float], unit: str, origin: str) -> PixelSize | None:
    """A pixel size (y, x) given in some unit of length; None where unit or size make no sense."""
    factor = _UNITS_UM.get(unit.strip().lower())
    if factor is None:
        return None
    return _checked((lengths[0] * factor, lengths[1] * factor), origin)


@dataclass(frozen=True)
class ScanPixelSize:
    """The pixel size (y, x) of a scan in µm or None, where it came from in words, and warnings."""

    um: tuple[float, float] | None
    source: str
    warnings: tuple[str, ...] = ()


def scan_pixel_size(
    planes: Sequence[Plane],
    typed: tuple[float, float] | None,
    file_name: dict[Path, str],
    folder: Path | None = None,
) -> ScanPixelSize:
    """The pixel size of a scan: typed, else in its files, else beside them, else remembered.

    Parameters
    ----------
    planes, typed, file_name
        As in `merged_pixel_size`.
    folder : Path, optional
        Where to look for a size that was typed earlier; None: nowhere.

    Raises
    ------
    InputError
        When the files differ by more than 1 % and nothing was typed.
    """
    um, source, warnings = merged_pixel_size(planes, typed, file_name)
    if um is not None:
        return ScanPixelSize(um, source, tuple(warnings))
    for path, name in file_name.items():
        found = world_file_pixel_size(path)
        if found is not None:
            return ScanPixelSize(found.um, f"{found.origin} of {name}", tuple(warnings))
    earlier = None if folder is None else remembered_pixel_size(folder)
    if earlier is not None:
        note = f"The pixel size, {_um(earlier)}, is the one typed earlier for this folder."
        return ScanPixelSize(earlier, "typed earlier for this folder", (*warnings, note))
    return ScanPixelSize(None, "unknown", tuple(warnings))


def world_file_pixel_size(path: Path) -> PixelSize | None:
    """Pixel size from a world file beside an image (`Fe.tfw` beside `Fe.tif`), in metres.

    The six lines are A, D, B, E, C, F of ``x' = A x + B y + C``, ``y' = D x + E y + F`` (ESRI);
    the lengths of (A, D) and (B, E) are the pixel. World files name no unit; we take metres, as
    GIS programs do and as our own export writes, and pass over sizes that no map has.
    """
    suffix = path.suffix.lower()
    endings = [f".{suffix[1:2]}{suffix[-1:]}w", f"{suffix}w", ".wld"]
    for ending in dict.fromkeys(endings):
        beside = path.with_suffix(ending)
        if not beside.is_file():
            continue
        try:
            values = [float(line) for line in beside.read_text("utf-8").split()[:6]]
        except (OSError, ValueError):
            continue
        if len(values) == 6:
            down, across = math.hypot(*values[2:4]), math.hypot(*values[:2])
            return length_in_um((down, across), "m", "world file")
    return None


def checked_spot_size(spot_size: float | None) -> float | None:
    """The beam diameter in µm.

    Raises
    ------
    InputError
        When it is not a positive number.
    """
    if spot_size is None:
        return None
    size = float(spot_size)
    if not (np.isfinite(size) and size > 0):
        raise InputError(f"The spot size must be a positive number in µm; got {spot_size}.")
    return size


def merged_pixel_size(
    planes: Sequence[Plane], typed: tuple[float, float] | None, file_name: dict[Path, str]
) -> tuple[tuple[float, float] | None, str, list[str]]:
    """One pixel size for a scan: what the user typed, else what its files agree on.

    Parameters
    ----------
    planes : sequence of Plane
    typed : (float, float) or None
        (y, x) in µm.
    file_name : dict
        How the report calls each file.

    Returns
    -------
    um : (float, float) or None
    source : str
        Where it came from, in words.
    warnings : list of str

    Raises
    ------
    InputError
        When the files differ by more than 1 % and nothing was typed.
    """
    known = [(plane.pixel_size, file_name[plane.path]) for plane in planes if plane.pixel_size]
    if typed is not None:
        odd = [(size, name) for size, name in known if not _agree(size.um, typed)]
        warnings = [
            f"The pixel size typed by the user, {_um(typed)}, is used; "
            f"the {size.origin} of {name} says {_um(size.um)}."
            for size, name in odd[:1]
        ]
        return typed, "typed by the user", warnings
    if not known:
        return None, "unknown", []
    first, first_name = known[0]
    for size, name in known[1:]:
        if not _agree(size.um, first.um):
            raise InputError(
                f"The pixel sizes differ: {_um(first.um)} in {first_name}, {_um(size.um)} in "
                f"{name}; these maps are not of one scan, or give the pixel size yourself."
            )
    return first.um, f"{first.origin} of {first_name}", []


def _resolution(page: Any) -> tuple[float, float] | None:
    """Length units per pixel (y, x) from XResolution and YResolution (pixels per unit)."""
    lengths = []
    for name in ("YResolution", "XResolution"):
        tag = page.tags.get(name)
        if tag is None:
            tag = page.tags.get("XResolution")
        if tag is None or not isinstance(tag.value, tuple) or 0 in tag.value[:2]:
            return None
        numerator, denominator = tag.value[:2]
        lengths.append(denominator / numerator)
    return lengths[0], lengths[1]


def _is_print_resolution(inches: tuple[float, float]) -> bool:
    return all(any(abs(1 / inch - dpi) < 0.005 * dpi for dpi in _PRINT_DPI) for inch in inches)


def _checked(um: tuple[float, float], origin: str) -> PixelSize | None:
    low, high = _PLAUSIBLE_UM
    # Nine digits undo the rounding of 1/size to a ratio of integers (0.1 + 0.2 style tails).
    rounded = (float(f"{um[0]:.9g}"), float(f"{um[1]:.9g}"))
    return PixelSize(rounded, origin) if all(low <= size <= high for size in rounded) else None


def _agree(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(abs(p - q) <= _TOLERANCE * max(p, q) for p, q in zip(a, b, strict=True))


def _um(size: tuple[float, float]) -> str:
    return f"{size[0]:g} µm" if size[0] == size[1] else f"{size[0]:g} x {size[1]:g} µm"
