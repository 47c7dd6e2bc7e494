"""*Sections*: the scans of this window, one of them shown."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.window.detecting.queue import queue_of
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import push_button, row
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.project.closing import guard_window
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.sections.section_list import SectionList

_NOTHING = (
    "Open scans in the step “Open”, by dropping their folders onto napari, or as projects. Each "
    "becomes a section of this list."
)


class SectionsDock(Dock):
    """The list of sections, and a button that closes the one that is shown."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.sections = self.add(SectionList(napari_viewer, executor))
        self.fit_button = push_button(
            "&Fit", "Fit the view to the section that is shown.", self.active.fit
        )
        self.close_button = push_button(
            "&Close section",
            "Save the section that is shown, cancel its runs, and remove its layers.",
            self.close_section,
        )
        self.column.addLayout(row(self.fit_button, self.close_button))
        self.add(self.status)
        self.listen(self.active.changed, self._refresh)
        self._refresh()

    def close_section(self) -> None:
        """Save the active section and remove its layers, after a question where work would go."""
        scan_id = self.active.scan_id
        if scan_id is None or not projects_of(self.viewer).may_close(scan_id):
            return
        queue_of(self.viewer).cancel_scan(scan_id)
        for layer, _ in reversed(list(linked_layers(self.viewer, scan_id))):
            self.viewer.layers.remove(layer)

    def shut_down(self) -> None:
        """Also stop following the sections."""
        self.sections.shut_down()
        super().shut_down()

    def showEvent(self, event: Any) -> None:
        """Also ask before the window closes."""
        super().showEvent(event)
        guard_window(self)

    def _refresh(self) -> None:
        has_one = self.active.scan_id is not None
        for button in (self.fit_button, self.close_button):
            button.setEnabled(has_one)
        self.status.plain("" if has_one else _NOTHING)
