"""What one usually hands over, and the work that writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.files import write_fiducials
from napari_mineral_anomaly.grains.sem.fit import SemFit
from napari_mineral_anomaly.grains.sem.visits import Which, sem_list
from napari_mineral_anomaly.io.spreadsheets import Dialect
from napari_mineral_anomaly.io.writing.tables import write_table
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.window.exporting.plan import Choice
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.layers.links import Link

REPORT, SEM, GIS, PROJECT, MORE = "report", "sem", "gis", "project", "more"

REPORT_FILE, PDF_FILE = "client_report.html", "client_report.pdf"
SEM_FILE, FIDUCIALS_FILE = "sem_list.csv", "sem_list_fiducials.csv"

# What programs for maps and images read without a question.
GIS_CHOICES: tuple[Choice, ...] = (
    ("score", "imagej"),
    ("mask", "imagej"),
    ("contributions", "imagej"),
    ("grains", "csv"),
    ("grains", "qupath"),
    ("grains", "qgis"),
)


class Preset(NamedTuple):
    """A choice for people."""

    key: str
    title: str
    words: str


PRESETS = (
    Preset(REPORT, "Client report", "Grains with verdicts, comments and evidence: HTML and PDF."),
    Preset(SEM, "SEM list", "Where to drive to: the grains in mm of your SEM, in a short order."),
    Preset(
        GIS,
        "GIS and Fiji files",
        "Score, mask, contributions, outlines of grains, in µm.",
    ),
    Preset(PROJECT, "Whole project", "Everything, to go on with elsewhere."),
    Preset(MORE, "What is ticked under “More”", "Any result in any format."),
)

Writing = Callable[[Task], list[Path]]


def report_of(project: Path, score: Link | None, folder: Path, *, overwrite: bool) -> Writing:
    """The work that writes the report of a score as HTML and PDF; it needs no window."""
    detector = None if score is None else score.detector
    if detector is None:
        raise InputError("The report needs the result of a run: this score was opened without one.")
    paths = [folder / name for name in (REPORT_FILE, PDF_FILE)]

    def write(task: Task) -> list[Path]:
        from napari_mineral_anomaly.project.load import load_project
        from napari_mineral_anomaly.project.output.report import write_project_report

        _make_free(paths, overwrite)
        loaded = load_project(project, task=task).with_main(detector)
        write_project_report(loaded, *paths, task=task)
        return paths

    return write


def sem_list_of(
    listing: Callable[[Task], GrainListing],
    fit: SemFit,
    which: Which,
    folder: Path,
    dialect: Dialect,
    *,
    overwrite: bool,
) -> Writing:
    """The work that writes the grains to visit in mm of the SEM, and the fiducials beside them."""
    path, beside = (folder / dialect.file_name(name) for name in (SEM_FILE, FIDUCIALS_FILE))

    def write(task: Task) -> list[Path]:
        found = listing(task).with_maps(task)
        visits = sem_list(found.table, found.labels, fit, which)
        _make_free([path, beside], overwrite)
        return [write_table(path, visits, dialect), write_fiducials(beside, fit, dialect)]

    return write


def copy_of(project: Path, folder: Path, name: str) -> Writing:
    """The work that copies a project into a new folder."""
    target = folder / f"{name} project"

    def write(task: Task) -> list[Path]:
        from napari_mineral_anomaly.project.copying import copy_project

        _make_folder(folder)
        copy_project(project, target)
        return [target]

    return write


def files_in_words(paths: Sequence[Path]) -> str:
    """The files in words; those that only stand beside a TIFF are counted."""
    beside = [path for path in paths if path.suffix in (".tfw", ".xml", ".vrt")]
    names = ", ".join(path.name for path in paths if path not in beside)
    return f"{names} and {len(beside)} files for QGIS beside them" if beside else names


def _make_free(paths: Iterable[Path], overwrite: bool) -> None:
    for path in paths:
        _make_folder(path.parent)
        if path.exists() and not overwrite:
            raise InputError(
                f"{path} exists already: tick “Replace files that exist” or choose another folder."
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make {folder}: {error.strerror or error}.") from None
