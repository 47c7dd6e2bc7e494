"""Published layouts of HDF5: AZtec of Oxford Instruments, and map files of xraylarch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

NAMES = ("Ca", "Fe", "Ti")
SHAPE = (6, 9)
COUNTS = np.random.default_rng(5).integers(0, 900, (3, *SHAPE))
KINDS = ("Window Integral", "Composition", "Composition Sigma", "K Ratio")


def write_aztec(
    path: Path, kinds: tuple[str, ...] = KINDS, cells: tuple[int, int] = SHAPE, line: str = " Ka1"
) -> np.ndarray:
    """H5OINA specification 5.0 (github.com/oinanoanalysis/h5oina): a row per pixel."""
    maps = COUNTS.astype(np.float32)
    maps[:, 0, 2:5] = np.nan  # outside the acquired area
    with h5py.File(path, "w") as file:
        file["Format Version"] = np.array([b"5.0"])
        header = file.create_group("1/EDS/Header")
        for name, value in zip(("Y Cells", "X Cells"), cells, strict=True):
            header[name] = np.array([[value]], np.int32)
        for name, step in (("X Step", 1.25), ("Y Step", 2.5)):
            header[name] = np.array([[step]], np.float32)
        for factor, kind in enumerate(kinds, start=1):
            for name, plane in zip(NAMES, maps, strict=True):
                suffix = line if kind in ("Window Integral", "Peak Area") else ""
                file[f"1/EDS/Data/{kind}/{name}{suffix}"] = factor * plane.reshape(-1, 1)
        file["1/EDS/Data/Live Time"] = np.ones((maps[0].size, 1), np.float32)
        file["1/EDS/Data/Spectrum"] = np.ones((maps[0].size, 64), np.int32)
        file["1/Electron Image/Data/SE/SE 1"] = np.ones((400, 1), np.uint8)
    return maps


@pytest.mark.parametrize("ending", [".h5oina", ".h5"])
def test_windows_of_aztec(tmp_path: Path, ending: str) -> None:
    maps = write_aztec(tmp_path / f"map{ending}")
    cube = read_maps(tmp_path / f"map{ending}")
    assert cube.elements == ("Ca Ka1", "Fe Ka1", "Ti Ka1")
    assert cube.maps.dtype == np.float32
    np.testing.assert_array_equal(cube.maps, maps)
    assert cube.pixel_size == (2.5, 1.25)
    assert cube.quantity == "counts"
    said = " ".join(cube.report.warnings)
    assert "1/EDS/Data/Composition (concentrations)" in said
    assert "1/EDS/Data/Composition Sigma (uncertainties)" in said


def test_fitted_areas_before_windows_and_fractions_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "map.h5oina"
    maps = write_aztec(path, ("Composition", "Peak Area", "Window Integral"), line=" K series")
    np.testing.assert_array_equal(read_maps(path).maps, 2 * maps)
    fractions = read_maps(f"{path}::/1/EDS/Data/Composition")
    np.testing.assert_array_equal(fractions.maps, maps)
    assert fractions.quantity == "concentration"


def test_aztec_files_without_a_map_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.h5oina"
    write_aztec(path, cells=(6, 10))
    with pytest.raises(InputError, match="holds 54 values, its header says 6x10"):
        read_maps(path)
    write_aztec(path, cells=(1, 54))
    with pytest.raises(InputError, match="a line of 54 points, not a map"):
        read_maps(path)
    write_aztec(path, ("Composition Sigma",))
    with pytest.raises(InputError, match="has only uncertainties"):
        read_maps(path)


def write_xrm(path: Path, version: str) -> None:
    """The layout of larch.xrmmap.xrm_mapfile, xraylarch 2026.3."""
    rows, columns = np.indices(SHAPE)
    places = np.stack([0.002 * columns, 5 - 0.003 * rows, np.ones(SHAPE)], axis=2)
    with h5py.File(path, "w") as file:
        root = file.create_group("xrmmap")
        root.attrs["Version"] = version
        root.create_group("config")
        root["positions/pos"] = places.astype(np.float32)
        root["positions/name"] = np.array([b"fine x", b"fine y", b"mca realtime"])
        roimap: Any = root.create_group("roimap")
        for name, plane in zip(NAMES, COUNTS, strict=True):
            if version[0] == "2":
                for detector, part in (("mca1", plane[:1]), ("mcasum", plane)):
                    roimap[f"{detector}/{name} Ka/raw"] = part.astype(np.uint32)
                    roimap[f"{detector}/{name} Ka/cor"] = (1.5 * part).astype(np.float32)
                    roimap[f"{detector}/{name} Ka/limits"] = [3.6, 3.8]
        if version[0] == "1":
            stack = np.stack([np.full(SHAPE, 7), *COUNTS], axis=2)
            roimap["sum_name"] = np.array([b"I0", *(f"{name} Ka".encode() for name in NAMES)])
            roimap["sum_raw"] = stack.astype(np.float32)
            roimap["sum_cor"] = (1.5 * stack).astype(np.float32)
        root["mcasum/counts"] = np.ones((*SHAPE, 2048), np.float64)
        root["mcasum/energy"] = 0.01 * np.arange(2048)


@pytest.mark.parametrize("version", ["1.0.1", "2.0.0"])
def test_windows_of_xraylarch(tmp_path: Path, version: str) -> None:
    path = tmp_path / "map.h5"
    write_xrm(path, version)
    cube = read_maps(path)
    assert cube.elements == ("Ca Ka", "Fe Ka", "Ti Ka")
    np.testing.assert_array_equal(cube.maps, (1.5 * COUNTS).astype(np.float32))
    assert cube.pixel_size == (3.0, 2.0)
    assert any("corrected for dead time" in step for step in cube.report.steps)
    group = "sum_raw" if version[0] == "1" else "mcasum/raw"
    raw = read_maps(f"{path}::/xrmmap/roimap/{group}")
    np.testing.assert_array_equal(raw.maps, COUNTS)
    assert raw.maps.dtype == (np.float32 if version[0] == "1" else np.uint32)


def test_a_cut_file_of_xraylarch_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.h5"
    write_xrm(path, "2.0.0")
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(InputError, match=r"^map\.h5 "):
        read_maps(path)
