"""Make the results of the command line a project."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.detectors.registry import TAUGHT_SUFFIX
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import now
from napari_mineral_anomaly.io.run_files import INGEST_FILE, RUN_FILE, UNTAUGHT_FOLDER
from napari_mineral_anomaly.project.format import HERE, ProjectFile, Result
from napari_mineral_anomaly.project.log import LogEntry, add_to_log
from napari_mineral_anomaly.project.maps import ScanFiles, describe_maps
from napari_mineral_anomaly.project.names import PROJECT_FILE
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.saving.store import write_project_file
from napari_mineral_anomaly.runs.folder import WrittenRun
from napari_mineral_anomaly.runs.read_scan import AS_FOUND, ReadingOptions
from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.scan.report import IngestReport


def make_project(
    written: WrittenRun, sources: Sequence[str | Path], reading: ReadingOptions = AS_FOUND
) -> ProjectFile:
    """Write project.json into a folder of results.

    A project that was in the folder before (``--overwrite``) goes on where the scan is the same:
    verdicts, truth masks and the results of other detectors stay. Where it is another scan, its
    file is kept under another name.

    Parameters
    ----------
    written : WrittenRun
    sources : paths
        The folder or the files of the scan.
    reading : ReadingOptions

    Raises
    ------
    InputError
        When it cannot be written.
    """
    folder, record = written.folder, written.record
    scan = ScanFiles(tuple(Path(source) for source in sources), reading)
    maps = describe_maps(scan, written.ingest, record.input_hashes, folder)
    result = Result(
        detector=record.detector,
        folder=HERE,
        threshold=record.threshold,
        min_grain_px=record.min_grain_px,
    )
    file = ProjectFile(
        package_version=__version__,
        created=record.created,
        saved=now(),
        name=record.source,
        shape=record.shape,
        pixel_size_um=record.pixel_size_um,
        elements=record.elements,
        maps=maps,
        main=record.detector,
        results=(result, *_untaught(result)),
    )
    earlier = _earlier(folder)
    if earlier is not None and _same_scan(earlier, file):
        gone = {one.detector for one in file.results}
        others = tuple(
            one for one in earlier.results if one.folder != HERE and one.detector not in gone
        )
        file = earlier.model_copy(
            update={
                "package_version": __version__,
                "saved": file.saved,
                "pixel_size_um": file.pixel_size_um,
                "elements": file.elements,
                "maps": maps,
                "main": file.main,
                "results": (*file.results, *others),
            }
        )
    elif (folder / PROJECT_FILE).exists():
        _set_aside(folder)
    write_project_file(folder, file)
    add_to_log(folder, [LogEntry(f"ran {record.detector} on the command line")])
    return file


def keep_as_project(folder: Path, source: str, reading: ReadingOptions, name: str) -> None:
    """Make the run folder of a section in a batch a project; one that is there stays as it is.

    Parameters
    ----------
    folder : Path
        A run folder.
    source : str
        Its scan.
    reading : ReadingOptions
    name : str
        Of the section; it tells it from the others, which the name of the scan may not.

    Raises
    ------
    InputError
        When the folder is damaged or cannot be written.
    """
    if (folder / PROJECT_FILE).exists():
        return
    try:
        record = RunRecord.model_validate_json((folder / RUN_FILE).read_bytes())
        ingest = IngestReport.model_validate_json((folder / INGEST_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{folder} holds no complete run ({error}).") from None
    renamed = record.model_copy(update={"source": name})
    make_project(WrittenRun(folder, renamed, pd.DataFrame(), ingest), [source], reading)


def _untaught(result: Result) -> tuple[Result, ...]:
    """The untouched result that `runs.scan_to_folder` writes beside a taught one."""
    if not result.detector.endswith(TAUGHT_SUFFIX):
        return ()
    update = {
        "detector": result.detector.removesuffix(TAUGHT_SUFFIX),
        "folder": UNTAUGHT_FOLDER,
    }
    return (result.model_copy(update=update),)


def _earlier(folder: Path) -> ProjectFile | None:
    if not (folder / PROJECT_FILE).exists():
        return None
    try:
        return read_project(folder)
    except InputError:
        return None


def _same_scan(one: ProjectFile, other: ProjectFile) -> bool:
    """Whether two projects are of the same maps: of the same size, and no file differs."""
    if one.shape != other.shape:
        return False
    before = {file.name: file.sha256 for file in one.maps.files if file.sha256}
    after = {file.name: file.sha256 for file in other.maps.files if file.sha256}
    both = before.keys() & after.keys()
    if before and after and not both:
        return False
    return all(before[name] == after[name] for name in both)


def _set_aside(folder: Path) -> None:
    """Keep the file of another project that was here."""
    for number in range(1, 1000):
        aside = folder / f"project.before-{number}.json"
        if not aside.exists():
            with suppress(OSError):
                (folder / PROJECT_FILE).rename(aside)
            return
