"""Lengths in any unit as micrometres."""

from __future__ import annotations

from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize
from napari_mineral_anomaly.scan.plausible import LARGEST_UM, SMALLEST_UM

_UNITS_UM = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("micrometers", "micrometres", "\\u00b5m", "mu m", "µ", "μ"), 1.0),
    **dict.fromkeys(("mu", "mum", "mkm"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre", "nanometers", "nanometres"), 1e-3),
    **dict.fromkeys(("pm", "picometer", "picometre"), 1e-6),
    # The sign for ångström is one of two characters; lower() makes "å" of both.
    **dict.fromkeys(("å", "angstrom", "angstroms", "ångström", "ångstrom"), 1e-4),
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters", "millimetres"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre", "centimeters", "centimetres"), 1e4),
    **dict.fromkeys(("dm", "decimeter", "decimetre"), 1e5),
    **dict.fromkeys(("m", "meter", "metre", "meters", "metres"), 1e6),
    **dict.fromkeys(("km", "kilometer", "kilometre", "kilometers", "kilometres"), 1e9),
    **dict.fromkeys(("in", "inch", "inches"), 25_400.0),
    **dict.fromkeys(("thou", "mil", "mils"), 25.4),
    **dict.fromkeys(("ft", "foot", "feet"), 304_800.0),
}
# Capitals make no difference but here: prefixes of a million and more (OME).
_HUGE = ("Mm", "Gm", "Tm", "Pm", "Em", "Zm", "Ym")


def um_per(unit: str) -> float | None:
    """The length of a unit in µm; None for words that we do not know as a unit of length."""
    word = unit.strip()
    return None if word in _HUGE else _UNITS_UM.get(word.lower())


def plausible(um: float) -> bool:
    """Whether a length in µm can be the side of a pixel; False for NaN."""
    return SMALLEST_UM <= um <= LARGEST_UM


def is_length(unit: str) -> bool:
    """Whether we know the word as a unit of length."""
    return um_per(unit) is not None


def length_in_um(lengths: tuple[float, float], unit: str, origin: str) -> FilePixelSize | None:
    """A pixel size (y, x) in some unit as µm; None for unknown units and implausible sizes."""
    factor = um_per(unit)
    if factor is None:
        return None
    return plausible_size((lengths[0] * factor, lengths[1] * factor), origin)


def plausible_size(um: tuple[float, float], origin: str) -> FilePixelSize | None:
    """A pixel size (y, x) in µm; None for sizes that no scan has."""
    # Nine digits, because TIFF stores 1/size as a ratio of integers, which rounds it.
    rounded = (float(f"{um[0]:.9g}"), float(f"{um[1]:.9g}"))
    return FilePixelSize(rounded, origin) if all(map(plausible, rounded)) else None


def size_words(lengths: tuple[float, float]) -> str:
    """A size (y, x) in some unit: "20", or "20 x 25" where the two differ."""
    y, x = lengths
    return f"{y:.9g}" if y == x else f"{y:.9g} x {x:.9g}"


def no_scan_has(stated: str, who_says: str) -> str:
    """A note: a declared size that cannot be the step of a scan."""
    return (
        f"{who_says} {stated} per pixel, which no scan has: give the pixel size in µm with "
        "--pixel-size"
    )


def unit_asked(lengths: tuple[float, float], who_says: str) -> str:
    """A note: a size (y, x) without a unit, and what it would be in each that is likely."""

    def option(um: float) -> str:
        return size_words((lengths[0] * um, lengths[1] * um)).replace(" x ", ",")

    units = (("µm", 1.0), ("mm", 1e3), ("metres", 1e6))
    options = [f"--pixel-size {option(um)} if these are {unit}" for unit, um in units]
    return (
        f"{who_says} {size_words(lengths)} per pixel without a unit of length, so the pixel size "
        f"stays unknown: give it in µm ({', '.join(options)})"
    )
