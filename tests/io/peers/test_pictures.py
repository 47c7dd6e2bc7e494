"""Grey pictures as maps: counts of 16 bits, display values with a warning, colours as context."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.reading.can_read import can_read

RNG = np.random.default_rng(7)
COUNTS = RNG.integers(0, 60_000, (2, 6, 9)).astype(np.uint16)
GREY = RNG.integers(0, 256, (2, 6, 9)).astype(np.uint8)
NAMES = ("Ca", "Fe")


def save(folder: Path, maps: Any, ending: str = ".png", **options: Any) -> Path:
    for name, plane in zip(NAMES, maps, strict=True):
        Image.fromarray(plane).save(folder / f"{name}{ending}", **options)
    return folder


def warnings_of(folder: Path) -> str:
    return " ".join(read_maps(folder).report.warnings)


def test_png_of_16_bits_holds_counts(tmp_path: Path) -> None:
    cube = read_maps(save(tmp_path, COUNTS))
    assert cube.elements == NAMES
    assert cube.maps.dtype == np.uint16
    np.testing.assert_array_equal(cube.maps, COUNTS)
    assert cube.quantity == "counts"
    assert "DISPLAY" not in " ".join(cube.report.warnings)


@pytest.mark.parametrize("ending", [".png", ".bmp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_8_bits_are_read_with_a_loud_warning(
    tmp_path: Path, ending: str, channels: int
) -> None:
    shown = GREY if channels == 1 else np.repeat(GREY[..., None], 3, axis=-1)
    cube = read_maps(save(tmp_path, shown, ending))
    np.testing.assert_array_equal(cube.maps, GREY)
    assert cube.maps.dtype == np.uint8
    assert cube.quantity == "unknown"
    [warning] = [one for one in cube.report.warnings if "DISPLAY VALUES, NOT COUNTS" in one]
    assert warning.startswith(f"Ca{ending} and Fe{ending}: ")


def test_jpeg_is_said_to_lose_numbers(tmp_path: Path) -> None:
    flat = np.full((2, 16, 16), 90, np.uint8)
    cube = read_maps(save(tmp_path, flat, ".jpg"))
    np.testing.assert_array_equal(cube.maps, flat)
    assert "NOT COUNTS" in warnings_of(tmp_path)
    assert "compressed with loss (JPEG)" in warnings_of(tmp_path)


def test_transparent_pixels_are_missing(tmp_path: Path) -> None:
    opaque = np.full((6, 9), 255, np.uint8)
    opaque[2, 3:5] = 0
    shown = np.stack([GREY[0], GREY[0], GREY[0], opaque], axis=-1)
    Image.fromarray(shown).save(tmp_path / "Fe.png")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(np.isnan(cube.maps[0]), opaque == 0)
    np.testing.assert_array_equal(cube.maps[0][opaque > 0], GREY[0][opaque > 0])


def test_a_transparent_level_is_missing(tmp_path: Path) -> None:
    Image.fromarray(GREY[0]).save(tmp_path / "Fe.png", transparency=int(GREY[0, 1, 1]))
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(np.isnan(cube.maps[0]), GREY[0] == GREY[0, 1, 1])


def test_coloured_pictures_are_no_maps(tmp_path: Path) -> None:
    photo = RNG.integers(0, 255, (6, 9, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "Fe.png")
    with pytest.raises(InputError, match=r"holds only pictures \(Fe\.png\)"):
        read_maps(tmp_path)
    Image.fromarray(GREY[0]).save(tmp_path / "Ca.png")
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca",)
    assert "Fe.png is a colour picture, not counts: Fe is not in the scan." in warnings_of(tmp_path)
    [image] = cube.context
    np.testing.assert_array_equal(image.image, photo)


def test_pictures_beside_maps_in_other_files_stay_pictures(tmp_path: Path) -> None:
    save(tmp_path, GREY)
    tifffile.imwrite(tmp_path / "Fe.tif", COUNTS[1])
    tifffile.imwrite(tmp_path / "Si.tif", COUNTS[0])
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe", "Si")
    np.testing.assert_array_equal(cube.maps[0], COUNTS[1])
    said = " ".join(cube.report.warnings)
    assert "Ca.png is a picture beside maps in other files and is not read: Ca" in said
    assert "Fe.png" not in said
    assert sorted(one.file for one in cube.report.ignored) == ["Ca.png", "Fe.png"]


def test_previews_do_not_take_the_place_of_a_stack(tmp_path: Path) -> None:
    save(tmp_path, GREY)
    metadata = {"axes": "CYX", "Labels": ["Fe", "Si"]}
    tifffile.imwrite(tmp_path / "scan.tif", COUNTS, imagej=True, metadata=metadata)
    assert read_maps(tmp_path).elements == ("Fe", "Si")


def test_a_turned_photo_is_shown_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # by 90 degrees clockwise
    Image.fromarray(GREY[0]).save(tmp_path / "Fe.png", exif=exif)
    np.testing.assert_array_equal(read_maps(tmp_path).maps[0], np.rot90(GREY[0], -1))


def test_only_pictures_named_by_an_element_are_ours(tmp_path: Path) -> None:
    save(tmp_path, GREY)
    Image.fromarray(GREY[0]).save(tmp_path / "photo.png")
    assert can_read(tmp_path / "Fe.png")
    assert not can_read(tmp_path / "photo.png")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(bits: int, colours: int, width: int = 4, height: int = 3) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colours]
    rows = b"\0" * (1 + 4 * samples * bits // 8) * 3
    parts = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _good() -> bytes:
    return _png(16, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Fe.png is empty"),
        (b"x" * 100, "Fe.png is no picture, or a damaged one"),
        (_good()[:60], "Fe.png (is no picture|cannot be read as a picture)"),
        (_good()[:45] + b"\xff" + _good()[46:], "Fe.png (is no picture|cannot be read as a pict)"),
        (_png(16, 2), "Fe.png is a picture of 16 bits in colours.*save it as grey"),
        (_png(16, 4), "Fe.png is a picture of 16 bits with transparent pixels.*save it as grey"),
        (_png(16, 0, 60_000, 60_000), "Fe.png is damaged: its header declares 7.2 GB"),
        (b"\x89HDF\r\n\x1a\n" + b"0" * 99, "Fe.png is not a picture but an HDF5 file"),
    ],
)
def test_damaged_pictures_are_refused_in_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "Fe.png").write_bytes(content)
    with pytest.raises(InputError, match=sentence) as error:
        read_maps(tmp_path / "Fe.png")
    assert str(tmp_path) not in str(error.value)
    assert "\n" not in str(error.value)
