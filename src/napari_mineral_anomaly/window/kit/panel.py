"""The base class of all our widgets that run jobs and follow the viewer: steps, lists, docks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import (
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.controls import StatusLine, add_parts, column_of, push_button
from napari_mineral_anomaly.window.kit.destroyed import cut, when_destroyed
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs, abandon
from napari_mineral_anomaly.window.kit.opening import open_dock, open_step
from napari_mineral_anomaly.window.kit.themes import Inks, inks_of
from napari_mineral_anomaly.window.kit.wheel import calm_wheel
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.session import session_of

# Width of a panel beside the canvas on a laptop screen of 1366 pixels; longer lines wrap.
PANEL_WIDTH = 320

W = TypeVar("W", QWidget, QLayout)


class Coloured(Protocol):
    """A figure or a table with the colours of the theme."""

    def set_inks(self, inks: Inks) -> None:
        """Take the colours of a theme."""


class Panel(QWidget):
    """A column of widgets with jobs of its own.

    `shut_down` cancels its jobs and disconnects it from all events; otherwise it would go on
    reacting to every layer. A panel that was put into a parent does this by itself when it is taken
    out again, as napari does with a closed dock.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    executor : Executor, optional
        Who runs the jobs; default: worker threads.
    scrolls : bool
        Whether the column scrolls by itself; False for a panel inside another one.

    Attributes
    ----------
    column : QVBoxLayout
    active : ActiveSection
        Which scan is shown.
    status : StatusLine
        Each panel places it; failures appear there.
    jobs : DockJobs
        The background jobs of the panel; they are cancelled when it is closed.
    """

    def __init__(
        self, viewer: Any, executor: Executor | None = None, *, scrolls: bool = True
    ) -> None:
        super().__init__()
        self.viewer = viewer
        self.session = session_of(viewer)
        self.active = active_of(viewer)
        self.status = StatusLine()
        self.jobs = DockJobs(executor or QtExecutor(), self._on_failed)
        self._connections: list[tuple[Any, Callable[..., None]]] = []
        # Called when the panel is destroyed with napari's window; then only the list is usable.
        when_destroyed(self, abandon, self.jobs.handles)
        when_destroyed(self, cut, self._connections)
        self._was_placed = False

        self._scroll: QScrollArea | None = None
        if not scrolls:
            self.column = column_of(self)
            self.column.setSpacing(6)
            return
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
        if self._scroll is None:
            return super().sizeHint()
        hint = self._scroll.widget().sizeHint()
        return QSize(self.minimumSizeHint().width(), min(hint.height() + 4, 900))

    def minimumSizeHint(self) -> QSize:
        """Wide enough for every control in any font; lower than any screen."""
        if self._scroll is None:
            return super().minimumSizeHint()
        needed = self._scroll.widget().minimumSizeHint().width()
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        return QSize(max(PANEL_WIDTH, needed + bar), 200)

    @property
    def works_at_once(self) -> bool:
        """Whether jobs and turns are done at once, as in scripts and tests, not in a window."""
        return not isinstance(self.jobs.executor, QtExecutor)

    def add(self, part: W, *more: QWidget | QLayout) -> W:
        """Put widgets and layouts at the end of the column; returns the first."""
        add_parts(self.column, part, *more)
        return part

    def listen(self, emitter: Any, callback: Callable[..., None]) -> None:
        """Connect until the panel is closed."""
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
        cut(self._connections)

    def event(self, event: QEvent) -> bool:
        """Shut down when the panel is taken out of its place."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._was_placed = True
            elif self._was_placed:
                self.shut_down()
        return bool(super().event(event))

    def showEvent(self, event: Any) -> None:
        """Let the wheel scroll the panel, not change the values in it."""
        super().showEvent(event)
        calm_wheel(self)

    def closeEvent(self, event: Any) -> None:
        """Shut down when the panel is closed as a window of its own."""
        self.shut_down()
        super().closeEvent(event)

    def fail(self, reason: Failure | Exception, line: StatusLine | None = None) -> None:
        """Show a failure in the panel and as a napari notification.

        Parameters
        ----------
        reason : Failure or Exception
            An exception is a mistake in the user's input.
        line : StatusLine, optional
            Where in the panel; default: its status line.
        """
        from napari.utils.notifications import show_error, show_warning

        failure = reason if isinstance(reason, Failure) else Failure(str(reason), expected=True)
        (self.status if line is None else line).error(failure.sentence)
        # A mistake of the user is a warning; napari offers a traceback only for errors.
        (show_warning if failure.expected else show_error)(failure.sentence)

    def _on_failed(self, failure: Failure) -> None:
        """Show why a job failed."""
        self.fail(failure)

    def lab_button(self, text: str, dock: str, tooltip: str) -> QPushButton:
        """A button that opens a dock of the lab."""
        return push_button(text, tooltip, lambda: open_dock(self.viewer, dock))

    def step_button(self, text: str, step: str, tooltip: str) -> QPushButton:
        """A button that goes to a step of the workbench."""
        return push_button(text, tooltip, lambda: open_step(self.viewer, step))
