"""A run folder that is already there, and whether it is what is asked for now."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from napari_mineral_anomaly.detectors.bundle import MODEL
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import GRAINS_FILE, INGEST_FILE, MODEL_FOLDER, RUN_FILE
from napari_mineral_anomaly.runs.folder import WrittenRun
from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.scan.report import IngestReport


def finished_run(
    folder: Path, model: Path, *, threshold: float | None, min_grain_px: int, n_rows: int
) -> WrittenRun | None:
    """The finished run in a folder; None where there is none.

    Parameters
    ----------
    folder : path
    model : path
        The model folder that is applied.
    threshold, min_grain_px, n_rows
        What is asked for now; a threshold of None is the default of the detector.

    Raises
    ------
    InputError
        When the folder holds a run of another model or with other options.
    """
    if not (folder / RUN_FILE).is_file():
        return None
    try:
        record = RunRecord.model_validate_json((folder / RUN_FILE).read_text(encoding="utf-8"))
        ingest = IngestReport.model_validate_json(
            (folder / INGEST_FILE).read_text(encoding="utf-8")
        )
        grains = pd.read_csv(folder / GRAINS_FILE, keep_default_na=False)
        is_same_model = _weights(folder / MODEL_FOLDER) == _weights(model)
    except (OSError, ValueError, ValidationError, KeyError) as error:
        raise InputError(f"The results in {folder} cannot be read: {error}.") from error
    asked: dict[str, tuple[float, float]] = {
        "min_grain_px": (record.min_grain_px, min_grain_px),
        "list": (record.list_rows, n_rows),
    }
    if threshold is not None:
        asked["threshold"] = (record.threshold, threshold)
    other = next((name for name, (was, now) in asked.items() if was != now), None)
    if other is not None or not is_same_model:
        was = "of another model" if other is None else f"with another {other}"
        raise InputError(
            f"{folder} holds results {was}: give the same, or choose another output folder."
        )
    return WrittenRun(folder, record, grains, ingest)


def _weights(folder: Path) -> str:
    return str(json.loads((folder / MODEL).read_text(encoding="utf-8"))["weights_sha256"])
