"""The pixel size that a TIFF declares: ImageJ, OME, GeoTIFF, resolution tags, SEM programs.

Each function answers with a size or None, and with a note where the user should decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import tifffile

from napari_mineral_anomaly.io.formats.shared.lengths import (
    no_scan_has,
    plausible_size,
    size_words,
    um_per,
    unit_asked,
)
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize

Answer = tuple[FilePixelSize | None, str]

# Pixels per inch that programs write by default (screens, printers, cameras). Usual scan steps are
# not among them: 10, 20, 25, 50 µm are 2540, 1270, 1016, 508 per inch.
_PRINT_DPI = (
    *(50, 60, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 220, 240, 250, 300, 350, 360),
    *(400, 450, 600, 720, 1200, 2400, 4800),
)
_NO_UNITS = ("", "pixel", "pixels", "pix", "px", "reference frame", "none", "null")
_PIXEL_SCALE, _TRANSFORM, _GEO_KEYS = 33550, 34264, 34735
_LINEAR_UNITS = {9001: "m", 9002: "ft", 9036: "km"}
_GEOGRAPHIC = 2


def imagej_pixel_size(page: Any, metadata: Mapping[str, Any]) -> Answer:
    """Pixel size from ImageJ's ``unit`` (and ``yunit``) and the resolution tags of a page.

    A file without a unit follows its TIFF tags, as in ImageJ.
    """
    unit = _imagej_unit(metadata.get("unit", ""))
    if not unit:
        return tiff_pixel_size(page)
    if unit.lower() in _NO_UNITS:
        return None, ""
    units = (_imagej_unit(metadata.get("yunit", "")) or unit, unit)
    resolution = _resolution(page)
    if resolution is None:
        return None, ""
    if unit.lower() in ("inch", "in") and _is_print_resolution(resolution):
        return None, ""
    return _declared(resolution, units, "ImageJ tag")


def _imagej_unit(stored: Any) -> str:
    return str(stored).replace("\\u00B5", "µ").replace("\\u00b5", "µ").strip()


def ome_pixel_size(pixels: Element) -> Answer:
    """Pixel size from PhysicalSizeX and PhysicalSizeY of an OME ``Pixels`` element.

    A size without a unit is in µm, as the OME schema says.
    """
    sizes: list[float | None] = []
    units = []
    for axis in "YX":
        try:
            sizes.append(float(pixels.get(f"PhysicalSize{axis}", "")))
        except ValueError:
            sizes.append(None)
        units.append(pixels.get(f"PhysicalSize{axis}Unit", "µm").strip())
    y, x = sizes
    if y is None and x is None:
        return None, ""
    if y is None or x is None:
        axis, size, unit = ("X", x, units[1]) if y is None else ("Y", y, units[0])
        return None, (
            f"the OME tag says only how large a pixel is along {axis} ({size:g} {unit}): "
            "give the pixel size in µm with --pixel-size"
        )
    return _declared((y, x), (units[0], units[1]), "OME tag")


def tiff_pixel_size(page: Any) -> Answer:
    """Pixel size from the plain TIFF resolution tags, and a note where it is a default value."""
    tag = page.tags.get("ResolutionUnit")
    resolution = _resolution(page)
    factor = {2: 25_400.0, 3: 10_000.0}.get(int(tag.value)) if tag is not None else None
    if factor is None or resolution is None:
        return None, ""
    inches = (resolution[0] * factor / 25_400.0, resolution[1] * factor / 25_400.0)
    if _is_print_resolution(inches):
        return None, f"{1 / inches[1]:.0f} dpi is a printing default, not a pixel size"
    um = (factor * resolution[0], factor * resolution[1])
    # Sizes that no scan has are what programs write that know none: no question.
    return plausible_size(um, "TIFF resolution tag"), ""


def geotiff_pixel_size(page: Any) -> Answer:
    """Pixel size from the GeoTIFF tags of a page (OGC 19-008).

    The unit is the linear unit of the projection (GeoKey 3076). Tags without such a unit, as of
    scans in local coordinates, leave it open.
    """
    sides = _geotiff_sides(page)
    if sides is None:
        return None, ""
    a, b, d, e = sides
    x, y = math.hypot(a, d), math.hypot(b, e)
    if not (0 < x < math.inf and 0 < y < math.inf) or x == y == 1.0:
        return None, ""  # 1 is what programs write for pixels that were not placed
    keys = _geo_keys(page)
    unit = _LINEAR_UNITS.get(keys.get(3076, 0))
    if unit is None or keys.get(1024) == _GEOGRAPHIC:
        return None, unit_asked((y, x), "the GeoTIFF tags say")
    return _declared((y, x), (unit, unit), "GeoTIFF tag")


def geotiff_turns(page: Any) -> bool:
    """Whether the GeoTIFF tags of a page turn or mirror it in their coordinates."""
    sides = _geotiff_sides(page)
    if sides is None or sides == (1.0, 0.0, 0.0, 1.0):  # not placed
        return False
    a, b, d, e = sides
    return bool(a < 0 or e > 0 or b or d)


def _geotiff_sides(page: Any) -> tuple[float, float, float, float] | None:
    """A, B, D, E of ``x' = A x + B y + C``, ``y' = D x + E y + F`` (x and y count pixels)."""
    scale, transform = page.tags.get(_PIXEL_SCALE), page.tags.get(_TRANSFORM)
    try:
        if scale is not None:
            x, y = (float(value) for value in scale.value[:2])
            return x, 0.0, 0.0, -y  # a positive number for rows means that y falls
        if transform is not None:
            a, b, _, _, d, e = (float(value) for value in transform.value[:6])
            return a, b, d, e
    except (TypeError, ValueError):
        pass
    return None


def sem_pixel_size(tif: tifffile.TiffFile) -> Answer:
    """Pixel size from the tags of Zeiss and FEI electron microscopes."""
    metres: Any = None
    unit = "m"
    if tif.fei_metadata:
        scan = tif.fei_metadata.get("Scan", {})
        metres = (scan.get("PixelHeight"), scan.get("PixelWidth"))
    elif tif.sem_metadata:
        entry = tif.sem_metadata.get("ap_image_pixel_size") or tif.sem_metadata.get("ap_pixel_size")
        if entry is not None and len(entry) == 3:
            metres, unit = (entry[1], entry[1]), str(entry[2])
    try:
        lengths = (float(metres[0]), float(metres[1]))
    except (TypeError, ValueError):
        return None, ""
    factor = um_per(unit)
    if factor is None:
        return None, ""
    return plausible_size((lengths[0] * factor, lengths[1] * factor), "tag of the microscope"), ""


def _declared(lengths: tuple[float, float], units: tuple[str, str], origin: str) -> Answer:
    """A size (y, x) with the unit of each axis, or a note where it cannot be used."""
    factors = [um_per(unit) for unit in units]
    stated = (
        f"{size_words(lengths)} {units[0]}"
        if units[0] == units[1]
        else f"{lengths[0]:.9g} {units[0]} x {lengths[1]:.9g} {units[1]}"
    )
    if factors[0] is None or factors[1] is None:
        if {unit.lower() for unit in units} <= set(_NO_UNITS):
            return None, ""
        return None, (
            f"the {origin} says {stated} per pixel, a unit that is not known here: "
            "give the pixel size in µm with --pixel-size"
        )
    size = plausible_size((lengths[0] * factors[0], lengths[1] * factors[1]), origin)
    if size is None:
        return None, no_scan_has(stated, f"the {origin} says")
    return size, ""


def _geo_keys(page: Any) -> dict[int, int]:
    """The GeoKeys of a page that hold a number."""
    tag = page.tags.get(_GEO_KEYS)
    if tag is None or not isinstance(tag.value, tuple):
        return {}
    values = tag.value[4:]
    rows = zip(values[::4], values[1::4], values[2::4], values[3::4], strict=False)
    return {int(key): int(value) for key, place, _, value in rows if place == 0}


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
