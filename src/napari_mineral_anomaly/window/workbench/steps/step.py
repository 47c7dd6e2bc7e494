"""The base class of the steps."""

from __future__ import annotations

from typing import Any, ClassVar

from qtpy.QtWidgets import QWidget

from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import StatusLine
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.state.model import Activity
from napari_mineral_anomaly.window.state.of_viewer import state_of


class Step(Panel):
    """One step: a line that says what to do, one primary button, and what belongs to it.

    Attributes
    ----------
    NAME, TITLE : str
        Its name in the state, and for people.
    TASK : str
        What to do here, in one line.
    below_map : QWidget or None
        What the frame shows below the map while the step is shown.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    TASK: ClassVar[str]

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(viewer, executor)
        self.state = state_of(viewer)
        self.below_map: QWidget | None = None
        self.task = StatusLine(self.TASK)
        self.add(self.task)

    def complete(self) -> None:
        """Make what takes too long to be made in the same turn as the rest; once."""

    def entered(self) -> None:
        """The step is shown from now on."""

    def left(self) -> None:
        """Another step is shown from now on."""

    def report(self, text: str | None, percent: int | None = None, *, is_run: bool = False) -> None:
        """Show in the header what this step is doing; None where it has ended."""
        activity = None if text is None else Activity(text, percent, is_run)
        self.state.report(self.NAME, activity)

    def shut_down(self) -> None:
        """Also take what it is doing off the header."""
        self.report(None)
        super().shut_down()
