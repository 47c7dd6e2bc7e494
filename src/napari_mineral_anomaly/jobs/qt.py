"""The executor of the window: jobs in Qt's thread pool, events on the main thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from qtpy.QtCore import QObject, Qt, QThreadPool, QTimer, Signal
from superqt.utils import create_worker

from napari_mineral_anomaly.jobs.job import Job, JobHandle, Outcome
from napari_mineral_anomaly.progress import CancelToken, ProgressEvent

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Faster updates cost more than they tell: labels cannot be read at more than 10 Hz.
SECONDS_BETWEEN_UPDATES = 0.1

# A cancelled job keeps its thread until its next seam; the next job must not wait for it.
MIN_THREADS = 4


class QtExecutor:
    """Runs jobs in worker threads; handles hear from them on the main thread only."""

    def __init__(self) -> None:
        pool = QThreadPool.globalInstance()
        pool.setMaxThreadCount(max(MIN_THREADS, pool.maxThreadCount()))
        # A relay must outlive its thread, also when the handle was cancelled and forgotten.
        self._relays: set[_Relay] = set()

    def submit(self, job: Job[T], handle: JobHandle[T]) -> JobHandle[T]:
        """Start ``job`` in a thread and return at once."""
        relay = _Relay(handle, on_end=self._relays.discard)
        self._relays.add(relay)
        # A plain callable, never a generator: superqt's generator workers swallow RuntimeError,
        # the class of nearly every torch error, and then never finish.
        worker = create_worker(_Payload(job, relay, handle.token), _ignore_errors=True)
        worker.warned.connect(_log_warning)
        # napari asks all workers to quit when it closes: let that stop ours as well.
        worker.quit = handle.token.cancel
        worker.start()
        return handle


class _Payload:
    """What the thread calls; it lets go of everything as soon as it is called."""

    def __init__(self, job: Job[Any], relay: _Relay, token: CancelToken) -> None:
        self._parts: tuple[Job[Any], _Relay, CancelToken] | None = (job, relay, token)

    def __call__(self) -> None:
        assert self._parts is not None
        (job, relay, token), self._parts = self._parts, None
        relay.put_outcome(job.run(relay.put_event, token))


class _Relay(QObject):  # type: ignore[misc]  # qtpy has no types
    """Carries events and the outcome of one job from its thread to the main thread.

    The thread only ever appends under the lock and rings once per delivery; the main thread
    takes everything that has gathered, at most every `SECONDS_BETWEEN_UPDATES`.
    """

    _rung = Signal()

    def __init__(self, handle: JobHandle[Any], on_end: Callable[[_Relay], None]) -> None:
        super().__init__()
        self._handle: JobHandle[Any] | None = handle
        self._on_end = on_end
        self._lock = threading.Lock()
        self._events: list[ProgressEvent] = []
        self._outcome: Outcome[Any] | None = None
        self._ringing = False
        self._last_delivery = 0.0
        self._rung.connect(self._on_rung, Qt.ConnectionType.QueuedConnection)

    def put_event(self, event: ProgressEvent) -> None:
        """Called in the job's thread."""
        with self._lock:
            self._events.append(event)
            ring, self._ringing = not self._ringing, True
        if ring:
            self._rung.emit()

    def put_outcome(self, outcome: Outcome[Any]) -> None:
        """Called in the job's thread, last."""
        with self._lock:
            self._outcome = outcome
        self._rung.emit()

    def _on_rung(self) -> None:
        wait = SECONDS_BETWEEN_UPDATES - (time.monotonic() - self._last_delivery)
        if self._outcome is not None or wait <= 0:
            self._deliver()
        else:
            QTimer.singleShot(int(wait * 1000) + 1, self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            events, self._events, self._ringing = self._events, [], False
            outcome, self._outcome = self._outcome, None
        handle = self._handle
        if handle is None:
            return
        self._last_delivery = time.monotonic()
        if events:
            handle.deliver(events)
        if outcome is not None:
            self._handle = None
            self._on_end(self)
            handle.finish(outcome)


def _log_warning(args: tuple[Any, ...]) -> None:
    logger.warning("%s: %s", args[1].__name__, args[0])
