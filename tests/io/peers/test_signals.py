"""Signals of HyperSpy in Zarr and EMD, in files that HyperSpy 2.5 wrote, and pictures of Velox.

The files hold ``benchmarks/peer_files.py``'s map of iron with pixels of 25 x 12.5 µm.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

FILES = Path(__file__).parent / "files"
IRON = np.random.default_rng(1).integers(300, 60_000, (5, 11, 7)).astype(np.uint16)[0]
LABELS = ("Fe", "Ca", "HAADF")


@pytest.fixture
def zspy(tmp_path: Path) -> Path:
    with zipfile.ZipFile(FILES / "Fe_Ka.zspy.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "Fe_Ka.zspy"


def test_a_store_of_hyperspy_is_a_map(zspy: Path) -> None:
    for source in (zspy, zspy.parent):
        cube = read_maps(source)
        assert cube.elements == ("Fe Ka",)
        assert cube.maps.dtype == np.uint16
        np.testing.assert_array_equal(cube.maps[0], IRON)
        assert cube.pixel_size == (25.0, 12.5)


def test_a_store_without_an_element_in_its_name_has_it_in_its_title(zspy: Path) -> None:
    assert read_maps(zspy.rename(zspy.with_name("scan.zspy"))).elements == ("Fe",)


def test_damaged_stores_are_refused(zspy: Path) -> None:
    [chunk] = [one for one in zspy.rglob("0/0") if one.is_file()]
    good = chunk.read_bytes()
    chunk.write_bytes(good[:-20])
    with pytest.raises(InputError, match=r"Fe_Ka\.zspy"):
        read_maps(zspy)
    chunk.unlink()
    with pytest.raises(InputError, match=r"holds no numbers: none of its chunks is there"):
        read_maps(zspy)


def test_a_zipped_store_and_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "Fe.zspy"
    path.write_bytes((FILES / "Fe_Ka.zspy.zip").read_bytes())
    with pytest.raises(InputError, match=r"is a zipped HyperSpy store.*save it as \.hspy"):
        read_maps(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"Fe\.zspy"):
        read_maps(path)


def test_an_emd_file_of_hyperspy_is_a_map(tmp_path: Path) -> None:
    cube = read_maps(FILES / "Fe_Ka.emd")
    assert cube.elements == ("Fe Ka",)
    assert cube.maps.dtype == np.uint16
    np.testing.assert_array_equal(cube.maps[0], IRON)  # stored as columns x rows
    assert cube.pixel_size == (25.0, 12.5)
    (tmp_path / "scan.emd").write_bytes((FILES / "Fe_Ka.emd").read_bytes())
    assert read_maps(tmp_path / "scan.emd").elements == ("Fe",)


def test_spectra_in_emd_are_refused_with_a_way_out(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.emd", "w") as file:
        group = file.create_group("signals/scan")
        group.attrs["emd_group_type"] = 1
        group["data"] = np.ones((512, 4, 3), np.uint16)
        for i, name in enumerate(("Energy", "x", "y"), start=1):
            group[f"dim{i}"] = [0.0, 1.0]
            group[f"dim{i}"].attrs.update({"name": name, "units": "[k_e_V]" if i == 1 else "[µ_m]"})
    with pytest.raises(InputError, match=r"holds a spectrum per pixel.*save it as \.hspy"):
        read_maps(tmp_path / "scan.emd")


def write_velox(path: Path, version: int) -> np.ndarray:
    """The layout that RosettaSciIO 0.15 reads (rsciio.emd)."""
    maps = np.random.default_rng(4).integers(0, 900, (3, 6, 5)).astype(np.uint16)
    metadata = {
        "BinaryResult": {
            "PixelSize": {"width": "1.5e-07", "height": "2e-07"},
            "PixelUnitX": "m",
        }
    }
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.create_dataset("Version", data=[json.dumps({"version": str(version)})], dtype=text)
        for i, (label, plane) in enumerate(zip(LABELS, maps, strict=True)):
            place = f"Data/Image/{i:032x}"
            file[f"{place}/Data"] = plane[:, :, None]
            stored = np.frombuffer(json.dumps(metadata).encode().ljust(500, b"\0"), np.uint8)
            file[f"{place}/Metadata"] = stored[:, None]
            if version < 11:
                shown = {"dataPath": f"/{place}", "display": {"label": label}}
                where = f"Presentation/Displays/ImageDisplay/{i}"
            else:
                link = f"SharedProperties/ImageSeriesDataReference/{i}"
                told = json.dumps({"dataPath": f"/{place}"})
                file.create_dataset(link, data=[told], dtype=text)
                shown, where = {"data": f"/{link}", "id": label}, f"Displays/ImageDisplay/{i}"
            file.create_dataset(where, data=[json.dumps(shown)], dtype=text)
        file["Data/SpectrumStream/x/Data"] = np.zeros((9, 1), np.uint16)
    return maps


@pytest.mark.parametrize("version", [10, 11])
def test_pictures_of_velox_are_named_by_their_displays(tmp_path: Path, version: int) -> None:
    maps = write_velox(tmp_path / "scan.emd", version)
    cube = read_maps(tmp_path / "scan.emd")
    assert cube.elements == ("Fe", "Ca")
    np.testing.assert_array_equal(cube.maps, maps[:2])
    assert cube.pixel_size == (0.2, 0.15)
    assert [one.reason for one in cube.report.ignored] == ["an electron image"]


def test_damaged_emd_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "Fe.emd"
    good = (FILES / "Fe_Ka.emd").read_bytes()
    for content in (b"", b"no", good[: len(good) // 2], b"II*\0" + good):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"^Fe\.emd ") as error:
            read_maps(path)
        assert "\n" not in str(error.value)
