"""Which planes of which files are the element maps of one scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import (
    is_spectrum_image,
    kind_of,
    open_maps,
    parse_file_names,
    what_is_read,
)
from napari_mineral_anomaly.io.formats.registry import TEXT, TIFF
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Plane, SpectraInside
from napari_mineral_anomaly.io.formats.text.table import GRAIN_TABLE
from napari_mineral_anomaly.io.formats.tiff import maps as tiff
from napari_mineral_anomaly.io.reading.folder import FolderFiles, sort_folder, spectrum_images
from napari_mineral_anomaly.io.reading.refusals import no_maps
from napari_mineral_anomaly.io.reading.samples import of_one_sample
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import Quantity
from napari_mineral_anomaly.scan.names.map_names import ParsedName, any_element, parse_names
from napari_mineral_anomaly.scan.report import IgnoredFile
from napari_mineral_anomaly.words import listed, sizes


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
    """

    planes: dict[str, Plane] = field(default_factory=dict)
    ignored: list[IgnoredFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    quantity: Quantity | None = None
    lazy: Any | None = None
    folder: FolderFiles | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)

    def ignore(self, file: str, reason: str, *, warn: str = "") -> None:
        """List a file as ignored; ``warn`` is a sentence for what the user may not expect."""
        self.ignored.append(IgnoredFile(file=file, reason=reason))
        if warn:
            self.warnings.append(warn)


def select_maps(
    listing: Listing, *, sample: str | None = None, task: Task = SILENT
) -> Selection | SpectraInside:
    """Find the element maps among the files of one scan.

    In this order: the files of a folder that are named by elements; the one file of a folder that
    holds a whole scan; single maps that have their element in a title inside.

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
    if listing.is_single:
        return _select_from_one(selection, listing, listing.root, sample)
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
    if not any_element(parsed):
        inside = _titles(folder, task)
        scans += [path for path, title in inside.items() if title is None]
        scans += spectrum_images(listing)
        if len(scans) == 1:
            for path in files:
                if path != scans[0]:
                    selection.ignore(listing.name(path), "lies beside the file that is used")
            return _select_from_one(selection, listing, scans[0], sample)
        if scans:
            raise InputError(
                f"{listing.root} holds {len(scans)} scans "
                f"({listed([path.name for path in scans])}): open one of them."
            )
        parsed = parse_names([inside.get(path) or path.name for path in files])
        if not any_element(parsed):
            raise no_maps(listing)
    for path in scans:
        selection.ignore(listing.name(path), "a scan of its own; open the file itself")
    parsed = of_one_sample(parsed, sample, str(listing.root))
    _select_by_name(selection, listing, files, parsed, task)
    if not selection.planes:
        raise no_maps(listing)
    selection.ignored.sort(key=lambda item: item.file)
    return selection


def _select_by_name(
    selection: Selection,
    listing: Listing,
    files: Sequence[Path],
    parsed: Sequence[ParsedName],
    task: Task,
) -> None:
    """Open the files that name an element; explain every other."""
    notes: dict[str, list[str]] = defaultdict(list)
    companions: list[tuple[Path, str]] = []
    for step, (path, entry) in enumerate(zip(files, parsed, strict=True), start=1):
        task.check()
        name = listing.name(path)
        task.step("opening", step, len(files), name)
        if entry.role != "element":
            companions.append((path, entry.reason))
            continue
        if entry.label in selection.planes:
            first = listing.name(selection.planes[entry.label].path)
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
        selection.planes[entry.label] = file.planes[0]
        selection.steps += [(name, step) for step in file.steps]
        for note in file.notes:
            notes[note].append(name)
    shapes = {plane.shape for plane in selection.planes.values()}
    for path, reason in companions:
        selection.ignore(listing.name(path), reason + _remark(path, shapes))
    selection.warnings += [f"{listed(names)}: {note}." for note, names in notes.items()]


def _titles(folder: FolderFiles, task: Task) -> dict[Path, str | None]:
    """The title inside each file with one plane; None for a stack of maps."""
    titles: dict[Path, str | None] = {}
    for path in folder.maps:
        task.check()
        if TEXT.takes(path) or folder.alone[path].role == "companion":
            continue
        try:
            opened = open_maps(path)
        except InputError:
            continue  # reported by name where the folder turns out to hold no element map
        if isinstance(opened, MapFile) and opened.planes:
            titles[path] = opened.planes[0].name if len(opened.planes) == 1 else None
    return titles


def _select_from_one(
    selection: Selection, listing: Listing, path: Path, sample: str | None
) -> Selection | SpectraInside:
    """One file: a stack, a scene, a single map, or a spectrum image."""
    file = open_maps(path, listing.dataset)
    if file is None:
        if is_spectrum_image(path):
            return SpectraInside(path, listing.dataset)
        raise InputError(f"{path.name} is {kind_of(path)}; this version reads {what_is_read()}.")
    if isinstance(file, SpectraInside):
        return file
    if file.not_maps:
        raise InputError(f"{path.name} is {file.not_maps}; this version reads {what_is_read()}.")
    name = listing.name(path)
    selection.warnings += [f"{name}: {note}." for note in file.notes]
    selection.steps += [(name, step) for step in file.steps]
    selection.quantity = file.quantity
    selection.lazy = file.lazy
    if len(file.planes) > 1:
        _select_pages(selection, name, file.planes, sample)
        return selection
    [by_file], [by_title] = parse_file_names([path]), parse_names([file.planes[0].name])
    if by_file.role in ("companion", "uncertainty"):
        raise InputError(f"{path.name} is {by_file.reason} by its name, not an element map.")
    entry = by_file if by_file.role == "element" else by_title
    if entry.role != "element":
        raise InputError(
            f"{path.name} names no element; call a single map by its element, for example Fe.tif."
        )
    selection.planes[entry.label] = file.planes[0]
    return selection


def _select_pages(
    selection: Selection, name: str, planes: Sequence[Plane], sample: str | None
) -> None:
    """The element maps among the pages of a stack; all pages where none names an element."""
    parsed = parse_names([plane.name for plane in planes])
    if not any_element(parsed):
        own = [plane.name for plane in planes]
        if len(set(own)) < len(own) or "" in own:
            width = len(str(len(planes)))
            own = [f"page {i:0{width}d}" for i in range(1, len(planes) + 1)]
        selection.planes |= zip(own, planes, strict=True)
        selection.warnings.append(
            f"No plane of {name} is named after an element; they are called {own[0]} to {own[-1]}."
        )
        return
    parsed = of_one_sample(parsed, sample, name)
    for plane, entry in zip(planes, parsed, strict=True):
        place = f"{name}, plane {plane.page}" + (f" ({entry.name})" if entry.name else "")
        if entry.role != "element":
            selection.ignore(place, entry.reason)
        elif entry.label in selection.planes:
            first = selection.planes[entry.label].page
            reason = f"a second map of {entry.label}; plane {first} is used"
            selection.ignore(place, reason, warn=f"{place} is {reason}.")
        else:
            selection.planes[entry.label] = plane
    unknown = [
        entry.name or f"plane {plane.page}"
        for plane, entry in zip(planes, parsed, strict=True)
        if entry.role == "unknown"
    ]
    if unknown:
        selection.warnings.append(_left_out(name, unknown, list(selection.planes)))


def _left_out(name: str, unknown: Sequence[str], used: Sequence[str]) -> str:
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


def _opened(path: Path) -> MapFile:
    """A file among others of a folder."""
    try:
        file = open_maps(path)
    except InputError as error:
        raise InputError(_move_it(str(error))) from error
    if file is None:  # listings hold only files with a reader
        raise InputError(f"{path.name} is {kind_of(path)}.")
    if isinstance(file, SpectraInside):
        raise InputError(_move_it(file.sentence))
    return file


def _move_it(sentence: str) -> str:
    return f"{sentence.rstrip('.')}; export it again or move it out of the folder."


def _remark(path: Path, shapes: set[tuple[int, int]]) -> str:
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
