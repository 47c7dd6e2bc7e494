"""Files beside an image that say how large its pixels are, as GIS programs write them.

A world file (`Fe.tfw` beside `Fe.tif`) has six lines: A, D, B, E, C, F of ``x' = A x + B y + C``,
``y' = D x + E y + F`` (ESRI). It names no unit. The unit is in the coordinate system that GDAL and
QGIS keep in `Fe.tif.aux.xml`, or in `Fe.prj`. Where neither is there, the user is asked: a file of
20 may be of 20 µm or of 20 m.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from napari_mineral_anomaly.io.formats.shared.lengths import (
    no_scan_has,
    plausible_size,
    size_words,
    um_per,
    unit_asked,
)
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize

_MOST_BYTES = 1_000_000
# The last unit of a coordinate system in WKT is that of its axes; before it come those of its
# parts. Both versions of WKT are written: UNIT["metre",1], LENGTHUNIT["metre",1].
_UNIT = re.compile(r'(?<![A-Z])((?:LENGTH|ANGLE)?UNIT)\s*\[\s*"([^"]*)"\s*,\s*([-+.\deE]+)')
_ANGLES = ("degree", "radian", "grad", "gon", "arc-second", "arc_second")
_OLD_UNITS = re.compile(r"^\s*units\s+(\w+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Georeferenced:
    """What the files beside an image say.

    Attributes
    ----------
    size : FilePixelSize or None
        (y, x); rows and columns are those of the stored image.
    note : str
        A warning, where there is a size that cannot be used.
    is_turned : bool
        Whether the map is turned or mirrored in the coordinates of these files.
    """

    size: FilePixelSize | None = None
    note: str = ""
    is_turned: bool = False


def georeferenced(path: Path) -> Georeferenced:
    """What stands beside an image: pixel size and orientation.

    The sides of a pixel are the lengths of (A, D) and (B, E), so turned maps keep theirs.
    """
    pam = _pam(path)
    numbers, broken = _of_world_file(path)
    origin = "world file"
    if numbers is None:
        numbers, origin = _of_pam(pam), ".aux.xml file"
    if numbers is None:
        note = f"the world file {broken} holds no pixel size and is not used" if broken else ""
        return Georeferenced(note=note)
    size, note = _size(numbers, origin, pam, path)
    a, b, d, e = numbers
    return Georeferenced(size, note, is_turned=bool(a < 0 or e > 0 or b or d))


def _size(
    a_b_d_e: tuple[float, float, float, float],
    origin: str,
    pam: ElementTree.Element | None,
    path: Path,
) -> tuple[FilePixelSize | None, str]:
    a, b, d, e = a_b_d_e
    lengths = math.hypot(b, e), math.hypot(a, d)
    metres = _metres_per_unit(pam, path)
    if metres is None:
        return None, unit_asked(lengths, f"the {origin} of {path.name} says")
    um = (lengths[0] * metres * 1e6, lengths[1] * metres * 1e6)
    size = plausible_size(um, origin)
    if size is None:
        return None, no_scan_has(f"{size_words(um)} µm", f"the {origin} of {path.name} says")
    return size, ""


def _of_world_file(path: Path) -> tuple[tuple[float, float, float, float] | None, str]:
    """A, B, D, E of the first world file that has them; else None and one that has not."""
    broken = ""
    suffix = path.suffix.lower()
    endings = [".wld"]
    if suffix:  # a Zarr store, and a file by its content, may have none
        endings = [f".{suffix[1:2]}{suffix[-1:]}w", f"{suffix}w", *endings]
    for ending in dict.fromkeys(endings):
        for beside in dict.fromkeys((path.with_suffix(ending), path.with_suffix(ending.upper()))):
            numbers = _numbers(_text(beside).replace(",", ".").split()[:6])
            if len(numbers) == 6:
                a, d, b, e = numbers[:4]
                if _has_sides(a, b, d, e):
                    return (a, b, d, e), ""
            if beside.is_file():
                broken = broken or beside.name
    return None, broken


def _of_pam(pam: ElementTree.Element | None) -> tuple[float, float, float, float] | None:
    """A, B, D, E of the transform that GDAL keeps beside an image: x0, A, B, y0, D, E."""
    text = "" if pam is None else pam.findtext("GeoTransform") or ""
    numbers = _numbers(text.replace(",", " ").split())
    if len(numbers) != 6:
        return None
    _, a, b, _, d, e = numbers
    return (a, b, d, e) if _has_sides(a, b, d, e) else None


def _has_sides(a: float, b: float, d: float, e: float) -> bool:
    """Whether the sides of a pixel have a length."""
    return 0 < math.hypot(b, e) < math.inf and 0 < math.hypot(a, d) < math.inf


def _metres_per_unit(pam: ElementTree.Element | None, path: Path) -> float | None:
    texts = ["" if pam is None else pam.findtext("SRS") or "", _text(path.with_suffix(".prj"))]
    for text in texts:
        if units := _UNIT.findall(text):
            kind, name, factor = units[-1]
            is_angle = kind.startswith("ANGLE") or name.lower().startswith(_ANGLES)
            metres = _numbers([factor])
            return None if is_angle or not metres or not 0 < metres[0] < math.inf else metres[0]
        old = _OLD_UNITS.search(text)
        if old is not None and (um := um_per(old[1])) is not None:
            return um / 1e6
    return None


def _pam(path: Path) -> ElementTree.Element | None:
    for beside in (path.with_name(path.name + ".aux.xml"), path.with_suffix(".aux.xml")):
        if text := _text(beside):
            try:
                return ElementTree.fromstring(text)
            except ElementTree.ParseError:
                continue
    return None


def _text(path: Path) -> str:
    """The text of a small file; "" where there is none."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text("utf-8-sig", errors="replace")
    except OSError:
        return ""


def _numbers(words: list[str]) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError:
        return []
