"""*Sections*: the scans of this window, one of them shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog

from napari_mineral_anomaly.window.detecting.queue import queue_of
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import push_button, row
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.layers.coming.removing import remove_layers
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.project.closing import guard_window
from napari_mineral_anomaly.window.project.comparing import compare
from napari_mineral_anomaly.window.project.keeper import SectionKeeper
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
        self.compare_button = push_button(
            "C&ompare sections…",
            "List the grains of all sections with a result in one table, and which elements and "
            "minerals recur in which of them.",
            self._choose_comparison,
        )
        self.column.addLayout(row(self.fit_button, self.close_button))
        self.add(self.compare_button, self.status)
        self._projects = projects_of(napari_viewer)
        self.listen(self.active.changed, self._refresh)
        self.listen(self._projects.changed, self._refresh)
        self._refresh()

    def close_section(self) -> None:
        """Save the active section and remove its layers, after a question where work would go."""
        scan_id = self.active.scan_id
        if scan_id is None or not projects_of(self.viewer).may_close(scan_id):
            return
        queue_of(self.viewer).cancel_scan(scan_id)
        own = [layer for layer, _ in linked_layers(self.viewer, scan_id)]
        remove_layers(self.viewer, reversed(own))

    def compare(self, out: str | Path) -> None:
        """Save the sections that have a project, and write their comparison into a folder."""
        keepers = self._with_projects()
        for keeper in keepers:
            if not keeper.save_now():
                self.status.error(keeper.problem or f"{keeper.name} is still being saved.")
                return
        folders = [keeper.folder for keeper in keepers if keeper.folder is not None]
        compare(self.jobs, self.status, folders, Path(out))

    def _with_projects(self) -> list[SectionKeeper]:
        return [one for one in self._projects.keepers.values() if not one.is_read_only]

    def _choose_comparison(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "New folder for the comparison", "comparison", "Folder (*)"
        )
        if path:
            self.compare(path)

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
        self.compare_button.setEnabled(len(self._with_projects()) > 1)
        if not has_one or self.status.text() == _NOTHING:
            self.status.plain("" if has_one else _NOTHING)
