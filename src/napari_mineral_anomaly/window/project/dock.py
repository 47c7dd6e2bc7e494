"""*Project*: save and open the work on a section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QFileDialog, QListWidget, QListWidgetItem

from napari_mineral_anomaly.project.recent import recent_projects
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import fit_width, form_layout, push_button, row
from napari_mineral_anomaly.window.kit.dock import Dock
from napari_mineral_anomaly.window.project.closing import guard_window
from napari_mineral_anomaly.window.project.projects import projects_of

_PATH_ROLE = 256  # Qt.ItemDataRole.UserRole


class ProjectDock(Dock):
    """Says where the work is saved; opens a project, or one of those that were opened last."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.projects = projects_of(napari_viewer)

        form = form_layout()
        self.section_combo = QComboBox()
        fit_width(self.section_combo)
        self.section_combo.setPlaceholderText("no run yet")
        self.section_combo.setToolTip("The sections of this window that have a project.")
        form.addRow("Section", self.section_combo)
        self.column.addLayout(form)
        self.save_button = push_button(
            "&Save project",
            "Everything is saved by itself; this also asks for a folder if there is none yet.",
            self.save,
        )
        self.save_as_button = push_button(
            "Save &as…", "Save the project in another folder and go on there.", self._choose_place
        )
        self.open_button = push_button(
            "&Open…", "Open a project, or the results of “mineral-anomaly detect”.", self._choose
        )
        self.column.addLayout(row(self.save_button, self.save_as_button, self.open_button))
        self.maps_button = push_button(
            "&Keep a copy of the maps",
            "Copy the element maps into the project, to take it to another computer.",
            self.keep_maps,
        )
        self.add(self.maps_button, self.status)
        self.recent = QListWidget()
        self.recent.setToolTip("Projects that were opened last: double-click to open one.")
        self.recent.itemActivated.connect(self._open_recent)
        self.add(self.recent)
        self.column.addStretch()

        self.listen(self.projects.changed, self.refresh)
        self.refresh()

    def save(self) -> None:
        """Save now; a project without a place of its own gets one."""
        keeper = self.projects.keepers.get(self.section_combo.currentData())
        if keeper is None:
            return
        if keeper.has_own_place and not keeper.problem:
            keeper.save_now()
            self.refresh()
        else:
            self._choose_place()

    def keep_maps(self) -> None:
        """Copy the maps of the chosen section into its project."""
        keeper = self.projects.keepers.get(self.section_combo.currentData())
        if keeper is not None:
            keeper.keep_maps()

    def refresh(self) -> None:
        """Show the sections, where they are saved, and the recent projects."""
        chosen = self.section_combo.currentData()
        keepers = self.projects.keepers
        self.section_combo.blockSignals(True)
        self.section_combo.clear()
        for scan_id, keeper in keepers.items():
            self.section_combo.addItem(keeper.name, scan_id)
        index = self.section_combo.findData(chosen)
        self.section_combo.setCurrentIndex(index if index >= 0 else len(keepers) - 1)
        self.section_combo.blockSignals(False)
        for button in (self.save_button, self.save_as_button, self.maps_button):
            button.setEnabled(bool(keepers))
        bad = any(keeper.problem or keeper.is_read_only for keeper in keepers.values())
        (self.status.warning if bad else self.status.plain)(self.projects.status)
        self._show_recent()

    def showEvent(self, event: Any) -> None:
        """Also ask before the window closes."""
        super().showEvent(event)
        guard_window(self)

    def _show_recent(self) -> None:
        found = recent_projects()
        shown = [self.recent.item(k).data(_PATH_ROLE) for k in range(self.recent.count())]
        if shown == [str(one.folder) for one in found]:
            return
        self.recent.clear()
        for one in found:
            item = QListWidgetItem(f"{one.name} – {one.folder}")
            item.setData(_PATH_ROLE, str(one.folder))
            item.setToolTip(f"{one.folder}\nopened {one.when}")
            self.recent.addItem(item)

    def _open_recent(self, item: QListWidgetItem) -> None:
        self.projects.open(item.data(_PATH_ROLE))

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a project")
        if folder:
            self.projects.open(folder)

    def _choose_place(self) -> None:
        scan_id = self.section_combo.currentData()
        keeper = self.projects.keepers.get(scan_id)
        if keeper is None:
            return
        place: Path | None = self.projects.asker.place_for_project(keeper.name)
        if place is not None:
            self.projects.save_as(scan_id, place)
