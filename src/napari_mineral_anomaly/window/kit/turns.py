"""Work that is too long for one turn of the event loop, spread over several."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

Step = Callable[[], None]


class Turns(QObject):
    """Does steps one after the other, each in its own turn, so that keys are handled in between.

    Parameters
    ----------
    parent : QObject
        When it is deleted, the remaining steps are dropped.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._steps: list[Step] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._take)

    @property
    def pending(self) -> bool:
        """Whether a step is still due."""
        return bool(self._steps)

    def do(self, *steps: Step) -> None:
        """Do these steps from the next turn on; earlier steps that are still due are dropped."""
        self._steps = list(steps)
        self._timer.start(0)

    def finish(self) -> None:
        """Do the steps that are still due at once."""
        while self._steps:
            self._take()
        self._timer.stop()

    def cancel(self) -> None:
        """Drop the steps that are still due."""
        self._steps = []
        self._timer.stop()

    def _take(self) -> None:
        if not self._steps:
            return
        step = self._steps.pop(0)
        try:
            step()
        finally:
            # Started last: what the step itself has put off comes first.
            if self._steps:
                self._timer.start(0)
