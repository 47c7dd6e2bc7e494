"""The background jobs of one dock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.window.jobs import Executor, Failure, Job, JobHandle
from napari_mineral_anomaly.window.jobs.job import Work

T = TypeVar("T")


class DockJobs:
    """Starts and cancels jobs; a new job of a kind cancels the earlier job of that kind.

    Parameters
    ----------
    executor : Executor
    show_failure : callable
        Called with the failure of a job that has no ``on_failed`` of its own.
    """

    def __init__(self, executor: Executor, show_failure: Callable[[Failure], None]) -> None:
        self.executor, self._show_failure = executor, show_failure
        self.handles: list[tuple[str, JobHandle[Any]]] = []

    def run(
        self,
        kind: str,
        work: Work[T],
        on_done: Callable[[T], None] | None = None,
        *,
        name: str | None = None,
        on_events: Callable[[Sequence[ProgressEvent]], None] | None = None,
        on_failed: Callable[[Failure], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        on_end: Callable[[], None] | None = None,
        alongside: bool = False,
        patient: bool = False,
    ) -> None:
        """Run ``work`` in the background.

        Parameters
        ----------
        kind : str
            Used to cancel the job and to ask whether it runs.
        work : callable
            It must hold no Qt object, layer or viewer: it runs in another thread.
        name : str, optional
            The job's name in sentences for people; default ``kind``.
        on_events, on_done, on_failed, on_cancelled
            See `JobHandle`.
        on_end : callable, optional
            Called before each of the three endings.
        alongside : bool
            Let an earlier job of this kind run on.
        patient : bool
            See `Job`.
        """
        if not alongside:
            self.cancel(kind)
        handle: JobHandle[T] = JobHandle(
            name or kind,
            on_events=on_events,
            on_done=_both(on_end, on_done),
            on_failed=_both(on_end, on_failed or self._show_failure),
            on_cancelled=_both(on_end, on_cancelled),
        )
        running = [(one, old) for one, old in self.handles if old.running]
        self.handles[:] = [*running, (kind, handle)]
        self.executor.submit(Job(handle.name, work, patient=patient), handle)

    def cancel(self, *kinds: str) -> None:
        """Cancel the jobs of these kinds, if any run."""
        for kind, handle in tuple(self.handles):
            if kind in kinds:
                handle.cancel()

    def is_running(self, *kinds: str) -> bool:
        """Whether a job of one of these kinds runs."""
        return any(handle.running for kind, handle in self.handles if kind in kinds)


def abandon(handles: list[tuple[str, JobHandle[Any]]]) -> None:
    """Cancel all jobs without calling any of their endings."""
    for _, handle in handles:
        handle.abandon()
    handles.clear()


def _both(
    first: Callable[[], None] | None, then: Callable[..., None] | None
) -> Callable[..., None] | None:
    if first is None:
        return then

    def ending(*result: Any) -> None:
        first()
        if then is not None:
            then(*result)

    return ending
