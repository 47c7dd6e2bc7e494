"""The docks of the lab: panels that napari shows in places of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QTabBar

from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.docks.ahead import import_ahead, still_missing
from napari_mineral_anomaly.window.kit.docks.gl_context import keep_map_context
from napari_mineral_anomaly.window.kit.docks.own_children import own_children
from napari_mineral_anomaly.window.kit.opening import SUFFIXES
from napari_mineral_anomaly.window.kit.panel import Panel

_numbers = count()


class Dock(Panel):
    """A panel in a dock of its own; it joins our other docks as a tab."""

    def __init__(
        self, viewer: Any, executor: Executor | None = None, *, scrolls: bool = True
    ) -> None:
        super().__init__(viewer, executor, scrolls=scrolls)
        self._was_shown = False
        self._number = next(_numbers)

    def showEvent(self, event: Any) -> None:
        """When shown for the first time, join our other docks as a tab.

        napari places docks from its menus one above the other; three do not fit a laptop screen.
        """
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            QTimer.singleShot(0, self._join_our_docks)

    def _join_our_docks(self) -> None:
        own, window = self.parent(), self.window()
        if not isinstance(own, QDockWidget) or not isinstance(window, QMainWindow):
            return
        others = own_children(window, QDockWidget)
        if self._is_second(others):
            self.viewer.window.remove_dock_widget(own)
            return
        keep_map_context(window, self.viewer)
        self._import_ahead()
        # Title, tabs and the menu “Window” show the dock's name only. With the name of the plugin,
        # which napari adds in brackets, the dock's name would be cut off on a tab.
        own.setWindowTitle(_short(own.windowTitle()))
        if own.titleBarWidget() is not None:
            for label in own.titleBarWidget().findChildren(QLabel):
                label.setText(_short(label.text()))
        for other in others:
            inner = other.widget()
            older = isinstance(inner, Dock) and inner._number < self._number
            beside = window.dockWidgetArea(other) == window.dockWidgetArea(own)
            if older and beside and not other.isFloating():
                # Without signals: after a signal that the dock moved, napari would write all its
                # settings to disk, which takes long. The dock stays in its area.
                blocked = own.blockSignals(True)
                window.tabifyDockWidget(other, own)
                own.blockSignals(blocked)
                own.raise_()
                _name_tabs_in_full(window)
                return

    def _is_second(self, others: Sequence[QDockWidget]) -> bool:
        """Whether this dock is open already; then the first one is brought to the front.

        napari knows a dock by two names. A script may open it under one of them, and a menu then
        opens it under the other.
        """
        for other in others:
            inner = other.widget()
            if type(inner) is type(self) and inner._number < self._number:
                other.show()
                other.raise_()
                return True
        return False

    def _import_ahead(self) -> None:
        """Let a worker import the libraries that the next docks need."""
        names = still_missing()
        if names:
            # A failure is not shown: the code that needs a missing library reports it.
            self.jobs.run(
                "Importing libraries",
                lambda task: import_ahead(names, task),
                on_failed=lambda failure: None,
            )


def _short(name: str) -> str:
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _name_tabs_in_full(window: QMainWindow) -> None:
    """Let the tabs show full names, with arrows to scroll, instead of names of a letter or two."""
    for bar in own_children(window, QTabBar):
        bar.setElideMode(Qt.TextElideMode.ElideNone)
        bar.setUsesScrollButtons(True)
