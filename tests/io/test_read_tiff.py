"""TIFF maps: the numbers, the names and the micrometres of a file arrive as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64")
NAMES = ["Fe", "Si", "Ca", "K", "S"]


def maps(n: int = 5, shape: tuple[int, int] = (12, 17), dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(1, 200, (n, *shape)).astype(dtype)


def write_folder(folder: Path, dtype: str = "uint16") -> np.ndarray:
    values = maps(dtype=dtype)
    for plane, name in zip(values, NAMES, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", plane)
    return values


@given(data=st.data(), dtype=st.sampled_from(DTYPES))
@settings(max_examples=60, deadline=None)
def test_every_number_survives(data: st.DataObject, dtype: str) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    fe, si = (data.draw(hnp.arrays(dtype, shape)) for _ in range(2))
    options = data.draw(
        st.sampled_from(
            [{}, {"byteorder": ">"}, {"compression": "zlib"}, {"bigtiff": True}, {"tile": (16, 16)}]
        )
    )
    with TemporaryDirectory() as folder:
        for name, values in (("Fe", fe), ("Si", si)):
            tifffile.imwrite(Path(folder) / f"{name}.tif", values, photometric=1, **options)
        cube = read_maps(folder, missing="none")
    assert cube.maps.dtype == np.dtype(dtype)
    assert cube.elements == ("Fe", "Si")
    np.testing.assert_array_equal(cube.maps, [fe, si])
    used = cube.report.used[0]
    assert (used.dtype, used.shape) == (dtype, shape)
    assert (used.nan, used.zero, used.negative) == (
        np.count_nonzero(~np.isfinite(fe)),
        np.count_nonzero(fe == 0),
        np.count_nonzero(fe < 0),
    )


@given(first=st.sampled_from(DTYPES), second=st.sampled_from(DTYPES), data=st.data())
@settings(max_examples=40, deadline=None)
def test_mixed_dtypes_meet_in_one_that_holds_both(
    first: str, second: str, data: st.DataObject
) -> None:
    fe, si = (data.draw(hnp.arrays(dtype, (3, 4))) for dtype in (first, second))
    with TemporaryDirectory() as folder:
        tifffile.imwrite(Path(folder) / "Fe.tif", fe)
        tifffile.imwrite(Path(folder) / "Si.tif", si)
        cube = read_maps(folder, missing="none")
    assert cube.maps.dtype == np.result_type(first, second)
    np.testing.assert_array_equal(cube.plane(0), fe)
    np.testing.assert_array_equal(cube.plane(1), si)
    assert [used.dtype for used in cube.report.used] == [first, second]


def test_large_integers_do_not_lose_digits_beside_fractions(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "Si.tif", np.full((3, 4), 0.5))
    tifffile.imwrite(tmp_path / "Fe.tif", np.full((3, 4), 2**53 + 1, dtype=np.uint64))
    with pytest.raises(InputError, match=r"Fe\.tif holds whole numbers too large"):
        read_maps(tmp_path)
    tifffile.imwrite(tmp_path / "Fe.tif", np.full((3, 4), 2**53, dtype=np.uint64))
    assert read_maps(tmp_path).plane(0)[0, 0] == 2**53


def test_names_may_hold_any_letters(tmp_path: Path) -> None:
    folder = tmp_path / "Dünnschliff 7 – Probe µ"
    folder.mkdir()
    values = write_folder(folder)
    np.testing.assert_array_equal(read_maps(folder).maps, values[[2, 0, 3, 4, 1]])  # sorted by name


@pytest.mark.parametrize("unit", ["um", r"\u00B5m", "micron"])  # ImageJ writes µ as an escape
def test_imagej_pixel_size(tmp_path: Path, unit: str) -> None:
    tifffile.imwrite(
        tmp_path / "Fe.tif",
        maps(1)[0],
        imagej=True,
        resolution=(1 / 20, 1 / 12.5),
        metadata={"unit": unit},
    )
    cube = read_maps(tmp_path)
    assert cube.pixel_size == (12.5, 20.0)  # y, x
    assert cube.report.pixel_size_um == (12.5, 20.0)
    assert cube.report.pixel_size_source == "ImageJ tag of Fe.tif"


def test_imagej_millimetres_and_pixels(tmp_path: Path) -> None:
    options = {"imagej": True, "resolution": (1 / 0.025, 1 / 0.025)}
    tifffile.imwrite(tmp_path / "Fe.tif", maps(1)[0], metadata={"unit": "mm"}, **options)
    assert read_maps(tmp_path).pixel_size == (25.0, 25.0)
    tifffile.imwrite(tmp_path / "Fe.tif", maps(1)[0], metadata={"unit": "pixel"}, **options)
    assert read_maps(tmp_path).pixel_size is None


def test_ome_pixel_size_and_unit(tmp_path: Path) -> None:
    metadata = {"PhysicalSizeX": 0.02, "PhysicalSizeXUnit": "mm", "PhysicalSizeY": 10.0}
    tifffile.imwrite(tmp_path / "Fe.ome.tif", maps(1)[0], metadata=metadata | {"axes": "YX"})
    cube = read_maps(tmp_path)
    assert cube.pixel_size == (10.0, 20.0)
    assert cube.report.pixel_size_source == "OME tag of Fe.ome.tif"


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        ((500, 500), "CENTIMETER", (20.0, 20.0)),
        ((1270, 1270), "INCH", (20.0, 20.0)),
        ((2540, 5080), "INCH", (5.0, 10.0)),
        ((72, 72), "INCH", None),
        ((96, 96), "INCH", None),
        ((100, 100), "INCH", None),
        ((300, 300), "INCH", None),
        ((118.11, 118.11), "CENTIMETER", None),  # 300 dpi
        ((1, 1), "NONE", None),
        ((1, 1), "INCH", None),  # 25.4 mm
    ],
)
def test_resolution_tags_count_only_where_plausible(
    tmp_path: Path, resolution: tuple[float, float], unit: str, size: tuple[float, float] | None
) -> None:
    tifffile.imwrite(tmp_path / "Fe.tif", maps(1)[0], resolution=resolution, resolutionunit=unit)
    cube = read_maps(tmp_path)
    assert cube.pixel_size == (None if size is None else pytest.approx(size))
    source = "unknown" if size is None else "TIFF resolution tag of Fe.tif"
    assert cube.report.pixel_size_source == source
    says_default = any("printing default" in line for line in cube.report.warnings)
    assert says_default == (size is None and resolution != (1, 1))


def test_pixel_sizes_that_differ_are_refused_unless_typed(tmp_path: Path) -> None:
    for name, size in (("Fe", 20.0), ("Si", 20.1), ("Ca", 25.0)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            maps(1)[0],
            imagej=True,
            resolution=(1 / size, 1 / size),
            metadata={"unit": "um"},
        )
    with pytest.raises(InputError, match=r"differ: 25 µm in Ca\.tif, 20 µm in Fe\.tif"):
        read_maps(tmp_path)
    cube = read_maps(tmp_path, pixel_size=20)
    assert cube.pixel_size == (20.0, 20.0)
    assert cube.report.pixel_size_source == "typed by the user"
    assert any("Ca.tif says 25 µm" in line for line in cube.report.warnings)
    (tmp_path / "Ca.tif").unlink()
    assert read_maps(tmp_path).pixel_size == (20.0, 20.0)  # half a per cent is rounding


def test_imagej_stack_with_labels(tmp_path: Path) -> None:
    path, values = tmp_path / "scan.tif", maps()
    tifffile.imwrite(
        path,
        values,
        imagej=True,
        resolution=(1 / 15, 1 / 15),
        metadata={"axes": "CYX", "unit": "um", "Labels": ["Fe-Ka.tif", "Si", "BSE", "Pb La", "S"]},
    )
    cube = read_maps(path)
    assert cube.elements == ("Fe Ka", "Si", "Pb La", "S")
    np.testing.assert_array_equal(cube.maps, values[[0, 1, 3, 4]])
    assert cube.pixel_size == (15.0, 15.0)
    assert [(used.file, used.page) for used in cube.report.used] == [
        ("scan.tif", 1),
        ("scan.tif", 2),
        ("scan.tif", 4),
        ("scan.tif", 5),
    ]
    [ignored] = cube.report.ignored
    assert ignored.file == "scan.tif, plane 3 (BSE)"


def test_a_stack_of_planes_named_in_full(tmp_path: Path) -> None:
    path, values = tmp_path / "scan.tif", maps()
    words = ["Iron Ka1", "Calcium K", "Lead time", "Potassium", "Zirconium"]
    tifffile.imwrite(path, values, imagej=True, metadata={"axes": "CYX", "Labels": words})
    cube = read_maps(path)
    assert cube.elements == ("Fe Ka1", "Ca K", "K", "Zr")
    np.testing.assert_array_equal(cube.maps, values[[0, 1, 3, 4]])
    assert [one.file for one in cube.report.to_decide] == ["scan.tif#3"]
    assert "Lead time" in cube.report.to_decide[0].why


def test_ome_stack_with_channel_names(tmp_path: Path) -> None:
    path, values = tmp_path / "scan.ome.tif", maps()
    metadata = {"axes": "CYX", "Channel": {"Name": ["Fe", "SiO2", "Ca", "K", "Zr"]}}
    tifffile.imwrite(path, values, metadata=metadata | {"PhysicalSizeX": 5, "PhysicalSizeY": 5})
    cube = read_maps(path)
    assert cube.elements == ("Fe", "SiO2", "Ca", "K", "Zr")
    np.testing.assert_array_equal(cube.maps, values)
    assert cube.pixel_size == (5.0, 5.0)


@pytest.mark.parametrize("kind", ["PageName", "PyMca title", "description"])
def test_stack_with_names_in_its_tags(tmp_path: Path, kind: str) -> None:
    path, values = tmp_path / "scan.tif", maps()
    with tifffile.TiffWriter(path) as writer:
        for plane, name in zip(values, NAMES, strict=True):
            tags = [(285, "s", 0, f"{name}-K", True)] if kind == "PageName" else []
            text = {
                "PyMca title": f"Title={name}-K\nMotor=3\n",
                "description": f"{name}-K",
            }.get(kind)
            writer.write(plane, metadata=None, description=text, extratags=tags, contiguous=False)
    cube = read_maps(path)
    assert cube.elements == tuple(f"{name} K" for name in NAMES)
    np.testing.assert_array_equal(cube.maps, values)


def test_stack_without_names_is_read_with_a_warning(tmp_path: Path) -> None:
    path, values = tmp_path / "scan.tif", maps(12)
    tifffile.imwrite(path, values)
    cube = read_maps(path)
    assert cube.elements[0] == "page 01"
    assert cube.elements[-1] == "page 12"
    np.testing.assert_array_equal(cube.maps, values)
    assert "No plane of scan.tif is named after an element" in cube.report.warnings[0]


@pytest.mark.parametrize("imagej", [False, True])
def test_stack_behind_a_single_page_is_read_whole(tmp_path: Path, imagej: bool) -> None:
    """ImageJ writes stacks above 4 GB with one page, tifffile with ``truncate``."""
    path, values = tmp_path / "scan.tif", maps()
    tifffile.imwrite(
        path, values, imagej=imagej, truncate=True, byteorder=">", metadata={"axes": "CYX"}
    )
    with tifffile.TiffFile(path) as tif:
        assert len(tif.pages) == 1
    np.testing.assert_array_equal(read_maps(path).maps, values)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match=r"scan\.tif is cut short: .* declares 5 planes, 1 is"):
        read_maps(path)


def test_thumbnail_pages_are_not_maps(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "Fe.tif") as writer:
        writer.write(maps(1)[0], metadata=None)
        writer.write(maps(1)[0][::2, ::2], metadata=None, subfiletype=1)
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), maps(1)[0])
    assert "Fe.tif: 1 reduced page is left out." in cube.report.warnings


def test_colour_table_is_kept_out_of_the_numbers(tmp_path: Path) -> None:
    values = maps(1, dtype="uint8")[0]
    table = np.random.default_rng(1).integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "Fe.tif", values, colormap=table, photometric="palette")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), values)
    assert "Fe.tif: the file has a colour table" in cube.report.warnings[0]


def test_a_folder_without_element_names_may_have_titles_inside(tmp_path: Path) -> None:
    values = maps(2)
    for i, name in enumerate(["Fe-K", "Si-K"]):
        text = f"Title={name}\n"
        tifffile.imwrite(tmp_path / f"img{i}.tif", values[i], metadata=None, description=text)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe K", "Si K")
    np.testing.assert_array_equal(cube.maps, values)


def test_a_folder_with_one_stack_is_that_stack(tmp_path: Path) -> None:
    values = maps()
    tifffile.imwrite(
        tmp_path / "scan.tif", values, imagej=True, metadata={"axes": "CYX", "Labels": NAMES}
    )
    tifffile.imwrite(tmp_path / "truth.tif", values[0])
    (tmp_path / "notes.md").write_text("measured in May")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.maps, values)
    assert {item.file for item in cube.report.ignored} == {"truth.tif", "notes.md"}
    tifffile.imwrite(tmp_path / "second.tif", values)
    with pytest.raises(InputError, match=r"holds 2 stacks \(scan\.tif and second\.tif\)|second"):
        read_maps(tmp_path)


NAMED = {"axes": "CYX", "Channel": {"Name": ["Fe Ka", "Si Ka", "Ca Ka"]}}


def stack_of_three(dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(9).integers(0, 100, (3, 20, 30)).astype(dtype)


@pytest.mark.parametrize(
    "how",
    [
        {"tile": (16, 16)},
        {"tile": (16, 16), "compression": "lzw", "predictor": True},
        {"compression": "zstd"},
        {"compression": "deflate", "byteorder": ">"},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"rowsperstrip": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
def test_every_layout_of_the_pixels(tmp_path: Path, how: dict[str, object], dtype: str) -> None:
    values = stack_of_three(dtype)
    tifffile.imwrite(tmp_path / "scan.tif", values, ome=True, metadata=NAMED, **how)
    cube = read_maps(tmp_path / "scan.tif")
    assert cube.elements == ("Fe Ka", "Si Ka", "Ca Ka")
    assert str(cube.maps.dtype) == dtype
    np.testing.assert_array_equal(cube.maps, values)


def test_imagej_hyperstack_of_channels(tmp_path: Path) -> None:
    values = stack_of_three()[None, None]
    metadata = {"axes": "TZCYX", "Labels": NAMED["Channel"]["Name"]}
    tifffile.imwrite(tmp_path / "scan.tif", values, imagej=True, metadata=metadata)
    cube = read_maps(tmp_path / "scan.tif")
    assert cube.elements == ("Fe Ka", "Si Ka", "Ca Ka")
    np.testing.assert_array_equal(cube.maps, values[0, 0])


def test_channels_at_several_depths_are_refused(tmp_path: Path) -> None:
    values = np.stack([stack_of_three()] * 2)
    metadata = NAMED | {"axes": "ZCYX"}
    tifffile.imwrite(tmp_path / "scan.tif", values, ome=True, metadata=metadata)
    with pytest.raises(InputError, match=r"3 channels at several depths or times \(6 planes\)"):
        read_maps(tmp_path / "scan.tif")


def test_one_file_of_several_of_an_ome_image_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", stack_of_three(), ome=True, metadata=NAMED)
    described = tifffile.TiffFile(tmp_path / "scan.tif").ome_metadata
    parts = "".join(
        f'<TiffData FirstC="{c}" IFD="0" PlaneCount="1"><UUID FileName="scan{c}.tif">x</UUID>'
        "</TiffData>"
        for c in range(3)
    )
    start, stop = described.index("<TiffData"), described.index("</Pixels>")
    text = described[:start] + parts + described[stop:]
    tifffile.imwrite(tmp_path / "scan.tif", stack_of_three()[0], description=text, metadata=None)
    with pytest.raises(InputError, match=r"is one of the 3 files of an OME-TIFF.*one file"):
        read_maps(tmp_path / "scan.tif")


def test_a_missing_codec_names_the_extra(tmp_path: Path) -> None:
    path = tmp_path / "Fe.tif"
    tifffile.imwrite(path, stack_of_three()[0], compression="lzw")
    # A Python without imagecodecs, as most users have it.
    code = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from napari_mineral_anomaly.io import read_maps\n"
        f"read_maps({str(path)!r})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Fe.tif is compressed (LZW)" in run.stderr
    assert 'pip install "napari-mineral-anomaly[codecs]"' in run.stderr
