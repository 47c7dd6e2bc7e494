"""One file: a stack of maps, a scene, a single map, or a spectrum image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import (
    has_spectra_reader,
    not_read_words,
    open_maps,
    parse_file_names,
    what_is_read,
)
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane, SpectraInside
from napari_mineral_anomaly.io.reading.naming.headings import element_of_heading, heading_words
from napari_mineral_anomaly.io.reading.naming.samples import of_one_sample
from napari_mineral_anomaly.io.reading.naming.told_names import ToldNames, plane_place
from napari_mineral_anomaly.io.reading.naming.undecided import (
    UnnamedMapsError,
    chosen_of_each_label,
    left_out_words,
    mixed_words,
    odd_words,
    undecided_plane,
    undecided_single,
)
from napari_mineral_anomaly.io.reading.selecting.selection import Selection
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.scan.names.map_names import ParsedName, any_element, parse_names


def select_from_file(
    selection: Selection,
    listing: Listing,
    path: Path,
    sample: str | None,
    told: ToldNames,
    channels: Channels | None,
) -> Selection | SpectraInside:
    """One file: a stack, a scene, a single map, or a spectrum image."""
    file = open_maps(path, listing.dataset, channels)
    if file is None:
        if has_spectra_reader(path):  # which says what a file lacks
            return SpectraInside(path, listing.dataset)
        raise InputError(not_read_words(path))
    if isinstance(file, SpectraInside):
        return file
    if file.not_maps:
        raise InputError(f"{path.name} is {file.not_maps}; this version reads {what_is_read()}.")
    name = listing.name(path)
    selection.warnings += [f"{name}: {note}." for note in file.notes]
    selection.steps += [(name, step) for step in file.steps]
    if file.parts:
        selection.warnings.append(
            f"{name} is one of the {len(file.parts)} files of a scan, the others are not read: "
            "open their folder, or all files together."
        )
    selection.quantity = file.quantity
    selection.lazy = file.lazy
    if len(file.planes) > 1 or _names_columns(file, name, told):
        _select_pages(selection, name, file, sample, told)
        return selection
    plane = file.planes[0]
    entry = told.of_file(name, name) or told.of_plane(name, plane)
    told.require_used([name])
    if entry is None:
        [by_file], [by_title] = parse_file_names([path]), parse_names([plane.name])
        if by_file.role in ("companion", "uncertainty", "derived"):
            raise InputError(
                f"{path.name} is {by_file.reason} by its name, not an element map; if it is one, "
                f'give its element with --name "{name}=Fe".'
            )
        entry = by_file if by_file.role == "element" else by_title
        if (heading := element_of_heading(file, entry)) is not None:
            selection.warnings.append(heading_words(name, heading, entry))
            entry = heading
    if entry.role == "left out":
        raise InputError(f"{path.name} is {entry.reason}, and there is no other map.")
    if entry.role != "element":
        raise UnnamedMapsError(
            f"{path.name} names no element; call a single map by its element, for example Fe.tif, "
            f'or give it with --name "{name}=Fe".',
            [undecided_single(plane, name, entry.reason)],
        )
    selection.planes[entry.label] = plane
    selection.tell(name, entry)
    return selection


def _names_columns(file: MapFile, name: str, told: ToldNames) -> bool:
    """Whether a table with one column of values has its element in a heading, or from the user.

    Else its element is in the name of the file: "counts" in Fe.csv.
    """
    if not file.others:
        return False
    answers = [told.of_plane(name, plane) for plane in file.others]  # each marks itself as used
    return any(answers) or any_element(parse_names([plane.name for plane in file.planes]))


def _select_pages(
    selection: Selection, name: str, file: MapFile, sample: str | None, told: ToldNames
) -> None:
    """The element maps among the pages of a stack; all pages where none names an element."""
    planes, parsed = list(file.planes), parse_names([plane.name for plane in file.planes])
    is_named = any_element(parsed)
    if not is_named:
        parsed = _as_they_are(selection, name, planes)
    answers = [told.of_plane(name, plane) for plane in planes]
    parsed = [answer or entry for answer, entry in zip(answers, parsed, strict=True)]
    for plane in file.others:
        answer = told.of_plane(name, plane)
        if answer is not None and answer.role == "element":
            planes.append(plane)
            parsed.append(answer)
    told.require_used([plane_place(name, plane) for plane in planes])
    parsed = of_one_sample(parsed, sample, name) if is_named else parsed
    places = [
        f"{name}, plane {plane.page}" + (f" ({plane.name})" if plane.name else "")
        for plane in planes
    ]
    chosen = chosen_of_each_label(parsed, [plane_place(name, plane) for plane in planes])
    used: dict[str, tuple[str, ParsedName]] = {}
    for i, (plane, entry) in enumerate(zip(planes, parsed, strict=True)):
        if entry.role == "element" and chosen[entry.label] == i:
            selection.planes[entry.label] = plane
            used[entry.label] = plane_place(name, plane), entry
            selection.tell(name, entry, plane)
        elif entry.role == "element":
            first = planes[chosen[entry.label]].page
            reason = f"a second map of {entry.label}; plane {first} is used"
            selection.ignore(places[i], reason, warn=f"{places[i]} is {reason}.")
        elif entry.role == "unknown":
            selection.to_decide.append(undecided_plane(plane, name, entry))
        else:
            selection.ignore(places[i], entry.reason)
    if not selection.planes:
        raise InputError(f"No plane of {name} is left: every one is left out by the user.")
    selection.warnings += [*mixed_words(used), *odd_words(used)]
    unknown = [
        entry.name or f"plane {plane.page}"
        for plane, entry in zip(planes, parsed, strict=True)
        if entry.role == "unknown"
    ]
    if unknown:
        selection.warnings.append(left_out_words(name, unknown, list(selection.planes)))


def _as_they_are(selection: Selection, name: str, planes: Sequence[Plane]) -> list[ParsedName]:
    """The planes of a stack that names no element, under their own names or as pages."""
    own = [plane.name for plane in planes]
    if len(set(own)) < len(own) or "" in own:
        width = len(str(len(planes)))
        own = [f"page {i:0{width}d}" for i in range(1, len(planes) + 1)]
    advice = f': give their elements with --name "{plane_place(name, planes[0])}=Fe"'
    if selection.quantity == "reflectance":
        advice = ""  # bands of light are no elements
    selection.warnings.append(
        f"No plane of {name} is named after an element; they are called {own[0]} to {own[-1]}"
        f"{advice}."
    )
    return [ParsedName(text, "element", text) for text in own]
