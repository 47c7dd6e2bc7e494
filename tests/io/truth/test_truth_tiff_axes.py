"""Which page of a TIFF is which element: ImageJ, OME and tifffile's own axes, against tifffile."""

from __future__ import annotations

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

ELEMENTS = ("Fe", "Ca", "Si", "Ti", "Zr", "Pb")
PAGES: dict[str, Any] = {"photometric": "minisblack", "metadata": None}
ORDERS = ["XY" + "".join(order) for order in itertools.permutations("CZT")]


def counts(n: int, shape: tuple[int, int] = (5, 7)) -> np.ndarray:
    return np.arange(n * shape[0] * shape[1], dtype=np.uint16).reshape(n, *shape)


def image(
    number: int,
    name: str,
    channels: tuple[str, ...],
    blocks: str,
    shape: tuple[int, int] = (5, 7),
    sizes: tuple[int, int] = (1, 1),
    order: str = "XYCZT",
    extra: str = "",
) -> str:
    """An OME image; ``sizes`` are Z and T."""
    named = "".join(
        f'<Channel ID="Channel:{number}:{i}"' + (f' Name="{one}"' if one else "") + "/>"
        for i, one in enumerate(channels)
    )
    return (
        f'<Image ID="Image:{number}" Name="{name}"><Pixels ID="Pixels:{number}" Type="uint16" '
        f'DimensionOrder="{order}" SizeX="{shape[1]}" SizeY="{shape[0]}" SizeC="{len(channels)}" '
        f'SizeZ="{sizes[0]}" SizeT="{sizes[1]}" {extra}>{named}{blocks}</Pixels></Image>'
    )


def write_ome(path: Path, values: Any, *images: str) -> Path:
    text = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f"{''.join(images)}</OME>"
    )
    with tifffile.TiffWriter(path) as writer:
        for i, plane in enumerate(values):
            writer.write(plane, description=text if i == 0 else None, contiguous=False, **PAGES)
    return path


@given(
    n=st.integers(2, 6),
    shape=st.sampled_from([(1, 6), (6, 1), (5, 7), (3, 4), (4, 3)]),
    order=st.sampled_from(ORDERS),
    data=st.data(),
)
@settings(max_examples=30, deadline=None)
def test_tiff_data_of_ome_leads_each_name_to_its_page(
    n: int, shape: tuple[int, int], order: str, data: st.DataObject
) -> None:
    pages = data.draw(st.permutations(range(n)))
    values = counts(n, shape)
    blocks = "".join(f'<TiffData IFD="{page}" FirstC="{c}"/>' for c, page in enumerate(pages))
    with TemporaryDirectory() as folder:
        path = write_ome(
            Path(folder) / "scan.ome.tif",
            values,
            image(0, "scan", ELEMENTS[:n], blocks, shape, order=order),
        )
        cube = read_maps(path)
        with tifffile.TiffFile(path) as tif:
            expected = tif.series[0].asarray().reshape(n, *shape)
    np.testing.assert_array_equal(expected, values[list(pages)])
    assert cube.elements == ELEMENTS[:n]
    np.testing.assert_array_equal(cube.maps, expected)
    assert [used.page for used in cube.report.used] == [page + 1 for page in pages]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("blocks", ["", "<TiffData/>", '<TiffData IFD="0" PlaneCount="4"/>'])
def test_channels_lie_in_their_order_without_blocks(
    tmp_path: Path, order: str, blocks: str
) -> None:
    text = image(0, "scan", ELEMENTS[:4], blocks, order=order)
    cube = read_maps(write_ome(tmp_path / "scan.ome.tif", counts(4), text))
    assert cube.elements == ELEMENTS[:4]
    np.testing.assert_array_equal(cube.maps, counts(4))


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((2, 1), r"2 channels at several depths or times \(4 planes\)"),
        ((1, 2), r"2 channels at several depths or times \(4 planes\)"),
    ],
)
def test_channels_at_several_depths_or_times(
    tmp_path: Path, sizes: tuple[int, int], sentence: str
) -> None:
    text = image(0, "scan", ELEMENTS[:2], "<TiffData/>", sizes=sizes)
    with pytest.raises(InputError, match=sentence):
        read_maps(write_ome(tmp_path / "scan.ome.tif", counts(4), text))


def test_depths_at_several_times_are_refused(tmp_path: Path) -> None:
    text = image(0, "scan", ("Fe",), "<TiffData/>", sizes=(2, 3))
    with pytest.raises(InputError, match=r"2 depths at 3 times \(6 planes\)"):
        read_maps(write_ome(tmp_path / "scan.ome.tif", counts(6), text))


def block(page: int) -> str:
    return f'<TiffData IFD="{page}"/>'


def test_an_image_and_a_channel_both_have_a_name(tmp_path: Path) -> None:
    both = [image(i, f"Sample 7 area {i}", (ELEMENTS[i],), block(i)) for i in range(3)]
    cube = read_maps(write_ome(tmp_path / "scan.ome.tif", counts(3), *both))
    assert cube.elements == ELEMENTS[:3]


def test_a_stack_of_channels_beside_an_electron_image(tmp_path: Path) -> None:
    maps = image(0, "maps", ELEMENTS[:2], '<TiffData IFD="0" PlaneCount="2"/>')
    bse = image(1, "BSE", ("",), block(2))
    cube = read_maps(write_ome(tmp_path / "scan.ome.tif", counts(3), maps, bse))
    assert cube.elements == ELEMENTS[:2]
    np.testing.assert_array_equal(cube.maps, counts(3)[:2])
    assert [item.file for item in cube.report.ignored] == ["scan.ome.tif, plane 3 (BSE)"]


def test_two_stacks_in_one_file_are_refused(tmp_path: Path) -> None:
    first = image(0, "left", ELEMENTS[:2], '<TiffData IFD="0" PlaneCount="2"/>')
    second = image(1, "right", ELEMENTS[:2], '<TiffData IFD="2" PlaneCount="2"/>')
    with pytest.raises(InputError, match=r"2 images of several planes each \(left and right\)"):
        read_maps(write_ome(tmp_path / "scan.ome.tif", counts(4), first, second))


def test_images_of_different_size_are_refused(tmp_path: Path) -> None:
    planes = [counts(1)[0], counts(1, (4, 4))[0]]
    images = image(0, "Fe", ("",), block(0)), image(1, "Ca", ("",), block(1), (4, 4))
    with pytest.raises(InputError, match="differ in shape"):
        read_maps(write_ome(tmp_path / "scan.ome.tif", planes, *images))


def test_images_of_different_pixel_size_are_refused(tmp_path: Path) -> None:
    def sized(i: int, um: int) -> str:
        extra = f'PhysicalSizeX="{um}" PhysicalSizeY="{um}"'
        return image(i, ELEMENTS[i], ("",), block(i), extra=extra)

    path = write_ome(tmp_path / "a.ome.tif", counts(2), sized(0, 5), sized(1, 10))
    with pytest.raises(InputError, match=r"The pixel sizes differ: 5 µm .* 10 µm"):
        read_maps(path)
    path = write_ome(tmp_path / "b.ome.tif", counts(2), sized(0, 5), sized(1, 5))
    assert read_maps(path).pixel_size == (5, 5)


def test_pages_that_ome_does_not_name_are_left_out_with_a_word(tmp_path: Path) -> None:
    text = image(0, "scan", ELEMENTS[:2], '<TiffData IFD="0" PlaneCount="2"/>')
    cube = read_maps(write_ome(tmp_path / "scan.ome.tif", counts(3), text))
    assert cube.elements == ELEMENTS[:2]
    assert any("1 pages that its OME description does not name" in w for w in cube.report.warnings)


def test_a_page_for_two_planes_is_refused(tmp_path: Path) -> None:
    text = image(0, "scan", ELEMENTS[:2], block(0) + '<TiffData IFD="0" FirstC="1"/>')
    with pytest.raises(InputError, match="page 1 stands for two planes"):
        read_maps(write_ome(tmp_path / "scan.ome.tif", counts(2), text))


def test_a_colour_picture_in_ome_is_called_one(tmp_path: Path) -> None:
    colours = np.zeros((5, 7, 3), np.uint8)
    tifffile.imwrite(tmp_path / "scan.ome.tif", colours, ome=True, photometric="rgb")
    with pytest.raises(InputError, match="is a colour picture"):
        read_maps(tmp_path / "scan.ome.tif")


def write_imagej(path: Path, n: int, lines: str, shape: tuple[int, int] = (5, 7)) -> Path:
    text = f"ImageJ=1.54f\n{lines}"
    tifffile.imwrite(path, counts(n, shape), description=text, **PAGES)
    return path


@given(
    channels=st.integers(1, 3),
    slices=st.integers(1, 3),
    frames=st.integers(1, 3),
    shape=st.sampled_from([(5, 7), (3, 3), (12, 2)]),
)
@settings(max_examples=27, deadline=None)
def test_hyperstacks_along_one_axis_are_read_and_others_refused(
    channels: int, slices: int, frames: int, shape: tuple[int, int]
) -> None:
    n = channels * slices * frames
    named = [("images", n), ("channels", channels), ("slices", slices), ("frames", frames)]
    lines = "".join(f"{key}={value}\n" for key, value in named if value > 1)
    n_axes = sum(size > 1 for size in (channels, slices, frames))
    with TemporaryDirectory() as folder:
        name = "Fe.tif" if n == 1 else "stack.tif"
        path = write_imagej(Path(folder) / name, n, f"{lines}hyperstack=true\n", shape)
        if n_axes > 1:
            with pytest.raises(InputError, match=rf"\({n} planes\)"):
                read_maps(path)
            return
        cube = read_maps(path)
        expected = tifffile.imread(path).reshape(n, *shape)
    np.testing.assert_array_equal(cube.maps, expected)


def test_sizes_that_do_not_fit_the_stack_are_no_axes(tmp_path: Path) -> None:
    lines = "images=6\nchannels=4\nslices=3\nhyperstack=true\n"  # ImageJ opens it as a plain stack
    np.testing.assert_array_equal(
        read_maps(write_imagej(tmp_path / "stack.tif", 6, lines)).maps, counts(6)
    )


@pytest.mark.parametrize("axes", ["CYX", "ZYX", "TYX"])
def test_labels_name_the_planes_of_each_axis(tmp_path: Path, axes: str) -> None:
    metadata = {"axes": axes, "Labels": list(ELEMENTS[:4])}
    tifffile.imwrite(tmp_path / "stack.tif", counts(4), imagej=True, metadata=metadata)
    cube = read_maps(tmp_path / "stack.tif")
    assert cube.elements == ELEMENTS[:4]
    np.testing.assert_array_equal(cube.maps, counts(4))


def test_two_axes_of_tifffile_are_refused(tmp_path: Path) -> None:
    values = counts(6).reshape(2, 3, 5, 7)
    tifffile.imwrite(tmp_path / "scan.tif", values, photometric="minisblack")
    with pytest.raises(InputError, match=r"6 planes along 2 axes \(2x3\)"):
        read_maps(tmp_path / "scan.tif")
    tifffile.imwrite(tmp_path / "one.tif", values[:1], photometric="minisblack")
    np.testing.assert_array_equal(read_maps(tmp_path / "one.tif").maps, values[0])


@pytest.mark.parametrize("imagej", [False, True])
def test_elements_along_the_last_axis_are_suspected(tmp_path: Path, imagej: bool) -> None:
    values = counts(24, (37, 6))  # an array (24, 37, 6) of six elements
    tifffile.imwrite(tmp_path / "scan.tif", values, imagej=imagej, photometric="minisblack")
    cube = read_maps(tmp_path / "scan.tif")
    np.testing.assert_array_equal(cube.maps, values)
    assert any("read as 24 maps of 37x6 pixels; if the elements" in w for w in cube.report.warnings)


def test_pages_turned_in_different_ways(tmp_path: Path) -> None:
    upright = counts(2)
    with tifffile.TiffWriter(tmp_path / "scan.tif") as writer:
        for plane, orientation, name in ((upright[0], 1, "Fe"), (upright[1].T, 5, "Ca")):
            tags = [(274, 3, 1, orientation, True), (285, 2, 0, name, True)]
            writer.write(plane, extratags=tags, contiguous=False, **PAGES)
    cube = read_maps(tmp_path / "scan.tif")
    np.testing.assert_array_equal(cube.maps, upright)
    assert any(step.endswith("Orientation (5) (Ca)") for step in cube.report.steps)


def test_pages_of_several_values_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "scan.tif") as writer:
        for i in range(2):
            values = np.full((5, 7, 2), i, np.uint16)
            writer.write(values, planarconfig="contig", contiguous=False, **PAGES)
    with pytest.raises(InputError, match="2 pages with up to 2 values per pixel"):
        read_maps(tmp_path / "scan.tif")


@given(
    n=st.integers(5, 7),
    shape=st.sampled_from([(5, 7), (6, 6), (1, 7), (7, 1), (5, 5), (6, 12)]),
    planar=st.sampled_from(["contig", "separate"]),
    dtype=st.sampled_from(["uint8", "int16", "float32", "float64"]),
    how=st.sampled_from([{}, {"compression": "zlib"}, {"byteorder": ">"}, {"tile": (16, 16)}]),
)
@settings(max_examples=30, deadline=None)
def test_bands_are_told_from_rows_and_columns(
    n: int, shape: tuple[int, int], planar: str, dtype: str, how: dict[str, Any]
) -> None:
    values = counts(n, shape).astype(dtype)
    stored = np.moveaxis(values, 0, 2) if planar == "contig" else values
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scan.tif"
        tifffile.imwrite(path, stored, planarconfig=planar, **how, **PAGES)
        cube = read_maps(path)
        expected = tifffile.imread(path)
    if planar == "contig":
        expected = np.moveaxis(expected.reshape(*shape, n), 2, 0)
    np.testing.assert_array_equal(cube.maps, expected.reshape(n, *shape))
    assert cube.maps.dtype == dtype
    assert cube.elements == tuple(f"page {i}" for i in range(1, n + 1))
