"""Missing and packed values that HDF5 files declare: applied, and said in the report.

Files as netCDF, NeXus and plain h5py write them; the right numbers are computed with numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

NAMES = ("Ca", "Fe", "Si", "Ti")
SHAPE = (24, 37)
COUNTS = np.random.default_rng(4).integers(1, 900, (4, *SHAPE)).astype(np.int16)


def write(path: Path, values: NDArray[Any], **attributes: Any) -> Path:
    """A group ``maps`` with a dataset for each element, all with the same attributes."""
    with h5py.File(path, "w") as file:
        for name, plane in zip(NAMES, values, strict=True):
            dataset = file.create_dataset(f"maps/{name}", data=plane)
            dataset.attrs.update(attributes)
    return path


def with_block(values: NDArray[Any], number: float) -> NDArray[Any]:
    """The same maps with a block of missing pixels."""
    changed = values.copy()
    changed[:, 10:15, 20:28] = number
    return changed


def test_fill_value_and_scale_as_netcdf_means_them(tmp_path: Path) -> None:
    stored = with_block(COUNTS, -9999)
    path = write(
        tmp_path / "scan.h5", stored, _FillValue=np.int16(-9999), scale_factor=0.01, units="wt%"
    )
    cube = read_maps(path)
    expected = (COUNTS * 0.01).astype(np.float32)
    expected[:, 10:15, 20:28] = np.nan
    np.testing.assert_array_equal(cube.maps, expected)
    assert cube.maps.dtype == np.float32
    assert cube.quantity == "concentration"
    assert int(np.count_nonzero(cube.valid)) == COUNTS[0].size - 40
    assert cube.report.steps == (
        "-9999 means missing, from the attribute _FillValue",
        "values = 0.01 n, from the attribute scale_factor",
    )
    assert not any("-9999" in warning for warning in cube.report.warnings)


def test_without_declarations_the_native_dtype_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.h5", COUNTS, scale_factor=1.0, add_offset=0.0, long_name="counts")
    cube = read_maps(path)
    assert cube.maps.dtype == np.int16
    np.testing.assert_array_equal(cube.maps, COUNTS)
    assert cube.report.steps == ()


@pytest.mark.parametrize(
    ("attributes", "right", "word"),
    [
        ({"missing_value": np.int16(5)}, lambda n: np.where(n == 5, np.nan, n), "5 means missing"),
        (
            {"missing_value": np.array([5, 6], np.int16)},
            lambda n: np.where((n == 5) | (n == 6), np.nan, n),
            "5 and 6 mean missing",
        ),
        ({"NODATA": 7}, lambda n: np.where(n == 7, np.nan, n), "7 means missing"),
        (
            {"valid_range": np.array([100, 500], np.int16), "scale_factor": 2.0},
            lambda n: np.where((n < 100) | (n > 500), np.nan, 2.0 * n),
            "numbers below 100 and above 500 are missing",
        ),
        # In the type of the scaled values: about the scaled values (netCDF User Guide).
        (
            {"valid_min": np.float64(100), "scale_factor": 2.0},
            lambda n: np.where(2 * n < 100, np.nan, 2.0 * n),
            "numbers below 100 are missing",
        ),
        ({"valid_max": np.int16(400)}, lambda n: np.where(n > 400, np.nan, n), "above 400"),
        ({"add_offset": -3.5}, lambda n: n - 3.5, "values = n - 3.5"),
        # The fill value of a float map is compared as the map stores it.
        ({"_FillValue": np.float32(0.1)}, lambda n: n * 1.0, None),
    ],
)
def test_every_rule(
    tmp_path: Path,
    attributes: dict[str, Any],
    right: Callable[[NDArray[Any]], NDArray[Any]],
    word: str | None,
) -> None:
    cube = read_maps(write(tmp_path / "scan.h5", COUNTS, **attributes))
    np.testing.assert_array_equal(cube.maps, right(COUNTS).astype(cube.maps.dtype))
    steps = " ".join(cube.report.steps)
    assert steps == "" if word is None else word in steps


def test_bits_that_mean_unsigned_numbers(tmp_path: Path) -> None:
    meant = (COUNTS % 256).astype(np.uint8)
    path = write(
        tmp_path / "scan.h5", meant.view(np.int8), _Unsigned="true", _FillValue=np.int8(-1)
    )
    cube = read_maps(path)
    expected = np.where(meant == 255, np.nan, meant).astype(np.float32)
    np.testing.assert_array_equal(cube.maps, expected)
    assert np.isnan(cube.maps).any()
    assert any("unsigned" in step for step in cube.report.steps)


def test_the_missing_value_of_netcdf_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.nc", with_block(COUNTS, -32767))
    with h5py.File(path, "a") as file:
        file.attrs["_NCProperties"] = "version=2,netcdf=4.9.2,hdf5=1.14.3"
    cube = read_maps(path)
    assert np.isnan(cube.maps[:, 10:15, 20:28]).all()
    assert np.nansum(cube.maps) == COUNTS.sum() - COUNTS[:, 10:15, 20:28].sum()


def test_fields_of_nexus_that_scale(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "Ca"})
        for name, plane in zip(NAMES, COUNTS, strict=True):
            group[name] = plane
        group["Fe_scaling_factor"], group["Fe_offset"] = 0.5, 10.0
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.plane(1), (COUNTS[1] + 10.0) * 0.5)
    np.testing.assert_array_equal(cube.plane(0), COUNTS[0])
    assert cube.report.steps == (
        "values = 0.5 n + 5, from the NeXus fields Fe_scaling_factor and Fe_offset (Fe)",
    )


@pytest.mark.parametrize("factor", [0.0, float("nan"), np.array([1.0, 2.0])])
def test_a_scale_that_cannot_be_is_refused(tmp_path: Path, factor: Any) -> None:
    path = write(tmp_path / "scan.h5", COUNTS, scale_factor=factor)
    with pytest.raises(InputError, match=r"^scan\.h5, maps/Ca: the attribute scale_factor is "):
        read_maps(path)


@pytest.mark.parametrize("fill", [np.nan, -1.0])
def test_blocks_never_written_are_missing_only_where_the_file_says_so(
    tmp_path: Path, fill: float
) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        for name, plane in zip(NAMES, COUNTS, strict=True):
            dataset = file.create_dataset(name, SHAPE, "f4", chunks=(8, 37), fillvalue=fill)
            dataset[:16] = plane[:16]
    if not np.isnan(fill):
        with pytest.raises(InputError, match="never written"):
            read_maps(path)
        with h5py.File(path, "a") as file:
            for name in NAMES:
                file[name].attrs["_FillValue"] = np.float32(fill)
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.maps[:, :16], COUNTS[:, :16])
    assert np.isnan(cube.maps[:, 16:]).all()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dtype=st.sampled_from(["i1", "u1", "<i2", ">i2", "u2", "i4", "f4", "f8"]),
    fill=st.one_of(st.none(), st.integers(-100, 100)),
    factor=st.one_of(st.none(), st.sampled_from([0.5, 0.01, -2.0, 1e-6])),
    offset=st.one_of(st.none(), st.integers(-1000, 1000)),
    shape=st.sampled_from([(1, 4), (4, 4), (4, 1), (5, 128), (7, 3)]),
    as_stack=st.booleans(),
)
def test_any_packing_is_unpacked_as_by_hand(
    tmp_path: Path,
    dtype: str,
    fill: int | None,
    factor: float | None,
    offset: int | None,
    shape: tuple[int, int],
    as_stack: bool,
) -> None:
    stored = np.random.default_rng(7).integers(0, 120, (4, *shape)).astype(dtype)
    can_hold = fill is not None and not (fill < 0 and stored.dtype.kind == "u")
    attributes: dict[str, Any] = {}
    if fill is not None:
        attributes["_FillValue"] = np.array(fill).astype(dtype) if can_hold else np.int16(fill)
    if factor is not None:
        attributes["scale_factor"] = factor
    if offset is not None:
        attributes["add_offset"] = float(offset)
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        if as_stack:
            dataset = file.create_dataset("a/maps", data=stored)
            dataset.attrs.update(attributes)
            dataset.dims[0].label, dataset.dims[1].label, dataset.dims[2].label = (
                "element",
                "y",
                "x",
            )
            file["a/elements"] = np.array([name.encode() for name in NAMES])
        else:
            for name, plane in zip(NAMES, stored, strict=True):
                file.create_dataset(f"a/{name}", data=plane).attrs.update(attributes)
    # By hand: h5py gives the numbers as stored.
    with h5py.File(path, "r") as file:
        raw = file["a/maps"][()] if as_stack else np.stack([file[f"a/{n}"][()] for n in NAMES])
    expected = raw.astype(np.float64) * (factor or 1.0) + (offset or 0)
    if can_hold and (fill != 0 or offset):  # 0 is a count, unless an offset moves it
        expected[raw == fill] = np.nan
    cube = read_maps(path)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, expected.astype(cube.maps.dtype))
    assert cube.maps.dtype == (
        np.float32
        if attributes.keys() - {"_FillValue"} and ((factor or 1.0, offset or 0) != (1.0, 0))
        else cube.maps.dtype
    )
