"""Files that are changed while they are read: one sentence or the right numbers, never a crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.shared.disk.stored_numbers import StoredNumbers
from napari_mineral_anomaly.io.formats.shared.spectra import mapped_file

_HERE = Path(__file__).parent
_FORMATS = (
    *("TIFF", "TIFF deflate", "TIFF tiled", "BigTIFF", "ImageJ stack", "text", "gz", "npy maps"),
    *("npy stack", "npz", "mat 5", "mat 7.3", "HDF5 maps", "ENVI maps", "Zarr 2", "Zarr 3"),
    *("HDF5 spectra", "ENVI spectra", "Ripple", "npy spectra", "npz spectra", "EDAX"),
)
_NEEDS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list[tuple[str, str, str]]]:
    """By format: how a file was changed, when, and what came out."""
    program = subprocess.run(
        [sys.executable, _HERE / "disk_changes.py"],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=580,
    )
    assert program.returncode == 0, program.stderr
    found: dict[str, list[tuple[str, str, str]]] = {}
    for line in program.stdout.splitlines():
        name, how, moment, said = json.loads(line)
        found.setdefault(name, []).append((how, moment, said))
    assert set(found) == set(_FORMATS)
    return found


@_NEEDS_FORK
@pytest.mark.timeout_seconds(600)
@pytest.mark.parametrize("name", _FORMATS)
def test_changed_file_ends_in_a_sentence_or_in_the_right_numbers(
    name: str, outcomes: dict[str, list[tuple[str, str, str]]]
) -> None:
    if name == "EDAX":
        pytest.importorskip("rsciio", reason="the extra bcf is not installed")
    cases = outcomes[name]
    assert len(cases) >= 14
    wrong = [case for case in cases if case[2] != "right" and not case[2].startswith("refused: ")]
    assert not wrong
    # Numbers of a file that was changed between opening and reading are never used.
    opened = [said for how, moment, said in cases if moment in ("opened", "half read")]
    assert all(
        "changed while it was read" in said or "no longer there" in said or " is gone" in said
        for said in opened
        if said != "right"
    )
    # MATLAB files, and spectra in archives, are in memory as soon as they are opened.
    if name != "npz spectra":
        assert any(said != "right" for said in opened)


def numbers_on_disk(folder: Path, order: tuple[int, ...]) -> tuple[np.ndarray, StoredNumbers]:
    values = np.random.default_rng(3).integers(0, 60_000, (7, 11, 40_000)).astype(">u2")
    path = folder / "numbers.raw"
    path.write_bytes(b"12345" + values.tobytes())
    stored, notes = mapped_file(path, values.dtype, values.shape, 5, header="a header")
    assert not notes
    return values.transpose(order), stored.transpose(*order)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (0, 2, 1), (2, 1, 0)])
def test_stored_numbers_are_those_of_an_array(order: tuple[int, ...], tmp_path: Path) -> None:
    values, stored = numbers_on_disk(tmp_path, order)
    assert (stored.shape, stored.dtype) == (values.shape, values.dtype)
    for index in (
        (slice(2, 5), slice(1, 4)),
        (slice(2, 3), slice(None)),
        (slice(None), slice(5, 6)),
        (slice(None), slice(None), 3),
        (4, 3),
        (-1, slice(None, None, 2), slice(5, 1, -1)),
        (slice(3, 3), slice(None)),
        (Ellipsis, 6),
        2,
    ):
        assert np.array_equal(stored[index], values[index]), index
    assert np.array_equal(np.asarray(stored), values)


def test_stored_numbers_refuse_a_file_of_the_same_size_with_other_numbers(tmp_path: Path) -> None:
    _, stored = numbers_on_disk(tmp_path, (0, 1, 2))
    path = tmp_path / "numbers.raw"
    size, before = path.stat().st_size, path.stat().st_mtime_ns
    path.write_bytes(b"\1" * size)
    os.utime(path, ns=(before, before + 1_000_000))
    with pytest.raises(InputError, match=r"^numbers\.raw was changed while it was read \(other"):
        stored[0:1, 0:1]
