"""The base class of all docks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Protocol, TypeVar

from qtpy.QtCore import QEvent, QSize, Qt, QTimer
from qtpy.QtWidgets import (
    QDockWidget,
    QLayout,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.ahead import import_ahead, still_missing
from napari_mineral_anomaly.window.kit.controls import StatusLine, add_parts, column_of, push_button
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs, abandon
from napari_mineral_anomaly.window.kit.themes import Inks, inks_of
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.session import session_of

PLUGIN = "napari-mineral-anomaly"

# Width of a dock beside the canvas on a laptop screen of 1366 pixels; longer lines wrap.
DOCK_WIDTH = 320
# In a window with fewer lines, a dock below everything leaves napari's own docks too little room.
_LOW_WINDOW = 900

_numbers = count()

W = TypeVar("W", QWidget, QLayout)


class Coloured(Protocol):
    """A figure or a table with the colours of the theme."""

    def set_inks(self, inks: Inks) -> None:
        """Take the colours of a theme."""


class Dock(QWidget):
    """A dock of this plugin: a scrolling column of widgets.

    napari does not delete the widget of a closed dock. `shut_down` cancels its jobs and disconnects
    it; otherwise it would go on reacting to every layer.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    executor : Executor, optional
        Who runs the jobs; default: worker threads.

    Attributes
    ----------
    active : ActiveSection
        Which scan is shown.
    status : StatusLine
        Each dock places it; failures appear there.
    jobs : DockJobs
        The background jobs of the dock; they are cancelled when it is closed.
    """

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__()
        self.viewer = viewer
        self.session = session_of(viewer)
        self.active = active_of(viewer)
        self.status = StatusLine()
        self.jobs = DockJobs(executor or QtExecutor(), self._on_failed)
        self._connections: list[tuple[Any, Callable[..., None]]] = []
        # Called when the dock is destroyed with napari's window; then only the list is usable.
        self.destroyed.connect(partial(abandon, self.jobs.handles))
        self._was_docked = self._was_shown = False
        self._number = next(_numbers)

        body = QWidget()
        self.column = QVBoxLayout(body)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(6)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setWidget(body)
        column_of(self).addWidget(self._scroll)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """As tall as the content, at most 900 pixels; the rest scrolls."""
        hint = self._scroll.widget().sizeHint()
        return QSize(self.minimumSizeHint().width(), min(hint.height() + 4, 900))

    def minimumSizeHint(self) -> QSize:
        """Wide enough for every control in any font; lower than any screen."""
        needed = self._scroll.widget().minimumSizeHint().width()
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        return QSize(max(DOCK_WIDTH, needed + bar), 200)

    def add(self, part: W, *more: QWidget | QLayout) -> W:
        """Put widgets and layouts at the end of the column; returns the first."""
        add_parts(self.column, part, *more)
        return part

    def listen(self, emitter: Any, callback: Callable[..., None]) -> None:
        """Connect until the dock is closed."""
        emitter.connect(callback)
        self._connections.append((emitter, callback))

    def colour_by_theme(self, *coloured: Coloured) -> None:
        """Give these the colours of napari's theme, now and after each change of the theme."""

        def recolour(event: Any = None) -> None:
            inks = inks_of(self.viewer)
            for one in coloured:
                one.set_inks(inks)

        if hasattr(self.viewer.events, "theme"):  # a ViewerModel without a window has none
            self.listen(self.viewer.events.theme, recolour)
        recolour()

    def shut_down(self) -> None:
        """Cancel running jobs and disconnect from all events."""
        abandon(self.jobs.handles)
        for emitter, callback in self._connections:
            emitter.disconnect(callback)
        self._connections.clear()

    def event(self, event: QEvent) -> bool:
        """Shut down when napari removes the dock."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._was_docked = True
            elif self._was_docked:
                self.shut_down()
        return bool(super().event(event))

    def showEvent(self, event: Any) -> None:
        """When shown for the first time, join our other docks as a tab.

        napari places docks from its menus one above the other; five do not fit a laptop screen.
        """
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            QTimer.singleShot(0, self._join_our_docks)

    def _join_our_docks(self) -> None:
        own, window = self.parent(), self.window()
        if not isinstance(own, QDockWidget) or not isinstance(window, QMainWindow):
            return
        self._import_ahead()
        # Tabs and the menu “Window” show the dock's name only. With the name of the plugin, which
        # napari adds in brackets, the dock's name would be cut off on a tab.
        own.setWindowTitle(own.windowTitle().removesuffix(f" ({PLUGIN})"))
        # Direct children: napari's window has thousands of widgets.
        children = Qt.FindChildOption.FindDirectChildrenOnly
        for other in window.findChildren(QDockWidget, options=children):
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

    def closeEvent(self, event: Any) -> None:
        """Shut down when the dock is closed as a window of its own."""
        self.shut_down()
        super().closeEvent(event)

    def fail(self, reason: Failure | Exception, line: StatusLine | None = None) -> None:
        """Show a failure in the dock and as a napari notification.

        Parameters
        ----------
        reason : Failure or Exception
            An exception is a mistake in the user's input.
        line : StatusLine, optional
            Where in the dock; default: its status line.
        """
        from napari.utils.notifications import show_error, show_warning

        failure = reason if isinstance(reason, Failure) else Failure(str(reason), expected=True)
        (self.status if line is None else line).error(failure.sentence)
        # A mistake of the user is a warning; napari offers a traceback only for errors.
        (show_warning if failure.expected else show_error)(failure.sentence)

    def _on_failed(self, failure: Failure) -> None:
        """Show why a job failed."""
        self.fail(failure)

    def next_step(self, text: str, dock: str, tooltip: str) -> QPushButton:
        """A button that opens the dock of the next step."""
        return push_button(text, tooltip, lambda: open_dock(self.viewer, dock))


def put_below_the_map(window: QMainWindow, dock: QDockWidget) -> None:
    """Give a wide dock the bottom of the window.

    In a low window napari's docks on the left keep their corner. Above a dock as wide as the
    window, the layer list would be two lines high and the window would grow beyond the screen.
    """
    if window.height() < _LOW_WINDOW:
        corner = Qt.Corner.BottomLeftCorner
        window.setCorner(corner, Qt.DockWidgetArea.LeftDockWidgetArea)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)


def _name_tabs_in_full(window: QMainWindow) -> None:
    """Let the tabs show full names, with arrows to scroll, instead of names of a letter or two."""
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        bar.setElideMode(Qt.TextElideMode.ElideNone)
        bar.setUsesScrollButtons(True)


def open_dock(viewer: Any, dock: str) -> None:
    """Show another dock of this plugin as a tab."""
    window = getattr(viewer, "window", None)
    if window is not None:
        widget, _ = window.add_plugin_dock_widget(PLUGIN, dock, tabify=True)
        widget.show()
        widget.raise_()
