"""The files of one folder, sorted by what they are. Their names are parsed here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.io.formats.lookup import (
    is_spectrum_image,
    maps_format,
    parse_file_names,
)
from napari_mineral_anomaly.io.formats.registry import PICTURE, TEXT
from napari_mineral_anomaly.io.formats.text.tables.table import holds_grains, table_columns
from napari_mineral_anomaly.io.reading.source import Listing
from napari_mineral_anomaly.scan.names.map_names import ParsedName


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder by what they are.

    Attributes
    ----------
    scans : tuple of Path
        Files of which each is a scan of its own.
    grain_tables : tuple of Path
    pictures : tuple of Path
        Pictures beside files that hold the maps: they are no maps then, but context.
    maps : tuple of Path
        The others that a reader of maps takes: element maps and their companions.
    together : tuple of ParsedName
        What the names of ``maps`` say when they are read together.
    alone : mapping of Path to ParsedName
        What the name of each file with a reader of maps says by itself.
    """

    scans: tuple[Path, ...]
    grain_tables: tuple[Path, ...]
    pictures: tuple[Path, ...]
    maps: tuple[Path, ...]
    together: tuple[ParsedName, ...]
    alone: Mapping[Path, ParsedName]


def sort_folder(listing: Listing) -> FolderFiles:
    """Sort the files of a folder by their names; of text files the heading is read, too."""
    alone = {path: parse_file_names([path])[0] for path in listing.files}
    grains = [path for path in listing.files if TEXT.takes(path) and holds_grains(path)]
    scans = [
        path for path in listing.files if path not in grains and _holds_scan(path, alone[path])
    ]
    rest = [path for path in listing.files if path not in scans and path not in grains]
    hold_maps = any(not PICTURE.takes(path) and _may_be_map(path, alone[path]) for path in rest)
    pictures: list[Path] = []
    if scans or hold_maps or spectrum_images(listing):
        pictures = [path for path in rest if PICTURE.takes(path)]
    maps = [path for path in rest if path not in pictures]
    return FolderFiles(
        scans=tuple(scans),
        grain_tables=tuple(grains),
        pictures=tuple(pictures),
        maps=tuple(maps),
        together=tuple(parse_file_names(maps)),
        alone=alone,
    )


def spectrum_images(listing: Listing) -> list[Path]:
    """The spectrum images among the files of a folder that no reader of maps takes."""
    return [path for path in listing.others if is_spectrum_image(path)]


def _may_be_map(path: Path, name: ParsedName) -> bool:
    """Whether a file may be a map by its name. Text of other names is often a note."""
    return name.role == "element" or (name.role != "companion" and not TEXT.takes(path))


def _holds_scan(path: Path, name: ParsedName) -> bool:
    """Whether a file of a folder is a scan of its own rather than the map of one element."""
    found = maps_format(path)
    if found is None or found.holds_scan:
        return found is not None
    if found.holds_spectra is not None and found.holds_spectra(path):
        return True
    return found is TEXT and name.role != "element" and bool(table_columns(path))
