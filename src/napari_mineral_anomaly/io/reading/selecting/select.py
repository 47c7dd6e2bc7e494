"""`select_maps`: from the files of one scan to its element maps."""

from __future__ import annotations

import re
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import maps_format, open_maps, parse_file_names
from napari_mineral_anomaly.io.formats.registry import PICTURE, TEXT
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, SpectraInside
from napari_mineral_anomaly.io.formats.text.tables.table import GRAIN_TABLE
from napari_mineral_anomaly.io.reading.folder import FolderFiles, sort_folder, spectrum_images
from napari_mineral_anomaly.io.reading.naming.samples import of_one_sample
from napari_mineral_anomaly.io.reading.naming.told_names import ToldNames
from napari_mineral_anomaly.io.reading.refusals import no_maps
from napari_mineral_anomaly.io.reading.selecting.by_name import select_by_name
from napari_mineral_anomaly.io.reading.selecting.one_file import select_from_file
from napari_mineral_anomaly.io.reading.selecting.selection import Selection
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.names.map_names import any_element, parse_names
from napari_mineral_anomaly.words import listed

# Of a damaged file in a folder whose files have their elements in titles inside.
_IF_A_MAP = "if it is a map, its element is not in the scan"
# Of files that hold the numbers of a header beside them (Ripple, ENVI).
_ENDINGS_OF_NUMBERS = (".raw", ".img", ".dat", ".bsq", ".bil", ".bip", ".bin", ".cube", ".hyspex")


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
        return select_from_file(selection, listing, listing.root, sample, told, channels)
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
            chosen = select_from_file(selection, listing, scans[0], sample, told, channels)
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
    select_by_name(selection, listing, files, parsed, task)
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
