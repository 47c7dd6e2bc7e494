"""Out of memory in the window: one sentence with what would fit."""

from __future__ import annotations

import re

import numpy as np

from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.jobs import Job

# One byte for each pixel is more than any computer has.
SIDE = 3_000_000


def test_a_run_that_does_not_fit_says_what_would() -> None:
    one = np.zeros((1, 1, 1), np.uint16)
    cube = ElementCube(np.broadcast_to(one, (3, SIDE, SIDE)), ("Fe", "Ca", "Zr"), quantity="counts")
    job = Job("Detecting", lambda task: run_detection(cube, "rx", make_config("rx"), task=task))
    failure = job.run(Task()).failure
    assert failure is not None
    assert failure.expected  # no traceback is offered
    assert "\n" not in failure.sentence
    assert "3,000,000 x 3,000,000 pixels of 3 elements" in failure.sentence
    [side] = re.findall(r"about ([\d,]+) x [\d,]+ pixels of 3 elements would fit", failure.sentence)
    assert 100 < int(side.replace(",", "")) < 1_000_000


def test_other_work_says_it_in_a_sentence_too() -> None:
    failure = Job("Listing grains", lambda task: np.ones((SIDE, SIDE))).run(Task()).failure
    assert failure is not None
    assert failure.expected
    assert failure.sentence.startswith("Listing grains failed. There is not enough memory")
