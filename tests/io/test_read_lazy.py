"""Scans larger than memory: opening one, and looking at a map, reads nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.zarr.maps import LAZY_ABOVE_BYTES
from napari_mineral_anomaly.scan.quality.lazy_scans import middle_block
from napari_mineral_anomaly.window.layers.make import element_layers

NAMES = ["Fe Ka", "Si Ka", "Ca Ka"]
SHAPE = (3, 6000, 8000)
CHUNK = 1000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """288 MB of maps whose middle is whole; every chunk of Si away from the middle is broken."""
    path = tmp_path_factory.mktemp("lazy") / "scan.zarr"
    array = zarr.create_array(str(path), shape=SHAPE, chunks=(1, CHUNK, CHUNK), dtype="u2")
    row = np.arange(SHAPE[2], dtype=np.uint16)
    for c in range(SHAPE[0]):
        array[c] = np.broadcast_to(row // (c + 1) + 1, SHAPE[1:])
    array.attrs.update({"elements": NAMES, "pixel_size_um": 10.0})
    for chunk in (path / "c" / "1").rglob("*"):
        if chunk.is_file() and (chunk.parent.name, chunk.name) != ("3", "4"):
            chunk.write_bytes(b"broken")
    return path


def test_a_large_store_is_opened_without_being_read(store: Path) -> None:
    assert np.prod(SHAPE) * 2 > LAZY_ABOVE_BYTES
    cube = read_maps(store)
    assert cube.is_lazy
    assert cube.elements == tuple(NAMES)
    assert cube.pixel_size == (10.0, 10.0)
    assert cube.quantity == "counts"
    np.testing.assert_array_equal(cube.plane(0)[17], np.arange(SHAPE[2]) + 1)
    with pytest.raises(InputError, match=r"^scan\.zarr cannot be read as Zarr"):
        cube.plane(1)


def test_its_report_counts_in_the_middle_and_says_so(store: Path) -> None:
    report = read_maps(store).report
    assert {used.counted for used in report.used} == {512 * 512}
    assert {used.shape for used in report.used} == {SHAPE[1:]}
    assert report.used[0].min == 4 * CHUNK + 1
    assert "512 x 512 pixels in the middle" in report.warnings[-1]
    assert "0.3 GB) stay on disk" in report.warnings[-2]
    assert report.valid_area is None


def test_its_layers_are_made_without_reading_it(store: Path) -> None:
    cube = read_maps(store)
    layers = element_layers(cube, scan="scan", scan_id="one")
    assert len(layers) == 3
    data, kwargs, _ = layers[0]
    assert not isinstance(data, np.ndarray)
    assert data.shape == SHAPE[1:]
    low, high = kwargs["contrast_limits"]
    assert 4 * CHUNK < low < high <= 4 * CHUNK + 513


def test_the_block_starts_at_a_chunk(store: Path) -> None:
    block = middle_block(read_maps(store))
    assert block.shape == (512, 512)
    assert not block.is_lazy
    assert block.plane(0)[0, 0] == 4 * CHUNK + 1
