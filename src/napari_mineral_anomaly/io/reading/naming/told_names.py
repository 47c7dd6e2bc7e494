"""Elements that the user told for files and planes; they overrule what the names say.

A file is named as in the ingest report, below the folder that is opened: ``PK.tif``. A plane of a
file (a page, a channel, a column of a table) is ``stack.tif#3``, by its number in the report, or
``scan.csv#Iron``, by its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.planes import Plane
from napari_mineral_anomaly.io.reading.sizes.pixel_size import TYPED_EARLIER
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.printable import shown
from napari_mineral_anomaly.scan.names.map_names import ParsedName
from napari_mineral_anomaly.scan.names.typed import (
    AS_CONTEXT,
    BY_NAME,
    LEAVE_OUT,
    is_word,
    typed_name,
)
from napari_mineral_anomaly.words import listed

BY_USER = "named by the user"
EARLIER = TYPED_EARLIER
# The reason of a file that the user set beside the maps.
CONTEXT_BY_USER = "an image beside the maps"
_MARK = "#"
_SHOWN = 8


def plane_place(file: str, plane: Plane) -> str:
    """What a user types for a plane of a file: "stack.tif#3"."""
    return f"{file}{_MARK}{plane.page or 1}"


@dataclass
class ToldNames:
    """What the user told, now and earlier, and which of it was used.

    Attributes
    ----------
    typed : dict of str to str
        File or plane, and element: typed now.
    kept : dict of str to str
        Typed earlier for this folder; those that fit nothing are not used.
    """

    typed: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.typed or self.kept)

    def of_file(self, file: str, name: str) -> ParsedName | None:
        """The answer for a file; None without one. ``name`` is what was parsed for it."""
        return self._answer([file], name)

    def of_plane(self, file: str, plane: Plane) -> ParsedName | None:
        """The answer for a plane of a file; None without one."""
        keys = [plane_place(file, plane)]
        if plane.name:
            keys.append(f"{file}{_MARK}{plane.name}")
        return self._answer(keys, plane.name)

    def for_files(
        self, listing: Listing, files: Sequence[Path], parsed: Sequence[ParsedName]
    ) -> list[ParsedName]:
        """What the names of files say, overruled where the user told."""
        return [
            self.of_file(listing.name(path), entry.name) or entry
            for path, entry in zip(files, parsed, strict=True)
        ]

    def require_used(self, places: Iterable[str]) -> None:
        """Refuse an answer that was typed now and fits no file.

        Parameters
        ----------
        places : iterable of str
            What could have been named.

        Raises
        ------
        InputError
        """
        unused = [file for file in self.typed if file not in self._used]
        if not unused:
            return
        element = self.typed[unused[0]]
        raise InputError(
            f'--name "{unused[0]}={element}" fits no map that is read here; '
            f"there {'is' if len(list(places)) == 1 else 'are'} {listed(list(places), _SHOWN)}."
        )

    def _answer(self, keys: Sequence[str], name: str) -> ParsedName | None:
        for source, told_by in ((self.typed, BY_USER), (self.kept, EARLIER)):
            for key in keys:
                if key not in source:
                    continue
                self._used.add(key)
                text = source[key].strip()
                if text.casefold() == BY_NAME:
                    return None
                if text.casefold() in LEAVE_OUT:
                    reason = (
                        "left out by the user" if told_by == BY_USER else f"left out: {EARLIER}"
                    )
                    return ParsedName(name, "left out", name, reason=reason, told_by=told_by)
                if text.casefold() == AS_CONTEXT:
                    reason = CONTEXT_BY_USER
                    return ParsedName(name, "companion", name, reason=reason, told_by=told_by)
                entry = typed_name(text)
                if entry is not None:
                    return replace(entry, name=name, told_by=told_by, sample="")
        return None


def told_names(
    listing: Listing, typed: Mapping[str, str] | None, kept: Mapping[str, str]
) -> ToldNames:
    """The answers for one scan.

    Parameters
    ----------
    listing : Listing
    typed : mapping of str to str, optional
        File or plane, and element, as typed now.
    kept : mapping of str to str
        The same, typed earlier.

    Raises
    ------
    InputError
        For a name that is no element, and for a file that is not there.
    """
    own = {listing.name(path): path for path in listing.files}
    checked: dict[str, str] = {}
    for place, element in (typed or {}).items():
        if typed_name(element) is None and not is_word(element):
            raise InputError(
                f"{element!r}, typed for {place}, is no element; type a symbol such as Fe, "
                "perhaps with its line (Fe Ka), an oxide (SiO2), - to leave the map out, or "
                "context to show it beside the maps."
            )
        found = _place(listing, own, place, element)
        if element.strip().casefold() == AS_CONTEXT and (found not in own or listing.is_single):
            raise InputError(
                f"{place} cannot be shown beside the maps: only a file of its own in the folder of "
                "the maps can."
            )
        checked[found] = element
    return ToldNames(checked, {key: name for key, name in kept.items() if key not in checked})


def kept_after(kept: Mapping[str, str], typed: ToldNames) -> dict[str, str]:
    """What is to be kept for the folder: the answers of now before those of earlier."""
    both = {**kept, **typed.typed}
    return {place: name for place, name in both.items() if name.strip().casefold() != BY_NAME}


def _place(listing: Listing, own: Mapping[str, Path], place: str, element: str) -> str:
    """A file or plane as the report writes it."""
    for file, plane in ((place, ""), place.rpartition(_MARK)[::2]):
        if not file:
            continue
        spellings = (file, shown(file), file.replace("\\", "/"))
        name = next((one for one in spellings if one in own), "")
        if not name:
            typed = Path(file)
            name = next(
                (known for known, path in own.items() if typed.absolute() == path.absolute()), ""
            )
        if name:
            return f"{name}{_MARK}{plane}" if plane else name
    file = place.rpartition(_MARK)[0] or place
    ignored = {item.file: item.reason for item in listing.ignored}
    why = ignored.get(place) or ignored.get(file)
    if why:
        raise InputError(f'--name "{place}={element}": {file} is not read as a map ({why}).')
    raise InputError(
        f'--name "{place}={element}": there is no such file in {listing.root}; '
        f"its files are {listed(list(own), _SHOWN)}."
    )
