"""Stacks that `hyperspy.api.stack` made of maps, and EMD files whose axes have no names.

The layouts are those of files that HyperSpy 2.5 wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr

from napari_mineral_anomaly.io import read_maps

NAMES = ("Fe", "Ca", "Ti")
MAPS = np.random.default_rng(3).integers(1, 4000, (3, 9, 14)).astype(np.uint16)
AXES = (("stack_element", True), ("", False), ("", False))
PLACE = "Experiments/Stack of Fe"


def _described(signal: Any, lines: bool) -> None:
    """The axes of a stack, and the metadata of the maps that it was made of."""
    for i, (name, navigate) in enumerate(AXES):
        axis = signal.create_group(f"axis-{i}")
        axis.attrs.update({"name": name, "navigate": navigate, "scale": 1.0, "units": ""})
    for i, name in enumerate(NAMES):
        place = f"original_metadata/stack_elements/element{i}/metadata"
        title = f"X-ray line intensity of : {name}_Ka" if lines else name
        signal.create_group(f"{place}/General").attrs["title"] = title
    # The stack itself has the metadata of the first.
    signal.create_group("metadata/General").attrs["title"] = "Stack of Fe"


def _hspy(path: Path, lines: bool) -> Path:
    with h5py.File(path, "w") as file:
        signal = file.create_group(PLACE)
        signal["data"] = MAPS
        _described(signal, lines)
        for i, name in enumerate(NAMES) if lines else ():
            place = f"original_metadata/stack_elements/element{i}/metadata/Sample"
            signal[f"{place}/_list_xray_lines"] = [f"{name}_Ka"]
        if lines:
            signal["metadata/Sample/_list_xray_lines"] = ["Fe_Ka"]
    return path


def _zspy(path: Path, lines: bool) -> Path:
    signal = zarr.open_group(str(path), mode="w", zarr_format=2).create_group(PLACE)
    signal.create_array("data", data=MAPS)
    _described(signal, lines)
    for i, name in enumerate(NAMES) if lines else ():
        place = f"original_metadata/stack_elements/element{i}/metadata/Sample"
        signal.create_group(place).attrs["_list_xray_lines"] = [f"{name}_Ka"]
    return path


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("write", [_hspy, _zspy])
def test_a_stack_has_the_names_of_its_maps(tmp_path: Path, write: Any, lines: bool) -> None:
    cube = read_maps(write(tmp_path / f"stack.{write.__name__[1:]}", lines))
    assert cube.elements == tuple(f"{name} Ka" if lines else name for name in NAMES)
    np.testing.assert_array_equal(cube.maps, MAPS)


def _emd(path: Path, data: np.ndarray, names: tuple[str, ...]) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("signals/Fe")
        group.attrs["emd_group_type"] = 1
        group["data"] = data
        for i, name in enumerate(names, start=1):
            group[f"dim{i}"] = [0.0, 1.0]
            group[f"dim{i}"].attrs.update({"name": name, "units": ""})
    return path


@pytest.mark.parametrize("channels", ["", "stack_element"])
def test_emd_without_names_of_axes_is_not_turned(tmp_path: Path, channels: str) -> None:
    one = read_maps(_emd(tmp_path / "Fe.emd", MAPS[0].T, ("", "")))
    np.testing.assert_array_equal(one.maps[0], MAPS[0])
    assert any("its axes have no names" in text for text in one.report.warnings)
    stack = read_maps(_emd(tmp_path / "stack.emd", MAPS.T, ("", "", channels)))
    np.testing.assert_array_equal(stack.maps, MAPS)
    assert any("its axes have no names" in text for text in stack.report.warnings)


def test_emd_with_names_of_axes_is_read_by_them(tmp_path: Path) -> None:
    cube = read_maps(_emd(tmp_path / "Fe.emd", MAPS[0], ("y", "x")))
    np.testing.assert_array_equal(cube.maps[0], MAPS[0])
    assert not any("no names" in text for text in cube.report.warnings)
