"""A few hundred damaged files with a fixed seed; the long run is `benchmarks/fuzz_readers.py`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# The readers of spectrum images compute for a good part of a second per file.
FAST = (
    "tiff",
    "imagej",
    "ome",
    "tiled",
    "comma",
    "pymca",
    "pixels",
    "mat5",
    "npz",
    "envi",
    "zarr3",
    "aztec",
    "xrm",
    "zspy",
    "ome-parts",
)
EACH = 40


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("fuzz_readers")
    for name in ("fuzz_readers", "fuzz_damage", "fuzz_files", "fuzz_peer_files"):
        sys.modules.pop(name, None)


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits and /proc are Linux's")
def test_damaged_files_are_refused_or_read_but_never_crash_hang_or_lie(fuzz):
    state = fuzz.fuzz(list(FAST), EACH * len(FAST), seed=1)
    failures = {name: entry["failures"] for name, entry in state["cases"].items()}
    assert not any(failures.values()), failures
    counts = [entry["counts"] for entry in state["cases"].values()]
    assert sum(count.get("refused", 0) for count in counts) > EACH * len(FAST) / 3
    assert sum(sum(count.values()) for count in counts) == EACH * len(FAST)


def test_a_damage_follows_from_its_seed(fuzz):
    damage = importlib.import_module("fuzz_damage")
    files = {"a.bin": bytes(range(256)) * 4}
    once = [damage.damaged(damage.generator("tiff", 0, n), files) for n in range(50)]
    again = [damage.damaged(damage.generator("tiff", 0, n), files) for n in range(50)]
    other = [damage.damaged(damage.generator("tiff", 1, n), files) for n in range(50)]
    assert once == again
    assert once != other
