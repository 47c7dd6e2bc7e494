"""Maps whose element the names leave open: what to say of them, and which of two is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import open_maps
from napari_mineral_anomaly.io.formats.registry import TIFF
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane
from napari_mineral_anomaly.io.formats.tiff import maps as tiff
from napari_mineral_anomaly.io.reading.naming.told_names import BY_USER, plane_place
from napari_mineral_anomaly.scan.names.map_names import ParsedName
from napari_mineral_anomaly.scan.names.vocabulary import fraction_unit, has_own_words
from napari_mineral_anomaly.scan.report import UndecidedMap
from napari_mineral_anomaly.words import listed, sizes

# As many names must be alike before another is called odd; our choice.
_FEWEST_ALIKE = 3


class UnnamedMapsError(InputError):
    """There are maps, but no name says an element; ``to_decide`` lists them for the user."""

    def __init__(self, sentence: str, to_decide: Sequence[UndecidedMap]) -> None:
        super().__init__(sentence)
        self.to_decide = tuple(to_decide)


def undecided_file(
    path: Path, name: str, entry: ParsedName, shapes: set[tuple[int, int]]
) -> UndecidedMap | None:
    """A file of a folder that has the shape of the maps, but no element in its name.

    Parameters
    ----------
    path : Path
    name : str
        As in the report.
    entry : ParsedName
    shapes : set of (int, int)
        Those of the element maps; with none, any map is one to decide about.

    Returns
    -------
    UndecidedMap or None
        None for files of other shapes, of several planes, and for those that cannot be read.
    """
    try:
        file = open_maps(path)
    except InputError:
        return None
    if not isinstance(file, MapFile) or file.not_maps or len(file.planes) != 1:
        return None
    plane = file.planes[0]
    if shapes and plane.shape not in shapes:
        return None
    return _undecided(name, plane, entry.reason)


def undecided_single(plane: Plane, file: str, why: str) -> UndecidedMap:
    """The only plane of a file that was opened by itself."""
    return _undecided(file, plane, why)


def undecided_plane(plane: Plane, file: str, entry: ParsedName) -> UndecidedMap:
    """A plane of a stack in which other planes name their element."""
    own = f"{entry.reason} ({plane.name})" if plane.name else entry.reason
    return _undecided(plane_place(file, plane), plane, own)


def _undecided(place: str, plane: Plane, why: str) -> UndecidedMap:
    dtype = plane.stored_dtype or plane.dtype
    return UndecidedMap(file=place, shape=plane.shape, dtype=str(dtype), why=why)


def chosen_of_each_label(parsed: Sequence[ParsedName], places: Sequence[str]) -> dict[str, int]:
    """Which map is used where several carry one label.

    The one that the user named; else the one whose name is most like those of the others; else the
    first.

    Raises
    ------
    InputError
        When the user gave one element to two maps, or one that another map has by its name.
    """
    chosen: dict[str, int] = {}
    for i, entry in enumerate(parsed):
        if entry.role != "element":
            continue
        first = chosen.setdefault(entry.label, i)
        if first == i:
            continue
        other = parsed[first]
        if BY_USER in (entry.told_by, other.told_by):
            typed, by_name = (i, first) if entry.told_by == BY_USER else (first, i)
            raise InputError(
                f"{places[first]} and {places[i]} would both be {entry.label}: give another name "
                f"to {places[typed]}, or leave {places[by_name]} out with "
                f'--name "{places[by_name]}=-".'
            )
        if (bool(entry.told_by), entry.support) > (bool(other.told_by), other.support):
            chosen[entry.label] = i
    return chosen


def mixed_words(used: Mapping[str, tuple[str, ParsedName]]) -> list[str]:
    """A warning where names say different units, or only some a mass fraction; [] without.

    Parameters
    ----------
    used : mapping of str to (str, ParsedName)
        Label, and the file or plane with its name.
    """
    by_name = [(place, entry) for place, entry in used.values() if not entry.told_by]
    fractions = [place for place, entry in by_name if entry.is_fraction]
    units = {place: unit for place, entry in by_name if (unit := fraction_unit(entry.name))}
    if len(set(units.values())) > 1:
        shown = listed([f"{place} in {unit}" for place, unit in units.items()])
        return [f"The maps have different units by name ({shown}): compare them with care."]
    if not fractions or len(fractions) == len(by_name) or len(fractions) > len(by_name) / 2:
        return []
    one = len(fractions) == 1
    verb, that = ("is a mass fraction", "it") if one else ("are mass fractions", "them")
    return [
        f"{listed(fractions)} {verb} by name, the other maps are not: the numbers have different "
        f'units; leave {that} out with --name "{fractions[0]}=-".'
    ]


def odd_words(used: Mapping[str, tuple[str, ParsedName]]) -> list[str]:
    """A warning about names that hold other words beside the element than all the others.

    ``used`` as in `mixed_words`. "Mg gradient" among Fe, Ca and Si is read as magnesium, which it
    may not be.
    """
    entries = [entry for _, entry in used.values()]
    if max((entry.support for entry in entries), default=0) < _FEWEST_ALIKE:
        return []
    odd = [
        (place, entry.label)
        for place, entry in used.values()
        if entry.support == 1 and not entry.told_by and has_own_words(entry.sample)
    ]
    return [
        f"{place} is read as {label}, but its name has other words than those of the other maps: "
        f'if it is something else, leave it out with --name "{place}=-".'
        for place, label in odd
    ]


def left_out_words(name: str, unknown: Sequence[str], used: Sequence[str]) -> str:
    """The warning about planes that may be maps but are not named after an element."""
    are = "plane is" if len(unknown) == 1 else "planes are"
    sentence = (
        f"{len(unknown)} {are} left out of {name} because no element is in the name "
        f"({listed(unknown)}): call each map by its element, for example Fe, to have it read"
    )
    if len(unknown) <= len(used):
        return f"{sentence}."
    # Perhaps a letter of the name was taken for an element: "map C" of "map A" to "map D".
    no_element, it = ("is no element", "it") if len(used) == 1 else ("are no elements", "them")
    return (
        f"{sentence}; if {listed(used)} {no_element} here, rename {it}, too, and all planes are "
        "read as they are."
    )


def remark(path: Path, shapes: set[tuple[int, int]]) -> str:
    """Says so where a companion cannot be read, or has another shape than the maps."""
    if not TIFF.takes(path):
        return ""
    try:
        file = tiff.open_maps(path)
    except InputError as error:
        return f" ({str(error).rstrip('.')})"
    if file.not_maps:
        return f" ({file.not_maps})"
    odd = sorted({plane.shape for plane in file.planes} - shapes)
    if not odd or not shapes:
        return ""
    return (
        f"; it has {listed([sizes(shape) for shape in odd])} pixels, "
        f"the maps have {listed([sizes(shape) for shape in sorted(shapes)])}"
    )
