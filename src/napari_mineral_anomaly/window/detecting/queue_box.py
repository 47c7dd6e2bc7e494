"""The runs that wait, each with a button that takes it out of the queue."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.detecting.queue import QueuedRun, RunQueue
from napari_mineral_anomaly.window.kit.controls import row


class QueueBox(QWidget):
    """A line for each waiting run; hidden while none waits.

    Parameters
    ----------
    queue : RunQueue
        Whoever makes this widget connects `refresh` to ``queue.changed``.
    """

    def __init__(self, queue: RunQueue) -> None:
        super().__init__()
        self._queue = queue
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._shown: tuple[QueuedRun, ...] = ()
        self._lines: list[QWidget] = []
        self.setVisible(False)

    @property
    def texts(self) -> list[str]:
        """The lines as they are shown."""
        return [line.findChild(QLabel).text() for line in self._lines]

    def refresh(self) -> None:
        """Show the runs that wait now."""
        if self._shown == self._queue.waiting:
            return
        self._shown = self._queue.waiting
        for line in self._lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = [self._line(run) for run in self._shown]
        for line in self._lines:
            self._column.addWidget(line)
        self.setVisible(bool(self._lines))

    def _line(self, run: QueuedRun) -> QWidget:
        line = QWidget()
        text = QLabel(f"Waiting: {run.title}")
        text.setWordWrap(True)
        text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        button = QToolButton()
        button.setText("Cancel")
        button.setToolTip(f"Take {run.title} out of the queue.")
        button.clicked.connect(partial(self._queue.cancel_waiting, run))
        layout = row(text, button)
        layout.setContentsMargins(0, 0, 0, 0)
        line.setLayout(layout)
        return line
