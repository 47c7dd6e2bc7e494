"""The program ends soon after its window is closed, with everything written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import atexit, gc, sys, time
from pathlib import Path
from qtpy.QtCore import QCoreApplication, QTimer

# Registered first, so called last: what Python finds when it goes on to end.
atexit.register(lambda: print("frozen" if gc.get_freeze_count() > 1000 else "not frozen"))
from napari_mineral_anomaly.window.jobs import Job, JobHandle
from napari_mineral_anomaly.window.jobs.qt import QtExecutor

app = QCoreApplication([])
out = Path(sys.argv[1])


def work(task):
    # A save that is under way when the window closes: it is not cut off.
    time.sleep(0.5)
    out.write_text("whole")


def compute(task):
    # A run that is under way: it hears the cancel.
    for _ in range(10_000):
        task.check()
        time.sleep(0.01)
    (out.parent / "not_cancelled").touch()


QtExecutor().submit(Job("Saving", work), JobHandle("Saving"))
QtExecutor().submit(Job("Running", compute), JobHandle("Running"))
QTimer.singleShot(100, app.quit)
app.exec()
atexit.register(lambda: print("written" if out.exists() else "cut off"))
"""


def test_closing_waits_for_what_is_written_and_spares_the_last_search_for_garbage(
    tmp_path: Path,
) -> None:
    out = tmp_path / "saved.txt"
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(out)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n")[:2] == ["written", "frozen"]
    assert out.read_text() == "whole"
    assert not (tmp_path / "not_cancelled").exists()


READING = """
import sys, time
from pathlib import Path
import dask.array as da
import numpy as np
from qtpy.QtCore import QCoreApplication, QTimer

from napari_mineral_anomaly.window.jobs import Job, JobHandle
from napari_mineral_anomaly.window.jobs.qt import QtExecutor

app = QCoreApplication([])
maps = da.from_array(np.ones((64, 64)), chunks=16)


def work(task):
    # Maps on disk are read in threads of their own, which Python gives up before it waits for ours.
    for _ in range(30):
        maps.sum().compute(scheduler="threads")
        time.sleep(0.02)
    Path(sys.argv[1]).write_text("whole")


QtExecutor().submit(Job("Saving", work), JobHandle("Saving"))
QTimer.singleShot(100, app.quit)
app.exec()
"""


def test_maps_on_disk_can_be_read_until_the_last_worker_has_ended(tmp_path: Path) -> None:
    out = tmp_path / "saved.txt"
    ended = subprocess.run(
        [sys.executable, "-c", READING, str(out)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "cannot schedule" not in ended.stderr
    assert out.read_text() == "whole"
