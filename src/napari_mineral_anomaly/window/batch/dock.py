"""*Batch*: work on many sections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_mineral_anomaly.window.batch.panel import BatchPanel
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.project.closing import guard_window
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import Activity
from napari_mineral_anomaly.window.state.of_viewer import state_of

_IF_CLOSED = (
    "If you close the window, the batch stops. Finished sections stay, and it can go on later."
)


class BatchDock(Dock):
    """The batch panel; its sections open as projects of this window."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.panel = self.add(BatchPanel(self._open, executor))
        self.panel.told.connect(self._report)

    def shut_down(self) -> None:
        """Also stop the batch."""
        self.panel.shut_down()
        self._report("", None)
        super().shut_down()

    def showEvent(self, event: Any) -> None:
        """Also ask before the window closes."""
        super().showEvent(event)
        guard_window(self)

    def _open(self, folder: Path) -> None:
        """Open a section, and show the workbench, which goes to its grains."""
        projects_of(self.viewer).open(folder)
        open_step(self.viewer, state_of(self.viewer).step)

    def _report(self, line: str, percent: int | None) -> None:
        """Show in the header how far the batch is; closing the window asks meanwhile."""
        doing = Activity(line, percent, is_run=True, if_closed=_IF_CLOSED) if line else None
        state_of(self.viewer).report("batch", doing)
