"""A function in a process of its own: its errors, its end, and an interruption."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time

import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.process import ProcessDiedError, call_in_own_process


def refuse(path):
    raise InputError(f"{path} is not a scene.")


def test_bad_input_in_the_process_comes_back_as_such():
    with pytest.raises(InputError) as caught:
        call_in_own_process(refuse, "one.tif")
    assert str(caught.value) == "one.tif is not a scene."
    assert any("in refuse" in note for note in caught.value.__notes__)


def test_a_process_that_dies_is_told_from_one_that_fails():
    with pytest.raises(ProcessDiedError, match="exit code 7"):
        call_in_own_process(os._exit, 7)
    with pytest.raises(ZeroDivisionError):
        call_in_own_process(divmod, 1, 0)
    assert call_in_own_process(os.getpid) != os.getpid()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGALRM")
def test_an_interruption_ends_the_process_at_once():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    started = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 5.0)
        with pytest.raises(KeyboardInterrupt):
            call_in_own_process(time.sleep, 120)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 60
    assert not multiprocessing.active_children()
