"""The work on one section, in a process of its own."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_mineral_anomaly.bare_process import work_in_bare_process
from napari_mineral_anomaly.detectors.base import FittedDetector
from napari_mineral_anomaly.detectors.bundle import load_model
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_image
from napari_mineral_anomaly.io.run_files import RUN_FILE, SCORE_FILE
from napari_mineral_anomaly.io.writing.atomic import atomic_path, require_free_folder
from napari_mineral_anomaly.out_of_memory import is_out_of_memory, memory_sentence
from napari_mineral_anomaly.process import ProcessDiedError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.state import (
    FAILED_FILE,
    is_finished,
    section_lock,
    thumbnail_file,
)
from napari_mineral_anomaly.runs.json_values import as_json
from napari_mineral_anomaly.runs.read_scan import ReadingOptions
from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder

# Makes a run folder a project: the folder, its scan, how it was read, and the name of the section.
Keep = Callable[[Path, str, ReadingOptions, str], object]


@dataclass(frozen=True)
class SectionJob:
    """One section to work on; can be sent to another process or computer.

    Attributes
    ----------
    out : str
        The folder of the batch.
    name : str
        Of the section; its run folder in ``out``.
    source : str
        Its scan.
    recipe : Recipe
    model : str or None
        The model folder to apply.
    inputs : tuple of str
        What the batch reads; nothing of it is ever replaced.
    threads : int or None
        Processor threads for numerical libraries.
    keep : Keep or None
        Called when the run folder is there.
    """

    out: str
    name: str
    source: str
    recipe: Recipe
    model: str | None
    inputs: tuple[str, ...] = ()
    threads: int | None = None
    keep: Keep | None = None


def work_apart(job: SectionJob, task: Task = SILENT) -> None:
    """Work on a section in a new process; whatever goes wrong with it is written to its folder.

    Raises
    ------
    CancelledError
        When ``task`` was cancelled; nothing half-written is left.
    """
    try:
        work_in_bare_process(work_on_section, task, job.threads, job)
    except ProcessDiedError as error:
        give_up(job, died(str(error)))


def died(reason: str) -> str:
    """The sentence for a section whose process died."""
    return (
        f"The process of this section ended without an answer ({reason}): the system may have "
        "ended it for want of memory; give the batch fewer workers."
    )


def work_on_section(job: SectionJob) -> None:
    """Write the run folder of a section, or why there is none; finished sections stay as they are.

    Whoever else works on the section, as another share or a worker that is just dying, is waited
    for.
    """
    out, folder = Path(job.out), Path(job.out, job.name)
    with section_lock(out, job.name):
        if is_finished(folder):
            return
        try:
            _detect(job, folder)
        except InputError as error:
            tell_failure(job, str(error))
        except Exception as error:
            told = f"A defect of the program: {type(error).__name__}: {error}"
            tell_failure(job, memory_sentence() if is_out_of_memory(error) else told)
        else:
            (folder / FAILED_FILE).unlink(missing_ok=True)
            if job.keep is not None:
                with suppress(InputError):  # the next call of the batch tries again
                    job.keep(folder, job.source, job.recipe.reading, job.name)
            _draw_thumbnail(job, folder)


def give_up(job: SectionJob, sentence: str, host: str | None = None) -> None:
    """Remove what a process that died was writing, and write why there are no results."""
    folder = Path(job.out, job.name)
    require_free_folder(folder, overwrite=True)
    if not is_finished(folder):
        tell_failure(job, sentence, host)


def tell_failure(job: SectionJob, sentence: str, host: str | None = None) -> None:
    """Write why a section has no results into its folder; ``host`` is this computer by default."""
    folder = Path(job.out, job.name)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / FAILED_FILE) as temporary:
        temporary.write_text(
            as_json({"failure": sentence, "host": host or platform.node()}), encoding="utf-8"
        )


def _detect(job: SectionJob, folder: Path) -> None:
    recipe = job.recipe
    detector: str | FittedDetector = recipe.detector_name
    if job.model is not None:
        detector = load_model(job.model, device=recipe.device or "auto")
    scan_to_folder(
        [job.source],
        folder,
        detector,
        recipe.config() if job.model is None else None,
        reading=recipe.reading,
        threshold=recipe.threshold,
        min_grain_px=recipe.min_grain_px,
        n_rows=recipe.list,
        overwrite=True,  # only files of a failed attempt; those of the user stay
        protected=job.inputs,
    )


def _draw_thumbnail(job: SectionJob, folder: Path) -> None:
    from napari_mineral_anomaly.runs.batch.thumbnail import PAGE_SIDE, thumbnail_png

    threshold = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["threshold"]
    with atomic_path(thumbnail_file(Path(job.out), job.name)) as temporary:
        score = read_image(folder / SCORE_FILE)
        temporary.write_bytes(thumbnail_png(score, threshold, PAGE_SIDE))
