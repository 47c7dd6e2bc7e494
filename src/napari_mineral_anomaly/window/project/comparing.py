"""Compare the grains of several projects, and show the page of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices

from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.project.output.compare import (
    PAGE_FILE,
    compare_projects,
    write_comparison,
)
from napari_mineral_anomaly.window.kit.controls import StatusLine
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs
from napari_mineral_anomaly.words import counted

COMPARING = "Comparing sections"


def compare(jobs: DockJobs, status: StatusLine, projects: Sequence[Path], out: Path) -> None:
    """Write the comparison of projects into a folder in a worker, then open its page.

    Parameters
    ----------
    jobs : DockJobs
    status : StatusLine
        Tells what happens.
    projects : sequence of Path
        Two or more.
    out : Path
        A folder that is new, empty, or holds an earlier comparison.
    """
    folders = list(projects)

    def work(task: Task) -> None:
        write_comparison(compare_projects(folders, task=task), out, overwrite=True)

    def shown(_: None) -> None:
        status.good(f"{counted(len(folders), 'section')} compared in {out}.")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(out / PAGE_FILE)))

    status.plain(f"Comparing {counted(len(folders), 'section')}…")
    jobs.run(COMPARING, work, shown)
