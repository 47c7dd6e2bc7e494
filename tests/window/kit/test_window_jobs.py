from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from qtpy.QtCore import QThread

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelToken, ProgressEvent, Task
from napari_mineral_anomaly.window.jobs import Failure, Job, JobHandle, JobState, SyncExecutor, qt
from napari_mineral_anomaly.window.jobs.qt import QtExecutor


class Heard:
    """Everything that a handle reported, and from which thread."""

    def __init__(self) -> None:
        self.batches: list[list[ProgressEvent]] = []
        self.done: list[object] = []
        self.failures: list[Failure] = []
        self.cancelled = 0
        self.threads: set[QThread | None] = set()

    def handle(self) -> JobHandle[object]:
        return JobHandle(
            "test",
            on_events=self._events,
            on_done=self._done,
            on_failed=self._failed,
            on_cancelled=self._cancelled,
        )

    @property
    def events(self) -> list[ProgressEvent]:
        return [event for batch in self.batches for event in batch]

    def _events(self, events: object) -> None:
        self.threads.add(QThread.currentThread())
        self.batches.append(list(events))

    def _done(self, result: object) -> None:
        self.threads.add(QThread.currentThread())
        self.done.append(result)

    def _failed(self, failure: Failure) -> None:
        self.threads.add(QThread.currentThread())
        self.failures.append(failure)

    def _cancelled(self) -> None:
        self.cancelled += 1


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """A long step: waits until the test lets it go on, and always ends with the test."""
    event = threading.Event()
    yield event
    event.set()


def count_to(n: int) -> object:
    def work(task: Task) -> int:
        for step in range(n):
            task.step("counting", step, n)
        return n

    return work


def failing(error: Exception) -> object:
    def work(task: Task) -> None:
        raise error

    return work


def test_sync_executor_reports_events_then_the_result() -> None:
    heard = Heard()
    handle = SyncExecutor().submit(Job("count", count_to(3)), heard.handle())
    assert handle.state is JobState.DONE
    assert [event.step for event in heard.events] == [0, 1, 2]
    assert heard.done == [3]


def test_bad_input_is_told_in_its_own_sentence() -> None:
    heard = Heard()
    SyncExecutor().submit(Job("read", failing(InputError("Fe.tif is cut short."))), heard.handle())
    assert heard.failures == [Failure("Fe.tif is cut short.", expected=True)]


def test_a_defect_is_one_sentence_with_the_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard()
    job = Job("Training", failing(ValueError("first line.\nsecond line")))
    SyncExecutor().submit(job, heard.handle())
    assert heard.failures == [
        Failure("Training failed: first line. The details are in the log.", expected=False)
    ]
    assert "Traceback" in caplog.text
    assert "second line" in caplog.text


def test_a_job_lets_go_of_its_payload_when_it_runs() -> None:
    payload = np.zeros(10)
    alive = weakref.ref(payload)

    def work(task: Task, maps: object = payload) -> None:
        return None

    job = Job("hold", work)
    del payload, work
    SyncExecutor().submit(job, JobHandle("hold"))
    gc.collect()
    assert alive() is None
    with pytest.raises(RuntimeError, match="a job runs once"):
        job.run(Task(lambda event: None, CancelToken()))


def test_qt_executor_delivers_everything_in_order_on_the_main_thread(qtbot: object) -> None:
    heard = Heard()
    handle = QtExecutor().submit(Job("count", count_to(2000)), heard.handle())
    qtbot.waitUntil(lambda: not handle.running, timeout=20_000)
    assert heard.done == [2000]
    assert [event.step for event in heard.events] == list(range(2000))
    assert len(heard.batches) < 200, "events are gathered, not delivered one by one"
    assert heard.threads == {QThread.currentThread()}


def test_an_event_that_nothing_follows_is_delivered_too(
    qtbot: object, gate: threading.Event
) -> None:
    def work(task: Task) -> None:
        task.step("training", 1, 2)
        task.step("pseudo-labels")  # at once after the other, then a long step
        gate.wait(30)

    heard = Heard()
    handle = QtExecutor().submit(Job("long", work), heard.handle())
    qtbot.waitUntil(lambda: len(heard.events) == 2, timeout=10_000)
    assert handle.running
    assert heard.events[-1].phase == "pseudo-labels"


def test_a_runtime_error_of_torch_arrives(qtbot: object) -> None:
    def work(task: Task) -> object:
        return torch.zeros(2, 3) @ torch.zeros(4, 5)

    heard = Heard()
    handle = QtExecutor().submit(Job("MSFA-Net", work), heard.handle())
    qtbot.waitUntil(lambda: not handle.running, timeout=20_000)
    assert handle.state is JobState.FAILED
    assert "MSFA-Net failed: mat1 and mat2 shapes cannot be multiplied" in (
        heard.failures[0].sentence
    )


def test_cancel_frees_the_window_during_a_long_step_and_discards_what_comes(
    qtbot: object, gate: threading.Event
) -> None:
    began, ended = threading.Event(), threading.Event()

    def work(task: Task) -> str:
        began.set()
        gate.wait(30)
        assert task.listener is not None
        task.listener(ProgressEvent("too late"))  # a computation that does not check for a cancel
        ended.set()
        return "too late"

    heard = Heard()
    handle = QtExecutor().submit(Job("long", work), heard.handle())
    qtbot.waitUntil(began.is_set, timeout=10_000)
    handle.cancel()
    assert handle.state is JobState.CANCELLED
    assert heard.cancelled == 1
    assert not ended.is_set(), "the window did not wait for the computation"
    gate.set()
    qtbot.waitUntil(ended.is_set, timeout=10_000)
    qtbot.wait(250)
    assert heard.done == []
    assert heard.events == []
    assert heard.cancelled == 1


def test_an_abandoned_job_tells_nobody() -> None:
    heard = Heard()
    handle = heard.handle()
    handle.abandon()
    handle.deliver([ProgressEvent("late")])
    assert handle.token.cancelled
    assert (heard.batches, heard.done, heard.cancelled) == ([], [], 0)


def test_a_cancelled_job_stops_at_its_next_seam(qtbot: object, gate: threading.Event) -> None:
    began, left = threading.Event(), threading.Event()

    def work(task: Task) -> None:
        try:
            began.set()
            gate.wait(30)
            task.check()
            raise AssertionError("the token was not cancelled")
        finally:
            left.set()

    handle = QtExecutor().submit(Job("long", work), Heard().handle())
    qtbot.waitUntil(began.is_set, timeout=10_000)
    handle.cancel()
    gate.set()
    qtbot.waitUntil(left.is_set, timeout=10_000)
    assert handle.token.cancelled


def test_the_next_job_does_not_wait_for_a_cancelled_one(
    qtbot: object, gate: threading.Event
) -> None:
    def stuck(task: Task) -> None:
        gate.wait(30)

    executor = QtExecutor()
    for _ in range(3):
        executor.submit(Job("stuck", stuck), JobHandle("stuck")).cancel()
    heard = Heard()
    handle = executor.submit(Job("count", count_to(1)), heard.handle())
    qtbot.waitUntil(lambda: not handle.running, timeout=10_000)
    assert heard.done == [1]


def test_a_finished_job_keeps_neither_payload_nor_result(qtbot: object) -> None:
    payload, result = np.zeros(10), np.ones(10)
    alive = [weakref.ref(payload), weakref.ref(result)]

    def work(task: Task, maps: object = payload, out: object = result) -> object:
        return out

    job = Job("hold", work)
    del payload, result, work
    executor = QtExecutor()
    handle = executor.submit(job, JobHandle("hold"))
    qtbot.waitUntil(lambda: not handle.running, timeout=10_000)
    gc.collect()
    assert [ref() for ref in alive] == [None, None]


def test_a_patient_job_waits_until_the_others_have_ended(
    qtbot: object, gate: threading.Event
) -> None:
    executor, order = QtExecutor(), []
    other = executor.submit(Job("other", lambda task: gate.wait(30)), JobHandle("other"))
    patient = executor.submit(
        Job("patient", lambda task: order.append("patient"), patient=True), JobHandle("patient")
    )
    late = executor.submit(Job("late", lambda task: order.append("late")), JobHandle("late"))
    qtbot.waitUntil(lambda: not late.running, timeout=10_000)
    qtbot.wait(500)
    assert order == ["late"]
    gate.set()
    qtbot.waitUntil(lambda: not patient.running, timeout=10_000)
    assert not other.running
    assert order == ["late", "patient"]


def test_patience_ends(
    qtbot: object, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qt, "MOST_SECONDS_OF_PATIENCE", 0.2)
    other = QtExecutor().submit(Job("other", lambda task: gate.wait(30)), JobHandle("other"))
    patient = QtExecutor().submit(
        Job("patient", lambda task: 7, patient=True), JobHandle("patient")
    )
    qtbot.waitUntil(lambda: not patient.running, timeout=10_000)
    assert other.running


def test_a_patient_job_that_nobody_waits_for_any_more_is_not_begun(
    qtbot: object, gate: threading.Event
) -> None:
    begun: list[int] = []
    other = QtExecutor().submit(Job("other", lambda task: gate.wait(30)), JobHandle("other"))
    patient = QtExecutor().submit(
        Job("patient", lambda task: begun.append(1), patient=True), JobHandle("patient")
    )
    patient.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not other.running, timeout=10_000)
    qtbot.wait(500)
    assert begun == []
