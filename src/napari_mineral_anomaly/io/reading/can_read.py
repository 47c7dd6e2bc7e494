"""Whether a file or folder is worth a try, for programs that ask every plugin."""

from __future__ import annotations

from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import (
    is_spectrum_image,
    maps_format,
    open_maps,
    parse_file_names,
)
from napari_mineral_anomaly.io.formats.registry import MATLAB, NPY, NPZ, PICTURE, TEXT
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, SpectraInside
from napari_mineral_anomaly.io.formats.text.tables.table import table_columns
from napari_mineral_anomaly.io.reading.folder import sort_folder, spectrum_images
from napari_mineral_anomaly.io.reading.naming.told_names import told_names
from napari_mineral_anomaly.io.reading.source import Listing, Source, list_source
from napari_mineral_anomaly.io.remembered import remembered_names
from napari_mineral_anomaly.scan.names.map_names import any_element, parse_names


def can_read(source: Source) -> bool:
    """Whether `read_maps` may read this: looks at names and headers only, never raises."""
    try:
        listing = list_source(source)
        if listing.is_single:
            return _can_read_file(listing.root, listing.dataset)
        return _can_read_folder(listing)
    except (InputError, OSError):
        return False


def _can_read_folder(listing: Listing) -> bool:
    folder = sort_folder(listing)
    if any_element(folder.together):
        return True
    kept = told_names(listing, None, remembered_names(listing.root))
    if any_element(kept.for_files(listing, folder.maps, folder.together)):
        return True
    others = [p for p in folder.maps if not TEXT.takes(p) and not PICTURE.takes(p)]
    stacks = [path for path in others if _n_planes(path) > 1]
    return len(folder.scans) + len(spectrum_images(listing)) + len(stacks) == 1


def _n_planes(path: Path) -> int:
    file = open_maps(path)
    return len(file.planes) if isinstance(file, MapFile) else 0


def _can_read_file(path: Path, dataset: str | None) -> bool:
    found = maps_format(path)
    if found is None:
        return is_spectrum_image(path)
    [entry] = parse_file_names([path])
    if found is PICTURE and entry.role != "element":
        return False  # a photo: not ours
    if found is TEXT:
        return entry.role == "element" or bool(table_columns(path))
    if found is MATLAB or (dataset is not None and found.has_datasets):
        return True
    file = open_maps(path)
    if file is None or isinstance(file, SpectraInside):
        return is_spectrum_image(path)
    if len(file.planes) > 1 and found in (NPY, NPZ):
        return any(plane.name for plane in file.planes)  # numpy files may hold any array
    if len(file.planes) == 1:
        return entry.role == "element" or any_element(parse_names([file.planes[0].name]))
    return bool(file.planes)
