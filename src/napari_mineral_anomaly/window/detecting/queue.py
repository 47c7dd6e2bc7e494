"""The runs of one window: one works, the others wait for their turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

_queues: PerViewer[RunQueue] = PerViewer(lambda _: RunQueue())


def queue_of(viewer: Any) -> RunQueue:
    """The runs of a viewer; made at the first call."""
    return _queues.of(viewer)


@dataclass(frozen=True, eq=False)
class QueuedRun:
    """A run that was asked for.

    Attributes
    ----------
    scan_id : str
    title : str
        For people, such as "RX · section 3".
    begin : callable
        Starts the run; whoever gave it calls `RunQueue.end` when the run has ended.
    stop : callable
        Cancels the run while it works.
    detector : str, optional
        Its name; "" for a saved model.
    owner : object, optional
        Who gave it, for `RunQueue.forget`.
    """

    scan_id: str
    title: str
    begin: Callable[[], None]
    stop: Callable[[], None]
    detector: str = ""
    owner: object = None


class RunQueue:
    """Begins one run after the other, in the order in which they were asked for."""

    changed = Signal()

    def __init__(self) -> None:
        self._runs: list[QueuedRun] = []

    @property
    def running(self) -> QueuedRun | None:
        """The run that works now."""
        return self._runs[0] if self._runs else None

    @property
    def waiting(self) -> tuple[QueuedRun, ...]:
        """The runs that wait, the next one first."""
        return tuple(self._runs[1:])

    def holds(self, scan_id: str, detector: str) -> bool:
        """Whether a run of this detector on this scan works or waits."""
        return any(run.scan_id == scan_id and run.detector == detector for run in self._runs)

    def add(self, run: QueuedRun) -> None:
        """Begin a run now, or when all earlier ones have ended."""
        self._runs.append(run)
        if len(self._runs) == 1:
            run.begin()
        self.changed.emit()

    def end(self, run: QueuedRun) -> None:
        """Note that the run that worked has ended, and begin the next one."""
        if run is self.running:
            self._runs.pop(0)
            self.changed.emit()
            if self._runs:
                self._runs[0].begin()
                self.changed.emit()

    def cancel_waiting(self, run: QueuedRun) -> None:
        """Take a run that waits out of the queue."""
        if run in self._runs[1:]:
            self._runs.remove(run)
            self.changed.emit()

    def cancel_scan(self, scan_id: str) -> None:
        """Cancel all runs on a scan that is going."""
        for run in self.waiting:
            if run.scan_id == scan_id:
                self.cancel_waiting(run)
        if self.running is not None and self.running.scan_id == scan_id:
            self.running.stop()

    def drop(self, owner: object) -> None:
        """Drop the runs of an owner that was destroyed with the window; nobody is told."""
        self._runs = [run for run in self._runs if run.owner is not owner]

    def forget(self, owner: object) -> None:
        """Drop all runs of an owner that is going; the next run of another begins."""
        was = self.running
        self._runs = [run for run in self._runs if run.owner is not owner]
        now = self.running
        if now is not None and now is not was:
            now.begin()
        self.changed.emit()
