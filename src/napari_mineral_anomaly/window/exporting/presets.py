"""What one usually hands over, and the work that writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.writing.tables import write_grains
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.window.exporting.plan import Choice
from napari_mineral_anomaly.window.grains.listing import GrainListing

REPORT, SEM, GIS, PROJECT, MORE = "report", "sem", "gis", "project", "more"

# Verdicts of grains that are worth a visit.
_TO_VISIT = ("accept", "SEM-true")

REPORT_FILE, SEM_FILE = "client_report.html", "sem_list.csv"

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
    Preset(REPORT, "Client report", "Grains with verdicts and pictures, one page that prints."),
    Preset(SEM, "SEM list", "The accepted grains with their places on the map, as a table."),
    Preset(
        GIS,
        "GIS and Fiji files",
        "Score, mask, contributions, outlines of grains, in µm.",
    ),
    Preset(PROJECT, "Whole project", "Everything, to go on with elsewhere."),
    Preset(MORE, "What is ticked under “More”", "Any result in any format."),
)

Writing = Callable[[Task], list[Path]]


def report_of(project: Path, folder: Path, *, overwrite: bool) -> Writing:
    """The work that writes the report of a project; it needs no window."""
    path = folder / REPORT_FILE

    def write(task: Task) -> list[Path]:
        from napari_mineral_anomaly.project.load import load_project
        from napari_mineral_anomaly.project.report import write_project_report

        _make_free(path, overwrite)
        write_project_report(load_project(project, task=task), path, task=task)
        return [path]

    return write


def sem_list_of(
    listing: Callable[[Task], GrainListing], folder: Path, *, overwrite: bool
) -> Writing:
    """The work that writes the accepted grains of a list, as a table of all columns."""
    path = folder / SEM_FILE

    def write(task: Task) -> list[Path]:
        table = listing(task).with_maps(task).table
        accepted = table[table["status"].isin(_TO_VISIT)]
        if accepted.empty:
            raise InputError("No grain is accepted yet: accept some in the step “Decide”.")
        _make_free(path, overwrite)
        write_grains(path, accepted)
        return [path]

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


def _make_free(path: Path, overwrite: bool) -> None:
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
