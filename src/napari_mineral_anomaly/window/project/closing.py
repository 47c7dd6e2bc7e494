"""Asks about a run and about unsaved work when the user closes the window."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow

from napari_mineral_anomaly.window.kit.docks.own_children import own_children
from napari_mineral_anomaly.window.project.asking import DialogAsker
from napari_mineral_anomaly.window.project.projects import Projects, projects_of
from napari_mineral_anomaly.window.state.model import WorkbenchState
from napari_mineral_anomaly.window.state.of_viewer import state_of


class CloseGuard(QObject):
    """Looks at the window's close events before napari does."""

    def __init__(self, window: QMainWindow, projects: Projects, state: WorkbenchState) -> None:
        super().__init__(window)
        self._projects, self._state = projects, state
        self._is_asking = False
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Keep the window open where the user stays."""
        if event is None or event.type() != QEvent.Type.Close:
            return False
        if self._is_asking:
            event.ignore()
            return True
        self._is_asking = True
        try:
            may_close = self._may_end_run() and self._projects.may_close()
        finally:
            self._is_asking = False
        if not may_close:
            event.ignore()
            return True
        self._projects.close()
        return False

    def _may_end_run(self) -> bool:
        run = self._state.run
        if run is None:
            return True
        sentence = f"A run is not finished. {run.text}. {run.if_closed}"
        return self._projects.asker.end_run(sentence)


def guard_window(dock: Any) -> Projects:
    """Let the window of a dock ask before it closes, and offer to go on after a kill."""
    projects, window = projects_of(dock.viewer), dock.window()
    if isinstance(window, QMainWindow) and not own_children(window, CloseGuard):
        CloseGuard(window, projects, state_of(dock.viewer))
        if isinstance(projects.asker, DialogAsker):
            projects.asker.attach(window)
        projects.offer_soon()
    return projects
