"""A function in a bare interpreter: what it returns, its crash, its hang, its prints."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.bare_process import (
    ProcessHungError,
    call_in_bare_process,
    work_in_bare_process,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.process import ProcessDiedError
from napari_mineral_anomaly.progress import SILENT
from napari_mineral_anomaly.scan.spectra.beam import checked_beam_kev


def test_large_arrays_come_back_whole_and_can_be_changed() -> None:
    squares = call_in_bare_process(np.arange, 60, 5_000_000)
    assert squares.nbytes == 40_000_000
    assert np.array_equal(squares, np.arange(5_000_000))
    squares[0] = 7
    assert call_in_bare_process(os.getpid, 60) != os.getpid()


def test_errors_come_back_as_they_are() -> None:
    with pytest.raises(InputError, match=r"give 12\.7") as caught:
        call_in_bare_process(checked_beam_kev, 60, 12700.0)
    assert any("in checked_beam_kev" in note for note in caught.value.__notes__)
    with pytest.raises(ZeroDivisionError):
        call_in_bare_process(divmod, 60, 1, 0)


def test_a_crash_a_hang_and_prints_stay_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProcessDiedError, match="exit code"):
        call_in_bare_process(os.abort, 60)
    started = time.monotonic()
    with pytest.raises(ProcessHungError, match="no answer in 2 s"):
        call_in_bare_process(time.sleep, 2, 100)
    assert time.monotonic() - started < 30
    assert call_in_bare_process(print, 60, "noise") is None
    assert capfd.readouterr().out == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is kept on Linux only")
def test_a_function_that_eats_memory_ends_alone() -> None:
    pytest.importorskip("psutil", reason="it tells how much memory is free")
    with pytest.raises(MemoryError):
        call_in_bare_process(bytearray, 60, 1 << 46)


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n"
        "from napari_mineral_anomaly.bare_process import call_in_bare_process\n"
        "print('once')\n"
        "print(call_in_bare_process(os.getcwd, 60) == os.getcwd())\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["once", "True"]


@pytest.mark.parametrize(("told", "threads"), [("1", "1"), ("", "2")])
def test_the_threads_that_a_user_allows_hold_for_every_library(
    told: str, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    if told:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    found = [work_in_bare_process(os.getenv, SILENT, 2, name) for name in names]
    assert found == [threads] * 3
