"""Change a project without a window: its fiducials, its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.fiducials import Fiducials
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook, now
from napari_mineral_anomaly.grains.verdicts.history import load_history, save_history
from napari_mineral_anomaly.project.fiducials import fiducial_fields
from napari_mineral_anomaly.project.format import ProjectFile
from napari_mineral_anomaly.project.lock import open_lock
from napari_mineral_anomaly.project.log import LogEntry, add_to_log
from napari_mineral_anomaly.project.names import VERDICTS_FILE
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.saving.store import write_project_file


def keep_fiducials(folder: Path, fiducials: Fiducials) -> ProjectFile:
    """Replace the fiducials of a project.

    Raises
    ------
    InputError
        When a window has the project open, or it cannot be written.
    """
    with _locked(folder) as file:
        new = file.model_copy(update=fiducial_fields(file, fiducials) | _stamp())
        write_project_file(folder, new)
        add_to_log(folder, [LogEntry(f"{len(fiducials.points)} fiducials on the command line")])
    return new


def keep_verdicts(folder: Path, book: VerdictBook, text: str) -> ProjectFile:
    """Add a step to the verdicts of a project; the window can undo it.

    Parameters
    ----------
    folder : Path
    book : VerdictBook
        The verdicts from now on.
    text : str
        What the step did.

    Raises
    ------
    InputError
        When a window has the project open, or it cannot be written.
    """
    with _locked(folder) as file:
        history = (
            History(VerdictBook(file.shape))
            if file.verdicts is None
            else load_history(folder / file.verdicts, file.shape)
        )
        save_history(folder / VERDICTS_FILE, history.push(book, text))
        new = file.model_copy(update={"verdicts": VERDICTS_FILE} | _stamp())
        write_project_file(folder, new)
        add_to_log(folder, [LogEntry(f"verdict: {text}")])
    return new


@contextmanager
def _locked(folder: Path) -> Iterator[ProjectFile]:
    """The content of a project that nobody else writes meanwhile."""
    attempt = open_lock(folder)
    if attempt.lock is None:
        raise InputError(f"{folder} cannot be changed. {attempt.why_not}")
    try:
        yield read_project(folder)
    finally:
        attempt.lock.release()


def _stamp() -> dict[str, str]:
    return {"package_version": __version__, "saved": now()}
