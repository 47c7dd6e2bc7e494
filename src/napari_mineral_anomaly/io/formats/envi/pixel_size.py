"""The size of a pixel in an ENVI header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from napari_mineral_anomaly.io.formats.envi.fields import listed_field
from napari_mineral_anomaly.io.formats.shared.lengths import is_length, length_in_um
from napari_mineral_anomaly.io.formats.shared.planes import FilePixelSize

_UNITS = {
    **dict.fromkeys(("meters", "metres"), "m"),
    **dict.fromkeys(("micrometers", "micrometres", "microns"), "µm"),
    **dict.fromkeys(("millimeters", "millimetres"), "mm"),
    **dict.fromkeys(("centimeters", "centimetres"), "cm"),
    **dict.fromkeys(("nanometers", "nanometres"), "nm"),
}
_KILOMETRE = ("km", "kilometers", "kilometres")
# Projections of map info whose unit is metres where it names none.
_METRIC = ("utm", "state plane", "albers", "lambert", "mercator", "gauss", "polar", "sinusoidal")


def pixel_size_in(fields: Mapping[str, str]) -> tuple[FilePixelSize | None, list[str]]:
    """The pixel size (y, x) and sentences for ``steps`` on what is not used of the two fields.

    ``pixel size = {x, y, units=...}`` comes first. ``map info`` holds projection, two reference
    pixels, easting, northing, then the sizes x and y, and options such as ``units=Meters`` and
    ``rotation=30``. Pixels of an airborne scene, in metres or degrees, are no pixels of a sample.
    """
    steps: list[str] = []
    found = _from_pixel_size(fields, steps)
    parts = listed_field(fields, "map info")
    options = dict(_option(part) for part in parts if "=" in part)
    values = [part for part in parts if "=" not in part]
    if options.get("rotation", "0").strip("0.+-"):
        steps.append(
            f"map info is turned by {options['rotation']} degrees: the picture stays as stored"
        )
    if found is not None or len(values) < 7:
        return found, steps
    projection = values[0].lower()
    unit = options.get("units", "")
    if not unit and any(word in projection for word in _METRIC):
        unit = "meters"
    return _size(values[5:7], unit, "map info", steps), steps


def _from_pixel_size(fields: Mapping[str, str], steps: list[str]) -> FilePixelSize | None:
    parts = listed_field(fields, "pixel size")
    if not parts:
        return None
    options = dict(_option(part) for part in parts if "=" in part)
    # ENVI: the unit is metres where none is given.
    unit = options.get("units", options.get("unit", "meters"))
    return _size([part for part in parts if "=" not in part], unit, "pixel size", steps)


def _size(values: Sequence[str], unit: str, field: str, steps: list[str]) -> FilePixelSize | None:
    text = f"{field} {' x '.join(values)} {unit or '(without a unit)'}"
    try:
        # x comes first; a negative size means that the axis runs the other way on the map.
        x, y = (abs(float(value)) for value in values[:2])
    except ValueError:
        steps.append(f"{text} in the header is not used: two numbers are needed")
        return None
    word = _UNITS.get(unit.casefold(), unit)
    if word.casefold() in _KILOMETRE:
        x, y, word = 1000 * x, 1000 * y, "m"
    size = length_in_um((y, x), word, f"ENVI {field}")
    if size is None:
        why = "no size of a pixel on a sample" if is_length(word) else "no unit of length"
        steps.append(f"{text} in the header is not used: {why}")
    return size


def _option(part: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    return key.strip().lower(), value.strip()
