"""What damaged files have done to the readers, each kept from coming back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.zarr.chunks import declared_bytes
from napari_mineral_anomaly.io.writing.zarr import write_ome_zarr

MAPS = np.random.default_rng(5).integers(1, 200, (3, 24, 20)).astype(np.uint16)
NAMES = ("Fe", "Si", "Ca")


def test_a_control_character_in_the_heading_ends_no_line(tmp_path: Path) -> None:
    # Python's splitlines ends a line at \x1e, a file does not: the rows were looked for in vain.
    pixels = list(np.ndindex(*MAPS.shape[1:]))
    heading = "row\tcolumn\tFe\tSi\tCa\tnote\x1eof ours"
    rows = [f"{y}\t{x}\t{MAPS[0, y, x]}\t{MAPS[1, y, x]}\t{MAPS[2, y, x]}\t0" for y, x in pixels]
    (tmp_path / "maps.txt").write_text("\n".join([heading, *rows]) + "\n", newline="")
    cube = read_maps(tmp_path / "maps.txt")
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS)


@pytest.mark.parametrize("position", [4, 5, 6, 7])
def test_a_chunk_that_asks_for_more_than_its_array_is_refused(
    tmp_path: Path, position: int
) -> None:
    path = tmp_path / "maps.ome.zarr"
    write_ome_zarr(path, MAPS, NAMES, (20.0, 20.0))
    chunk = path / "0" / "1" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[position] ^= 0x15
    chunk.write_bytes(data)
    with pytest.raises(InputError, match=r"its chunk 0/1/0/0 says that it unpacks to \d+ bytes"):
        read_maps(path)


def test_packed_chunks_declare_their_size() -> None:
    numcodecs = pytest.importorskip("numcodecs", reason="zarr came without numcodecs")
    for count in (3, 300, 70_000):
        raw = np.random.default_rng(0).integers(0, 9, count).astype(np.uint8).tobytes()
        assert declared_bytes("blosc", numcodecs.Blosc().encode(raw)[:18]) == count
        assert declared_bytes("lz4", numcodecs.LZ4().encode(raw)[:18]) == count
        assert declared_bytes("zstd", numcodecs.Zstd().encode(raw)[:18]) == count
    assert declared_bytes("zstd", b"\x28\xb5\x2f\xfd") is None
    assert declared_bytes("gzip", b"\x1f\x8b" + bytes(16)) is None
