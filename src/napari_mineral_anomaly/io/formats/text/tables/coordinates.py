"""Which columns of a table are coordinates, and in which unit, by their headings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from napari_mineral_anomaly.io.formats.shared.lengths import is_length

# Words that name the axis of a column, also with a number behind them ("X1").
_AXES = {
    **dict.fromkeys(("row", "rows", "line", "lin", "ny", "iy", "yindex", "yidx"), "row"),
    **dict.fromkeys(("column", "columns", "col", "nx", "ix", "pixel", "xindex", "xidx"), "column"),
    **dict.fromkeys(("x", "easting", "samx", "sampx"), "x"),
    **dict.fromkeys(("y", "northing", "samy", "sampy"), "y"),
}
# Words beside the axis that say what kind of position it is.
_BESIDE = frozenset(
    (
        *("pos", "position", "positions", "coord", "coords", "coordinate", "coordinates", "loc"),
        *(
            "location",
            "stage",
            "sample",
            "motor",
            "mot",
            "axis",
            "scan",
            "map",
            "beam",
            "spot",
            "point",
        ),
        *("abs", "absolute", "rel", "relative", "real", "actual", "measured", "meas", "nominal"),
        *("target", "set", "enc", "encoder", "readback", "rbv", "center", "centre", "centroid"),
        *("distance", "dist", "offset", "value", "in", "of", "the", "no", "number", "nr", "id"),
    )
)
# Units that count pixels.
PIXELS = frozenset(("px", "pix", "pixel", "pixels", "index", "idx"))
# Units that are none of length: the numbers have steps that nobody knows in micrometres.
_OTHER_UNITS = frozenset(("step", "steps", "pulse", "pulses", "deg", "a.u.", "au", "units"))
# A unit whose micro sign was lost on the way: "?m".
_BROKEN_UNIT = re.compile(r"[^a-z\d\s]{1,3}m")
_BRACKETS = re.compile(r"[(\[{<]\s*([^)\]}>]*?)\s*[)\]}>]")
_BETWEEN = re.compile(r"[\s_\-./,:;|]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GLUED = re.compile(
    r"(?P<before>pos|position|coord|stage|sample|motor)?(?P<axis>[xy])"
    r"(?P<after>pos|position|coord|coordinate|stage|sample|motor)?(?P<number>\d)?"
)


@dataclass(frozen=True)
class Coordinate:
    """What one heading says.

    Attributes
    ----------
    kind : str
        "row", "column" (they count pixels), "x" or "y" (positions).
    unit : str
        As `lengths.is_length` knows it, "px" for pixels, another word, or "" for none.
    rest : str
        The words beside the axis: columns of one pair share them.
    """

    kind: str
    unit: str
    rest: str


@dataclass(frozen=True)
class CoordinateNames:
    """The columns of a table that hold coordinates; None where there is none.

    ``row`` and ``column`` count pixels, ``x`` and ``y`` are positions. ``spare`` are further
    coordinates, which are not used.
    """

    row: str | None = None
    column: str | None = None
    x: str | None = None
    y: str | None = None
    spare: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all coordinates that are used."""
        return tuple(name for name in (self.row, self.column, self.x, self.y) if name is not None)


def coordinate_of(heading: str) -> Coordinate | None:
    """The coordinate that a heading names ("Stage X (mm)", "pos_y"); None for other columns."""
    text = heading.strip().strip("\"'#").replace("Â", "")
    unit, found = "", _BRACKETS.findall(text)
    text = _BRACKETS.sub(" ", text)
    words = [word for part in _BETWEEN.split(text) for word in _CAMEL.split(part) if word]
    if len(found) > 1 or not words:
        return None
    if found:
        unit = found[0].strip().casefold()
    elif len(words) > 1 and (_is_unit(words[-1]) or words[-1].casefold() in _OTHER_UNITS):
        unit = words.pop().casefold()
    if unit and not (_is_unit(unit) or unit in _OTHER_UNITS or _BROKEN_UNIT.fullmatch(unit)):
        return None  # "Y (ppm)" is yttrium
    kind, rest = None, []
    for word in (word.casefold() for word in words):
        axis, more = _axis(word)
        if axis is not None and (kind is None or axis == kind):
            kind = axis
            rest += more
        elif word in _BESIDE:
            rest.append(word)
        else:
            return None
    if kind is None:
        return None
    return Coordinate(kind, "px" if unit in PIXELS else unit, " ".join(rest))


def coordinate_names(names: Iterable[str]) -> CoordinateNames:
    """Find the coordinates among the columns.

    Two columns are a pair where the words beside their axes are the same; of several pairs the
    first is used, and one with a unit of length before others. ``Y`` is yttrium where there is no
    ``X``.
    """
    found = {name: one for name in names if name and (one := coordinate_of(name)) is not None}
    used: dict[str, str] = {}
    for first, second in (("row", "column"), ("x", "y")):
        pairs = _pairs(found, first, second)
        if pairs:
            used |= zip((first, second), pairs[0], strict=True)
    spare = tuple(
        name
        for name, one in found.items()
        if name not in used.values() and one.kind in used and len(name.strip()) > 1
    )
    return CoordinateNames(**used, spare=spare)


def unit_of(heading: str) -> str:
    """The unit of length, or "px", that a coordinate's heading names; "" for none."""
    found = coordinate_of(heading)
    return found.unit if found is not None else ""


def unit_in(text: str) -> str:
    """The one unit of length that is in a text such as "y (mm) / x (mm)"; "" for none."""
    words = {word.casefold() for word in re.findall(r"[^\s()\[\]{}<>/\\|,;:=]+", text)}
    units = {word for word in words if _is_unit(word) and word not in PIXELS}
    return units.pop() if len(units) == 1 else ""


def _pairs(found: dict[str, Coordinate], first: str, second: str) -> list[tuple[str, str]]:
    """All pairs of columns, the best before the others."""
    pairs = [
        (one, other)
        for one in found
        if found[one].kind == first
        for other in found
        if found[other].kind == second
    ]
    return sorted(
        pairs,
        key=lambda pair: (
            found[pair[0]].rest != found[pair[1]].rest,
            -sum(is_length(found[name].unit) for name in pair),
        ),
    )


def _axis(word: str) -> tuple[str | None, list[str]]:
    """The axis that a word names, and the words glued to it: "x" and ["pos"] for "xpos"."""
    if word in _AXES:
        return _AXES[word], []
    match = _GLUED.fullmatch(word)
    if match is None:
        return None, []
    return match["axis"], [part for part in (match["before"], match["after"]) if part]


def _is_unit(word: str) -> bool:
    return is_length(word) or word.casefold() in PIXELS
