"""Axes that HDF5 files name: NXdata, HyperSpy, dimension scales. Names decide, not the shape."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rsciio.hspy import file_reader

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps
from napari_mineral_anomaly.io.formats.lookup import open_spectra

NAMES = ("Ca", "Fe", "Si", "Ti")
MAPS = np.random.default_rng(5).integers(1, 900, (4, 24, 37)).astype(np.uint16)
SPECTRA = np.random.default_rng(6).poisson(3, (20, 30, 1024)).astype(np.uint16)
POSITIONS = {"y": np.arange(24) * 25.0, "x": np.arange(37) * 12.5}
HYPERSPY_AXES: dict[str, dict[str, Any]] = {
    "y": {"name": "y", "scale": 7.0, "units": "µm", "navigate": True},
    "x": {"name": "x", "scale": 0.005, "units": "mm", "navigate": True},
    "e": {"name": "Energy", "scale": 0.02, "units": "keV", "navigate": False},
}


def write_nxdata(path: Path, maps: NDArray[Any], axes: str, **positions: NDArray[Any]) -> Path:
    """As silx writes a group to plot: the first map is the signal, the others are auxiliary."""
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/plotselect")
        group.attrs["NX_class"] = "NXdata"
        group.attrs["signal"] = NAMES[0]
        group.attrs["auxiliary_signals"] = np.array(NAMES[1:], dtype=object)
        group.attrs["axes"] = np.array(list(axes), dtype=object)
        for name, plane in zip(NAMES, maps, strict=True):
            group[name] = plane
        for name, values in {**POSITIONS, **positions}.items():
            group[name] = values
            group[name].attrs["units"] = "um"
    return path


def write_hyperspy(path: Path, signals: dict[str, tuple[NDArray[Any], str]]) -> Path:
    """As HyperSpy does; the axes of each signal are named by their letters."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"file_format": "HyperSpy", "file_format_version": "3.3"})
        for title, (data, axes) in signals.items():
            group = file.create_group(f"Experiments/{title}")
            group["data"] = data
            group.create_group("metadata/General").attrs["title"] = title
            group.create_group("original_metadata")
            for i, (letter, size) in enumerate(zip(axes, data.shape, strict=True)):
                described = {"offset": 0.0, "size": size, **HYPERSPY_AXES[letter]}
                group.create_group(f"axis-{i}").attrs.update(described)
    return path


def test_axes_of_silx_give_the_pixel_size(tmp_path: Path) -> None:
    cube = read_maps(write_nxdata(tmp_path / "scan.h5", MAPS, "yx"))
    np.testing.assert_array_equal(cube.maps, MAPS)
    assert cube.pixel_size == (25.0, 12.5)
    assert "the axes are rows x columns, from the axes of NXdata" in cube.report.steps


def test_columns_stored_first_are_turned_and_said(tmp_path: Path) -> None:
    turned = MAPS.transpose(0, 2, 1)
    downwards = POSITIONS["y"][::-1]
    cube = read_maps(write_nxdata(tmp_path / "scan.h5", turned, "xy", y=downwards))
    np.testing.assert_array_equal(cube.maps, MAPS)
    assert cube.pixel_size == (25.0, 12.5)
    assert "columns x rows" in cube.report.steps[0]
    assert "read as rows x columns" in cube.report.steps[0]
    # The first row of the file stays the first: never mirrored.
    assert "rows are as stored; their positions (y) run from high to low" in cube.report.steps


def test_indices_of_nexus_name_the_axes(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "maps", "axes": "sample_x"})
        group.attrs["sample_x_indices"] = 0
        group["maps"] = MAPS[0].T
        group["sample_x"] = np.arange(37) * 0.005
        group["sample_x"].attrs["units"] = "mm"
        file["entry/data"].move("maps", "Fe")
        group.attrs["signal"] = "Fe"
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.plane(0), MAPS[0])
    assert cube.pixel_size is None


def test_positions_without_a_unit_are_told(tmp_path: Path) -> None:
    path = write_nxdata(tmp_path / "scan.h5", MAPS, "yx")
    with h5py.File(path, "a") as file:
        for name in "yx":
            del file[f"entry/plotselect/{name}"].attrs["units"]
    cube = read_maps(path)
    assert cube.pixel_size is None
    assert any(
        "no unit" in warning and "give it in µm" in warning for warning in cube.report.warnings
    )


@pytest.mark.parametrize("name", ["time", "z"])
def test_times_and_depths_are_no_elements(tmp_path: Path, name: str) -> None:
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("series", data=MAPS)
        for i, label in enumerate((name, "y", "x")):
            data.dims[i].label = label
    with pytest.raises(InputError, match=rf"no element maps.*the axes are {name} x rows"):
        read_maps(path)
    with h5py.File(path, "a") as file:
        file["elements"] = np.array([word.encode() for word in NAMES])
    np.testing.assert_array_equal(read_maps(path).maps, MAPS)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=st.sampled_from(list(permutations("cyx"))),
    shape=st.sampled_from([(4, 4), (1, 4), (4, 1), (4, 128), (512, 4), (3, 5), (70, 66)]),
    layout=st.sampled_from(["labels", "scales", "nxdata", "attribute of the field"]),
    steps=st.tuples(st.sampled_from([2.0, 12.5]), st.sampled_from([-3.0, 0.5])),
)
def test_any_order_of_named_axes(
    tmp_path: Path,
    order: tuple[str, ...],
    shape: tuple[int, int],
    layout: str,
    steps: tuple[float, float],
) -> None:
    maps = np.random.default_rng(8).integers(0, 999, (4, *shape)).astype(np.uint16)
    stored = maps.transpose(["cyx".index(letter) for letter in order])
    names = {"c": "element", "y": "y", "x": "x"}
    positions = {"y": np.arange(shape[0]) * steps[0], "x": np.arange(shape[1]) * steps[1]}
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("g/maps", data=stored)
        file["g/element"] = np.array([name.encode() for name in NAMES])
        for letter, values in positions.items():
            file[f"g/{letter}"] = values
            file[f"g/{letter}"].attrs["units"] = "um"
        if layout in ("labels", "scales"):
            for i, letter in enumerate(order):
                data.dims[i].label = names[letter]
                if layout == "scales":
                    file[f"g/{names[letter]}"].make_scale(names[letter])
                    data.dims[i].attach_scale(file[f"g/{names[letter]}"])
        else:
            file["g"].attrs.update({"NX_class": "NXdata", "signal": "maps"})
            words = [names[letter] for letter in order]
            if layout == "nxdata":
                file["g"].attrs["axes"] = words
            else:
                data.attrs["axes"] = ":".join(words)
        if layout == "labels":
            file["g/elements"] = file["g/element"][()]
    # By hand, with h5py and the names alone.
    with h5py.File(path, "r") as file:
        raw = file["g/maps"][()]
    by_hand = raw.transpose([order.index(letter) for letter in "cyx"])
    cube = read_maps(path)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, by_hand)
    np.testing.assert_array_equal(cube.maps, maps)
    if min(shape) > 1 and layout != "labels":
        assert cube.pixel_size == (abs(steps[0]), abs(steps[1]))
    else:
        assert cube.pixel_size is None


@pytest.mark.parametrize("axes", ["".join(letters) for letters in permutations("yxe")])
def test_spectra_of_hyperspy_in_any_order(tmp_path: Path, axes: str) -> None:
    stored = SPECTRA.transpose(["yxe".index(letter) for letter in axes])
    path = write_hyperspy(tmp_path / "s.hspy", {"signal": (stored, axes)})
    image = open_spectra(path)
    np.testing.assert_array_equal(image.counts[0:20, 0:30], SPECTRA)
    np.testing.assert_array_equal(image.counts[3:5, 7:11], SPECTRA[3:5, 7:11])
    assert image.pixel_size == (7.0, 5.0)
    assert image.energy is not None
    assert image.energy.gain_kev == 0.02
    assert "from the axes of HyperSpy" in image.steps[0]
    # HyperSpy's own reader: the same numbers under the same names.
    [signal] = file_reader(str(path))
    order = [[axis["name"] for axis in signal["axes"]].index(n) for n in ("y", "x", "Energy")]
    np.testing.assert_array_equal(signal["data"].transpose(order), image.counts[0:20, 0:30])


def test_two_signals_ask_which(tmp_path: Path) -> None:
    signals = {"first": (SPECTRA, "yxe"), "zsecond": (2 * SPECTRA, "yxe")}
    path = write_hyperspy(tmp_path / "s.hspy", signals)
    with pytest.raises(InputError, match=r'2 spectrum images.*"s\.hspy::/Experiments/first/data"'):
        open_spectra(path)
    for place in ("Experiments/zsecond/data", "Experiments/zsecond"):
        image = open_spectra(path, place)
        np.testing.assert_array_equal(image.counts[0:1, 0:2], 2 * SPECTRA[0:1, 0:2])


def test_maps_of_hyperspy_in_a_folder(tmp_path: Path) -> None:
    for name, plane, axes in (("Fe_Ka", MAPS[0], "yx"), ("Ca_Ka", MAPS[1].T, "xy")):
        write_hyperspy(tmp_path / f"{name}.hspy", {f"X-ray line intensity: {name}": (plane, axes)})
    cube = read_maps(tmp_path)
    assert can_read(tmp_path)
    assert cube.elements == ("Ca Ka", "Fe Ka")
    np.testing.assert_array_equal(cube.maps, MAPS[[1, 0]])
    assert cube.pixel_size == (7.0, 5.0)
    alone = read_maps(tmp_path / "Fe_Ka.hspy")
    np.testing.assert_array_equal(alone.plane(0), MAPS[0])


def test_a_folder_with_maps_and_spectra_of_hyperspy(tmp_path: Path) -> None:
    write_hyperspy(tmp_path / "Fe_Ka.hspy", {"Fe": (MAPS[0], "yx")})
    write_hyperspy(tmp_path / "scan.hspy", {"scan": (SPECTRA, "yxe")})
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe Ka",)
    [ignored] = cube.report.ignored
    assert ignored.file == "scan.hspy"
    assert "open the file itself" in ignored.reason


def test_a_signal_without_a_map_is_refused_truly(tmp_path: Path) -> None:
    path = write_hyperspy(tmp_path / "line.hspy", {"line": (SPECTRA[0, 0], "e")})
    with pytest.raises(InputError, match=r"no maps and no spectra on a map.*data \(1024\)"):
        read_maps(path)


def test_energies_of_nexus_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    cube = SPECTRA[:, :, :256]
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/mca")
        group.attrs.update({"NX_class": "NXdata", "signal": "data"})
        group.attrs["axes"] = ["samy", "energy", "samx"]
        group["data"] = cube.transpose(0, 2, 1)
        group["energy"] = np.arange(256) * 40.0
        group["energy"].attrs["units"] = "eV"
        for name, n, step in (("samy", 20, -0.02), ("samx", 30, 0.01)):
            group[name] = np.arange(n) * step
            group[name].attrs["units"] = "mm"
    image = open_spectra(path)
    np.testing.assert_array_equal(image.counts[0:20, 0:30], cube)
    assert image.pixel_size == (20.0, 10.0)
    assert image.energy is not None
    assert image.energy.gain_kev == pytest.approx(0.04)
