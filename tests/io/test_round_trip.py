"""Read, export, read: equal to the last count, name and micrometre, for every number type.

Hypothesis draws maps with the extreme values of their type, any byte order, pixel sizes that differ
in y and x, and names in any alphabet.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.runs.export import Product, plan_files, write_files
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.names.map_names import parse_names

NATIVE = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
DTYPES = tuple(f"{order}{kind}" for order in "<>" for kind in NATIVE)
ELEMENTS = ("Fe Ka", "Si", "Ca", "Pb La", "As")

bounded = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def values(dtype: str) -> st.SearchStrategy[np.ndarray]:
    """Maps (C, H, W) with every value that the type can hold, infinities left out."""
    kind = np.dtype(dtype)
    elements = (
        st.floats(
            width=8 * kind.itemsize,
            allow_nan=True,
            allow_infinity=False,
        )
        if kind.kind == "f"
        else st.integers(np.iinfo(kind).min, np.iinfo(kind).max)
    )
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))
    return shapes.flatmap(lambda shape: hnp.arrays(kind, shape, elements=elements))


# Micrometres with six significant digits, from electron microscope to core scanner.
steps = st.builds(
    lambda digits, power: float(f"{digits}e{power}"), st.integers(1, 999_999), st.integers(-3, -3)
).filter(lambda um: 0.001 <= um <= 2000)
sizes = st.one_of(st.none(), st.tuples(steps, steps))

# No element is in such a name, so that all of them are kept as they are; read names are trimmed.
odd_names = st.lists(
    st.text(
        st.characters(
            codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\\"
        ),
        min_size=1,
        max_size=12,
    )
    .map(lambda text: "~" + "".join(text.split()) + "~")
    .filter(lambda name: name.isprintable() and parse_names([name])[0].role != "element"),
    min_size=3,
    max_size=3,
    unique=True,
)


def stored(maps: np.ndarray, names: tuple[str, ...], size: tuple[float, float] | None) -> Product:
    return Product("element_maps", "", maps, names, size, is_stack=True)


def written_and_read(product: Product, wanted: str, folder: Path) -> ElementCube:
    [path] = write_files(plan_files([(product, wanted)]), folder)
    # Any numbers are drawn, also some that look like markers of missing pixels.
    return read_maps(path, missing="none")


def assert_same(cube: ElementCube, product: Product) -> None:
    assert cube.elements == product.names
    maps = np.asarray(cube.maps)
    assert maps.dtype == product.planes.dtype.newbyteorder("=")
    # Bit for bit, so that -0.0 and 0.0 differ; NaN is NaN whatever its bits.
    same = np.array_equal(maps, product.planes, equal_nan=maps.dtype.kind == "f")
    assert same
    if maps.dtype.kind == "f":
        known = ~np.isnan(maps)
        assert np.array_equal(np.signbit(maps)[known], np.signbit(product.planes)[known])
    assert cube.pixel_size == product.pixel_size


@pytest.mark.parametrize("wanted", ["ome", "imagej", "zarr"])
@bounded
@given(data=st.data(), dtype=st.sampled_from(DTYPES), size=sizes)
def test_stacks_come_back_to_the_last_count_and_micrometre(wanted, data, dtype, size):
    maps = data.draw(values(dtype))
    product = stored(maps, ELEMENTS[: len(maps)], size)
    with tempfile.TemporaryDirectory() as place:
        first = written_and_read(product, wanted, Path(place, "a"))
        assert_same(first, product)
        again = stored(np.asarray(first.maps), first.elements, first.pixel_size)
        assert_same(written_and_read(again, wanted, Path(place, "b")), product)


@bounded
@given(data=st.data(), dtype=st.sampled_from(DTYPES), size=sizes)
def test_a_folder_of_tiffs_comes_back(data, dtype, size):
    maps = data.draw(values(dtype))
    # In the order of names, which is the order of files in a folder.
    product = stored(maps, tuple(sorted(ELEMENTS[: len(maps)])), size)
    with tempfile.TemporaryDirectory() as place:
        assert_same(written_and_read(product, "folder", Path(place)), product)


@pytest.mark.parametrize("wanted", ["ome", "imagej", "zarr"])
@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 1, 5), (2, 5, 1), (4, 3, 3), (1, 4, 1)])
def test_maps_of_one_row_or_column_come_back(tmp_path, wanted, shape):
    maps = np.arange(1, np.prod(shape) + 1, dtype=np.uint16).reshape(shape)
    product = stored(maps, ELEMENTS[: shape[0]], (20.0, 25.0))
    assert_same(written_and_read(product, wanted, tmp_path), product)


@pytest.mark.parametrize("wanted", ["ome", "imagej", "zarr"])
@bounded
@given(names=odd_names)
def test_odd_names_come_back(wanted, names):
    maps = np.arange(36, dtype=np.uint16).reshape(3, 4, 3)
    product = stored(maps, tuple(names), (20.0, 25.0))
    with tempfile.TemporaryDirectory() as place:
        assert_same(written_and_read(product, wanted, Path(place)), product)


@bounded
@given(data=st.data(), dtype=st.sampled_from(DTYPES), size=sizes)
def test_a_table_of_pixels_gives_every_number_back(data, dtype, size):
    """Parsed with the csv module's idea of a number: what Python and a spreadsheet read."""
    maps = data.draw(values(dtype))
    names = ELEMENTS[: len(maps)]
    with tempfile.TemporaryDirectory() as place:
        [path] = write_files(plan_files([(stored(maps, names, size), "csv")]), Path(place))
        head, *lines = path.read_text(encoding="utf-8").splitlines()
    columns = head.split(",")
    assert columns[-len(names) :] == list(names)
    assert len(lines) == maps[0].size
    for c, name in enumerate(names):
        cells = [line.split(",")[columns.index(name)] for line in lines]
        kind = maps.dtype.type
        back = np.array([np.nan if cell == "" else kind(cell) for cell in cells])
        expected = maps[c].reshape(-1)
        assert np.array_equal(back.astype(kind), expected, equal_nan=maps.dtype.kind == "f")
    if size is not None:
        y_um = [float(line.split(",")[columns.index("y_um")]) for line in lines]
        rows = np.repeat(np.arange(maps.shape[1]), maps.shape[2])
        assert np.allclose(y_um, rows * size[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", ["u4", "i4", "f8", "i1", "i2"])
def test_what_imagej_cannot_hold_becomes_ome_and_says_so(tmp_path, dtype):
    maps = np.arange(12).reshape(2, 2, 3).astype(dtype)
    [planned] = plan_files([(stored(maps, ("Fe", "Si"), (2.0, 3.0)), "imagej")])
    assert planned.name == "element_maps.ome.tif"
    assert f"ImageJ's own TIFF knows no {np.dtype(dtype).name}" in planned.note
    [path] = write_files([planned], tmp_path)
    assert tifffile.imread(path).dtype == np.dtype(dtype)
    assert np.array_equal(tifffile.imread(path), maps)


def test_control_characters_in_a_name_stay_visible(tmp_path):
    maps = np.ones((2, 2, 2), np.uint8)
    product = stored(maps, ("~a\x00b", "~a\nb"), None)
    for wanted in ("ome", "imagej"):
        cube = written_and_read(product, wanted, tmp_path / wanted)
        assert cube.elements == ("~a\\x00b", "~a\\nb")


def test_ome_zarr_metadata_follow_version_0_4(tmp_path):
    maps = np.array([[[0, 7], [3, 0]], [[0, 0], [0, 0]]], np.uint32)
    [path] = write_files(plan_files([(stored(maps, ("Fe", "Si"), (20.0, 25.5)), "zarr")]), tmp_path)
    assert path.name == "element_maps.ome.zarr"
    group = zarr.open_group(str(path), mode="r")
    assert group.metadata.zarr_format == 2
    [image] = group.attrs["multiscales"]
    assert image["version"] == "0.4"
    assert [axis["name"] for axis in image["axes"]] == ["c", "y", "x"]
    assert [axis["type"] for axis in image["axes"]] == ["channel", "space", "space"]
    assert [axis.get("unit") for axis in image["axes"]] == [None, "micrometer", "micrometer"]
    [level] = image["datasets"]
    assert level["coordinateTransformations"] == [{"type": "scale", "scale": [1.0, 20.0, 25.5]}]
    channels = group.attrs["omero"]["channels"]
    assert [channel["label"] for channel in channels] == ["Fe", "Si"]
    assert channels[0]["window"] == {"min": 0.0, "max": 7.0, "start": 0.0, "end": 7.0}
    array = group[level["path"]]
    assert array.dtype == np.uint32
    assert np.array_equal(array[:], maps)
    # Every chunk is there, also the one of zeros: a chunk that is missing is a lost one.
    assert (path / "0" / "1" / "0" / "0").is_file()


def test_ome_zarr_without_a_pixel_size_claims_no_unit(tmp_path):
    product = stored(np.ones((1, 2, 2), np.float32), ("Fe",), None)
    cube = written_and_read(product, "zarr", tmp_path)
    assert cube.pixel_size is None
    attributes = zarr.open_group(str(tmp_path / "element_maps.ome.zarr"), mode="r").attrs
    assert "unit" not in attributes["multiscales"][0]["axes"][1]


@pytest.mark.parametrize("shrink", ["mean", "largest", "first"])
def test_large_ome_zarr_has_smaller_levels_in_their_places(tmp_path, shrink):
    maps = np.zeros((1, 700, 1301), np.float32)
    maps[0, 0, :4] = [1, 5, 2, np.nan]
    maps[0, 698:, 1300] = np.nan  # the last column of blocks holds missing pixels alone
    product = dataclasses.replace(stored(maps, ("Fe",), (20.0, 25.0)), shrink=shrink)
    cube = written_and_read(product, "zarr", tmp_path)
    assert np.array_equal(np.asarray(cube.maps), maps, equal_nan=True)
    assert cube.pixel_size == (20.0, 25.0)
    group = zarr.open_group(str(tmp_path / "element_maps.ome.zarr"), mode="r")
    [image] = group.attrs["multiscales"]
    shapes = [group[level["path"]].shape for level in image["datasets"]]
    assert shapes == [(1, 700, 1301), (1, 350, 651), (1, 175, 326)]
    expected = {"mean": [1.5, 2 / 3], "largest": [5, 2], "first": [1, 2]}[shrink]
    half = group["1"][0]
    assert half.dtype == np.float32
    assert half[0, :2].tolist() == pytest.approx(expected, rel=1e-6)
    assert np.isnan(half[349, 650])
    scale, *moved = image["datasets"][2]["coordinateTransformations"]
    assert scale == {"type": "scale", "scale": [1.0, 80.0, 100.0]}
    centre = {"type": "translation", "translation": [0.0, 30.0, 37.5]}
    assert moved == ([] if shrink == "first" else [centre])


def test_levels_of_counts_stay_counts(tmp_path):
    maps = np.zeros((1, 2, 1200), np.uint16)
    maps[0, :, :2] = 65_535
    maps[0, 0, 2:4] = 1  # a mean of 0.5 is rounded to the even number
    written_and_read(stored(maps, ("Fe",), None), "zarr", tmp_path)
    half = zarr.open_group(str(tmp_path / "element_maps.ome.zarr"), mode="r")["1"]
    assert half.dtype == np.uint16
    assert half[0, 0, :2].tolist() == [65_535, 0]
