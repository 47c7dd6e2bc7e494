"""Damaged files beside good ones: refused by name, in one sentence, and never read as data."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps

NAMES = [f"{name} Ka" for name in ("Fe", "Si", "Ca", "K", "S", "P", "Ti", "Mn", "Mg", "Na")]
SHAPE = (40, 50)


def plane() -> np.ndarray:
    return np.random.default_rng(1).integers(1, 1000, SHAPE).astype(np.uint16)


def stack() -> np.ndarray:
    return np.random.default_rng(2).integers(1, 1000, (10, *SHAPE)).astype(np.uint16)


def write_ome(path: Path) -> None:
    tifffile.imwrite(path, stack(), ome=True, metadata={"axes": "CYX", "Channel": {"Name": NAMES}})


def write_pages(path: Path) -> None:
    with tifffile.TiffWriter(path) as writer:
        for page, name in zip(stack(), NAMES, strict=True):
            writer.write(page, metadata=None, description=name, contiguous=False)


WRITERS: dict[str, Callable[[Path], None]] = {
    "plain": lambda path: tifffile.imwrite(path, plane()),
    "deflate": lambda path: tifffile.imwrite(path, plane(), compression="zlib"),
    "tiled": lambda path: tifffile.imwrite(path, plane(), tile=(16, 16)),
    "tiled deflate": lambda path: tifffile.imwrite(path, plane(), tile=(16, 16), compression=8),
    "bigtiff": lambda path: tifffile.imwrite(path, plane(), bigtiff=True),
    "big-endian": lambda path: tifffile.imwrite(path, plane(), byteorder=">"),
    "imagej": lambda path: tifffile.imwrite(path, plane(), imagej=True),
    "imagej stack": lambda path: tifffile.imwrite(
        path, stack(), imagej=True, metadata={"axes": "CYX", "Labels": NAMES}
    ),
    "ome stack": write_ome,
    "page stack": write_pages,
    "shaped stack": lambda path: tifffile.imwrite(path, stack()),
}


@pytest.mark.parametrize("share", [0.1, 0.35, 0.5, 0.75, 0.9, 0.99])
@pytest.mark.parametrize("kind", WRITERS)
def test_cut_tiff_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / ("scan.tif" if "stack" in kind else "Fe.tif")
    WRITERS[kind](path)
    read_maps(path)  # whole, it is read
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=rf"^{path.name} (is cut short|is damaged|cannot be read)"):
        read_maps(path)


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if "stack" not in kind])
def test_one_cut_map_stops_the_folder(tmp_path: Path, kind: str) -> None:
    tifffile.imwrite(tmp_path / "Si.tif", plane())
    WRITERS[kind](tmp_path / "Fe.tif")
    content = (tmp_path / "Fe.tif").read_bytes()
    (tmp_path / "Fe.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"^Fe\.tif .*move it out of the folder\.$") as error:
        read_maps(tmp_path)
    assert "\n" not in str(error.value)


def overwrite_tag(path: Path, tag: str, values: list[int]) -> None:
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags[tag].overwrite(values)


def zero_counts(path: Path) -> None:
    tifffile.imwrite(path, plane(), tile=(16, 16))
    overwrite_tag(path, "TileByteCounts", [512, 0] * 6)


def zero_offsets(path: Path) -> None:
    tifffile.imwrite(path, plane(), rowsperstrip=10)
    overwrite_tag(path, "StripOffsets", [0] * 4)


def strips_beyond_the_end(path: Path) -> None:
    tifffile.imwrite(path, plane(), rowsperstrip=10)
    overwrite_tag(path, "StripOffsets", [400, 1400, 2400, 10**6])


def too_few_bytes(path: Path) -> None:
    tifffile.imwrite(path, plane(), rowsperstrip=10)
    overwrite_tag(path, "StripByteCounts", [1000, 1000, 1000, 10])


def spoiled_deflate(path: Path) -> None:
    tifffile.imwrite(path, plane(), compression="zlib")
    content = bytearray(path.read_bytes())
    content[-1500:-500] = bytes(1000)
    path.write_bytes(content)


def circle_of_pages(path: Path) -> None:
    tifffile.imwrite(path, plane())
    content = bytearray(path.read_bytes())
    n_tags = struct.unpack_from("<H", content, 8)[0]
    struct.pack_into("<I", content, 10 + 12 * n_tags, 8)
    path.write_bytes(content)


def bigtiff_with(at: int, value: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        tifffile.imwrite(path, plane(), bigtiff=True)
        content = bytearray(path.read_bytes())
        struct.pack_into("<Q", content, at, value)
        path.write_bytes(content)

    return spoil


def complex_numbers(path: Path) -> None:
    tifffile.imwrite(path, plane().astype(np.complex64))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda path: path.write_bytes(b""), r"Fe\.tif is empty \(0 bytes\)"),
        (lambda path: path.write_bytes(b"II"), r"Fe\.tif is cut short: it holds 2 bytes"),
        (lambda path: path.write_bytes(b"II*\0\0\0\0\0"), r"Fe\.tif is a TIFF without a single"),
        (lambda path: path.write_text("1 2 3\n4 5 6\n"), r"Fe\.tif is not a TIFF although"),
        (
            lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" * 9),
            r"Fe\.tif is not a TIFF but a PNG picture",
        ),
        (zero_counts, r"Fe\.tif is damaged: 6 of the 12 strips or tiles of page 1 hold no bytes"),
        (zero_offsets, r"Fe\.tif is damaged: 4 of the 4 strips"),
        (strips_beyond_the_end, r"Fe\.tif is cut short: page 1 needs 1001000 bytes"),
        (too_few_bytes, r"Fe\.tif is damaged: page 1 holds 3010 bytes.*40x50 pixels needs 4000"),
        (spoiled_deflate, r"Fe\.tif cannot be read as TIFF"),
        (circle_of_pages, r"Fe\.tif is damaged: its chain of pages runs in a circle"),
        (bigtiff_with(8, 2**63 + 1), r"Fe\.tif is cut short: page 1 lies beyond"),
        (bigtiff_with(16, 2**60), r"Fe\.tif is cut short: page 1 lies beyond"),
        (complex_numbers, r"Fe\.tif cannot be read: page 1 is not a plane of real numbers"),
    ],
)
def test_bad_map_among_good_ones_is_refused(
    tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    tifffile.imwrite(tmp_path / "Si.tif", plane())
    spoil(tmp_path / "Fe.tif")
    with pytest.raises(InputError, match=sentence) as error:
        read_maps(tmp_path)
    assert str(error.value).count("\n") == 0
    (tmp_path / "Fe.tif").rename(tmp_path / "moved.bin")
    assert read_maps(tmp_path).elements == ("Si",)


def test_an_imagej_stack_that_lost_pages_is_refused(tmp_path: Path) -> None:
    """Not cut but rewritten: every page is whole, there are just fewer than the tag says."""
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, stack(), imagej=True, metadata={"axes": "CYX", "Labels": NAMES})
    with tifffile.TiffFile(path) as tif:
        description = tif.pages.first.description
    with tifffile.TiffWriter(path) as writer:
        writer.write(plane(), metadata=None, description=description, contiguous=False)
        writer.write(plane(), metadata=None, contiguous=False)
    with pytest.raises(InputError, match="its ImageJ tag declares 10 planes, 2 are left"):
        read_maps(path)


def test_an_ome_stack_that_lost_pages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.ome.tif"
    write_ome(path)
    with tifffile.TiffFile(path) as tif:
        description = tif.pages.first.description
    tifffile.imwrite(path, plane(), metadata=None, description=description)
    with pytest.raises(InputError, match="its OME description declares 10 planes, 1 is left"):
        read_maps(path)


def test_a_broken_companion_is_listed_not_fatal(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "Si.tif", plane())
    (tmp_path / "BSE.tif").write_bytes(b"")
    report = read_maps(tmp_path).report
    assert [(i.file, i.reason) for i in report.ignored] == [
        ("BSE.tif", "an electron image (BSE.tif is empty (0 bytes))")
    ]


def test_what_tifffile_logs_reaches_the_report_not_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A private tag of a vendor points into nowhere: harmless, but said."""
    path = tmp_path / "Fe.tif"
    tifffile.imwrite(path, plane(), extratags=[(65000, "s", 0, "vendor information", True)])
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<H", 65000))
    struct.pack_into("<I", content, at + 8, 10**6)
    path.write_bytes(content)
    handlers = list(logging.getLogger("tifffile").handlers)
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.plane(0), plane())
    assert any("tifffile says" in line for line in cube.report.warnings)
    assert capfd.readouterr().err == ""
    assert logging.getLogger("tifffile").handlers == handlers


@pytest.mark.parametrize("kind", ["zeros", "text", "cut", "missing", "long name"])
def test_can_read_never_raises(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("x" * 300 if kind == "long name" else "Fe.tif")
    if kind == "zeros":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("hello")
    elif kind == "cut":
        WRITERS["imagej stack"](path)
        path.write_bytes(path.read_bytes()[:4000])
    assert not can_read(path)
    if kind in ("missing", "long name"):
        with pytest.raises(InputError, match=r"does not exist|cannot be opened"):
            read_maps(path)
