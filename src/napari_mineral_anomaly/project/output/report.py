"""The report of a project: its grains with threshold, brush and verdicts of the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import promise_at
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import EDITED, STATUS, UNSEEN, minus_sign
from napari_mineral_anomaly.grains.details import GrainDetails, with_details
from napari_mineral_anomaly.grains.evidence import evidence_of
from napari_mineral_anomaly.grains.pixels.edits import HOW, NO_EDITS
from napari_mineral_anomaly.grains.sem.files import fit_table
from napari_mineral_anomaly.grains.sem.fit import SemFit
from napari_mineral_anomaly.grains.sem.places import with_sem_places
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS, GrainList, detail_grains, list_grains
from napari_mineral_anomaly.grains.verdicts.book import STATUSES, with_verdicts
from napari_mineral_anomaly.io.run_files import RUN_FILE
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.project.fiducials import fiducials_of, fit_of
from napari_mineral_anomaly.project.load import LoadedProject
from napari_mineral_anomaly.runs.record import RunRecord
from napari_mineral_anomaly.runs.report.blocks import Block, Heading, Table, Text, Warnings
from napari_mineral_anomaly.runs.report.content import report_blocks
from napari_mineral_anomaly.runs.report.drawing import figure_png
from napari_mineral_anomaly.runs.report.evidence import evidence_blocks
from napari_mineral_anomaly.runs.report.overview import draw_overview
from napari_mineral_anomaly.runs.report.page import render_html
from napari_mineral_anomaly.runs.report.pdf import render_pdf
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality.checks import report_of_cube
from napari_mineral_anomaly.words import counted


@dataclass(frozen=True, eq=False)
class ProjectGrains:
    """The grains of a project as the window lists them.

    Attributes
    ----------
    table : DataFrame
        As `grains.table.find_grains` makes it, with verdicts and places on the SEM.
    labels : (H, W) unsigned
        The pixels of the grains by their ids.
    listed, details
        What the table was made from.
    sem : SemFit or None
        From the map to the SEM; None where the fiducials give no transform, and ``why_no_sem`` says
        why where there are any.
    """

    table: pd.DataFrame
    labels: NDArray[np.unsignedinteger[Any]]
    listed: GrainList
    details: GrainDetails
    sem: SemFit | None = None
    why_no_sem: str = ""


def list_project(project: LoadedProject, *, task: Task = SILENT) -> ProjectGrains:
    """List the grains of the main result, with the mask as brushed and the verdicts.

    Raises
    ------
    InputError
        When the project holds no result, or its maps were not found.
    CancelledError
        When ``task`` was cancelled.
    """
    main, cube = project.main, project.require_cube()
    result = main.result
    others = {
        name: other.run.result for name, other in project.results.items() if other is not main
    }
    listed = list_grains(
        result,
        mask=main.mask,
        n_rows=DEFAULT_ROWS,
        cube=cube,
        others=others,
        cluster_names=dict(main.clusters.names),
        edits=NO_EDITS if project.verdicts is None else project.verdicts.present.edits,
        task=task,
    )
    details = detail_grains(cube, result, listed, task=task)
    table = with_details(listed.table, listed.rows, details)
    labels = listed.labels
    if project.verdicts is not None:
        table = with_verdicts(table, project.verdicts.present, labels)
    if not fiducials_of(project.file).read:
        return ProjectGrains(table, labels, listed, details)
    try:
        sem = fit_of(project.file)
    except InputError as error:
        return ProjectGrains(table, labels, listed, details, why_no_sem=str(error))
    return ProjectGrains(with_sem_places(table, labels, sem), labels, listed, details, sem)


def verdicts_in_words(table: pd.DataFrame) -> str:
    """How many grains have which verdict: "Verdicts: 3 accept, 1 reject; 16 unseen."."""
    counts = table[STATUS].value_counts()
    given = [f"{counts[status]:,} {status}" for status in STATUSES[1:] if status in counts]
    unseen = f"{int(counts.get(UNSEEN, 0)):,} {UNSEEN}"
    return f"Verdicts: {', '.join(given)}; {unseen}." if given else f"No verdicts yet; {unseen}."


def edits_in_words(table: pd.DataFrame) -> str:
    """How many grains were edited by hand, and how; "" for none."""
    counts = table[EDITED].value_counts()
    kinds = [f"{counts[how]:,} {how}" for how in HOW if how in counts]
    if not kinds:
        return ""
    n = int((table[EDITED] != "").sum())
    return f" Edited by hand: {counted(n, 'grain')} ({', '.join(kinds)})."


def write_project_report(
    project: LoadedProject, *paths: Path, task: Task = SILENT
) -> tuple[RunRecord, str]:
    """Write the report of a project, as one HTML page that needs no other file, as PDF, or both.

    Parameters
    ----------
    project : LoadedProject
    *paths : Path
        What ends in ".pdf" is written as PDF, everything else as HTML.
    task : Task, optional
        Reports progress and can be cancelled.

    Returns
    -------
    RunRecord
        The record that the page shows.
    str
        How many grains have which verdict, and how many were edited, in words.

    Raises
    ------
    InputError
        As `list_project`, and when a page cannot be written.
    CancelledError
        When ``task`` was cancelled.
    """
    grains = list_project(project, task=task)
    cube, result = project.require_cube(), project.main.result
    record = _record(project, grains)
    decided = verdicts_in_words(grains.table) + edits_in_words(grains.table)
    figure = draw_overview(cube, result, grains.table, grains.labels, title=record.source)
    blocks = report_blocks(
        record,
        grains.table,
        cube.report or report_of_cube(cube),
        figure_png(figure),
        decided=decided,
        evidence=_evidence(cube, result, grains, task),
        sem=_sem(grains),
    )
    for path in paths:
        pdf = path.suffix.lower() == ".pdf"
        page = (
            render_pdf(blocks) if pdf else render_html(blocks).encode("utf-8", "backslashreplace")
        )
        with atomic_path(path) as temporary:
            temporary.write_bytes(page)
    return record, decided


def _evidence(
    cube: ElementCube, result: AnomalyResult, grains: ProjectGrains, task: Task
) -> list[Block]:
    if cube.elements != result.elements:
        text = "No evidence: the result was computed from other elements than the scan has now."
        return [Heading("Evidence"), Text(text)]
    source = evidence_of(cube, result, grains.listed, grains.details)
    return evidence_blocks(source, grains.table, task=task)


def _sem(grains: ProjectGrains) -> list[Block]:
    """How places on the SEM were found."""
    if grains.sem is None:
        problem = grains.why_no_sem
        return [Heading("Places on the SEM"), Text(problem)] if problem else []
    fit = grains.sem
    table = fit_table(fit).drop(columns="transform")
    titles = ("Fiducial", "Map x (px)", "Map y (px)", "SEM x (mm)", "SEM y (mm)", "Residual (µm)")
    patterns = ("", ".1f", ".1f", ".4f", ".4f", ".1f")
    rows = tuple(
        tuple(minus_sign(format(v, p)) if p else v for v, p in zip(row, patterns, strict=True))
        for row in table.itertuples(index=False)
    )
    blocks: list[Block] = [
        Heading("Places on the SEM"),
        Text(fit.sentence),
        Table("Fiducials", titles, rows, numbers=(1, 2, 3, 4, 5)),
    ]
    return [*blocks, Warnings(fit.warnings)] if fit.warnings else blocks


def _record(project: LoadedProject, grains: ProjectGrains) -> RunRecord:
    """The record of the run, judged as the user did."""
    main = project.main
    stored = project.folder / main.note.folder / RUN_FILE
    try:
        run = RunRecord.model_validate_json(stored.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{stored} is not the record of a run: {error}.") from None
    n_valid = int(np.count_nonzero(main.run.result.valid))
    return run.model_copy(
        update={
            "source": project.file.name,
            "pixel_size_um": project.file.pixel_size_um,
            "threshold": main.note.threshold,
            "promised_false_pixels": promise_at(main.note.threshold, n_valid),
            "min_grain_px": main.note.min_grain_px,
            "n_flagged": int(np.count_nonzero(main.mask)),
            "n_grains": int(grains.table["above_threshold"].sum()),
            "list_rows": DEFAULT_ROWS,
            "n_listed": len(grains.table),
        }
    )
