"""MATLAB scenes: axes, names and truth as scipy and h5py read them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps, read_scene

TWELVE = ("Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Ti", "Mn", "Fe", "Zr")
CUBE = np.random.default_rng(0).integers(1, 900, (12, 10, 40))


def codes(word: str) -> np.ndarray:
    return np.array([[ord(letter)] for letter in word], dtype=np.uint16)


def write_v73(path: Path, arrays: dict[str, np.ndarray], names: tuple[str, ...], how: str) -> None:
    """A file as MATLAB writes it with -v7.3: axes reversed, classes as attributes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = np.transpose(values)
            file[name].attrs["MATLAB_class"] = np.bytes_(values.dtype.name)
        if how == "cell":
            references = []
            for i, word in enumerate(names):
                cell = file.create_dataset(f"#refs#/{i}", data=codes(word))
                references.append(cell.ref)
            file.create_dataset("elements", data=np.array([references], dtype=h5py.ref_dtype))
            file["elements"].attrs["MATLAB_class"] = np.bytes_("cell")
        elif how == "char":
            width = max(map(len, names))
            matrix = np.array([[ord(c) for c in word.ljust(width)] for word in names], np.uint16)
            file["elements"] = matrix.T
            file["elements"].attrs["MATLAB_class"] = np.bytes_("char")
        elif how == "string":
            file["elements"] = np.arange(6, dtype=np.uint64)[None]
            file["elements"].attrs["MATLAB_class"] = np.bytes_("string")
            file["elements"].attrs["MATLAB_object_decode"] = np.int32(3)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file")


def write(path: Path, cube: np.ndarray, names: tuple[str, ...], how: str, version: str) -> None:
    if version == "7.3":
        write_v73(path, {"data": cube}, names, how)
    elif how == "char":
        savemat(path, {"data": cube, "elements": np.array(names)})
    else:
        savemat(path, {"data": cube, "elements": np.array(names, dtype=object)})


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("how", ["cell", "char"])
def test_names_that_fit_the_first_axis_decide(tmp_path: Path, how: str, version: str) -> None:
    path = tmp_path / "scan.mat"
    write(path, CUBE, TWELVE, how, version)
    cube = read_maps(path)
    assert cube.elements == TWELVE
    np.testing.assert_array_equal(cube.maps, CUBE)
    assert cube.quantity == "counts"
    steps = " | ".join(cube.report.steps)
    assert "the first axis counts the channels, as long as the list elements (12 names)" in steps


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    is_first=st.booleans(),
    rows=st.sampled_from([2, 11, 12, 13, 128]),
    columns=st.sampled_from([2, 7, 12, 129]),
    dtype=st.sampled_from(["uint8", "uint16", "int32", "float32", "float64"]),
    how=st.sampled_from(["cell", "char"]),
    version=st.sampled_from(["5", "7.3"]),
)
def test_any_order_reads_as_scipy_and_h5py_read_it(
    tmp_path: Path, is_first: bool, rows: int, columns: int, dtype: str, how: str, version: str
) -> None:
    path = tmp_path / "scan.mat"
    maps = np.random.default_rng(rows).integers(1, 200, (12, rows, columns)).astype(dtype)
    write(path, maps if is_first else np.moveaxis(maps, 0, 2), TWELVE, how, version)
    if version == "5":
        stored = loadmat(path)["data"]
    else:
        with h5py.File(path) as file:
            stored = file["data"][()].T
    fits_both = stored.shape[0] == stored.shape[2] == 12
    cube = read_maps(path, channels="first" if fits_both and is_first else None)
    if fits_both and not is_first:
        assert any("--channels first" in warning for warning in cube.report.warnings)
    assert cube.elements == TWELVE
    assert cube.maps.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(cube.maps, stored if is_first else np.moveaxis(stored, 2, 0))
    np.testing.assert_array_equal(cube.maps, maps)


def test_the_truth_decides_and_is_turned_with_the_maps(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    truth = np.zeros((10, 40), bool)
    truth[3, 7:9] = True
    savemat(path, {"data": CUBE, "map": truth})
    cube, read = read_scene(path)
    np.testing.assert_array_equal(cube.maps, CUBE)
    np.testing.assert_array_equal(read, truth)
    assert "map has the rows and columns" in " ".join(cube.report.steps)


def test_an_open_order_is_said_and_overruled(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    savemat(path, {"data": CUBE})
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.maps, np.moveaxis(CUBE, 2, 0))
    assert any("--channels first" in warning for warning in cube.report.warnings)
    np.testing.assert_array_equal(read_maps(path, channels="first").maps, CUBE)


def test_a_mask_of_another_shape_and_a_picture_are_no_truth(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    picture = np.random.default_rng(1).random((12, 10))
    savemat(path, {"data": CUBE, "map": np.ones((3, 4)), "bse": picture})
    warnings = " | ".join(read_maps(path).report.warnings)
    assert "map (3x4) is not used as truth" in warnings
    assert "bse is a truth mask" not in warnings


def test_names_that_fit_no_axis_are_said(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    write(path, CUBE, TWELVE[:5], "cell", "5")
    assert "its 5 names fit no axis" in " | ".join(read_maps(path).report.warnings)


def test_strings_that_only_matlab_reads_are_said(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    write(path, CUBE, TWELVE, "string", "7.3")
    assert "save it as cellstr" in " | ".join(read_maps(path).report.warnings)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_sparse_and_logical_matrices_are_maps(tmp_path: Path, version: str) -> None:
    path = tmp_path / "scan.mat"
    iron = np.zeros((6, 9))
    iron[2, 3:5], iron[5, 8] = 7, 2
    chrome = iron > 5
    if version == "5":
        savemat(path, {"Fe": csc_matrix(iron), "Cr": chrome})
    else:
        write_v73(path, {"Cr": chrome}, (), "none")
        stored = csc_matrix(iron)
        with h5py.File(path, "r+") as file:
            group = file.create_group("Fe")
            group.attrs["MATLAB_sparse"] = np.uint64(6)
            group.attrs["MATLAB_class"] = np.bytes_("double")
            group["data"], group["ir"], group["jc"] = stored.data, stored.indices, stored.indptr
    cube = read_maps(path)
    found = dict(zip(cube.elements, cube.maps, strict=True))
    np.testing.assert_array_equal(found["Fe"], iron)
    np.testing.assert_array_equal(found["Cr"], chrome)


def test_a_struct_is_looked_into_and_said(tmp_path: Path) -> None:
    path = tmp_path / "scan.mat"
    savemat(path, {"scan": {"data": CUBE, "elements": np.array(TWELVE, dtype=object)}})
    cube = read_maps(path)
    assert cube.elements == TWELVE
    np.testing.assert_array_equal(cube.maps, CUBE)
    assert "from the struct scan" in " ".join(cube.report.steps)


def test_complex_numbers_are_named_in_the_refusal(tmp_path: Path) -> None:
    path = tmp_path / "scan.mat"
    savemat(path, {"data": CUBE * 1j})
    with pytest.raises(InputError, match=r"data \(complex numbers"):
        read_maps(path)
