"""One window writes; a killed one does not block."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.project.lock import (
    open_lock,
    require_not_open,
    was_killed,
)
from napari_mineral_anomaly.project.recent import (
    killed_projects,
    recent_projects,
    remember_project,
)

_HOLDER = """
import sys, time
from pathlib import Path
from napari_mineral_anomaly.project.lock import open_lock
assert open_lock(Path(sys.argv[1])).lock is not None
print("locked", flush=True)
time.sleep(60)
"""


def _other_window(folder: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", _HOLDER, str(folder)]
    other = subprocess.Popen(argv, stdout=subprocess.PIPE, env=os.environ)
    assert other.stdout is not None
    assert other.stdout.readline() == b"locked\n"
    return other


def test_a_second_window_is_told_who_has_the_project_until_that_one_is_killed(home):
    project = home / "result"
    other = _other_window(project)
    try:
        attempt = open_lock(project)
        assert attempt.lock is None
        assert f"process {other.pid}" in attempt.why_not
        with pytest.raises(InputError, match="is open in another window"):
            require_not_open(project)
        assert not was_killed(project)
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    remember_project(project, "scan")
    assert was_killed(project)
    assert [one.folder for one in killed_projects()] == [project.resolve()]
    require_not_open(project)
    taken = open_lock(project)
    assert taken.lock is not None
    assert taken.took_over
    assert not was_killed(project)
    taken.lock.release()
    assert not [path.name for path in project.iterdir() if "lock" in path.name]


def test_a_second_window_of_the_same_process_does_not_write_either(home):
    first = open_lock(home / "result")
    assert first.lock is not None
    assert open_lock(home / "result").lock is None
    first.lock.release()
    assert open_lock(home / "result").lock is not None


def test_a_new_process_with_the_number_of_a_killed_one_is_not_taken_for_it(home):
    lock = {"pid": os.getpid(), "host": socket.gethostname(), "who": "", "since": ""}
    (home / "result" / "project.lock").write_text(json.dumps(lock | {"started": 1.0, "token": "x"}))
    assert open_lock(home / "result").lock is not None


def test_the_lock_of_another_computer_counts(home):
    lock = {"pid": 1, "host": "sem-room", "who": "anna", "since": "2026-11-28"}
    (home / "result" / "project.lock").write_text(json.dumps(lock | {"started": 1.0, "token": "x"}))
    attempt = open_lock(home / "result")
    assert attempt.lock is None
    assert "sem-room of anna (process 1, since 2026-11-28 00:00)" in attempt.why_not


def test_a_damaged_lock_does_not_block(home):
    (home / "result" / "project.lock").write_text("{")
    assert open_lock(home / "result").lock is not None


def test_recent_projects_are_listed_once_the_newest_first_while_they_exist(home, tmp_path):
    second = tmp_path / "second"
    (home / "result").rename(second)
    (tmp_path / "gone").mkdir()
    for place in (second, tmp_path / "gone", second):
        remember_project(place, place.name)
    assert [one.folder for one in recent_projects()] == [second.resolve()]
