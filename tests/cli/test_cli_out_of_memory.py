"""Running out of memory on the command line: one sentence, exit code 2, nothing left behind."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tifffile

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux keeps a limit of memory"
)

SHAPE, ELEMENTS = (480, 576), ("Al", "Ca", "Fe", "K", "Mg", "Mn", "Na", "P", "Si", "Ti")

# Runs `detect` in copies of itself by fork, each with so many more bytes than were mapped before.
# In a process of its own: pytest has threads, which do not survive a fork.
DETECT = """
import os, resource, sys
import pandas, sklearn.neighbors, torch
import napari_mineral_anomaly.runs.scan_to_folder
from napari_mineral_anomaly.cli import main
from napari_mineral_anomaly.process import mapped_memory
for line in sys.stdin:
    detector, megabytes, scan, out, told = line.split()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(told, os.O_CREAT | os.O_WRONLY), 2)
        limit = mapped_memory() + int(megabytes) * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            code = main(["detect", scan, "-o", out, "--detector", detector, "--json"])
        except BaseException as error:
            code = 99
            sys.stderr.write(f"TRACEBACK {error!r}")
            sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def detect(tmp_path_factory):
    place = tmp_path_factory.mktemp("memory")
    scan = place / "scan"
    scan.mkdir()
    rng = np.random.default_rng(0)
    for name in ELEMENTS:
        tifffile.imwrite(scan / f"{name}.tif", rng.poisson(20, SHAPE).astype(np.uint16))
    with subprocess.Popen(
        [sys.executable, "-c", DETECT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:

        def run(detector: str, megabytes: int) -> tuple[int, str, list[str]]:
            """The exit code, the last line on stderr, and what else is in the output's parent."""
            place = scan.parent / f"{detector}-{megabytes}"
            place.mkdir()
            told = place / "told.txt"
            runner.stdin.write(f"{detector} {megabytes} {scan} {place / 'out'} {told}\n")
            runner.stdin.flush()
            code = int(runner.stdout.readline())
            lines = told.read_text().replace("\r", "\n").strip().splitlines()
            return code, lines[-1], sorted(path.name for path in place.iterdir())

        yield run
        runner.stdin.close()


# Enough for the maps (5.5 MB), but not for what the detector needs.
@pytest.mark.parametrize("megabytes", [12, 30])
@pytest.mark.parametrize("detector", ["rx", "local-rx", "knn", "msfa"])
def test_out_of_memory_is_one_sentence(detect, detector, megabytes):
    code, sentence, left = detect(detector, megabytes)
    assert code == 2, sentence
    assert sentence.startswith("There is not enough memory")
    assert "would fit" in sentence
    # What is free is what the limit leaves, not what the computer has.
    assert float(sentence.split("(")[1].split(" GB")[0]) < 0.2
    assert left == ["told.txt"]


def test_maps_that_do_not_fit_are_told_with_their_size(detect):
    code, sentence, left = detect("rx", 2)
    assert code == 2
    assert "10 maps of 480x576 pixels need 0.00553 GB of memory" in sentence
    assert left == ["told.txt"]
