"""Write the folder of one run: all files, complete or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from napari_mineral_anomaly.detectors.bundle import save_model
from napari_mineral_anomaly.grains.details import with_details
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS, detail_grains, list_grains
from napari_mineral_anomaly.io.run_files import (
    CONTRIBUTIONS_FILE,
    ERROR_FILE,
    FOUND_BY_FILE,
    GRAIN_LABELS_FILE,
    GRAINS_FILE,
    GRAINS_FILES,
    INGEST_FILE,
    JOINED_FILES,
    LABELS_FILE,
    MASK_FILE,
    MODEL_FOLDER,
    OVERVIEW_FILE,
    REPORT_FILE,
    RUN_FILE,
    RUN_FILES,
    SCORE_FILE,
    TAUGHT_FILE,
)
from napari_mineral_anomaly.io.spreadsheets import PLAIN, Dialect
from napari_mineral_anomaly.io.writing.atomic import staged_folder
from napari_mineral_anomaly.io.writing.results import (
    FOUND_BY_TITLE,
    GRAIN_LABELS_TITLE,
    PSEUDO_LABELS_TITLE,
    TAUGHT_TITLE,
    mask_for_files,
    write_labels,
    write_map,
    write_mask,
    write_score,
    write_stack,
)
from napari_mineral_anomaly.io.writing.tables import write_grains
from napari_mineral_anomaly.io.writing.world import world_files_of, write_world_file
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.runs.record import RunRecord, make_record
from napari_mineral_anomaly.runs.report.drawing import figure_png
from napari_mineral_anomaly.runs.report.overview import draw_overview
from napari_mineral_anomaly.runs.report.page import render_report
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.scan.report import IngestReport

if TYPE_CHECKING:
    from napari_mineral_anomaly.detectors.pipeline import DetectionRun


@dataclass(frozen=True, eq=False)
class WrittenRun:
    """Where a run was written, its record, its grain table and the report of the reader."""

    folder: Path
    record: RunRecord
    grains: pd.DataFrame
    ingest: IngestReport


def write_run(
    out: str | Path,
    cube: ElementCube,
    run: DetectionRun,
    *,
    overwrite: bool = False,
    min_grain_px: int = 1,
    n_rows: int = DEFAULT_ROWS,
    csv_dialect: Dialect = PLAIN,
    timings: Mapping[str, float] | None = None,
    inputs: Iterable[str | Path] = (),
    task: Task = SILENT,
) -> WrittenRun:
    """Write `run_files.RUN_FILES` into ``out``.

    Everything is written into a hidden folder beside ``out``, which is renamed at the end. After an
    error, a cancellation or an interruption nothing of it is left, and an earlier ``out`` is
    unchanged.

    Parameters
    ----------
    out : path
    cube, run
        The scan, and its result with the fitted detector.
    overwrite : bool
        Replace the results of an earlier run; other files in ``out`` are kept.
    min_grain_px : int
        Smaller grains are left out of grains.csv, grain_labels.tif and the report; the mask holds
        every pixel at or above the threshold.
    n_rows : int
        Grains wanted in the list, see `grains.table.find_grains`.
    csv_dialect : Dialect
        Write the grains in this dialect too, such as grains_excel-de.csv beside grains.csv.
    timings : mapping, optional
        Seconds of earlier phases, such as reading.
    inputs : paths, optional
        Files and folders that were read; ``out`` may not hold them.
    task : Task, optional
        Reports progress (phase "writing") and can be cancelled.

    Raises
    ------
    InputError
        When ``out`` is not empty and ``overwrite`` is not set, and when it cannot be written.
    CancelledError
        When ``task`` was cancelled.
    """
    started = time.perf_counter()
    result, size = run.result, run.result.pixel_size
    steps = 0
    ours = (*RUN_FILES, *JOINED_FILES, *GRAINS_FILES)

    with staged_folder(out, overwrite=overwrite, ours=ours, inputs=inputs, task=task) as folder:

        def next_file(name: str) -> Path:
            nonlocal steps
            task.step("writing", steps, len(RUN_FILES), name)
            steps += 1
            return folder / name

        listed = list_grains(result, min_area_px=min_grain_px, n_rows=n_rows, cube=cube, task=task)
        details = detail_grains(cube, result, listed, task=task)
        grains = with_details(listed.table, listed.rows, details)
        write_score(next_file(SCORE_FILE), result.score, size)
        write_mask(next_file(MASK_FILE), result.mask, size)
        write_labels(next_file(LABELS_FILE), result.pseudo_labels, size, title=PSEUDO_LABELS_TITLE)
        labels = listed.labels
        write_labels(next_file(GRAIN_LABELS_FILE), labels, size, title=GRAIN_LABELS_TITLE)
        maps = [SCORE_FILE, MASK_FILE, LABELS_FILE, GRAIN_LABELS_FILE, CONTRIBUTIONS_FILE]
        if result.reconstruction_error is not None:
            write_score(next_file(ERROR_FILE), result.reconstruction_error, size)
            maps.append(ERROR_FILE)
        if result.found_by is not None:
            write_labels(next_file(FOUND_BY_FILE), result.found_by, size, title=FOUND_BY_TITLE)
            maps.append(FOUND_BY_FILE)
        if result.taught is not None:
            write_map(next_file(TAUGHT_FILE), mask_for_files(result.taught), TAUGHT_TITLE, size)
            maps.append(TAUGHT_FILE)
        write_stack(next_file(CONTRIBUTIONS_FILE), result.contributions, result.elements, size)
        if size is not None:
            for tiff in maps:
                names = result.elements if tiff == CONTRIBUTIONS_FILE else None
                for beside in world_files_of(tiff, is_stack=names is not None):
                    next_file(beside.name)
                write_world_file(folder / tiff, size, names)
        write_grains(next_file(GRAINS_FILE), grains)
        if csv_dialect != PLAIN:
            write_grains(folder / csv_dialect.file_name(GRAINS_FILE), grains, csv_dialect)
        save_model(run.fitted, next_file(MODEL_FOLDER))
        ingest = cube.report or report_of_cube(cube)
        next_file(INGEST_FILE).write_text(ingest.model_dump_json(indent=2), encoding="utf-8")
        record = make_record(
            cube, result, grains, n_rows=n_rows, min_grain_px=min_grain_px, timings=timings
        )
        overview_file = next_file(OVERVIEW_FILE)
        overview = figure_png(draw_overview(cube, result, grains, labels, title=record.source))
        overview_file.write_bytes(overview)
        report_file = next_file(REPORT_FILE)
        report_file.write_text(render_report(record, grains, ingest, overview), encoding="utf-8")
        run_file = next_file(RUN_FILE)
        seconds = time.perf_counter() - started
        record = record.model_copy(update={"timings": record.timings | {"export": seconds}})
        run_file.write_text(record.to_json(), encoding="utf-8")
        task.check()
    return WrittenRun(Path(out), record, grains, ingest)
