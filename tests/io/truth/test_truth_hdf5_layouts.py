"""Which arrays of an HDF5 file are the maps: layouts of programs, previews, other kinds of data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps

NAMES = ("Ca", "Fe", "Si", "Ti")
MAPS = np.random.default_rng(9).integers(1, 900, (4, 24, 37)).astype(np.uint16)
PICTURE = np.random.default_rng(2).integers(0, 255, (512, 512, 3)).astype(np.uint8)


def write_maps_file(path: Path, x: NDArray[Any], y: NDArray[Any], scale: float = 1) -> Path:
    """As MAPS / XRF-Maps does."""
    with h5py.File(path, "w") as file:
        group = file.create_group("MAPS/XRF_Analyzed/NNLS")
        group["Counts_Per_Sec"] = (MAPS * scale).astype("f4")
        group["Channel_Names"] = np.array([name.encode() for name in NAMES])
        file["MAPS/Scan/x_axis"], file["MAPS/Scan/y_axis"] = x, y
    return path


def write_groups(path: Path, **groups: NDArray[Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, maps in groups.items():
            for element, plane in zip(NAMES, maps, strict=True):
                file[f"entry/{name}/{element}_K"] = plane
    return path


@pytest.mark.parametrize("name", ["scan.h50", "scan.h57", "scan.mda.h51", "scan.nc", "scan.xrf"])
def test_hdf5_under_other_endings(tmp_path: Path, name: str) -> None:
    path = write_maps_file(tmp_path / name, np.arange(37) * 0.005, np.arange(24) * 0.005)
    assert can_read(path)
    cube = read_maps(path)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS.astype("f4"))
    assert cube.pixel_size == (5.0, 5.0)
    other = tmp_path / "notes.h50"
    other.write_text("no HDF5")
    with pytest.raises(InputError, match="not a file of maps"):
        read_maps(other)


def test_files_of_single_detectors_beside_their_sum(tmp_path: Path) -> None:
    axes = np.arange(37) * 0.005, np.arange(24) * 0.005
    write_maps_file(tmp_path / "s.h5", *axes)
    for i in (0, 1):
        write_maps_file(tmp_path / f"s.h5{i}", *axes, scale=0.5)
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.maps, MAPS.astype("f4"))
    assert {item.file for item in cube.report.ignored} == {"s.h50", "s.h51"}
    (tmp_path / "s.h5").unlink()
    with pytest.raises(InputError, match=r"holds 2 scans \(s\.h50 and s\.h51\): open one of them"):
        read_maps(tmp_path)


def test_the_unit_of_scan_axes(tmp_path: Path) -> None:
    """Padded axes; steps in mm, in µm without a unit (warned), in a unit that the file names."""
    x, y = np.arange(37) * 0.005, np.arange(24) * 0.01
    padded = np.append(x, [0.0, 0.0]), np.append(y, 0.0)
    cube = read_maps(write_maps_file(tmp_path / "mm.h5", *padded))
    assert cube.pixel_size == (10.0, 5.0)
    assert any("taken for mm" in step for step in cube.report.steps)
    assert not any("taken for" in warning for warning in cube.report.warnings)
    cube = read_maps(write_maps_file(tmp_path / "um.h5", 1000 * x - 50, 1000 * y[::-1]))
    assert cube.pixel_size == (10.0, 5.0)
    assert any("taken for µm" in warning for warning in cube.report.warnings)
    path = write_maps_file(tmp_path / "named.h5", x, y)
    with h5py.File(path, "a") as file:
        for axis in "xy":
            file[f"MAPS/Scan/{axis}_axis"].attrs["units"] = "um"
    assert read_maps(path).pixel_size == (0.01, 0.005)


def test_uneven_positions_are_no_pixel_size(tmp_path: Path) -> None:
    x = np.cumsum(np.random.default_rng(1).exponential(0.005, 37))
    cube = read_maps(write_maps_file(tmp_path / "s.h5", x, np.arange(24) * 0.01))
    assert cube.pixel_size is None
    assert any("not evenly spaced" in warning for warning in cube.report.warnings)


def test_counts_before_mass_fractions_and_uncertainties(tmp_path: Path) -> None:
    """As PyMca writes the results of a fit; in the order of the alphabet, fractions come first."""
    path = write_groups(
        tmp_path / "fit.h5",
        **{
            "results/massfractions": MAPS * 0.01,
            "results/parameters": MAPS,
            "results/uncertainties": MAPS * 0.1,
        },
    )
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.maps, MAPS)
    [warning] = [text for text in cube.report.warnings if "are read" in text]
    assert "entry/results/massfractions (concentrations)" in warning
    assert '"fit.h5::/entry/results/massfractions"' in warning
    fractions = read_maps(f"{path}::/entry/results/massfractions")
    np.testing.assert_array_equal(fractions.maps, MAPS * 0.01)
    assert fractions.quantity == "concentration"
    only = write_groups(tmp_path / "only.h5", uncertainties=MAPS)
    with pytest.raises(InputError, match="only uncertainties of a fit"):
        read_maps(only)


@pytest.mark.parametrize(
    ("groups", "used"),
    [(("det1", "det2", "detsum"), "detsum"), (("det1", "det2"), "det1"), (("a/fit", "b"), "a/fit")],
)
def test_one_group_of_several_is_read_and_named(
    tmp_path: Path, groups: tuple[str, ...], used: str
) -> None:
    values = {name: MAPS + i for i, name in enumerate(groups)}
    cube = read_maps(write_groups(tmp_path / "scan.h5", **values))
    np.testing.assert_array_equal(cube.maps, values[used])
    assert any(f"the maps of entry/{used} are read" in text for text in cube.report.warnings)


@pytest.mark.parametrize("preview", [PICTURE, PICTURE[..., [0, 1, 2, 0]], PICTURE / 255.0])
def test_a_preview_is_never_three_maps(tmp_path: Path, preview: NDArray[Any]) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["preview"] = preview
    with pytest.raises(InputError, match=r"preview \(512x512x[34]\) looks like a colour picture"):
        read_maps(path)
    with h5py.File(path, "a") as file:
        file.create_dataset("cube", (2, 3, 40, 500, 60), "u2", chunks=True, compression="gzip")
    with pytest.raises(InputError, match=r"no element maps.*cube \(2x3x40x500x60\) and preview"):
        read_maps(path)
    with h5py.File(path, "a") as file:
        del file["cube"]
        file["maps"], file["mask"] = MAPS, np.ones((24, 37), bool)
    np.testing.assert_array_equal(read_maps(path).maps, MAPS)


def test_a_small_stack_beside_a_large_cube_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["cube"], file["other"] = np.zeros((4, 5, 6, 7, 8), "u2"), np.zeros((12, 13, 3), "f4")
    with pytest.raises(InputError, match=r"no element maps.*cube \(4x5x6x7x8\) and other"):
        read_maps(path)
    assert read_maps(f"{path}::/other").maps.shape == (3, 12, 13)


def test_three_named_maps_of_bytes_are_maps(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["maps"], file["elements"] = PICTURE, np.array([b"Fe", b"Ca", b"Si"])
    cube = read_maps(tmp_path / "scan.h5")
    np.testing.assert_array_equal(cube.maps, np.moveaxis(PICTURE, 2, 0))


def test_what_is_no_array_of_numbers_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["mask"] = np.ones((24, 37), bool)
        file["complex"] = np.ones((24, 37), complex)
        file["table"] = np.zeros(5, [("Fe", "f4"), ("Ca", "f4")])
        file["empty"], file["words"] = h5py.Empty("f4"), h5py.Empty(h5py.string_dtype())
        file["bytes"] = np.void(b"abc")
        file.create_dataset("lists", (3,), h5py.vlen_dtype("i4"))
        file.create_dataset("codes", (24, 37), h5py.enum_dtype({"quartz": 0, "pyrite": 1}))
    with pytest.raises(InputError) as error:
        read_maps(path)
    for word in (
        "mask (a mask of true and false)",
        "complex (complex numbers)",
        "table (a table of 2 columns)",
        "codes (codes with names)",
        "empty (empty)",
    ):
        assert word in str(error.value)
    with pytest.raises(InputError, match=r"^scan\.h5: table is a table of 2 columns"):
        read_maps(f"{path}::/table")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    layout=st.sampled_from(["maps", "pyxrf", "group", "stack"]),
    shape=st.sampled_from([(4, 9), (9, 4), (4, 4), (2, 128), (128, 512), (3, 70)]),
    dtype=st.sampled_from(["u1", ">u2", "i4", "f2", "f4", "f8"]),
    words=st.sampled_from(["S2", "S9", "blanks", "utf-8"]),
    packing=st.sampled_from([{}, {"compression": "gzip", "shuffle": True}, {"chunks": True}]),
)
def test_layouts_agree_with_what_h5py_reads(
    tmp_path: Path,
    layout: str,
    shape: tuple[int, int],
    dtype: str,
    words: str,
    packing: dict[str, Any],
) -> None:
    maps = np.random.default_rng(3).integers(0, 250, (4, *shape)).astype(dtype)
    names: Any = np.array([f"{n:8}" if words == "blanks" else n for n in NAMES], "S9")
    if words == "utf-8":
        names = np.array(NAMES, dtype=h5py.string_dtype())
    place, listing = {
        "maps": ("MAPS/XRF_Analyzed/NNLS/Counts_Per_Sec", "MAPS/XRF_Analyzed/NNLS/Channel_Names"),
        "pyxrf": ("xrfmap/detsum/xrf_fit", "xrfmap/detsum/xrf_fit_name"),
        "stack": ("entry/maps", "entry/elements"),
        "group": ("", ""),
    }[layout]
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        if place:
            file.create_dataset(place, data=maps, **packing)
            file[listing] = names
        else:
            for name, plane in zip(NAMES, maps, strict=True):
                file.create_dataset(f"fit/parameters/{name}", data=plane, **packing)
    cube = read_maps(path)
    with h5py.File(path, "r") as file:
        by_hand = [
            file[place][i] if place else file[f"fit/parameters/{name}"][()]
            for i, name in enumerate(cube.elements)
        ]
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, np.stack(by_hand))
    assert cube.maps.dtype == np.dtype(dtype).newbyteorder("=")
