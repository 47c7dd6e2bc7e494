"""The part of a run folder that must be safe at once; the rest can be made from it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_mineral_anomaly.detectors.bundle import save_model
from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.grains.pixels.mask import count_grains
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS
from napari_mineral_anomaly.io.run_files import (
    CONTRIBUTIONS_FILE,
    ERROR_FILE,
    FOUND_BY_FILE,
    GRAINS_FILE,
    LABELS_FILE,
    MASK_FILE,
    MODEL_FOLDER,
    RUN_FILE,
    SCORE_FILE,
    TAUGHT_FILE,
)
from napari_mineral_anomaly.io.writing.atomic import atomic_folder
from napari_mineral_anomaly.io.writing.results import (
    FOUND_BY_TITLE,
    PSEUDO_LABELS_TITLE,
    TAUGHT_TITLE,
    mask_for_files,
    write_labels,
    write_map,
    write_mask,
    write_score,
    write_stack,
)
from napari_mineral_anomaly.runs.record import make_record
from napari_mineral_anomaly.scan.cube import ElementCube


def write_quick_run(folder: Path, cube: ElementCube, run: DetectionRun) -> None:
    """Write score, mask, labels, contributions, model and record of a run.

    Grains, pictures and report take several times longer and are missing. The record counts grains
    of touching pixels.

    Raises
    ------
    InputError
        When the folder exists or cannot be written.
    """
    result, size = run.result, run.result.pixel_size
    n_grains = count_grains(result.mask)
    counted = pd.DataFrame({"above_threshold": np.ones(n_grains, dtype=bool)})
    with atomic_folder(folder) as place:
        write_score(place / SCORE_FILE, result.score, size)
        write_mask(place / MASK_FILE, result.mask, size)
        write_labels(place / LABELS_FILE, result.pseudo_labels, size, title=PSEUDO_LABELS_TITLE)
        if result.reconstruction_error is not None:
            write_score(place / ERROR_FILE, result.reconstruction_error, size)
        if result.found_by is not None:
            write_labels(place / FOUND_BY_FILE, result.found_by, size, title=FOUND_BY_TITLE)
        if result.taught is not None:
            taught = mask_for_files(result.taught)
            write_map(place / TAUGHT_FILE, taught, TAUGHT_TITLE, size)
        write_stack(place / CONTRIBUTIONS_FILE, result.contributions, result.elements, size)
        save_model(run.fitted, place / MODEL_FOLDER)
        record = make_record(cube, result, counted, n_rows=DEFAULT_ROWS)
        (place / RUN_FILE).write_text(record.to_json(), encoding="utf-8")


def is_complete(folder: Path) -> bool:
    """Whether a run folder holds its grains too."""
    return (folder / GRAINS_FILE).is_file()
