"""What an empty window offers: the sample, a project, the projects that were opened last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLabel, QListWidget, QListWidgetItem, QWidget

from napari_mineral_anomaly.project.recent import RecentProject, recent_projects
from napari_mineral_anomaly.window.kit.controls import add_parts, column_of, push_button, row
from napari_mineral_anomaly.window.kit.opening import BATCH, open_dock
from napari_mineral_anomaly.window.project.projects import projects_of

_PATH_ROLE = Qt.ItemDataRole.UserRole
_MOST_SHOWN = 6


class FirstMinutes(QWidget):
    """Buttons and a list to start with.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    open_sample : callable
        Opens the simulated thin section.
    """

    def __init__(self, viewer: Any, open_sample: Callable[[], Any]) -> None:
        super().__init__()
        self._viewer = viewer
        self.sample_button = push_button(
            "Open the sample",
            "A simulated thin section with a few odd grains, to try everything.",
            open_sample,
        )
        self.project_button = push_button(
            "Open project…",
            "A project folder, or the results of “mineral-anomaly detect”.",
            self._choose_project,
        )
        self.batch_button = push_button(
            "Many sections at once…",
            "Search a folder of sections one after the other, each as a project of its own.",
            partial(open_dock, viewer, BATCH),
        )
        self.heading = QLabel("Recent projects")
        self.recent = QListWidget()
        self.recent.setToolTip("Projects that were opened last: press Enter or double-click.")
        self.recent.itemActivated.connect(self._open_recent)
        column = column_of(self)
        buttons = row(self.sample_button, self.project_button)
        add_parts(column, buttons, self.batch_button, self.heading, self.recent)
        column.addStretch()  # a list of fixed height would leave gaps around the heading
        self.refresh()

    def refresh(self) -> None:
        """Read the list of recent projects again."""
        found = recent_projects()[:_MOST_SHOWN]
        self.recent.clear()
        for one, title in zip(found, _titles(found), strict=True):
            item = QListWidgetItem(title)
            item.setData(_PATH_ROLE, str(one.folder))
            item.setToolTip(f"{one.folder}\nopened {one.when}")
            self.recent.addItem(item)
        self.heading.setVisible(bool(found))
        self.recent.setVisible(bool(found))
        line = self.recent.sizeHintForRow(0) if found else 0
        self.recent.setFixedHeight(line * len(found) + 8)

    def showEvent(self, event: Any) -> None:
        """Show what was opened meanwhile."""
        super().showEvent(event)
        self.refresh()

    def _open_recent(self, item: QListWidgetItem) -> None:
        projects_of(self._viewer).open(item.data(_PATH_ROLE))

    def _choose_project(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a project")
        if folder:
            projects_of(self._viewer).open(folder)


def _titles(projects: Sequence[RecentProject]) -> list[str]:
    """The names of projects; those of the same name with the end of their folder."""
    names = [one.name for one in projects]
    return [
        name if names.count(name) == 1 else f"{name} · {'/'.join(one.folder.parts[-2:])}"
        for name, one in zip(names, projects, strict=True)
    ]
