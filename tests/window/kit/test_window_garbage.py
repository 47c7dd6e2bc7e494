"""Garbage is collected on the main thread only, and work of ours holds nothing of Qt."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QObject, QTimer

from napari_mineral_anomaly.window.jobs import Job, JobHandle, collecting
from napari_mineral_anomaly.window.jobs.collecting import MainThreadCollector
from napari_mineral_anomaly.window.jobs.qt import MAX_THREADS, QtExecutor

STRESS = Path(__file__).with_name("garbage_stress.py")


@pytest.fixture
def collections() -> Iterator[list[tuple[threading.Thread, int]]]:
    """The thread and generation of every collection during the test."""
    seen: list[tuple[threading.Thread, int]] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append((threading.current_thread(), info["generation"]))

    thresholds = gc.get_threshold()
    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)
    gc.set_threshold(*thresholds)


@pytest.fixture
def automatic() -> Iterator[None]:
    """Automatic collection is on, and on again after the test."""
    gc.enable()
    yield
    gc.enable()


def cycles(n: int) -> None:
    for _ in range(n):
        one: list[object] = []
        one.append(one)


def test_workers_and_widgets_together_neither_hang_nor_crash() -> None:
    ended = subprocess.run(
        [sys.executable, str(STRESS), "--seconds", "5", "--limit", "120"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
@pytest.mark.timeout_seconds(800)
def test_workers_and_widgets_together_go_on_for_ten_minutes() -> None:
    ended = subprocess.run(
        [sys.executable, str(STRESS), "--seconds", "600", "--limit", "700"],
        capture_output=True,
        text=True,
        timeout=750,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_collection_runs_in_a_worker(
    qtbot: Any, collections: list[tuple[threading.Thread, int]], automatic: None
) -> None:
    gc.set_threshold(50, 2, 2)
    executor = QtExecutor()

    def work(task: object) -> None:
        for _ in range(40):
            cycles(1000)
            time.sleep(0.005)

    handles = [executor.submit(Job("garbage", work), JobHandle("garbage")) for _ in range(3)]
    assert not gc.isenabled()
    qtbot.waitUntil(lambda: not any(handle.running for handle in handles), timeout=30_000)
    assert gc.isenabled()
    main = threading.main_thread()
    assert {thread for thread, _ in collections} == {main}
    assert {generation for _, generation in collections} >= {0, 1}


def test_collection_that_was_off_stays_off(
    qtbot: Any, collections: list[tuple[threading.Thread, int]], automatic: None
) -> None:
    gc.disable()
    gc.set_threshold(50, 2, 2)
    handle = QtExecutor().submit(Job("garbage", lambda task: cycles(5000)), JobHandle("garbage"))
    qtbot.waitUntil(lambda: not handle.running, timeout=10_000)
    assert not gc.isenabled()
    assert collections == []


def test_collection_switched_on_by_others_is_taken_over_and_given_back(automatic: None) -> None:
    gc.disable()
    collector = MainThreadCollector()
    collector.begin()
    gc.enable()
    collector.collect_if_due()
    assert not gc.isenabled()
    collector.end()
    assert gc.isenabled()


def test_workers_are_counted(automatic: None) -> None:
    collector = MainThreadCollector()
    collector.begin()
    collector.begin()
    collector.end()
    assert not gc.isenabled()
    collector.end()
    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="never began"):
        collector.end()


def test_a_full_collection_waits_until_the_program_is_a_quarter_larger(
    collections: list[tuple[threading.Thread, int]], automatic: None
) -> None:
    gc.set_threshold(10, 1, 1)
    collector = MainThreadCollector()
    collector.begin()
    try:
        for _ in range(20):
            cycles(100)
            collector.collect_if_due()
        assert [generation for _, generation in collections].count(2) == 0
        assert [generation for _, generation in collections].count(1) > 5
        kept = [[index] for index in range(sys.getallocatedblocks() // 3)]
        for _ in range(20):
            cycles(100)
            collector.collect_if_due()
        assert [generation for _, generation in collections].count(2) == 1
        assert kept
    finally:
        collector.end()


def test_very_many_new_objects_are_looked_through_with_the_whole_program_only(
    collections: list[tuple[threading.Thread, int]],
    automatic: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "MOST_TO_LOOK_AT", 1000)

    class Cycle:
        pass

    lost = Cycle()
    lost.itself = lost
    gone = weakref.ref(lost)
    collector = MainThreadCollector()
    gc.collect()
    collections.clear()
    collector.begin()
    try:
        del lost
        kept: list[Any] = [[index] for index in range(2000)]
        collector.collect_if_due()
        assert collections == [], "2000 objects are too many to look at"
        assert gc.get_count()[0] < 1000, "they are old now"
        assert gone() is not None
        kept += [[index] for index in range(sys.getallocatedblocks() // 3)]
        collector.collect_if_due()
        assert [generation for _, generation in collections] == [2]
        assert gone() is None, "garbage among them is found"
        kept += [[index] for index in range(900)]
        collector.collect_if_due()
        assert [generation for _, generation in collections] == [2, 0], "few are looked at again"
    finally:
        collector.end()


def test_objects_that_others_keep_from_the_collector_stay_so(
    collections: list[tuple[threading.Thread, int]],
    automatic: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "MOST_TO_LOOK_AT", 1000)
    collector = MainThreadCollector()
    collector.begin()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        kept = [[index] for index in range(2000)]
        collector.collect_if_due()
        # Some frozen objects may have gone by themselves.
        assert gc.get_freeze_count() > frozen - 1000
        assert kept
        assert [generation for _, generation in collections] == [1]
    finally:
        gc.unfreeze()
        collector.end()


def test_what_work_closes_over_is_let_go_on_the_main_thread(qtbot: Any) -> None:
    ended_in: list[threading.Thread] = []

    class Closed(QObject):
        pass

    def submit() -> JobHandle[None]:
        held = Closed()
        weakref.finalize(held, lambda: ended_in.append(threading.current_thread()))
        return QtExecutor().submit(Job("hold", lambda task: id(held)), JobHandle("h"))

    handle = submit()
    qtbot.waitUntil(lambda: bool(ended_in), timeout=10_000)
    assert not handle.running
    assert ended_in == [threading.main_thread()]


def test_a_dialog_opened_by_a_listener_does_not_hold_up_other_jobs(qtbot: Any) -> None:
    gate = threading.Event()
    seen_in_dialog: list[bool] = []
    executor = QtExecutor()
    other = executor.submit(Job("other", lambda task: gate.wait(30)), JobHandle("other"))

    def ask(result: object) -> None:  # as a dialog does: an event loop of its own
        gate.set()
        qtbot.waitUntil(lambda: not other.running, timeout=10_000)
        seen_in_dialog.append(True)

    executor.submit(Job("asks", lambda task: 1), JobHandle("asks", on_done=ask))
    qtbot.waitUntil(lambda: bool(seen_in_dialog), timeout=20_000)


def test_jobs_beyond_the_threads_wait_in_their_order(qtbot: Any) -> None:
    gate = threading.Event()
    began: list[int] = []

    def waiting(number: int) -> Callable[..., None]:
        def work(task: object) -> None:
            began.append(number)
            gate.wait(30)

        return work

    executor = QtExecutor()
    handles = [
        executor.submit(Job(f"job {n}", waiting(n)), JobHandle(f"job {n}"))
        for n in range(MAX_THREADS + 2)
    ]
    given_up = executor.submit(Job("given up", waiting(-1)), JobHandle("given up"))
    given_up.cancel()
    qtbot.waitUntil(lambda: len(began) == MAX_THREADS, timeout=10_000)
    QTimer.singleShot(50, gate.set)
    qtbot.waitUntil(lambda: not any(handle.running for handle in handles), timeout=10_000)
    assert sorted(began) == list(range(MAX_THREADS + 2))
    assert set(began[:MAX_THREADS]) == set(range(MAX_THREADS))
