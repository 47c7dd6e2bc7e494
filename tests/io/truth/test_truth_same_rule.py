"""The same declaration follows the same rule in every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_mineral_anomaly import read_maps
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import open_spectra

NAMES = ("Fe", "Ca", "Si", "Ti")
MAPS = np.random.default_rng(4).integers(3, 900, (4, 9, 13)).astype(np.uint16)
HOLE = (slice(None), slice(2, 5), slice(6, 9))
PACKED = MAPS.copy()
PACKED[HOLE] = 0
UNPACKED = PACKED * 0.5 - 3.0
UNPACKED[HOLE] = np.nan


def packed_tiffs(folder: Path) -> Path:
    items = "".join(
        f'<Item name="{role.upper()}" sample="0" role="{role}">{number}</Item>'
        for role, number in (("scale", 0.5), ("offset", -3))
    )
    tags = [
        (42112, 2, 0, f"<GDALMetadata>{items}</GDALMetadata>", True),
        (42113, 2, 0, "0", True),
    ]
    for name, values in zip(NAMES, PACKED, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", values, extratags=tags)
    return folder


def envi(folder: Path, counts: np.ndarray[Any, Any], lines: str) -> Path:
    bands, height, width = counts.shape
    (folder / "s.img").write_bytes(counts.astype("<u2").tobytes())
    (folder / "s.hdr").write_text(
        f"ENVI\nsamples = {width}\nlines = {height}\nbands = {bands}\nheader offset = 0\n"
        f"data type = 12\ninterleave = bsq\nbyte order = 0\n{lines}\n"
    )
    return folder / "s.hdr"


def packed_envi(folder: Path) -> Path:
    names = f"band names = {{{', '.join(NAMES)}}}\ndata ignore value = 0\n"
    gains = "data gain values = {.5, .5, .5, .5}\ndata offset values = {-3, -3, -3, -3}"
    return envi(folder, PACKED, names + gains)


ATTRIBUTES = {"scale_factor": 0.5, "add_offset": -3.0, "_FillValue": 0}


def packed_hdf5(folder: Path) -> Path:
    with h5py.File(folder / "s.h5", "w") as file:
        for name, values in zip(NAMES, PACKED, strict=True):
            file.create_dataset(name, data=values).attrs.update(ATTRIBUTES)
    return folder / "s.h5"


def packed_zarr(folder: Path) -> Path:
    path = folder / "s.zarr"
    array = zarr.create_array(str(path), shape=PACKED.shape, dtype=PACKED.dtype)
    array[:] = PACKED
    array.attrs.update({**ATTRIBUTES, "elements": list(NAMES)})
    return path


@pytest.mark.parametrize("write", [packed_tiffs, packed_envi, packed_hdf5, packed_zarr])
def test_0_is_missing_where_an_offset_moves_it(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    cube = read_maps(write(tmp_path))
    order = [cube.elements.index(name) for name in NAMES]
    np.testing.assert_allclose(cube.maps[order], UNPACKED)
    steps = " ".join(cube.report.steps)
    assert "0 means missing" in steps
    assert "pixels that are 0 in every element" not in steps


@pytest.mark.parametrize("kind", ["tiff", "npy", "zarr"])
def test_true_and_false_are_1_and_0(kind: str, tmp_path: Path) -> None:
    flags = MAPS % 2 == 0
    path = tmp_path
    if kind == "zarr":
        path = tmp_path / "s.zarr"
        array = zarr.create_array(str(path), shape=flags.shape, dtype=bool)
        array[:] = flags
        array.attrs["elements"] = list(NAMES)
    for name, values in zip(NAMES, flags, strict=True):
        if kind == "tiff":
            tifffile.imwrite(path / f"{name}.tif", values)
        elif kind == "npy":
            np.save(path / f"{name}.npy", values)
    cube = read_maps(path)
    assert cube.maps.dtype == np.uint8
    order = [cube.elements.index(name) for name in NAMES]
    np.testing.assert_array_equal(cube.maps[order], flags)
    assert len(cube.report.used) == 4


@pytest.mark.parametrize("number", [-1, -9999, 65504])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_float16_maps_with_markers(number: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).poisson(30, (2, 20, 31)).astype(np.float16)
    values[:, 3:6, 4:9] = number
    for name, plane in zip(NAMES, values, strict=False):
        np.save(tmp_path / f"{name}.npy", plane)
    cube = read_maps(tmp_path)
    said = f"{values[0, 3, 4]:.0f}"
    assert any(said in warning for warning in cube.report.warnings)
    np.testing.assert_array_equal(np.isnan(cube.maps), (values == number) & (number < 0))


@pytest.mark.parametrize("channels", ["first", "last", None])
def test_a_mask_follows_the_axis_of_the_channels(channels: Any, tmp_path: Path) -> None:
    """All sides are equally long, so the shape does not tell the axis."""
    values = np.random.default_rng(1).integers(1, 99, (6, 6, 6)).astype(np.uint16)
    mask = np.random.default_rng(2).random(values.shape) < 0.2
    names = ["Fe", "Ca", "Si", "Ti", "K", "Al"]
    np.savez(tmp_path / "s.npz", data=values, mask=mask, elements=np.array(names))
    cube = read_maps(tmp_path / "s.npz", channels=channels)
    expected = np.where(mask, np.nan, values)
    if channels == "last":
        expected = np.moveaxis(expected, 2, 0)
    np.testing.assert_array_equal(cube.maps, expected)
    assert any("masked pixels are missing" in step for step in cube.report.steps)


@pytest.mark.parametrize("kind", ["dataset", "file", "zarr"])
def test_names_in_attributes(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("s.zarr" if kind == "zarr" else "s.h5")
    stored = np.moveaxis(MAPS, 0, 1)  # the list fits the middle axis only
    if kind == "zarr":
        array = zarr.create_array(str(path), shape=stored.shape, dtype=stored.dtype)
        array[:] = stored
        array.attrs["elements"] = list(NAMES)
    else:
        with h5py.File(path, "w") as file:
            data = file.create_dataset("maps", data=stored)
            (data if kind == "dataset" else file).attrs["elements"] = list(NAMES)
    cube = read_maps(path)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS)


@pytest.mark.parametrize("kind", ["dataset", "zarr"])
def test_names_that_fit_no_axis_are_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("s.zarr" if kind == "zarr" else "s.h5")
    names = ["Fe", "Ca", "Si"]
    if kind == "zarr":
        array = zarr.create_array(str(path), shape=MAPS.shape, dtype=MAPS.dtype)
        array[:] = MAPS
        array.attrs["elements"] = names
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("maps", data=MAPS).attrs["elements"] = names
    warnings = read_maps(path).report.warnings
    assert any("elements is not used: its 3 names" in warning for warning in warnings)


@pytest.mark.parametrize("um", [5e7, 1e-7])
@pytest.mark.parametrize("kind", ["npy", "npz", "hdf5", "nxdata", "zarr"])
def test_a_size_that_no_scan_has_is_said(kind: str, um: float, tmp_path: Path) -> None:
    path = tmp_path / {"npy": "s.npy", "npz": "s.npz", "zarr": "s.zarr"}.get(kind, "s.h5")
    if kind == "npy":
        np.save(path, MAPS)
        said = {"elements": list(NAMES), "pixel_size_um": um}
        path.with_suffix(".json").write_text(json.dumps(said))
    elif kind == "npz":
        np.savez(path, maps=MAPS, elements=np.array(NAMES), pixel_size_um=um)
    elif kind == "zarr":
        array = zarr.create_array(str(path), shape=MAPS.shape, dtype=MAPS.dtype)
        array[:] = MAPS
        array.attrs.update({"elements": list(NAMES), "pixel_size_um": um})
    else:
        with h5py.File(path, "w") as file:
            group = file.create_group("d")
            group["data"], group["elements"] = MAPS, [name.encode() for name in NAMES]
            if kind == "hdf5":
                file.attrs["pixel_size_um"] = um
            else:
                group.attrs.update(NX_class="NXdata", signal="data", axes=["elements", "y", "x"])
                for axis, size in (("y", 9), ("x", 13)):
                    group[axis] = np.arange(size) * um
                    group[axis].attrs["units"] = "um"
    cube = read_maps(path)
    assert cube.elements == NAMES
    assert cube.pixel_size is None
    assert any("which no scan has" in warning for warning in cube.report.warnings)


def spectra() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).integers(1, 60, (5, 6, 80)).astype(np.uint16)


@pytest.mark.parametrize("kind", ["envi", "hdf5"])
def test_missing_spectra_are_missing_in_maps(kind: str, tmp_path: Path) -> None:
    counts = spectra()
    counts[1, 2] = 65535
    if kind == "envi":
        kev = ", ".join(f"{0.1 * i:.1f}" for i in range(80))
        lines = f"wavelength units = keV\nwavelength = {{{kev}}}\ndata ignore value = 65535"
        path = envi(tmp_path, counts.transpose(2, 0, 1), lines)
    else:
        path = tmp_path / "s.h5"
        with h5py.File(path, "w") as file:
            group = file.create_group("d")
            group.attrs.update(NX_class="NXdata", signal="data", axes=["y", "x", "energy"])
            group["data"] = counts
            group["data"].attrs["_FillValue"] = np.uint16(65535)
            group["energy"] = np.arange(80) * 0.1
            group["energy"].attrs["units"] = "keV"
    image = open_spectra(path)
    assert image.sum_spectrum().sum() == counts.sum() - 80 * 65535
    assert any("65535 means missing" in step for step in image.steps)
    assert image.notes == ()
    maps = read_maps(path, elements=["Fe"]).maps
    assert np.argwhere(np.isnan(maps)).tolist() == [[0, 1, 2]]


def test_the_axis_that_the_user_names_is_no_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.moveaxis(spectra(), 2, 0))
    image = open_spectra(tmp_path / "s.npy", channels="first")
    assert image.notes == ()
    assert any("as the user says" in step for step in image.steps)


def test_a_ripple_file_of_a_few_bands_is_no_spectrum_image(tmp_path: Path) -> None:
    (tmp_path / "s.raw").write_bytes(MAPS.astype("<u2").tobytes())
    keys = "width 13\nheight 9\ndepth 4\noffset 0\ndata-length 2\ndata-type unsigned\n"
    keys += "byte-order little-endian\nrecord-by image\n"
    (tmp_path / "s.rpl").write_text("key value\n" + keys)
    with pytest.raises(InputError, match=r"s.rpl holds 4 channels on 9x13 pixels"):
        read_maps(tmp_path / "s.rpl")


UNIT = 'LOCAL_CS["um",UNIT["micrometre",1e-6]]'


@pytest.mark.parametrize(
    ("lines", "um", "is_turned"),
    [
        ("5\n0\n0\n-8\n0\n0", (8, 5), False),
        ("0\n5\n8\n0\n0\n0", (8, 5), True),
        ("-5\n0\n0\n-8\n0\n0", (8, 5), True),
        ("3\n4\n4\n-3\n0\n0", (5, 5), True),
    ],
)
def test_world_files_that_turn_the_map(
    lines: str, um: tuple[float, float], is_turned: bool, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "Fe.tif", MAPS[0])
    (tmp_path / "Fe.tfw").write_text(lines)
    (tmp_path / "Fe.prj").write_text(UNIT)
    cube = read_maps(tmp_path / "Fe.tif")
    np.testing.assert_array_equal(cube.maps[0], MAPS[0])
    assert cube.pixel_size == um
    assert any("stays as stored" in step for step in cube.report.steps) == is_turned


def test_a_world_file_that_contradicts_a_tag_is_said(tmp_path: Path) -> None:
    size = {"resolution": (2000, 1250), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "Fe.tif", MAPS[0], **size)
    (tmp_path / "Fe.tfw").write_text("10\n0\n0\n-10\n0\n0")
    (tmp_path / "Fe.prj").write_text(UNIT)
    cube = read_maps(tmp_path / "Fe.tif")
    assert cube.pixel_size == (8, 5)
    assert any("8 x 5 µm, is used; the world file" in line for line in cube.report.warnings)
