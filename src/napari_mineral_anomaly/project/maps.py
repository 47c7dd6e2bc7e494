"""How the maps of a project are found again, and how it is checked that they are the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.stamps import FileStamp
from napari_mineral_anomaly.io.reading.source import list_source, split_dataset
from napari_mineral_anomaly.io.remembered import remembered_names
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.project.format import HowRead, MapFile, Maps, Place
from napari_mineral_anomaly.runs.read_scan import AS_FOUND, ReadingOptions
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.words import listed

_BLOCK = 1 << 20


class MapsMovedError(InputError):
    """The maps of a project are not where they were; the user must say where they are."""

    option = "--maps FOLDER"


@dataclass(frozen=True)
class ScanFiles:
    """The files of a scan, and how they are read: what `runs.read_scan.read_scan` takes."""

    sources: tuple[Path, ...]
    options: ReadingOptions = AS_FOUND


def describe_maps(
    scan: ScanFiles, ingest: IngestReport, hashes: Mapping[str, str | None], folder: Path
) -> Maps:
    """What project.json says about the files of a scan.

    Parameters
    ----------
    scan : ScanFiles
    ingest : IngestReport
        Of these files.
    hashes : mapping of str to str or None
        SHA-256 of each used file, as `runs.record.input_hashes` gives it.
    folder : Path
        The project.
    """
    files: dict[str, MapFile] = {}
    for used in ingest.used:
        files[used.file] = MapFile(
            name=used.file,
            n_bytes=used.n_bytes,
            modified=used.modified,
            sha256=hashes.get(used.file),
        )
    return Maps(
        sources=tuple(place_of(source, folder) for source in scan.sources),
        files=tuple(files.values()),
        reading=_how_read(scan, folder),
    )


def place_of(path: Path, folder: Path) -> Place:
    """A path as it is kept: relative to the project, and absolute."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 (a link keeps the name that it has)
    try:
        relative = Path(os.path.relpath(absolute, folder.resolve())).as_posix()
    except ValueError:  # another drive
        relative = absolute.as_posix()
    return Place(relative=relative, absolute=str(absolute))


def seen_from(folder: Path, place: Place) -> Path:
    """Where a kept path is if it moved together with the project."""
    return Path(os.path.normpath(folder.resolve() / place.relative))


def found_place(place: Place, folder: Path) -> Path:
    """Where a kept path is now: seen from the project, else where it was.

    Raises
    ------
    MapsMovedError
        When it is in neither place.
    """
    for path in (seen_from(folder, place), Path(place.absolute)):
        if split_dataset(path)[0].exists():
            return path
    raise MapsMovedError(
        f"The maps of this project are not at {place.absolute} any more: say where they are now."
    )


def find_maps(
    maps: Maps, folder: Path, at: Path | None = None, *, task: Task = SILENT
) -> ScanFiles:
    """The files of the maps, after a check that they are those of the project.

    Files of the same size and time of change at their old place are taken as they are. All others
    are compared by their SHA-256.

    Parameters
    ----------
    maps : Maps
    folder : Path
        The project.
    at : Path, optional
        Where the user says that they are: the folder of the scan, or its file.
    task : Task, optional
        Reports progress (phase "checking the maps") and can be cancelled.

    Raises
    ------
    MapsMovedError
        When they are not found.
    InputError
        When a file is not the one that the project was made from.
    """
    if not maps.sources and at is None:
        raise MapsMovedError(
            "This project does not say where its maps are and holds no copy of them: give them too."
        )
    if at is None:
        sources = tuple(found_place(place, folder) for place in maps.sources)
    else:
        sources = _moved(maps, at)
    _require_same(maps, sources, moved=at is not None, task=task)
    return ScanFiles(sources, _options(maps.reading, folder))


def _moved(maps: Maps, at: Path) -> tuple[Path, ...]:
    """The sources in another folder, or in another file."""
    if not at.exists():
        raise MapsMovedError(f"There is nothing at {at}: say where the maps are.")
    if len(maps.sources) <= 1:
        if not maps.sources:
            return (at,)
        old, inner = split_dataset(Path(maps.sources[0].absolute))
        inside = at / old.name
        new = inside if at.is_dir() and old.suffix and inside.exists() else at
        return (Path(f"{new}::{inner}") if inner else new,)
    names = [Path(place.absolute).name for place in maps.sources]
    missing = [name for name in names if not (at / name).exists()]
    if missing:
        raise MapsMovedError(f"{at} does not hold {listed(missing)}: choose another folder.")
    return tuple(at / name for name in names)


def _require_same(maps: Maps, sources: Sequence[Path], *, moved: bool, task: Task) -> None:
    first = split_dataset(sources[0])[0]
    folder = first if first.is_dir() else first.parent
    for step, file in enumerate(maps.files):
        task.step("checking the maps", step, len(maps.files), file.name)
        path = next((p for p in (folder / file.name, first) if p.is_file()), None)
        if path is first and first.name != Path(file.name).name and not moved:
            path = None
        if path is None:
            if file.sha256 is not None:
                raise MapsMovedError(f"{folder} does not hold {file.name}: say where the maps are.")
            continue
        if not moved and _untouched(path, file):
            continue
        if file.sha256 is not None and _sha256(path, task) != file.sha256:
            raise InputError(
                f"{path} is not the file that this project was made from: its content differs. "
                "Choose the folder that holds the maps of this project."
            )


def _untouched(path: Path, file: MapFile) -> bool:
    if file.n_bytes is None or file.modified is None:
        return False
    try:
        stamp = FileStamp.of(path)
    except InputError:
        return False
    return stamp.size == file.n_bytes and stamp.modified == file.modified


def _sha256(path: Path, task: Task) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                task.check()
                digest.update(block)
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from None
    return digest.hexdigest()


def _how_read(scan: ScanFiles, folder: Path) -> HowRead:
    options = scan.options
    names = {**_remembered(scan.sources), **(options.names or {})}
    missing = options.missing
    return HowRead(
        pixel_size=options.pixel_size,
        valid=None if options.valid is None else place_of(options.valid, folder),
        sample=options.sample,
        energy=options.energy,
        elements=None if options.elements is None else tuple(options.elements),
        spot_size=options.spot_size,
        names=names or None,
        channels=options.channels,
        beam_energy=options.beam_energy,
        monochromatic=options.monochromatic,
        per_second=options.per_second,
        missing=None if missing is None else tuple(missing),
    )


def _remembered(sources: Sequence[Path]) -> dict[str, str]:
    """The elements that the user typed for these files at some time; they were used."""
    try:
        listing = list_source(sources[0] if len(sources) == 1 else sources)
    except InputError:
        return {}
    there = {file.name for file in listing.files}
    told = remembered_names(listing.root)
    return {name: element for name, element in told.items() if name.split("#")[0] in there}


def _options(reading: HowRead, folder: Path) -> ReadingOptions:
    valid = None if reading.valid is None else found_place(reading.valid, folder)
    return ReadingOptions(
        pixel_size=reading.pixel_size,
        valid=valid,
        sample=reading.sample,
        energy=reading.energy,
        elements=reading.elements,
        spot_size=reading.spot_size,
        names=reading.names,
        channels=reading.channels,
        beam_energy=reading.beam_energy,
        monochromatic=reading.monochromatic,
        per_second=reading.per_second,
        missing=reading.missing,
    )
