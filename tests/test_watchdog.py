"""A test that stands still ends the run as a failure, with the stacks of all threads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).with_name("conftest.py")

# `pause` is called with Python's lock held: no Python code runs any more, as in a deadlock.
HANGING_TEST = """
import ctypes, threading
import pytest

@pytest.mark.timeout_seconds(8)
def test_stands_still():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    ctypes.PyDLL(None).pause()
"""
HANGING_END = """
import atexit, ctypes

def test_passes():
    atexit.register(ctypes.PyDLL(None).pause)
"""


def run_pytest(folder: Path, test: str, seconds: int) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_hang.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        # Without napari's and Qt's plugins, so that the test starts within the few seconds.
        env={
            **os.environ,
            "SECONDS_UNTIL_HANG": str(seconds),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_a_test_that_holds_the_lock_of_python_for_good_fails_with_all_stacks(
    tmp_path: Path,
) -> None:
    ended = run_pytest(tmp_path, HANGING_TEST, 100)
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert "in test_stands_still" in ended.stderr
    assert ended.stderr.count("hread 0x") >= 2


def test_a_program_that_does_not_end_fails_too(tmp_path: Path) -> None:
    ended = run_pytest(tmp_path, HANGING_END, 10)
    assert ended.returncode == 1
    assert "1 passed" in ended.stdout
    assert "Timeout" in ended.stderr
