"""A job (what to compute), its outcome, and the handle by which it is followed and cancelled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar, cast

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.out_of_memory import is_out_of_memory, memory_sentence
from napari_mineral_anomaly.progress import CancelledError, CancelToken, ProgressEvent, Task

logger = logging.getLogger(__name__)

T = TypeVar("T")

Work = Callable[[Task], T]


class JobState(Enum):
    """The state of a job, as the window sees it."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Failure:
    """Why a job failed.

    Attributes
    ----------
    sentence : str
        One plain sentence for people.
    expected : bool
        True for a mistake in the user's input (`InputError`); False for an error in the program,
        whose traceback is in the log.
    """

    sentence: str
    expected: bool


@dataclass(frozen=True, eq=False)
class Outcome(Generic[T]):
    """How a job ended: a state, and the result or the failure that belongs to it."""

    state: JobState
    result: T | None = None
    failure: Failure | None = None


class Job(Generic[T]):
    """A computation that runs once: ``work(task)`` and a name for people.

    A ``patient`` job may wait some seconds until no other job runs: nobody looks at its outcome.

    The job drops ``work`` when it starts, and with it the maps or the model that ``work`` holds. So
    code that still holds the job afterwards keeps no large memory.
    """

    def __init__(self, name: str, work: Work[T], *, patient: bool = False) -> None:
        self.name, self.patient = name, patient
        self._work: Work[T] | None = work

    @property
    def work(self) -> Work[T] | None:
        """What is to be computed; None once the job has started."""
        return self._work

    def run(self, task: Task) -> Outcome[T]:
        """Compute; every exception becomes an outcome."""
        work, self._work = self._work, None
        if work is None:
            raise RuntimeError(f"{self.name} was already run: a job runs once.")
        try:
            task.check()
            return Outcome(JobState.DONE, result=work(task))
        except CancelledError:
            return Outcome(JobState.CANCELLED)
        except InputError as error:
            return Outcome(JobState.FAILED, failure=Failure(str(error), expected=True))
        except Exception as error:
            # Keep only text: the exception's traceback would keep the maps in memory.
            logger.exception("%s failed", self.name)
            return Outcome(JobState.FAILED, failure=_unexpected(self.name, error))


def _unexpected(name: str, error: Exception) -> Failure:
    if is_out_of_memory(error):
        return Failure(f"{name} failed. {memory_sentence()}", expected=True)
    lines = str(error).strip().splitlines()
    reason = lines[0].rstrip(".") if lines else type(error).__name__
    return Failure(f"{name} failed: {reason}. The details are in the log.", expected=False)


class JobHandle(Generic[T]):
    """A running job as the code that started it sees it; used from one thread only.

    Exactly one of the three endings is called, once. After `cancel` the job counts as cancelled at
    once, even if the computation is inside a long step: it stops at its next check, and its result
    or exception is discarded.

    Parameters
    ----------
    name : str
        The job's name.
    on_events : callable, optional
        Called with the progress events since the last call, oldest first.
    on_done, on_failed, on_cancelled : callable, optional
        The three endings.
    """

    def __init__(
        self,
        name: str,
        *,
        on_events: Callable[[Sequence[ProgressEvent]], None] | None = None,
        on_done: Callable[[T], None] | None = None,
        on_failed: Callable[[Failure], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.token = CancelToken()
        self._state = JobState.RUNNING
        self._on_events = on_events
        self._on_done = on_done
        self._on_failed = on_failed
        self._on_cancelled = on_cancelled

    @property
    def state(self) -> JobState:
        """The state of the job."""
        return self._state

    @property
    def running(self) -> bool:
        """Whether the job has not ended yet."""
        return self._state is JobState.RUNNING

    def cancel(self) -> None:
        """Cancel the job; does nothing once it has ended."""
        self.token.cancel()
        self.finish(Outcome(JobState.CANCELLED))

    def abandon(self) -> None:
        """Cancel the job without calling an ending, for example when its dock is closed."""
        self._forget_listeners()
        self.cancel()

    def deliver(self, events: Sequence[ProgressEvent]) -> None:
        """Pass progress on (called by executors); does nothing once the job has ended."""
        if self.running and self._on_events is not None:
            self._on_events(events)

    def finish(self, outcome: Outcome[T]) -> None:
        """End the job with ``outcome`` (called by executors); the first ending counts."""
        if not self.running:
            return
        self._state = outcome.state
        done, failed, cancelled = self._on_done, self._on_failed, self._on_cancelled
        # The endings hold widgets and layers: drop them before one is called.
        self._forget_listeners()
        if outcome.state is JobState.DONE and done is not None:
            done(cast(T, outcome.result))
        elif outcome.state is JobState.FAILED and failed is not None:
            failed(cast(Failure, outcome.failure))
        elif outcome.state is JobState.CANCELLED and cancelled is not None:
            cancelled()

    def _forget_listeners(self) -> None:
        self._on_events = self._on_done = self._on_failed = self._on_cancelled = None
