"""Maps on disk are read chunk by chunk, each twice in a pass at most, with their numbers."""

from __future__ import annotations

from collections import Counter

import dask.array
import numpy as np
import pytest

from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.scan import lazy_rows
from napari_mineral_anomaly.scan.cube import ElementCube


@pytest.fixture
def read() -> Counter[tuple[int, ...]]:
    """How often each chunk was read, by its place."""
    return Counter()


@pytest.fixture
def cube(read: Counter[tuple[int, ...]]) -> ElementCube:
    values = np.random.default_rng(0).poisson(9, (2, 100, 70)).astype(np.uint16)

    def load(block_info=None) -> np.ndarray:
        place = tuple(block_info[None]["chunk-location"])
        read[place] += 1
        where = tuple(slice(*one) for one in block_info[None]["array-location"])
        return values[where]

    lazy = dask.array.map_blocks(
        load, chunks=((1, 1), (32, 32, 32, 4), (40, 30)), dtype=np.uint16, meta=np.empty(0, "u2")
    )
    made = ElementCube(lazy, ["Fe", "Ca"], valid=np.ones((100, 70), bool), quantity="counts")
    assert made.is_lazy
    read.clear()
    return made


def test_a_pass_in_small_blocks_reads_no_chunk_for_every_block(cube, read):
    blocks = [cube.block(rows) for rows in cube.row_blocks(70 * 5)]
    assert len(blocks) == 20
    assert max(read.values()) <= 2
    assert len(read) == 2 * 4 * 2
    whole = np.concatenate(blocks, axis=1)
    assert whole.dtype == np.float32
    assert np.array_equal(whole, np.asarray(cube.maps))


def test_rows_over_a_border_and_some_columns_are_right(cube):
    maps = np.asarray(cube.maps)
    for rows, columns in ((slice(30, 35), slice(3, 9)), (slice(0, 2), slice(None))):
        block = cube.block(rows, columns)
        assert np.array_equal(block, maps[:, rows, columns])
        block[:] = -1  # a working copy: the maps stay as they are
        assert np.array_equal(cube.block(rows, columns), maps[:, rows, columns])


def test_chunks_that_are_too_large_to_keep_are_not_kept(cube, read, monkeypatch):
    monkeypatch.setattr(lazy_rows, "LARGEST_BAND_BYTES", 100)
    assert np.array_equal(cube.block(slice(0, 5)), np.asarray(cube.maps)[:, :5])
    assert cube._lazy_rows._kept is None


def test_a_detector_reads_no_chunk_for_every_block(cube, read, monkeypatch):
    monkeypatch.setattr("napari_mineral_anomaly.detectors.statistical.pixelwise.BLOCK_PIXELS", 350)
    stored = cube.in_memory()
    read.clear()
    lazy = detect(cube, "rx").score
    # Five readings of planes or rows: range, middle, moments, score, centre of the contributions.
    assert max(read.values()) <= 8
    assert np.array_equal(lazy, detect(stored, "rx").score)


def test_a_cube_in_memory_is_the_same_scan(cube):
    stored = cube.in_memory()
    assert isinstance(stored.maps, np.ndarray)
    assert stored.maps.dtype == np.uint16
    assert np.array_equal(stored.maps, np.asarray(cube.maps))
    assert np.array_equal(stored.valid, cube.valid)
    assert (stored.elements, stored.quantity) == (cube.elements, cube.quantity)
    assert stored.in_memory() is stored
