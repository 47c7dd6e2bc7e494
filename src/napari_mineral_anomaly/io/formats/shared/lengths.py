"""Pixel sizes: from the tags of a TIFF, and from lengths in any unit."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.scan.plausible import LARGEST_UM, SMALLEST_UM

_UNITS_UM = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("in", "inch", "inches"), 25_400.0),
}
# Pixels per inch that programs write by default (screens, printers, cameras). Usual scan steps are
# not among them: 10, 20, 25, 50 µm are 2540, 1270, 1016, 508 per inch.
_PRINT_DPI = (
    *(50, 60, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 220, 240, 250, 300, 350, 360),
    *(400, 450, 600, 720, 1200, 2400, 4800),
)


def imagej_pixel_size(page: Any, metadata: dict[str, Any]) -> FilePixelSize | None:
    """Pixel size from ImageJ's ``unit`` and the resolution tags of the first page."""
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").replace("\\u00b5", "µ")
    factor = _UNITS_UM.get(unit.strip().lower())
    resolution = _resolution(page)
    if factor is None or resolution is None:
        return None
    if factor == 25_400.0 and _is_print_resolution(resolution):
        return None
    return _checked((factor * resolution[0], factor * resolution[1]), "ImageJ tag")


def ome_pixel_size(pixels: Element) -> FilePixelSize | None:
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


def tiff_pixel_size(page: Any) -> tuple[FilePixelSize | None, str]:
    """Pixel size from the plain TIFF resolution tags, and a note where it is a default value."""
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


def length_in_um(lengths: tuple[float, float], unit: str, origin: str) -> FilePixelSize | None:
    """A pixel size (y, x) in some unit as µm; None for unknown units and implausible sizes."""
    factor = _UNITS_UM.get(unit.strip().lower())
    if factor is None:
        return None
    return _checked((lengths[0] * factor, lengths[1] * factor), origin)


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


def _checked(um: tuple[float, float], origin: str) -> FilePixelSize | None:
    # Nine digits, because TIFF stores 1/size as a ratio of integers, which rounds it.
    rounded = (float(f"{um[0]:.9g}"), float(f"{um[1]:.9g}"))
    return (
        FilePixelSize(rounded, origin)
        if all(SMALLEST_UM <= size <= LARGEST_UM for size in rounded)
        else None
    )
