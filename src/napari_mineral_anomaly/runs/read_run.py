"""Read a folder of results, as `mineral-anomaly detect` writes it, back as a `DetectionRun`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_mineral_anomaly.detectors.bundle import load_model
from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.detectors.results.info import SHARED_FIELDS, RunInfo
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_image
from napari_mineral_anomaly.io.formats.tiff.maps import open_maps
from napari_mineral_anomaly.io.run_files import (
    CONTRIBUTIONS_FILE,
    ERROR_FILE,
    FOUND_BY_FILE,
    LABELS_FILE,
    MODEL_FOLDER,
    RUN_FILE,
    SCORE_FILE,
    TAUGHT_FILE,
)


def read_run(folder: Path) -> DetectionRun:
    """Read the score, labels, contributions and model of a run folder.

    The maps of a score that joins several questions are read where the folder has them; folders of
    older versions lack that of the question.

    Raises
    ------
    InputError
        When the folder holds no complete run.
    """
    record = _record(folder / RUN_FILE)
    file = open_maps(folder / CONTRIBUTIONS_FILE)
    size = record.get("pixel_size_um")
    taught = _image_if_there(folder / TAUGHT_FILE)
    result = AnomalyResult(
        score=read_image(folder / SCORE_FILE),
        threshold=float(record["threshold"]),
        contributions=np.stack([plane.read() for plane in file.planes]),
        pseudo_labels=read_image(folder / LABELS_FILE),
        elements=tuple(plane.name for plane in file.planes),
        pixel_size=None if size is None else (float(size[0]), float(size[1])),
        info=_info(record),
        reconstruction_error=_image_if_there(folder / ERROR_FILE),
        found_by=_image_if_there(folder / FOUND_BY_FILE),
        taught=None if taught is None else taught != 0,
    )
    return DetectionRun(result, load_model(folder / MODEL_FOLDER))


def _image_if_there(path: Path) -> Any:
    return read_image(path) if path.is_file() else None


def _info(record: Mapping[str, Any]) -> RunInfo:
    """How the result was made; run.json keeps what only one detector reports under "details"."""
    shared = {name: record[name] for name in SHARED_FIELDS if name in record}
    return RunInfo.of({**(record.get("details") or {}), **shared})


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path.parent} holds no finished run: {path.name} cannot be read ({error})."
        ) from None
    if not isinstance(record, dict) or "threshold" not in record:
        raise InputError(f"{path} is not the record of a run: it names no threshold.")
    return record
