"""Several kinds of jobs of one dock; of each kind the latest request counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.window.jobs import Failure, Job, JobHandle
from napari_mineral_anomaly.window.jobs.job import Work
from napari_mineral_anomaly.window.kit.dock import Dock


class LatestJobs:
    """Starts jobs of a dock; a new one of the same kind gives the earlier one up."""

    def __init__(self, dock: Dock, on_failed: Callable[[Failure], None]) -> None:
        self._dock, self._on_failed = dock, on_failed
        self._handles: dict[str, JobHandle[Any]] = {}

    def run(
        self,
        name: str,
        work: Work[Any],
        on_done: Callable[[Any], None],
        *,
        on_events: Callable[[Sequence[ProgressEvent]], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
    ) -> None:
        """Run ``work`` in the background; ``name`` is its kind."""
        self.cancel(name)
        handle: JobHandle[Any] = JobHandle(
            name,
            on_events=on_events,
            on_done=on_done,
            on_failed=self._on_failed,
            on_cancelled=on_cancelled,
        )
        self._handles[name] = handle
        self._dock.start(Job(name, work), handle)

    def cancel(self, name: str) -> None:
        """Give the job of that kind up, if it still runs."""
        if self.is_running(name):
            self._handles[name].cancel()

    def is_running(self, name: str) -> bool:
        """Whether the job of that kind is still awaited."""
        return name in self._handles and self._handles[name].running
