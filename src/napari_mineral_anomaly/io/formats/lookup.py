"""Questions to the table of formats: which format a file has, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.format import Format
from napari_mineral_anomaly.io.formats.registry import FORMATS
from napari_mineral_anomaly.io.formats.shared.guards import explained
from napari_mineral_anomaly.io.formats.shared.places import is_file, is_folder
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Opened
from napari_mineral_anomaly.io.formats.shared.stamps import FileStamp, unchanged
from napari_mineral_anomaly.io.formats.shared.watched import WatchedCounts, watched
from napari_mineral_anomaly.scan.names.map_names import ParsedName, parse_names
from napari_mineral_anomaly.scan.spectra import SpectrumImage
from napari_mineral_anomaly.scan.spectra.energy import typed_energy
from napari_mineral_anomaly.words import listed

_BLANKS = dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")
READ_ENDINGS = tuple(ending for one in FORMATS if one.is_read for ending in one.endings)
# Those that may follow the name of an element.
_MAP_ENDINGS = tuple(
    ending for one in FORMATS if one.open_maps and not one.holds_scan for ending in one.endings
)


def what_is_read() -> str:
    """The formats that are read, in one phrase."""
    maps = [one for one in FORMATS if one.open_maps is not None]
    folders = [one.name for one in maps if not one.holds_scan]
    files = [one.name for one in maps if one.holds_scan]
    return (
        f"a folder of maps named by element ({', '.join(folders[:-1])} or {folders[-1]}), a TIFF "
        f"stack, a long table, {listed(files, shown=len(files))} files, and spectrum images"
    )


def file_patterns() -> list[str]:
    """The ``filename_patterns`` of napari.yaml: "*.tif" and so on for all files that are read."""
    return [f"*{ending}" for ending in READ_ENDINGS]


def format_of(path: Path) -> Format | None:
    """The format of a file by its name, read or not; None for unknown ones."""
    return next((one for one in FORMATS if one.takes(path)), None)


def maps_format(path: Path) -> Format | None:
    """The format of a file if element maps can be read from it, by its name."""
    found = format_of(path)
    return found if found is not None and found.open_maps is not None else None


def open_maps(path: Path, dataset: str | None = None) -> Opened | None:
    """The planes of a file, or the answer that it holds spectra; None if no reader takes it.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of an array in the file.

    Raises
    ------
    InputError
        When the file is damaged, or when arrays have no names in its format.
    """
    found = maps_format(path)
    if found is None or found.open_maps is None:
        return None
    if dataset is not None and not found.has_datasets:
        raise InputError(f"{path.name} holds no arrays by name: leave out ::{dataset}.")
    arguments = (path,) if dataset is None else (path, dataset)
    if is_folder(path):  # a Zarr store, which looks after its own files
        with explained(path, found.name):
            return found.open_maps(*arguments)
    stamp = FileStamp.of(path)
    with unchanged(stamp), explained(path, found.name):
        opened = found.open_maps(*arguments)
    return watched(opened, stamp) if isinstance(opened, MapFile) else opened


def rank_of(path: Path) -> int:
    """Position of a file's format in the table; unknown and unread ones come last."""
    found = maps_format(path)
    return len(FORMATS) if found is None else FORMATS.index(found)


def kind_of(path: Path) -> str:
    """What a file without a reader of maps is and what to do with it, in words."""
    found = format_of(path)
    return (found.refusal if found else "") or "not a file of maps"


def is_spectrum_image(path: Path) -> bool:
    """Whether a file is read as a spectrum image: by its name or its headers; never raises."""
    found = format_of(path)
    if found is None or found.open_spectra is None or found.advice or not is_file(path):
        return False
    return found.holds_spectra is None or found.holds_spectra(path)


def open_spectra(
    path: Path, dataset: str | None = None, energy: Sequence[float] | None = None
) -> SpectrumImage:
    """Open a spectrum image; its spectra are read when they are asked for.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of an array in the file, where it holds several.
    energy : (float, float), optional
        Energy of the first channel and width of a channel in keV; overrules the file.

    Raises
    ------
    InputError
    """
    typed = typed_energy(energy)
    if is_folder(path):
        raise InputError(
            f"{path.name} is a folder; spectra are read from HDF5, not from Zarr stores: "
            "save them as HDF5 or Ripple."
        )
    if not is_file(path):
        raise InputError(f"{path} does not exist; check the spelling and the drive.")
    found = format_of(path)
    if found is None or found.open_spectra is None:
        raise InputError(f"{path.name} is not a spectrum image that this version reads.")
    inside = (dataset or "").strip("/")
    arguments = (path, inside) if inside and found.has_datasets else (path,)
    stamp = FileStamp.of(path)
    with unchanged(stamp), explained(path, found.name):
        image = found.open_spectra(*arguments)
    if not hasattr(image.counts, "stamps"):
        image = replace(image, counts=WatchedCounts(image.counts, stamp))
    return image if typed is None else image.with_energy(*typed)


def parse_file_names(paths: Iterable[Path]) -> list[ParsedName]:
    """The elements that the names of files say, read together (`parse_names`)."""
    # A name may hold line ends and tabs, which part words like blanks.
    return parse_names([path.name.translate(_BLANKS) for path in paths], endings=_MAP_ENDINGS)
