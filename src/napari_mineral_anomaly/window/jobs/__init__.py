"""Long computations in the background: what a job is, and who runs it.

`Job`, `JobHandle` and `SyncExecutor` know no Qt; `QtExecutor` lives in `window.jobs.qt`.
"""

from __future__ import annotations

from napari_mineral_anomaly.window.jobs.executors import Executor, SyncExecutor
from napari_mineral_anomaly.window.jobs.job import Failure, Job, JobHandle, JobState, Outcome

__all__ = ["Executor", "Failure", "Job", "JobHandle", "JobState", "Outcome", "SyncExecutor"]
