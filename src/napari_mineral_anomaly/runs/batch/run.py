"""Run a batch: find the sections, work on those that are not finished, keep the summary."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.run_files import MODEL_FOLDER
from napari_mineral_anomaly.progress import SILENT, CancelledError, CancelToken, Task
from napari_mineral_anomaly.runs.batch.cluster import Cluster, work_on_cluster
from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.rows import SectionRow
from napari_mineral_anomaly.runs.batch.sections import find_sections
from napari_mineral_anomaly.runs.batch.state import Batch, is_finished, join_batch, known_batch
from napari_mineral_anomaly.runs.batch.summary import write_summary
from napari_mineral_anomaly.runs.batch.watch import BatchWatch
from napari_mineral_anomaly.runs.batch.work import Keep, SectionJob, work_apart

# The summary is rebuilt while a batch runs, but not more often than this.
SECONDS_BETWEEN_SUMMARIES = 2.0


@dataclass(frozen=True)
class Share:
    """The ``index``-th of ``count`` shares of a batch, counted from 1."""

    index: int = 1
    count: int = 1


def run_batch(
    inputs: Sequence[str | Path],
    out: str | Path,
    recipe: Recipe | None = None,
    *,
    model: str | Path | None = None,
    workers: int = 1,
    resume: bool = False,
    share: Share | None = None,
    cluster: Cluster | None = None,
    on_row: Callable[[SectionRow], None] | None = None,
    watch: BatchWatch | None = None,
    keep: Keep | None = None,
    task: Task = SILENT,
) -> list[SectionRow]:
    """Work on many sections, each in a process of its own, and write the summary.

    A section that fails does not end the batch. A finished section is never repeated.

    Parameters
    ----------
    inputs : paths
        Scans, and folders that hold scans. May be empty with ``resume``: those of the batch.
    out : path
        The folder of the batch.
    recipe : Recipe, optional
        Default: that of the batch that is resumed, or what ``detect`` does by default.
    model : path, optional
        A model folder that is applied; default: a detector is fitted on each section.
    workers : int
        Sections at a time on this computer.
    resume : bool
        Go on with a batch that is there.
    share : Share, optional
        Work on this share only, for arrays of jobs; joins a batch that is there.
    cluster : Cluster, optional
        Send the sections to a Dask cluster.
    on_row : callable, optional
        Called with each section when it has ended.
    watch : BatchWatch, optional
        Is told of every section that begins or ends on this computer.
    keep : Keep, optional
        Makes the run folder of a finished section a project. A function of a module, because it is
        called in the process of the section.
    task : Task, optional
        Reports progress (phase "sections") and can be cancelled.

    Returns
    -------
    list of SectionRow
        All sections of the batch, also those of other shares.

    Raises
    ------
    InputError
        When nothing could start.
    CancelledError
        When ``task`` was cancelled; finished sections stay, and the summary is up to date.
    """
    place = Path(out).absolute()
    if not inputs:
        known = known_batch(place)
        recipe = recipe or known.recipe
        model = model or known.model
    sections = find_sections([Path(path) for path in inputs], place, task=task)
    batch = join_batch(
        place,
        sections,
        recipe or Recipe(),
        None if model is None else _model_folder(Path(model)),
        may_exist=resume or share is not None,
    )
    jobs = _jobs(batch, share or Share(), workers if cluster is None else None, keep)
    watched = watch or BatchWatch()
    last = 0.0

    def ended(number: int, job: SectionJob) -> None:
        nonlocal last
        if watch or on_row or time.monotonic() - last > SECONDS_BETWEEN_SUMMARIES:
            rows = write_summary(batch)
            watched.found(rows)
            last = time.monotonic()
            if on_row is not None:
                on_row(next(row for row in rows if row.section == job.name))
        task.step("sections", number, len(jobs), job.name)

    try:
        watched.found(write_summary(batch))
        task.step("sections", 0, len(jobs))
        if cluster is None:
            _work_here(jobs, workers, watched, ended, task)
        else:
            work_on_cluster(jobs, cluster, ended, task)
    finally:
        rows = write_summary(batch)
        watched.found(rows)
    return rows


def _jobs(batch: Batch, share: Share, workers: int | None, keep: Keep | None) -> list[SectionJob]:
    if not batch.sections:
        raise InputError("The batch has no sections: give folders or files of scans.")
    named = sorted(batch.sections.items(), key=lambda item: item[1])
    inputs = (*batch.sections, *([] if batch.model is None else [batch.model]))
    threads = None if workers is None else max(1, (os.cpu_count() or 1) // max(workers, 1))
    out, reading = str(batch.out), batch.recipe.reading
    jobs = []
    for source, name in named[share.index - 1 :: share.count]:
        if not is_finished(batch.out / name):
            recipe, model = batch.recipe, batch.model
            jobs.append(SectionJob(out, name, source, recipe, model, inputs, threads, keep))
        elif keep is not None:  # its process may have been killed just before
            with suppress(InputError):  # a run folder opens without it, too
                keep(batch.out / name, source, reading, name)
    return jobs


def _work_here(
    jobs: Sequence[SectionJob],
    workers: int,
    watch: BatchWatch,
    ended: Callable[[int, SectionJob], None],
    task: Task,
) -> None:
    """Work on sections in processes of this computer, ``workers`` at a time."""
    token = CancelToken()

    def work(job: SectionJob) -> None:
        watch.began(job.name)
        try:
            work_apart(job, Task(token=token))
        finally:
            watch.ended(job.name)

    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        running = {pool.submit(work, job): job for job in jobs}
        number = 0
        try:
            while running:
                done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                task.check()
                for future in done:
                    number += 1
                    job = running.pop(future)
                    future.result()
                    ended(number, job)
        except BaseException:
            # Also after Ctrl-C: the processes are asked to end, and leave nothing half-written.
            token.cancel()
            for future in running:
                future.cancel()
            raise
    if task.cancelled:
        raise CancelledError("The batch was cancelled.")


def _model_folder(path: Path) -> Path:
    inside = path / MODEL_FOLDER  # the results of a run hold their model
    return inside if inside.is_dir() else path
