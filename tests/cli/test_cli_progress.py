"""Progress: a bar on a terminal, few lines in a log."""

from __future__ import annotations

import io
import time

from napari_mineral_anomaly.cli.progress import ProgressPrinter
from napari_mineral_anomaly.progress import ProgressEvent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def events():
    yield ProgressEvent("reading", 1, 2, "Fe.tif")
    yield ProgressEvent("reading", 2, 2, "S.tif")
    for step in range(1, 101):
        yield ProgressEvent("training", step, 100, loss=1 / step)
    yield ProgressEvent("scoring")


def test_a_log_gets_one_line_per_phase_and_nothing_of_reading():
    stream = io.StringIO()
    with ProgressPrinter(stream) as progress:
        for event in events():
            progress(event)
    assert stream.getvalue().splitlines() == ["training 1/100, loss 1", "scoring"]


def test_long_phases_tell_the_time_left(monkeypatch):
    from napari_mineral_anomaly.cli import progress as module

    clock = iter(range(0, 100_000, 15))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    stream = io.StringIO()
    with ProgressPrinter(stream) as progress:
        for step in (1, 2, 3):
            progress(ProgressEvent("training", step, 10, loss=0.5))
    lines = stream.getvalue().splitlines()
    # 30 s for 3 of 10 steps leave 70 s for the other 7.
    left = "about 70 s left in this part"
    assert lines == ["training 1/10, loss 0.5", f"training 3/10, loss 0.5, {left}"]


def test_phases_that_alternate_do_not_flood_a_log():
    stream = io.StringIO()
    with ProgressPrinter(stream) as progress:
        for step in range(1, 7):
            progress(ProgressEvent("training", step, 6, loss=0.5))
            progress(ProgressEvent("pseudo-labels", step, 6, "clustering pixels"))
    lines = stream.getvalue().splitlines()
    assert lines == ["training 1/6, loss 0.5", "pseudo-labels 1/6, clustering pixels"]


def test_a_terminal_gets_a_bar_that_is_cleared_at_the_end():
    stream = Terminal()
    with ProgressPrinter(stream) as progress:
        for event in events():
            progress(event)
            if event.step == 50:
                time.sleep(0.15)  # tqdm redraws at most every 0.1 s
    text = stream.getvalue()
    assert "training:  51%" in text
    assert "loss 0.0196" in text
    assert text.endswith("\r")
