"""Which planes of which files are the element maps of one scan."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import (
    has_spectra_reader,
    kind_of,
    maps_format,
    not_read_words,
    open_maps,
    parse_file_names,
    what_is_read,
)
from napari_mineral_anomaly.io.formats.registry import PICTURE, TEXT
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.extras import MissingPackageError
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane, SpectraInside
from napari_mineral_anomaly.io.formats.signatures import WrongEndingError
from napari_mineral_anomaly.io.formats.text.tables.table import GRAIN_TABLE
from napari_mineral_anomaly.io.reading.folder import FolderFiles, sort_folder, spectrum_images
from napari_mineral_anomaly.io.reading.naming.samples import of_one_sample
from napari_mineral_anomaly.io.reading.naming.told_names import EARLIER, ToldNames, plane_place
from napari_mineral_anomaly.io.reading.naming.undecided import (
    UnnamedMapsError,
    chosen_of_each_label,
    left_out_words,
    mixed_words,
    odd_words,
    remark,
    undecided_file,
    undecided_plane,
    undecided_single,
)
from napari_mineral_anomaly.io.reading.parts import missing_parts_words
from napari_mineral_anomaly.io.reading.refusals import no_maps
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.map_names import ParsedName, any_element, parse_names
from napari_mineral_anomaly.scan.report import IgnoredFile, UndecidedMap
from napari_mineral_anomaly.words import listed

# Of a damaged file in a folder whose files have their elements in titles inside.
_IF_A_MAP = "if it is a map, its element is not in the scan"
# Of files that hold the numbers of a header beside them (Ripple, ENVI).
_ENDINGS_OF_NUMBERS = (".raw", ".img", ".dat", ".bsq", ".bil", ".bip", ".bin", ".cube", ".hyspex")


@dataclass
class Selection:
    """The element maps of one scan, opened and checked, not yet read together.

    Attributes
    ----------
    planes : dict of str to Plane
        By element label, in the order of the cube.
    ignored : list of IgnoredFile
    warnings : list of str
    quantity : str or None
        What the numbers are, where the kind of file decides it.
    lazy : array-like (C, H, W) or None
        All planes of the file, where they stay on disk (see `MapFile.lazy`).
    folder : FolderFiles or None
        The other files, where a folder was read.
    steps : list of (str, str)
        A file, and how it was understood (`MapFile.steps`).
    to_decide : list of UndecidedMap
        What has the shape of the maps, but no element in its name.
    left_out : set of Path
        Files that the user left out.
    as_context : dict of Path to ParsedName
        Files that the user set beside the maps.
    """

    planes: dict[str, Plane] = field(default_factory=dict)
    ignored: list[IgnoredFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    quantity: Quantity | None = None
    lazy: Any | None = None
    folder: FolderFiles | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)
    to_decide: list[UndecidedMap] = field(default_factory=list)
    left_out: set[Path] = field(default_factory=set)
    as_context: dict[Path, ParsedName] = field(default_factory=dict)

    def ignore(self, file: str, reason: str, *, warn: str = "") -> None:
        """List a file as ignored; ``warn`` is a sentence for what the user may not expect."""
        self.ignored.append(IgnoredFile(file=file, reason=reason))
        if warn:
            self.warnings.append(warn)

    def tell(self, file: str, entry: ParsedName, plane: Plane | None = None) -> None:
        """Say where a map (of a file, or a plane of a file) has its element from the user."""
        if not entry.told_by:
            return
        own = "the element" if plane is None else f"the element of plane {plane.page or 1}"
        self.steps.append((file, f"{own}, {entry.label}, is {entry.told_by}"))
        place = file if plane is None else plane_place(file, plane)
        if entry.told_by == EARLIER:
            self.warnings.append(
                f'{place} is {entry.label}, {EARLIER}; --name "{place}=auto" takes that back.'
            )


def select_maps(
    listing: Listing,
    *,
    sample: str | None = None,
    told: ToldNames | None = None,
    channels: Channels | None = None,
    task: Task = SILENT,
) -> Selection | SpectraInside:
    """Find the element maps among the files of one scan.

    What the user told (`told`) overrules the names. Then in this order: the files of a folder that
    are named by elements; the one file of a folder that holds a whole scan; single maps that have
    their element in a title inside. ``channels`` says which axis of a stack counts the channels,
    where the user knows.

    Returns
    -------
    Selection or SpectraInside
        The latter where the only scan is a spectrum image.

    Raises
    ------
    InputError
        When there is no element map, when a map is damaged, or when the names mix samples.
    CancelledError
    """
    selection = Selection(ignored=list(listing.ignored))
    told = told or ToldNames()
    if listing.is_single:
        return _select_from_one(selection, listing, listing.root, sample, told, channels)
    selection.folder = folder = sort_folder(listing)
    for path in folder.grain_tables:
        selection.ignore(listing.name(path), GRAIN_TABLE)
    for entry in parse_file_names(listing.unreadable):
        if entry.role == "element":
            selection.warnings.append(
                f"{entry.name} cannot be read by this user, or another program has locked it: "
                f"{entry.label} is not in the scan."
            )
    scans, files, parsed = list(folder.scans), folder.maps, list(folder.together)
    is_told = any_element(told.for_files(listing, files, parsed))
    if not any_element(parsed):
        inside, refused = _titles(folder, task)
        scans += [path for path, title in inside.items() if title is None]
        scans += spectrum_images(listing)
        scans = _without_single_detectors(selection, listing, scans)
        if len(scans) == 1 and not is_told:
            for path in files:
                if path != scans[0]:
                    selection.ignore(listing.name(path), "lies beside the file that is used")
            chosen = _select_from_one(selection, listing, scans[0], sample, told, channels)
            for path in folder.pictures:
                selection.ignore(listing.name(path), PICTURE.kind)
            _drop_numbers(selection, listing)
            return chosen
        if scans and not is_told:
            raise InputError(
                f"{listing.root} holds {len(scans)} scans "
                f"({listed([path.name for path in scans])}): open one of them."
            )
        parsed = parse_names([inside.get(path) or path.name for path in files])
        if not any_element(parsed) and not is_told:
            raise refused[0] if refused else no_maps(listing)
        selection.warnings += [f"{str(one).rstrip('.')}: {_IF_A_MAP}." for one in refused]
    for path in scans:
        if path not in files:
            selection.ignore(listing.name(path), "a scan of its own; open the file itself")
    if channels is not None:
        raise InputError(
            f"{listing.root} holds a file for each element: there is no axis of channels, leave "
            "out --channels."
        )
    parsed = of_one_sample(told.for_files(listing, files, parsed), sample, str(listing.root))
    told.require_used([listing.name(path) for path in files])
    _select_by_name(selection, listing, files, parsed, task)
    _set_pictures_aside(selection, listing, folder)
    if not selection.planes:
        raise no_maps(listing, selection.left_out)
    _drop_numbers(selection, listing)
    selection.ignored.sort(key=lambda item: item.file)
    return selection


def _without_single_detectors(
    selection: Selection, listing: Listing, scans: list[Path]
) -> list[Path]:
    """Leave out the files of single detectors that MAPS writes beside that of their sum."""
    single = [path for path in scans if re.fullmatch(r"\.h5\d", path.suffix.lower())]
    if not single or len(scans) - len(single) != 1:
        return scans
    for path in single:
        reason = "the maps of one detector; open the file itself"
        selection.ignore(listing.name(path), reason)
    return [path for path in scans if path not in single]


def _set_pictures_aside(selection: Selection, listing: Listing, folder: FolderFiles) -> None:
    """List the pictures beside the maps; warn of each element that only a picture names."""
    labels = set(selection.planes)
    for path, entry in zip(folder.pictures, parse_file_names(folder.pictures), strict=True):
        name, warn = listing.name(path), ""
        if entry.role == "element" and entry.label not in labels:
            warn = (
                f"{name} is a picture beside maps in other files and is not read: {entry.label} is "
                "not in the scan."
            )
        selection.ignore(name, PICTURE.kind, warn=warn)


def _select_by_name(
    selection: Selection,
    listing: Listing,
    files: Sequence[Path],
    parsed: Sequence[ParsedName],
    task: Task,
) -> None:
    """Open the files that name an element; explain every other."""
    notes: dict[str, list[str]] = defaultdict(list)
    used: dict[str, tuple[str, ParsedName]] = {}
    others: list[tuple[Path, ParsedName]] = []
    parts: set[str] = set()
    chosen = chosen_of_each_label(parsed, [listing.name(path) for path in files])
    for step, (path, entry) in enumerate(zip(files, parsed, strict=True), start=1):
        task.check()
        name = listing.name(path)
        task.step("opening", step, len(files), name)
        if entry.role != "element":
            others.append((path, entry))
            continue
        if chosen[entry.label] != step - 1:
            first = listing.name(files[chosen[entry.label]])
            reason = f"a second map of {entry.label}; {first} is used"
            selection.ignore(name, reason, warn=f"{name} is {reason}.")
            continue
        file = _opened(path)
        if file.not_maps:
            warn = f"{name} is {file.not_maps}: {entry.label} is not in the scan."
            selection.ignore(name, file.not_maps, warn=warn)
            continue
        if len(file.planes) > 1:
            raise InputError(
                f"{name} holds {len(file.planes)} planes, but a folder of maps needs one per "
                "element; open the file on its own or move it out of the folder."
            )
        if (heading := _element_of_heading(file, entry)) is not None:
            selection.warnings.append(_heading_words(name, heading, entry))
            entry = heading
            if entry.label in chosen or entry.label in selection.planes:
                raise InputError(
                    f"{name} holds {entry.label} by its heading, which another file holds, too; "
                    "move one of them out of the folder."
                )
        selection.planes[entry.label] = file.planes[0]
        used[entry.label] = name, entry
        parts |= set(file.parts)
        selection.tell(name, entry)
        if file.quantity == "unknown":  # one map of display values spoils them all
            selection.quantity = "unknown"
        selection.steps += [(name, step) for step in file.steps]
        for note in file.notes:
            notes[note].append(name)
    shapes = {plane.shape for plane in selection.planes.values()}
    for path, entry in others:
        task.check()
        name = listing.name(path)
        if entry.role == "left out" and entry.told_by:
            selection.left_out.add(path)
        elif entry.role == "companion" and entry.told_by:
            selection.as_context[path] = entry
        elif path.name in parts:
            _opened(path)  # refuses a damaged one
        if entry.role == "unknown" and (found := undecided_file(path, name, entry, shapes)):
            selection.to_decide.append(found)
        else:
            selection.ignore(name, entry.reason + remark(path, shapes))
    selection.warnings += [*mixed_words(used), *odd_words(used)]
    selection.warnings += missing_parts_words(files, parts)
    selection.warnings += [f"{listed(names)}: {note}." for note, names in notes.items()]


def _element_of_heading(file: MapFile, entry: ParsedName) -> ParsedName | None:
    """What the heading of a table's one column says where the file's name says another element.

    In b.csv with a column Si the letter is no boron.
    """
    if not TEXT.takes(file.path) or entry.told_by:
        return None
    [heading] = parse_names([file.planes[0].name])
    is_other = heading.role == "element" and heading.element != entry.element
    return heading if is_other else None


def _heading_words(name: str, heading: ParsedName, by_file: ParsedName) -> str:
    return (
        f"{name} is read as {heading.label}, as its heading says, not as {by_file.label}; "
        f'--name "{name}={by_file.label}" overrules that.'
    )


def _drop_numbers(selection: Selection, listing: Listing) -> None:
    """Take the files of numbers that belong to the headers of used maps off the ignored files."""
    headers = {
        path.name.removesuffix(path.suffix)
        for path in {plane.path for plane in selection.planes.values()}
        if (found := maps_format(path)) is not None and found.has_numbers_beside
    }

    def is_part(file: Path) -> bool:
        is_beside = file.name in headers or (
            file.stem in headers and file.suffix.lower() in _ENDINGS_OF_NUMBERS
        )
        return is_beside and file.is_file()

    selection.ignored = [
        item for item in selection.ignored if not is_part(listing.root / item.file)
    ]


def _titles(folder: FolderFiles, task: Task) -> tuple[dict[Path, str | None], list[InputError]]:
    """The title inside each file with one plane, None for a stack of maps; and the refusals."""
    titles: dict[Path, str | None] = {}
    refused = []
    for path in folder.maps:
        task.check()
        if TEXT.takes(path) or PICTURE.takes(path) or folder.alone[path].role == "companion":
            continue
        try:
            opened = open_maps(path)
        except InputError as error:
            refused.append(error)  # said where the folder turns out to hold no element map
            continue
        if isinstance(opened, MapFile) and opened.planes:
            titles[path] = opened.planes[0].name if len(opened.planes) == 1 else None
    return titles, refused


def _select_from_one(
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
        if (heading := _element_of_heading(file, entry)) is not None:
            selection.warnings.append(_heading_words(name, heading, entry))
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


def _opened(path: Path) -> MapFile:
    """A file among others of a folder."""
    try:
        file = open_maps(path)
    except WrongEndingError as error:
        raise InputError(f"{str(error).rstrip('.')}, or move it out of the folder.") from error
    except MissingPackageError:
        raise
    except InputError as error:
        raise InputError(_move_it(str(error))) from error
    if file is None:  # listings hold only files with a reader
        raise InputError(f"{path.name} is {kind_of(path)}.")
    if isinstance(file, SpectraInside):
        raise InputError(_move_it(file.sentence))
    return file


def _move_it(sentence: str) -> str:
    if "move it out of the folder" in sentence:
        return sentence
    return f"{sentence.rstrip('.')}; export it again or move it out of the folder."
