"""MATLAB scenes, classic and 7.3."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps, read_scene

DATA = np.random.default_rng(0).random((4, 5, 3))
TRUTH = np.zeros((4, 5))
TRUTH[1, 2] = 1


def write_v73(path: Path, **arrays: np.ndarray) -> None:
    """MATLAB stores columns first: on disk every axis is reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = np.transpose(values)


def test_classic_scene(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    savemat(path, {"data": DATA, "map": TRUTH})
    cube, truth = read_scene(path)
    np.testing.assert_array_equal(cube.maps, np.moveaxis(DATA, 2, 0))
    assert cube.elements == ("band 001", "band 002", "band 003")
    assert cube.quantity == "reflectance"
    np.testing.assert_array_equal(truth, TRUTH)
    assert truth.dtype == np.uint8
    assert cube.report.used[1].file == "scene.mat"
    assert cube.report.used[1].page == 2


@pytest.mark.parametrize("names", [("data", "map"), ("image", "mask")])
def test_v73_scene(tmp_path: Path, names: tuple[str, str]) -> None:
    path = tmp_path / "scene.mat"
    write_v73(path, **{names[0]: DATA, names[1]: TRUTH})
    cube, truth = read_scene(path)
    np.testing.assert_array_equal(cube.maps, np.moveaxis(DATA, 2, 0))
    np.testing.assert_array_equal(truth, TRUTH)


def test_integers_and_stored_element_names(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    names = np.array(["Fe", "Si", "Ca"], dtype=object)
    savemat(path, {"data": (DATA * 1000).astype(np.uint16), "map": TRUTH > 0, "elements": names})
    cube, truth = read_scene(path)
    assert cube.elements == ("Fe", "Si", "Ca")
    assert cube.maps.dtype == np.uint16
    assert cube.quantity == "counts"
    assert truth[1, 2] == 1
    assert truth.sum() == 1


def test_without_truth_the_maps_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    savemat(path, {"data": DATA})
    assert read_maps(path).shape == (4, 5)
    with pytest.raises(InputError, match=r"scene\.mat holds no ground truth"):
        read_scene(path)


def test_what_is_no_scene_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scene.mat"
    savemat(path, {"weights": np.ones((3, 3)), "note": "hello"})
    with pytest.raises(InputError, match=r"scene\.mat holds no stack of maps.*weights 3x3"):
        read_maps(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("version", ["classic", "7.3"])
def test_cut_scenes_are_refused(tmp_path: Path, share: float, version: str) -> None:
    path = tmp_path / "scene.mat"
    if version == "classic":
        savemat(path, {"data": DATA, "map": TRUTH}, do_compression=True)
    else:
        write_v73(path, data=DATA, map=TRUTH)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refusals = r"scene\.mat (cannot be read|holds no stack|is no MATLAB|is damaged)"
    with pytest.raises(InputError, match=refusals):
        read_maps(path)


def test_the_only_scene_of_a_folder_is_that_scan(tmp_path: Path) -> None:
    savemat(tmp_path / "scene.mat", {"data": DATA, "map": TRUTH})
    for source in (tmp_path, tmp_path / "scene.mat"):
        assert can_read(source)
        assert read_maps(source).shape == (4, 5)
    savemat(tmp_path / "other.mat", {"data": DATA, "map": TRUTH})
    with pytest.raises(InputError, match=r"holds 2 scans \(other\.mat and scene\.mat\)"):
        read_maps(tmp_path)
    assert not can_read(tmp_path)
