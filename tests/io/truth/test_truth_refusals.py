"""Refusals are true: about files whose ending lies, and about what this version reads."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.io import netcdf_file, savemat

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.registry import FORMATS

MAP = np.random.default_rng(0).poisson(40, (12, 15)).astype(np.uint16)


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["Fe"] = MAP
        file["Ca"] = MAP


def png(path: Path) -> None:
    Image.fromarray(MAP.astype(np.uint8)).save(path, "png")


def tiff(path: Path) -> None:
    tifffile.imwrite(path, MAP)


def packed(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Fe.txt", "1 2 3")


def excel(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")


def archive_of_arrays(path: Path) -> None:
    content = io.BytesIO()
    np.savez(content, Fe=MAP, Ca=MAP)
    path.write_bytes(content.getvalue())


def netcdf(path: Path) -> None:
    with netcdf_file(path, "w") as file:
        file.createDimension("x", 3)
        file.createVariable("Fe", "i2", ("x",))[:] = [1, 2, 3]


def web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html>404 not found</html>")


def matlab(path: Path) -> None:
    content = io.BytesIO()
    savemat(content, {"Fe": MAP, "Ca": MAP})
    path.write_bytes(content.getvalue())


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("Fe.tif", hdf5, "Fe.tif is not a TIFF but an HDF5 file, by its first bytes: rename it to"),
        ("Fe.csv", png, "Fe.csv is not text but a PNG picture"),
        ("Fe.txt", packed, "Fe.txt is not text but a ZIP archive, by its first bytes: unpack it"),
        (
            "Fe.csv",
            excel,
            "Fe.csv is not text but an Excel sheet, by its first bytes: rename it to Fe.xlsx",
        ),
        ("scan.h5", netcdf, "scan.h5 is not an HDF5 file but a netCDF-3 file"),
        ("Fe.csv", web_page, "Fe.csv is not text but a web page, by its first bytes: the download"),
        ("Fe.txt", tiff, "Fe.txt is not text but a TIFF, by its first bytes: rename it to Fe.tif."),
        ("Fe.npy", archive_of_arrays, "rename it to Fe.npz."),
        ("scan.h5", matlab, "scan.h5 is not an HDF5 file but a MATLAB file"),
        ("scan.hspy", tiff, "scan.hspy is not a HyperSpy file but a TIFF"),
        ("scan", tiff, "scan is a TIFF, by its first bytes: rename it to scan.tif."),
    ],
)
def test_a_file_is_called_what_it_is(
    tmp_path: Path, name: str, write: Callable[[Path], None], sentence: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(InputError) as caught:
        read_maps(tmp_path / name)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("name", "write"), [("a.h5", hdf5), ("a.mat", matlab), ("a.mat", hdf5)])
def test_what_the_sentence_advises_works(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path / name)
    assert set(read_maps(tmp_path / name).elements) == {"Ca", "Fe"}


def test_a_lying_file_in_a_folder_is_named(tmp_path: Path) -> None:
    tiff(tmp_path / "Fe.tif")
    hdf5(tmp_path / "Ca.tif")
    with pytest.raises(InputError, match=r"^Ca\.tif is not a TIFF but an HDF5 file"):
        read_maps(tmp_path)


def test_no_refusal_says_that_what_it_refuses_is_read(tmp_path: Path) -> None:
    """Each format with a small senseless file: never "is a spectrum image; this version reads"."""
    for one in FORMATS:
        for ending in one.endings:
            path = tmp_path / f"x{ending}"
            if path.suffix == ".zarr" or ending == ".pts":
                continue
            path.write_bytes(b"senseless")
            with pytest.raises(InputError) as caught:
                read_maps(path)
            said = str(caught.value)
            assert path.name in said
            assert not ("is a spectrum image" in said and "this version reads" in said), said


def test_leftovers_of_other_programs_are_left_out_with_a_word(tmp_path: Path) -> None:
    tiff(tmp_path / "Fe.tif")
    tiff(tmp_path / "Ca.tif")
    leftovers = {
        "._Fe.tif": "a hidden file of the system",
        ".~lock.scan.csv#": "a hidden file of the system",
        "Thumbs.db": "a hidden file of the system",
        "~$scan.xlsx": "a lock file of an open document",
        "Fe.tif~": "a backup copy of an editor",
        "#Fe.txt#": "a backup copy of an editor",
        "Si.tif.crdownload": "an unfinished download or copy",
        "Si.tif.part": "an unfinished download or copy",
    }
    for name in leftovers:
        (tmp_path / name).write_bytes(b"\0\5\x16\7" + b"\0" * 60)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca", "Fe")
    assert cube.report is not None
    assert {one.file: one.reason for one in cube.report.ignored} == leftovers
    assert cube.report.to_decide == ()


def test_two_kinds_of_numbers_are_asked_for_truly(tmp_path: Path) -> None:
    for name in ("Fe", "Ca", "old_Fe", "old_Ca"):
        tiff(tmp_path / f"{name}.tif")
    with pytest.raises(
        InputError, match=r"\(no other words and old\).*--sample \"old\".*, \"\" for"
    ):
        read_maps(tmp_path)
    assert read_maps(tmp_path, sample="old").report.used[0].file == "old_Ca.tif"
    assert read_maps(tmp_path, sample="").report.used[0].file == "Ca.tif"
