"""ESRF data files, written by fabio."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

edfimage = pytest.importorskip("fabio.edfimage", reason="the extra edf is not installed")

NAMES = ("Ca", "Fe", "Pb")
MAPS = np.random.default_rng(3).integers(0, 60_000, (3, 5, 7))


def write(path: Path, maps: np.ndarray, titles: tuple[str, ...]) -> Path:
    image = edfimage.EdfImage(data=maps[0], header={"Title": titles[0]})
    for plane, title in zip(maps[1:], titles[1:], strict=True):
        image.append_frame(data=plane, header={"Title": title})
    image.write(str(path))
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint64", "float32", "float64"])
def test_a_file_for_each_element(tmp_path: Path, dtype: str) -> None:
    maps = (MAPS % 250 if dtype == "uint8" else MAPS).astype(dtype)
    for name, plane in zip(NAMES, maps, strict=True):
        write(tmp_path / f"scan_{name}.edf", plane[None], ("",))
    cube = read_maps(tmp_path)
    assert cube.elements == NAMES
    assert cube.maps.dtype == dtype
    np.testing.assert_array_equal(cube.maps, maps)


def test_several_images_in_one_file(tmp_path: Path) -> None:
    maps = MAPS.astype(np.uint32)
    path = write(tmp_path / "fit.edf", maps, ("Ca K", "Fe K", "Pb L"))
    cube = read_maps(path)
    assert cube.elements == ("Ca K", "Fe K", "Pb L")
    np.testing.assert_array_equal(cube.maps, maps)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputError, match="but a gzip file, by its first bytes: unpack it first"):
        read_maps(path)


def test_a_stack_that_ends_in_a_header_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "fit.edf", MAPS.astype(np.uint16), ("Ca K", "Fe K", "Pb L"))
    good = path.read_bytes()
    path.write_bytes(good[: good.rindex(b"Dim_1")])
    with pytest.raises(InputError, match="cut short: behind its last whole image stand"):
        read_maps(path)


def test_big_endian_numbers(tmp_path: Path) -> None:
    numbers = MAPS[0].astype(">u2").tobytes()
    head = "{\nByteOrder = HighByteFirst ;\nDataType = UnsignedShort ;\nDim_1 = 7 ;\nDim_2 = 5 ;\n"
    (tmp_path / "Fe.edf").write_bytes(
        (head + "Size = 70 ;\n").ljust(510).encode() + b"}\n" + numbers
    )
    np.testing.assert_array_equal(read_maps(tmp_path).maps[0], MAPS[0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda good: b"", "Fe.edf is empty"),
        (lambda good: good[:-9], "Fe.edf is cut short: 5x7 numbers are 70 bytes"),
        (lambda good: good.replace(b"Dim_2 = 5", b"Dim_2 = 9"), "Fe.edf is cut short: 9x7"),
        (lambda good: good.replace(b"DataType", b"DataTipe"), "Fe.edf: its header lacks DataType"),
        (
            lambda good: good.replace(b"ByteOrder", b"ByteOrdre"),
            "(?i)header lacks byteorder",
        ),
        (lambda good: b"1 2 3\n4 5 6\n", "Fe.edf is no ESRF data file"),
        (lambda good: b"\x89HDF\r\n\x1a\n" + good, "Fe.edf is not an ESRF data file but an HDF5"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, change: object, sentence: str) -> None:
    path = write(tmp_path / "Fe.edf", MAPS[:1].astype(np.uint16), ("",))
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(InputError, match=sentence):
        read_maps(path)
