"""*Mineral anomaly*: the one dock, with the header, the row of steps and the step that is shown."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QMainWindow, QStackedWidget

from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.opening import open_dock
from napari_mineral_anomaly.window.kit.panel import PANEL_WIDTH
from napari_mineral_anomaly.window.kit.turns import Turns
from napari_mineral_anomaly.window.layers.coming.bring_back import removed_score_of
from napari_mineral_anomaly.window.layers.tools import put_tools_away
from napari_mineral_anomaly.window.project.closing import guard_window
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, LOOK, OPEN
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.window.workbench.frame.above_docks import AboveDocks
from napari_mineral_anomaly.window.workbench.frame.below_map import BelowMap
from napari_mineral_anomaly.window.workbench.frame.header import Header
from napari_mineral_anomaly.window.workbench.frame.rail import WIDTH, Rail
from napari_mineral_anomaly.window.workbench.steps.all_steps import STEP_CLASSES
from napari_mineral_anomaly.window.workbench.steps.step import Step

_LOWEST = 300


class Workbench(Dock):
    """Shows one step at a time. A step is made when it is first shown, in several turns."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor, scrolls=False)
        self.state = state_of(napari_viewer)
        removed_score_of(napari_viewer)  # from now on, a score that is deleted can come back
        self._executor = executor
        self._steps: dict[str, Step] = {}
        self._shown: Step | None = None
        self._below = BelowMap()
        self._turns = Turns(self)

        self.column.setSpacing(0)
        self.header = Header(napari_viewer, executor)
        self._above = AboveDocks(self.header)
        self._line = QFrame()
        self._line.setFrameShape(QFrame.Shape.HLine)
        self.add(self.header, self._line)
        entries = [(cls.NAME, cls.TITLE, cls.TASK) for cls in STEP_CLASSES.values()]
        self.rail = Rail(entries, self.go_to, partial(open_dock, napari_viewer))
        self._stack = QStackedWidget()
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.rail)
        body.addWidget(self._stack, 1)
        self.column.addLayout(body, 1)

        self.listen(self.state.events.step, self._on_step)
        self.listen(self.state.events.done, self._show_ticks)
        self.listen(self.state.events.scan_id, self._on_section)
        self.colour_by_theme(self.rail)
        self._show_ticks()
        self.step(self.state.step)
        self.rail.show_step(self.state.step)

    def sizeHint(self) -> QSize:
        """Wide enough for a step beside the row of steps."""
        return QSize(self.minimumSizeHint().width(), 900)

    def minimumSizeHint(self) -> QSize:
        """Lower than any screen: the step scrolls."""
        needed = max(PANEL_WIDTH, self._stack.minimumSizeHint().width())
        return QSize(needed + WIDTH, _LOWEST)

    @property
    def is_changing(self) -> bool:
        """Whether a step is still being shown."""
        return self._turns.pending

    def go_to(self, step: str) -> None:
        """Show a step."""
        self.state.step = step

    def step(self, name: str) -> Step:
        """A step by its name; made at once where it is not there yet."""
        self._make(name)
        self._complete(name)
        self._place(name)
        if name == self.state.step:
            self._show(name)
        return self._steps[name]

    def showEvent(self, event: Any) -> None:
        """Also save every run from now on, and ask before the window closes."""
        super().showEvent(event)
        window, place = self.window(), self.parent()
        if isinstance(window, QMainWindow):
            guard_window(self)
            self._show_below()
            if isinstance(place, QDockWidget):
                self._above.show(window, place)
                self._line.setVisible(self.header.parent() is self)

    def hideEvent(self, event: Any) -> None:
        """What belongs to the step goes with a dock that is closed, not with one behind a tab."""
        super().hideEvent(event)
        place = self.parent()
        if isinstance(place, QDockWidget) and not place.toggleViewAction().isChecked():
            self._below.hide()
            self._above.hide()

    def shut_down(self) -> None:
        """Also shut the header and all steps down."""
        super().shut_down()
        self._turns.cancel()
        self.header.shut_down()
        for step in self._steps.values():
            step.shut_down()
        self._below.remove()
        self._above.remove()

    def _on_step(self, name: str) -> None:
        """Show a step; the pieces of one that is new come in turns, because each takes long."""
        self.rail.show_step(name)
        if self._is_placed(name):
            self._show(name)
            self._turns.do(self._show_below)
            return
        self._turns.do(
            partial(self._make, name),
            partial(self._complete, name),
            partial(self._place, name),
            partial(self._show, name),
            self._show_below,
        )

    def _make(self, name: str) -> None:
        if name not in self._steps:
            self._steps[name] = STEP_CLASSES[name](self.viewer, self._executor)

    def _complete(self, name: str) -> None:
        self._steps[name].complete()

    def _place(self, name: str) -> None:
        """Put a step into the stack: Qt gives all its widgets the style of the window."""
        if not self._is_placed(name):
            self._stack.addWidget(self._steps[name])

    def _is_placed(self, name: str) -> bool:
        return name in self._steps and self._stack.indexOf(self._steps[name]) >= 0

    def _show(self, name: str) -> None:
        step = self._steps[name]
        if step is self._shown:
            return
        if self._shown is not None:
            self._shown.left()
            put_tools_away(self.viewer)
        self._shown = step
        self._stack.setCurrentWidget(step)
        if step.below_map is None:
            self._below.hide()
        step.entered()

    def _show_below(self) -> None:
        content = None if self._shown is None else self._shown.below_map
        window = self.window()
        if content is None or not isinstance(window, QMainWindow):
            self._below.hide()
        elif self._shown is not None:
            self._below.show(window, content, self._shown.TITLE)

    def _on_section(self, scan_id: str | None) -> None:
        """What comes next for a section without a result is to look at it."""
        self._show_ticks()
        if self.state.step in (DECIDE, HAND_OVER) and not self.state.is_done(FIND):
            self.go_to(LOOK if scan_id is not None else OPEN)

    def _show_ticks(self, value: Any = None) -> None:
        for name in STEP_CLASSES:
            self.rail.tick(name, self.state.is_done(name))
