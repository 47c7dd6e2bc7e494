"""Workers make garbage while the main thread makes and drops widgets: a program of its own.

    python tests/window/kit/garbage_stress.py [--rounds N] [--seconds S] [--limit S]

Where a cyclic garbage collection runs in a worker thread, it destroys Qt objects there, or waits
for Python's lock while it holds a lock of Qt: with PySide6 the program crashes or stops for good
within a minute, with PyQt6 it destroys objects of the main thread in another one. The program ends
with status 0 only when every collection ran on the main thread, garbage did not pile up, every job
ended and automatic collection is on again; after ``--limit`` seconds it prints all stacks and ends
with status 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import sys
import threading
import time
from collections import Counter

from qtpy import API_NAME
from qtpy.QtCore import QObject, Qt, QThread, Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QWidget

from napari_mineral_anomaly.window.jobs import Job, JobHandle
from napari_mineral_anomaly.window.jobs.qt import QtExecutor

WORKERS = 2


class Listener:
    """A listener that is no Qt object: PySide6 holds it by a weak reference."""

    def __init__(self) -> None:
        self.myself = self  # only the cyclic collector frees it
        self.heard = 0

    def hear(self, *args: object) -> None:
        self.heard += 1


class Panel(QWidget):
    """A widget in a reference cycle that tells when it is destroyed in a foreign thread."""

    told = Signal(int)
    foreign = 0

    def __init__(self) -> None:
        super().__init__()
        self.listener = Listener()
        self.listener.panel = self
        self.button = QPushButton("press", self)
        QHBoxLayout(self).addWidget(self.button)
        self.button.clicked.connect(self.listener.hear)
        self.told.connect(self.listener.hear)
        self.destroyed.connect(_count_foreign_ends, Qt.ConnectionType.DirectConnection)


def _count_foreign_ends(ended: QObject | None = None) -> None:
    if threading.current_thread() is not threading.main_thread():
        Panel.foreign += 1


def make_garbage(stop: threading.Event) -> int:
    """Cycles that only the collector frees, as fast as a thread can make them."""
    made = 0
    while not stop.is_set():
        for _ in range(100):
            one: list[object] = []
            one.append(one)
            made += 1
        time.sleep(0)
    return made


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=0, help="go on at least so long")
    parser.add_argument("--limit", type=float, default=60)
    options = parser.parse_args()
    # A thread of C that needs no Python lock: a program that stands still ends, with its stacks.
    faulthandler.dump_traceback_later(options.limit, exit=True)

    app = QApplication.instance() or QApplication([])
    where: Counter[bool] = Counter()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            where[threading.current_thread() is threading.main_thread()] += 1

    gc.set_threshold(200, 2, 2)
    most_waiting = 0
    gc.callbacks.append(note)
    executor = QtExecutor()
    stops: list[threading.Event] = []
    handles: list[JobHandle[int]] = []
    results: list[int] = []

    def start_worker() -> None:
        stop = threading.Event()
        job = Job("garbage", lambda task: make_garbage(stop))
        stops.append(stop)
        handles.append(executor.submit(job, JobHandle("garbage", on_done=results.append)))

    for _ in range(WORKERS):
        start_worker()
    began, rounds = time.monotonic(), 0
    while rounds < options.rounds or time.monotonic() - began < options.seconds:
        panel = Panel()
        panel.told.emit(rounds)
        panel.button.click()
        del panel
        app.processEvents()
        rounds += 1
        if rounds % 20 == 0:  # as a user does; without a rest, Qt's timers and the workers starve
            time.sleep(0.002)
            app.processEvents()
        most_waiting = max(most_waiting, gc.get_count()[0])
        if rounds % 100 == 0:  # workers come and go
            stops.pop(0).set()
            start_worker()
        if rounds % 1000 == 0:
            print(f"{rounds} rounds, {time.monotonic() - began:.1f} s", flush=True)
    for stop in stops:
        stop.set()
    while any(handle.running for handle in handles):
        app.processEvents()
    ending = time.monotonic()
    while not gc.isenabled() and time.monotonic() - ending < 5:
        app.processEvents()
        QThread.msleep(5)
    gc.callbacks.remove(note)
    made = sum(results)
    done = all(handle.state.value == "done" for handle in handles)
    print(
        f"{API_NAME}: {rounds} rounds in {ending - began:.1f} s, {len(handles)} workers;"
        f" collections on the main thread {where[True]}, elsewhere {where[False]};"
        f" widgets destroyed elsewhere {Panel.foreign}; collection on again: {gc.isenabled()};"
        f" all jobs done: {done}; of {made} cycles at most {most_waiting} waited",
        flush=True,
    )
    faulthandler.cancel_dump_traceback_later()
    on_main_only = where[False] == 0 and where[True] > 0 and Panel.foreign == 0
    bounded = most_waiting < made / 2
    return 0 if on_main_only and bounded and gc.isenabled() and done else 1


if __name__ == "__main__":
    sys.exit(main())
