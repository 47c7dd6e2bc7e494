"""The job that made the main result of a project, so that it can be done again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.registry import TAUGHT_SUFFIX, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import RUN_FILE, TAUGHT_FILE
from napari_mineral_anomaly.project.maps import ScanFiles, find_maps
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.runs.record import RunRecord


@dataclass(frozen=True)
class Job:
    """What `runs.scan_to_folder` needs to make a result again.

    Attributes
    ----------
    scan : ScanFiles
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
    detector: str
    config: DetectorConfig
    threshold: float
    min_grain_px: int
    taught: Path | None


def job_of(folder: Path) -> Job:
    """The job of the main result; of its taught result where there is one.

    Brush strokes on the mask and edited pseudo-labels are not part of it.

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
    scan = find_maps(file.maps, folder)
    if file.valid is not None:
        scan = replace(scan, options=replace(scan.options, valid=folder / file.valid))
    return Job(
        scan=scan,
        detector=detector,
        config=make_config(detector, **record.parameters),
        threshold=result.threshold,
        min_grain_px=result.min_grain_px,
        taught=taught,
    )
