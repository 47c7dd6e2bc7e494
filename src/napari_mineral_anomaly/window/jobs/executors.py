"""Who runs a job: the executor protocol, and the executor that runs it at once."""

from __future__ import annotations

from typing import Protocol, TypeVar

from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.window.jobs.job import Job, JobHandle

T = TypeVar("T")


class Executor(Protocol):
    """Runs jobs and reports to their handles, always in the thread that called `submit`."""

    def submit(self, job: Job[T], handle: JobHandle[T]) -> JobHandle[T]:
        """Start ``job`` and report to ``handle``, which is returned."""
        ...


class SyncExecutor:
    """Runs a job at once, in the calling thread: for scripts and tests."""

    def submit(self, job: Job[T], handle: JobHandle[T]) -> JobHandle[T]:
        """Run ``job``; its handle has ended when this returns."""
        handle.finish(job.run(Task(lambda event: handle.deliver([event]), handle.token)))
        return handle
