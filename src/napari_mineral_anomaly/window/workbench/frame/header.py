"""The header: active section with its size, whether it is saved, and what runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
)
from superqt.utils import qdebounced

from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import ProgressBar, StatusLine, fit_width
from napari_mineral_anomaly.window.kit.opening import SECTIONS, open_dock
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.state.model import Activity
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.workbench.frame.section_facts import (
    facts_of_section,
    thumbnail_of_section,
)

_THUMBNAIL = 44
_SETTLE_MS = 200
_SAVE_AS = "“Save as…” in the menu above keeps them."
_NO_SECTION = "No section is open."


class Header(Panel):
    """Always in sight above the steps.

    Attributes
    ----------
    list_button : QToolButton
        Opens the list of all sections; shown where there are two.
    """

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(viewer, executor, scrolls=False)
        self._state = state_of(viewer)
        self._projects = projects_of(viewer)
        self.column.setContentsMargins(8, 6, 8, 6)
        self.column.setSpacing(4)

        self.section_combo = QComboBox()
        fit_width(self.section_combo)
        self.section_combo.setPlaceholderText("no section")
        self.section_combo.setToolTip(
            "The active section. The layers of the others are hidden until you choose them."
        )
        self.section_combo.setAccessibleName("Active section")
        self.section_combo.activated.connect(self._on_combo)
        self.list_button = QToolButton()
        self.list_button.setText("List…")
        self.list_button.setToolTip(
            "Show the list of all sections: their state, grains found and accepted."
        )
        self.list_button.clicked.connect(partial(open_dock, viewer, SECTIONS))
        self.saved_button = QToolButton()
        self.saved_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.saved_button.setStyleSheet(
            "QToolButton { padding: 3px 6px; } QToolButton::menu-indicator { image: none; }"
        )
        self.saved_button.setMenu(self._project_menu())
        top = QHBoxLayout()
        top.addWidget(self.section_combo, 1)
        top.addWidget(self.list_button)
        top.addWidget(self.saved_button)
        self.column.addLayout(top)

        self.thumbnail = QLabel()
        self.thumbnail.setFixedSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.thumbnail.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.facts = StatusLine()
        facts = QHBoxLayout()
        facts.addWidget(self.thumbnail)
        facts.addWidget(self.facts, 1)
        self.column.addLayout(facts)

        # In sight, because a notification goes after seconds.
        self.not_saved = StatusLine()
        self.column.addWidget(self.not_saved)

        self.doing = QLabel()
        self.doing.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = ProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        running = QVBoxLayout()
        running.setSpacing(2)
        running.addWidget(self.doing)
        running.addWidget(self.progress)
        self.column.addLayout(running)

        state = self._state.events
        self.listen(state.sections, self._on_sections)
        self.listen(state.scan_id, self._on_sections)
        self.listen(state.activities, self._on_activity)
        # The layers of a section come one by one: look once, after the last of them.
        self._look_soon = qdebounced(self._show_facts, timeout=_SETTLE_MS)
        self.listen(self.viewer.layers.events.inserted, self._look_soon)
        self.listen(self.viewer.layers.events.removed, self._look_soon)
        self.listen(self._projects.changed, self._show_saved)
        self._on_sections()
        self._on_activity()

    def shut_down(self) -> None:
        """Also look no more."""
        self._look_soon.cancel()
        super().shut_down()

    # The section

    def _on_sections(self, value: Any = None) -> None:
        combo = self.section_combo
        combo.blockSignals(True)
        combo.clear()
        for section in self._state.sections:
            combo.addItem(section.name, section.scan_id)
        combo.setCurrentIndex(combo.findData(self._state.scan_id))
        combo.setEnabled(combo.count() > 0)
        self.list_button.setVisible(combo.count() > 1)
        combo.blockSignals(False)
        self._show_facts()
        self._show_saved()

    def _on_combo(self, index: int) -> None:
        self._state.scan_id = self.section_combo.itemData(index)

    def _show_facts(self, value: Any = None) -> None:
        facts = facts_of_section(self.viewer, self._state.scan_id)
        self.facts.plain(facts or _NO_SECTION)
        picture = thumbnail_of_section(self.viewer, self._state.scan_id, _THUMBNAIL)
        self.thumbnail.setVisible(picture is not None)
        if picture is not None:
            self.thumbnail.setPixmap(picture)

    # What runs

    def _on_activity(self, value: Any = None) -> None:
        activity: Activity | None = self._state.activity
        self.doing.setVisible(activity is not None)
        # A bar without an end would move all the time, and each move draws the canvas again.
        self.progress.setVisible(activity is not None and activity.percent is not None)
        if activity is None:
            return
        n = len(self._state.activities)
        more = f" (+{n - 1} more)" if n > 1 else ""
        width = max(120, self.width() - 24)
        line = f"{activity.text}{more}"
        self.doing.setText(
            self.doing.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, width)
        )
        self.doing.setToolTip(line)
        if activity.percent is not None:
            self.progress.show_step(activity.percent, 100)

    # The project

    def _project_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.save_action = menu.addAction("Save now")
        self.save_action.setToolTip("Everything is saved by itself; this does it at once.")
        self.save_action.triggered.connect(self.save)
        self.save_as_action = menu.addAction("Save as…")
        self.save_as_action.setToolTip("Save the project in another folder and go on there.")
        self.save_as_action.triggered.connect(self._choose_place)
        self.maps_action = menu.addAction("Keep a copy of the maps")
        self.maps_action.setToolTip(
            "Copy the element maps into the project, to take it to another computer."
        )
        self.maps_action.triggered.connect(self.keep_maps)
        menu.addSeparator()
        menu.addAction("Open project…").triggered.connect(self._choose_project)
        return menu

    def save(self) -> None:
        """Save now; a project without a place of its own gets one."""
        keeper = self._keeper
        if keeper is None:
            return
        if keeper.has_own_place and not keeper.problem:
            keeper.save_now()
            self._show_saved()
        else:
            self._choose_place()

    def keep_maps(self) -> None:
        """Copy the maps of the section into its project."""
        if self._keeper is not None:
            self._keeper.keep_maps()

    @property
    def _keeper(self) -> Any:
        return self._projects.keepers.get(str(self._state.scan_id))

    def _show_saved(self) -> None:
        keeper = self._keeper
        for action in (self.save_action, self.save_as_action, self.maps_action):
            action.setEnabled(keeper is not None)
        if keeper is None:
            text, tip = "Project", "Nothing to save yet: a project starts with the first run."
        elif keeper.is_read_only:
            text, tip = "⚠ Read-only", keeper.status
        elif keeper.problem:
            text, tip = "⚠ Not saved", keeper.status
        elif keeper.has_unsaved_work:
            text, tip = "● Saving…", keeper.status
        else:
            text, tip = "✓ Saved", keeper.status
        self.saved_button.setText(f"{text} ▾")
        self.saved_button.setToolTip(tip)
        is_read_only = keeper is not None and keeper.is_read_only
        is_off = is_read_only or (keeper is not None and bool(keeper.problem))
        self.not_saved.warning(f"{tip} {_SAVE_AS}" if is_read_only else tip if is_off else "")

    def _choose_project(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a project")
        if folder:
            self._projects.open(folder)

    def _choose_place(self) -> None:
        keeper = self._keeper
        if keeper is None:
            return
        place: Path | None = self._projects.asker.place_for_project(keeper.name)
        if place is not None:
            self._projects.save_as(keeper.scan_id, place)
