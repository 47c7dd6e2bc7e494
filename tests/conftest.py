"""Settings every test needs before torch or Qt is imported."""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# On two busy cores torch's default threading can be 10-100 times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("QT_API", "pyqt6")
# napari objects touched from a worker thread raise instead of crashing now and then.
os.environ.setdefault("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
# Pixel sizes that tests type are not remembered in the settings of who runs them.
_SETTINGS = tempfile.TemporaryDirectory(prefix="mineral-anomaly-settings-")
os.environ["MINERAL_ANOMALY_CONFIG"] = _SETTINGS.name

# The same examples in every run of one commit: a find by chance must not fail another's change.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# A test, and what comes before and after all tests, may take this long. Then the stacks of all
# threads are printed and the run ends as a failure. The watchdog is a thread of C that needs no
# lock of Python, so it also ends a deadlock that no Python code can see.
SECONDS_UNTIL_HANG = float(os.environ.get("SECONDS_UNTIL_HANG", "300"))
_stderr = sys.__stderr__


def _watch(seconds: float = SECONDS_UNTIL_HANG) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=_stderr)


def pytest_configure() -> None:
    global _stderr
    # A copy: while a test runs, pytest redirects the original.
    _stderr = os.fdopen(os.dup(sys.__stderr__.fileno()), "w")
    _watch()


def pytest_runtest_protocol(item: pytest.Item) -> None:
    longer = item.get_closest_marker("timeout_seconds")
    _watch(*longer.args if longer else ())


def pytest_runtest_logfinish() -> None:
    _watch()


def pytest_unconfigure() -> None:
    _watch()  # for the end of the program, which can hang as well


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scans; tests that need it skip, with the reason, where it is not set."""
    folder = os.environ.get("MINERAL_ANOMALY_DATA")
    if not folder:
        pytest.skip("MINERAL_ANOMALY_DATA is not set: no real scans to read")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"MINERAL_ANOMALY_DATA names {path}, which is not a folder")
    return path
