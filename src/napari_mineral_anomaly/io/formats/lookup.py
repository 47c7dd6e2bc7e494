"""Questions to the table of formats: which format a file has, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.format import Format
from napari_mineral_anomaly.io.formats.hdf5.signature import is_hdf5
from napari_mineral_anomaly.io.formats.registry import FORMATS, HDF5, OTHER_PICTURE
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.formats.shared.disk.guards import explained
from napari_mineral_anomaly.io.formats.shared.disk.places import is_file, is_folder
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp, unchanged
from napari_mineral_anomaly.io.formats.shared.planes import MapFile, Opened
from napari_mineral_anomaly.io.formats.shared.watched import WatchedCounts, watched
from napari_mineral_anomaly.io.formats.signatures import content_of, require_ending
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
    """The ``filename_patterns`` of napari.yaml: "*.tif" and so on for what napari offers us."""
    offered = [one for one in FORMATS if one.is_read and not one.is_everyday]
    return [f"*{ending}" for one in offered for ending in one.endings]


def format_of(path: Path) -> Format | None:
    """The format of a file by its name, read or not; None for unknown ones.

    A file with an unknown ending that begins like HDF5 is HDF5: MAPS calls the maps of single
    detectors ``scan.h50`` to ``scan.h57``, netCDF-4 files end in ``.nc``.
    """
    named = next((one for one in FORMATS if one.takes(path)), None)
    return HDF5 if named is None and is_hdf5(path) else named


def maps_format(path: Path) -> Format | None:
    """The format of a file if element maps can be read from it, by its name."""
    found = format_of(path)
    return found if found is not None and found.open_maps is not None else None


def open_maps(
    path: Path, dataset: str | None = None, channels: Channels | None = None
) -> Opened | None:
    """The planes of a file, or the answer that it holds spectra; None if no reader takes it.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of an array in the file.
    channels : {"first", "last"}, optional
        Which axis of a stack counts the channels; overrules the rule of `channel_axis`.

    Raises
    ------
    InputError
        When the file is damaged, or when arrays have no names or no open axes in its format.
    """
    found = maps_format(path)
    if found is None or found.open_maps is None:
        return None
    require_ending(path, found.name)
    if dataset is not None and not found.has_datasets:
        raise InputError(f"{path.name} holds no arrays by name: leave out ::{dataset}.")
    arguments = {} if dataset is None else {"dataset": dataset}
    arguments |= _axes_of(found, path, channels)
    if is_folder(path):  # a Zarr store, which looks after its own files
        with explained(path, found.name):
            return found.open_maps(path, **arguments)
    stamp = FileStamp.of(path)
    with unchanged(stamp), explained(path, found.name):
        opened = found.open_maps(path, **arguments)
    if not isinstance(opened, MapFile):
        return opened
    if not opened.planes and not opened.not_maps:
        raise InputError(f"{path.name} is damaged: it declares no values for its pixels.")
    return watched(opened, stamp)


def rank_of(path: Path) -> int:
    """Position of a file's format in the table; unknown and unread ones come last."""
    found = maps_format(path)
    return len(FORMATS) if found is None else FORMATS.index(found)


def kind_of(path: Path) -> str:
    """What a file without a reader of maps is and what to do with it, in words."""
    found = format_of(path)
    return (found.refusal if found else "") or "not a file of maps"


def not_read_words(path: Path) -> str:
    """A sentence about one file that has no reader: what it is, and what to do."""
    found = format_of(path)
    if found is None or found is OTHER_PICTURE:
        content = content_of(path)
        if content is not None and (found is None or content.ending):
            return f"{path.name} is {content.kind}, by its first bytes: {content.words(path)}."
    what = found.refusal if found is not None else ""
    ending = f"by its ending {path.suffix}" if path.suffix else "by a name without an ending"
    return (
        f"{path.name} is {what or f'not a file of maps: no format is known {ending}'}; "
        f"this version reads {what_is_read()}."
    )


def has_spectra_reader(path: Path) -> bool:
    """Whether a reader of spectrum images takes a file by its name."""
    found = format_of(path)
    return found is not None and found.open_spectra is not None and not found.advice


def is_spectrum_image(path: Path) -> bool:
    """Whether a file is read as a spectrum image: by its name or its headers; never raises."""
    found = format_of(path)
    if found is None or found.open_spectra is None or found.advice or not is_file(path):
        return False
    return found.holds_spectra is None or found.holds_spectra(path)


def open_spectra(
    path: Path,
    dataset: str | None = None,
    energy: Sequence[float] | None = None,
    channels: Channels | None = None,
) -> SpectrumImage:
    """Open a spectrum image; its spectra are read when they are asked for.

    Parameters
    ----------
    path : Path
    dataset : str, optional
        Path of an array in the file, where it holds several.
    energy : (float, float), optional
        Energy of the first channel and width of a channel in keV; overrules the file.
    channels : {"first", "last"}, optional
        As in `open_maps`.

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
    require_ending(path, found.name)
    inside = (dataset or "").strip("/")
    arguments = {"dataset": inside} if inside and found.has_datasets else {}
    arguments |= _axes_of(found, path, channels)
    stamp = FileStamp.of(path)
    with unchanged(stamp), explained(path, found.name):
        image = found.open_spectra(path, **arguments)
    if not hasattr(image.counts, "stamps"):
        image = replace(image, counts=WatchedCounts(image.counts, stamp))
    return image if typed is None else image.with_energy(*typed)


def _axes_of(found: Format, path: Path, channels: Channels | None) -> dict[str, Channels]:
    """The argument ``channels`` of a reader, where the user gave it."""
    if channels is None:
        return {}
    if not found.has_axes:
        raise InputError(
            f"{path.name}: the order of the axes is fixed in {found.name} files, leave out "
            "--channels."
        )
    return {"channels": channels}


def parse_file_names(paths: Iterable[Path]) -> list[ParsedName]:
    """The elements that the names of files say, read together (`parse_names`)."""
    # A name may hold line ends and tabs, which part words like blanks.
    return parse_names([path.name.translate(_BLANKS) for path in paths], endings=_MAP_ENDINGS)
