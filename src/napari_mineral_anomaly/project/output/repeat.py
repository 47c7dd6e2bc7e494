"""The job that made the main result of a project, so that it can be done again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.registry import TAUGHT_SUFFIX, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILE, TAUGHT_FILE
from napari_mineral_anomaly.project.format import ProjectFile
from napari_mineral_anomaly.project.maps import MapsMovedError, ScanFiles, find_maps
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.runs.read_scan import ReadingOptions
from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import listed


@dataclass(frozen=True)
class Job:
    """What `runs.scan_to_folder` needs to make a result again.

    Attributes
    ----------
    scan : ScanFiles
    elements : tuple of str
        Those that the result was made from.
    detector : str
        The untaught one.
    config : DetectorConfig
    threshold : float
        As the user set it.
    min_grain_px : int
    taught : Path or None
        The mask of ordinary pixels.
    """

    scan: ScanFiles
    elements: tuple[str, ...]
    detector: str
    config: DetectorConfig
    threshold: float
    min_grain_px: int
    taught: Path | None


def job_of(folder: Path, maps: Path | None = None) -> Job:
    """The job of the main result; of its taught result where there is one.

    Brush strokes on the mask and edited pseudo-labels are not part of it.

    Parameters
    ----------
    folder : Path
        Of the project.
    maps : Path, optional
        Where the maps are now, if they were moved; their content is compared.

    Raises
    ------
    InputError
        When the folder holds no result, or its maps are not found.
    """
    file = read_project(folder)
    main = file.main_result
    if main is None:
        raise InputError(f"The project {folder} holds no result yet: run a detector.")
    detector = main.detector.removesuffix(TAUGHT_SUFFIX)
    result = file.result_of(detector + TAUGHT_SUFFIX) or main
    place = folder / result.folder
    try:
        record = RunRecord.model_validate_json((place / RUN_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{place} holds no complete run ({error}).") from None
    taught = place / TAUGHT_FILE if result.detector.endswith(TAUGHT_SUFFIX) else None
    scan = _scan_of(file, folder, maps)
    if file.valid is not None:
        scan = replace(scan, options=replace(scan.options, valid=folder / file.valid))
    return Job(
        scan=scan,
        elements=tuple(record.elements),
        detector=detector,
        config=make_config(detector, **record.parameters),
        threshold=result.threshold,
        min_grain_px=result.min_grain_px,
        taught=taught,
    )


def require_same_elements(cube: ElementCube, job: Job) -> None:
    """Refuse to make a result again from other elements than it was made from.

    Raises
    ------
    InputError
    """
    extra = [name for name in cube.elements if name not in job.elements]
    if extra:
        raise InputError(
            f"The result was made without {listed(extra)}, which the maps of the project hold: "
            "give the maps themselves instead of the project, and leave these out with --name "
            "FILE=-."
        )


def _scan_of(file: ProjectFile, folder: Path, at: Path | None) -> ScanFiles:
    """The maps where they were, or ``at`` another place; else the copy in the project."""
    if at is not None:
        return find_maps(file.maps, folder, at)
    try:
        return find_maps(file.maps, folder)
    except MapsMovedError:
        stored = file.maps.stored
        if stored is None or not (folder / stored).exists():
            raise
        return ScanFiles((folder / stored,), ReadingOptions(pixel_size=file.pixel_size_um))
