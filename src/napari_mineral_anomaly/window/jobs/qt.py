"""The executor of the window: jobs in threads of their own, listeners on the main thread.

A thread of ours touches no Qt object and never drops the last reference to one. It gets a plain
callable and puts events and the outcome into a `_Mailbox`, where a timer on the main thread looks.
The main thread keeps the callable and everything it closes over until the thread has ended. No
cyclic garbage collection runs in such a thread either, see `collecting`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from qtpy.QtCore import QCoreApplication, QObject, QTimer

from napari_mineral_anomaly.progress import CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.window.jobs.collecting import MainThreadCollector
from napari_mineral_anomaly.window.jobs.ending import end_quickly
from napari_mineral_anomaly.window.jobs.job import Job, JobHandle, Outcome

T = TypeVar("T")

# Nobody can read a label that changes more than ten times a second.
SECONDS_BETWEEN_UPDATES = 0.1

# How often the main thread looks whether a job has ended; nobody sees a delay as short as this.
MS_BETWEEN_LOOKS = 10

# A patient job waits until no other has run for so long, and at most so long.
SECONDS_OF_QUIET, MOST_SECONDS_OF_PATIENCE = 0.3, 10.0

# A cancelled job keeps its thread until its next check; the next job must not wait for it.
MAX_THREADS = max(8, os.cpu_count() or 1)


class QtExecutor:
    """Runs jobs in threads; handles hear from them on the main thread only.

    All executors of a program share one set of threads: at most `MAX_THREADS` jobs compute at a
    time, the others wait in their order.
    """

    def submit(self, job: Job[T], handle: JobHandle[T]) -> JobHandle[T]:
        """Start ``job`` in a thread, or queue it, and return at once."""
        _workers_of_the_program().add(_Worker(job, handle))
        return handle


class _Mailbox:
    """What a thread leaves for the main thread. It knows no Qt and no listener."""

    def __init__(self) -> None:
        self.events: deque[ProgressEvent] = deque()
        self.outcome: Outcome[Any] | None = None


class _Worker:
    """A job, its handle and its thread, as the main thread holds them."""

    def __init__(self, job: Job[Any], handle: JobHandle[Any]) -> None:
        self._handle, self.patient = handle, job.patient
        self.added = time.monotonic()
        # Kept until the thread has ended, so that the main thread frees the objects it refers to.
        self._work = job.work
        self._mailbox = _Mailbox()
        self._last_delivery = 0.0
        self._thread = threading.Thread(
            target=_compute, args=(job, self._mailbox, handle.token), name=job.name
        )

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for the outcome any more."""
        return not self._handle.running

    @property
    def ended(self) -> bool:
        """Whether the thread has run its last line of Python."""
        return not self._thread.is_alive()

    @property
    def has_news(self) -> bool:
        """Whether events have gathered, and the last ones were passed on long enough ago."""
        waited = time.monotonic() - self._last_delivery
        return bool(self._mailbox.events) and waited >= SECONDS_BETWEEN_UPDATES

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the computation to stop at its next check."""
        self._handle.token.cancel()

    def wait(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def deliver(self) -> None:
        """Pass on the events that have gathered, oldest first."""
        self._last_delivery = time.monotonic()
        events = self._mailbox.events
        # Only what is there now: a quick thread may go on filling the mailbox.
        gathered = [events.popleft() for _ in range(len(events))]
        if gathered:
            self._handle.deliver(gathered)

    def finish(self) -> None:
        """Pass on the last events and tell how the job ended; the thread has ended before."""
        self.deliver()
        outcome = self._mailbox.outcome
        assert outcome is not None, "Job.run turns every exception into an outcome"
        self._handle.finish(outcome)


def _compute(job: Job[Any], mailbox: _Mailbox, token: CancelToken) -> None:
    """What a thread does."""
    mailbox.outcome = job.run(Task(mailbox.events.append, token))


class _Workers(QObject):
    """All workers of the program, and the timer that looks after them.

    Parameters
    ----------
    app : QCoreApplication
        When it is about to quit, all jobs are cancelled and their threads are waited for. Python
        would wait for them too, but only after it has closed the pools of threads in which dask
        reads maps on disk: what was being saved then would be cut off.
    """

    def __init__(self, app: QCoreApplication) -> None:
        super().__init__(app)
        self._collector = MainThreadCollector()
        self._waiting: deque[_Worker] = deque()
        self._running: list[_Worker] = []
        # When a job that is not patient was last seen at work.
        self._last_busy = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(MS_BETWEEN_LOOKS)
        self._timer.timeout.connect(self._look)
        app.aboutToQuit.connect(self._end_all)
        end_quickly()

    def add(self, worker: _Worker) -> None:
        """Start a worker as soon as there is a thread for it."""
        self._waiting.append(worker)
        self._timer.start()
        self._start_waiting()

    def _start_waiting(self) -> None:
        now, patient = time.monotonic(), deque[_Worker]()
        while self._waiting and len(self._running) < MAX_THREADS:
            worker = self._waiting.popleft()
            if worker.given_up:
                continue
            if not worker.patient:
                self._last_busy = now
            elif not self._is_quiet(now) and now - worker.added < MOST_SECONDS_OF_PATIENCE:
                patient.append(worker)
                continue
            self._running.append(worker)
            self._collector.begin()
            worker.start()
        self._waiting.extendleft(reversed(patient))

    def _is_quiet(self, now: float) -> bool:
        if not all(worker.patient for worker in self._running):
            self._last_busy = now
        return now - self._last_busy >= SECONDS_OF_QUIET

    def _look(self) -> None:
        self._collector.collect_if_due()
        for worker in tuple(self._running):
            if worker.ended:
                self._running.remove(worker)
                self._collector.end()
                _soon(worker.finish)
            elif worker.has_news:
                _soon(worker.deliver)
        self._start_waiting()
        if not self._running and not self._waiting:
            self._timer.stop()

    def _end_all(self) -> None:
        for worker in (*self._running, *self._waiting):
            worker.cancel()
        for worker in self._running:
            worker.wait()


def _soon(tell: Callable[[], None]) -> None:
    """Call a listener from an event of its own.

    A listener may open a dialog and wait for the answer there. Qt does not ring a timer again
    before its slot has returned, so the other jobs would stand still as long.
    """
    QTimer.singleShot(0, partial(tell))  # a partial: bindings hold a bound method only weakly


def _factory() -> Callable[[], _Workers]:
    known: list[_Workers] = []

    def workers() -> _Workers:
        app = QCoreApplication.instance()
        if app is None:
            raise RuntimeError("A job in the background needs Qt's application to be running.")
        if not known or known[0].parent() is not app:
            known[:] = [_Workers(app)]
        return known[0]

    return workers


_workers_of_the_program = _factory()
