"""Zarr stores: axes, units, missing and packed values, and nothing from outside of the store."""

from __future__ import annotations

import json
import shutil
from itertools import permutations
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.zarr import maps as zarr_maps

NAMES = ("Ca", "Fe", "Si", "Ti")
MAPS = np.random.default_rng(9).integers(1, 900, (4, 24, 37)).astype(np.uint16)
UNITS = {"y": "millimeter", "x": "micrometer", "z": "micrometer"}
KINDS = {"c": "channel", "t": "time"}


def write_array(path: Path, values: NDArray[Any], version: int = 2, **settings_: Any) -> Any:
    attributes = settings_.pop("attributes", {})
    array = zarr.create_array(path, data=values, zarr_format=version, overwrite=True, **settings_)
    array.attrs.update(attributes)
    return array


def write_ngff(
    path: Path,
    values: NDArray[Any],
    axes: str,
    scale: tuple[float, ...],
    version: int = 2,
    units: dict[str, str] | None = None,
    **more: Any,
) -> Path:
    """An image of OME-Zarr 0.4 (Zarr 2) or 0.5 (Zarr 3); ``more`` goes into the attributes."""
    units = UNITS if units is None else units
    group = zarr.open_group(path, mode="w", zarr_format=version)
    write_array(path / "0", values, version)
    described = [
        {
            "name": axis,
            "type": KINDS.get(axis, "space"),
            **({"unit": units[axis]} if axis in units else {}),
        }
        for axis in axes
    ]
    level = {
        "path": "0",
        "coordinateTransformations": [
            {"type": "scale", "scale": list(scale)},
            {"type": "translation", "translation": [7.0] * len(scale)},
        ],
    }
    attributes = {
        "multiscales": [{"axes": described, "datasets": [level]}],
        "omero": {"channels": [{"label": name} for name in NAMES]},
        **more,
    }
    group.attrs.update({"ome": attributes} if version == 3 else attributes)
    return path


def test_units_of_each_axis(tmp_path: Path) -> None:
    cube = read_maps(write_ngff(tmp_path / "s.zarr", MAPS, "cyx", (1, 0.005, 5)))
    assert cube.pixel_size == (5.0, 5.0)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ({"y": "nanometer", "x": "nanometer"}, (0.01, 0.02)),
        ({"y": "inch", "x": "angstrom"}, None),  # 254 000 µm is no pixel
        ({"y": "micrometer"}, (10.0, 20.0)),
        ({}, None),
        ({"y": "parsec", "x": "parsec"}, None),
    ],
)
def test_other_units_and_none(
    tmp_path: Path, units: dict[str, str], expected: tuple[float, float] | None
) -> None:
    path = write_ngff(tmp_path / "s.zarr", MAPS, "cyx", (1, 10, 20), units=units)
    cube = read_maps(path)
    assert cube.pixel_size == expected
    told = any("give it in µm" in warning for warning in cube.report.warnings)
    assert told == (expected is None and "inch" not in units.values())


def test_the_scale_of_all_levels_counts_too(tmp_path: Path) -> None:
    path = write_ngff(tmp_path / "s.zarr", MAPS, "cyx", (1, 0.005, 5))
    group = zarr.open_group(path)
    image = group.attrs["multiscales"]
    image[0]["coordinateTransformations"] = [{"type": "scale", "scale": [1, 2, 3]}]
    group.attrs["multiscales"] = image
    assert read_maps(path).pixel_size == (10.0, 15.0)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=st.sampled_from(list(permutations("cyx"))),
    shape=st.sampled_from([(4, 4), (1, 4), (4, 1), (4, 128), (128, 4), (3, 5)]),
    form=st.sampled_from(["ngff 0.4", "ngff 0.5", "xarray in Zarr 2", "Zarr 3"]),
    is_packed=st.booleans(),
    chunks=st.sampled_from([None, (2, 1, 3)]),
)
def test_any_order_of_named_axes(
    tmp_path: Path,
    order: tuple[str, ...],
    shape: tuple[int, int],
    form: str,
    is_packed: bool,
    chunks: tuple[int, ...] | None,
) -> None:
    maps = np.random.default_rng(8).integers(0, 999, (4, *shape)).astype(np.int16)
    maps[:, 0, 0] = -5
    stored = np.ascontiguousarray(maps.transpose(["cyx".index(letter) for letter in order]))
    path = tmp_path / "s.zarr"
    shutil.rmtree(path, ignore_errors=True)
    packing = {"_FillValue": -5, "scale_factor": 0.5, "add_offset": 3.0} if is_packed else {}
    names = {"c": "element", "y": "y", "x": "x"}
    dimensions = [names[letter] for letter in order]
    version = 2 if form in ("ngff 0.4", "xarray in Zarr 2") else 3
    if form.startswith("ngff"):
        scale = tuple({"c": 1.0, "y": 0.002, "x": 3.0}[letter] for letter in order)
        write_ngff(path, stored, "".join(order), scale, version)
        zarr.open_array(path / "0").attrs.update(packing)
    else:
        zarr.open_group(path, mode="w", zarr_format=version)
        named = {"dimension_names": dimensions} if version == 3 else {}
        array = write_array(path / "maps", stored, version, **named, chunks=chunks or "auto")
        positions = {
            "element": np.array(NAMES),
            "y": np.arange(shape[0]) * 0.002,
            "x": np.arange(shape[1]) * -0.003,
        }
        for name, values in positions.items():
            own = {"dimension_names": [name]} if version == 3 else {}
            beside = write_array(path / name, values, version, **own)
            if version == 2:
                beside.attrs["_ARRAY_DIMENSIONS"] = [name]
            if name != "element":
                beside.attrs["units"] = "mm"
        if version == 2:
            array.attrs["_ARRAY_DIMENSIONS"] = dimensions
        array.attrs.update(packing)
    cube = read_maps(path)
    # By hand, with zarr and the names alone.
    raw = zarr.open_group(path, mode="r")["0" if form.startswith("ngff") else "maps"][...]
    by_hand = raw.transpose([order.index(letter) for letter in "cyx"])
    np.testing.assert_array_equal(by_hand, maps)
    expected = by_hand.astype(np.float64)
    if is_packed:
        expected = np.where(by_hand == -5, np.nan, by_hand * 0.5 + 3.0)
    np.testing.assert_array_equal(cube.maps, expected.astype(cube.maps.dtype))
    assert cube.maps.dtype == (np.float32 if is_packed else np.int16)
    assert cube.elements == NAMES
    if form.startswith("ngff") or min(shape) > 1:
        assert cube.pixel_size == (2.0, 3.0)
    assert any("the axes are" in step for step in cube.report.steps)


def test_the_missing_value_of_xarray_in_zarr_2(tmp_path: Path) -> None:
    """xarray keeps it as that of the array; a plain store means something else by it."""
    stored = MAPS.astype(np.int16)
    stored[:, 3:5] = -999
    names = {"elements": list(NAMES)}
    xarray_names = {"_ARRAY_DIMENSIONS": ["element", "y", "x"], **names}
    write_array(tmp_path / "a.zarr", stored, fill_value=-999, attributes=xarray_names)
    cube = read_maps(tmp_path / "a.zarr")
    assert np.isnan(cube.maps[:, 3:5]).all()
    assert not np.isnan(cube.maps[:, 5:]).any()
    write_array(tmp_path / "b.zarr", stored, fill_value=-999, attributes=names)
    plain = read_maps(tmp_path / "b.zarr", missing="none")
    np.testing.assert_array_equal(plain.maps, stored)


def test_a_missing_value_in_base64_as_xarray_writes_it(tmp_path: Path) -> None:
    stored = MAPS.astype(np.float32)
    stored[:, 0] = -1.5
    attributes = {"_FillValue": "AAAAAAAA+L8=", "elements": list(NAMES)}
    write_array(tmp_path / "s.zarr", stored, 3, attributes=attributes)
    assert np.isnan(read_maps(tmp_path / "s.zarr").maps[:, 0]).all()


def test_filters_of_zarr_are_applied_by_zarr(tmp_path: Path) -> None:
    values = np.round(MAPS * 0.1, 1)
    packing = numcodecs.FixedScaleOffset(offset=0, scale=10, dtype="f8", astype="u2")
    attributes = {"elements": list(NAMES)}
    write_array(tmp_path / "s.zarr", values, filters=[packing], attributes=attributes)
    np.testing.assert_allclose(read_maps(tmp_path / "s.zarr").maps, values)


def test_packed_stores_that_stay_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarr_maps, "LAZY_ABOVE_BYTES", 1000)
    attributes = {"elements": list(NAMES), "_FillValue": 7, "scale_factor": 0.5}
    stored = MAPS.copy()
    stored[:, 2] = 7
    turned = np.ascontiguousarray(stored.transpose(2, 1, 0))
    names = ["x", "y", "element"]
    write_array(tmp_path / "s.zarr", turned, 3, dimension_names=names, attributes=attributes)
    cube = read_maps(tmp_path / "s.zarr")
    assert cube.is_lazy
    assert cube.maps.dtype == np.float32
    expected = np.where(stored == 7, np.nan, stored * 0.5)
    np.testing.assert_array_equal(np.asarray(cube.maps), expected.astype(np.float32))


def test_the_one_image_of_bioformats2raw(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    zarr.open_group(path, mode="w", zarr_format=2).attrs["bioformats2raw.layout"] = 3
    scale = (1, 1, 1, 0.005, 5)
    write_ngff(path / "0", MAPS[None, :, None], "tczyx", scale)
    cube = read_maps(path)
    np.testing.assert_array_equal(cube.maps, MAPS)
    assert cube.pixel_size == (5.0, 5.0)
    assert "the image 0 of the store is read" in cube.report.steps
    # A store without an ending is opened by what lies in it.
    np.testing.assert_array_equal(read_maps(path / "0").maps, MAPS)
    write_ngff(path / "1", 2 * MAPS[None, :, None], "tczyx", scale)
    with pytest.raises(InputError, match=r'holds 2 images \(0 and 1\).*"s\.zarr::/0"'):
        read_maps(path)
    np.testing.assert_array_equal(read_maps(f"{path}::/1").maps, 2 * MAPS)


@pytest.mark.parametrize(
    ("axes", "values", "more", "sentence"),
    [
        ("tyx", MAPS, {}, r"no stack of element maps: its axes are t 4, y 24, x 37"),
        ("zyx", MAPS, {}, r"no stack of element maps: its axes are z 4"),
        ("tcyx", np.stack([MAPS, MAPS]), {}, r"its axes are t 2, c 4"),
        ("yx", MAPS[0], {"image-label": {}}, r"numbers of objects"),
        ("cyx", MAPS, {"multiscales": [{"axes": ["c"], "datasets": [{"path": "0"}]}]}, "1 axes"),
        (
            "cyx",
            MAPS,
            {"multiscales": [{"axes": list("cyx"), "datasets": [{"path": "../o.zarr"}]}]},
            r"lies at \.\./o\.zarr, outside of the store",
        ),
        (
            "cyx",
            MAPS,
            {"multiscales": [{"axes": list("cyx"), "datasets": [{"path": "7"}]}]},
            "level 7 is not there",
        ),
    ],
)
def test_images_that_are_no_maps(
    tmp_path: Path, axes: str, values: NDArray[Any], more: dict[str, Any], sentence: str
) -> None:
    write_array(tmp_path / "o.zarr", MAPS)
    path = write_ngff(tmp_path / "s.zarr", values, axes, (1.0,) * len(axes), **more)
    with pytest.raises(InputError, match=rf"^s\.zarr .*{sentence}"):
        read_maps(path)


def test_plates_and_pictures_are_refused_truly(tmp_path: Path) -> None:
    plate = zarr.open_group(tmp_path / "p.zarr", mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"path": "B/3"}]}
    with pytest.raises(InputError, match=r'a plate of wells.*"p\.zarr::/B/3/0"'):
        read_maps(tmp_path / "p.zarr")
    write_array(tmp_path / "c.zarr", MAPS[:3].astype(np.uint8).transpose(1, 2, 0).copy())
    with pytest.raises(InputError, match="looks like a colour picture"):
        read_maps(tmp_path / "c.zarr")


def test_links_out_of_the_store_are_refused(tmp_path: Path) -> None:
    write_ngff(tmp_path / "other.zarr", MAPS, "cyx", (1, 1, 1))
    path = write_ngff(tmp_path / "s.zarr", MAPS, "cyx", (1, 1, 1))
    shutil.rmtree(path / "0")
    (path / "0").symlink_to(tmp_path / "other.zarr" / "0")
    with pytest.raises(InputError, match=r"^s\.zarr is not complete in itself: 0 is a link to "):
        read_maps(path)
    # The store itself may be a link: the user has chosen it.
    (tmp_path / "link.zarr").symlink_to(tmp_path / "other.zarr")
    np.testing.assert_array_equal(read_maps(tmp_path / "link.zarr").maps, MAPS)


def test_an_old_copy_of_the_metadata_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    zarr.open_group(path, mode="w", zarr_format=2)
    write_array(path / "maps", MAPS, attributes={"elements": list(NAMES)})
    old = json.loads((path / "maps" / ".zarray").read_text())
    metadata = {
        ".zgroup": {"zarr_format": 2},
        "maps/.zarray": {**old, "shape": [2, 24, 37]},
        "../../x/.zarray": old,
    }
    copy = {"zarr_consolidated_format": 1, "metadata": metadata}
    (path / ".zmetadata").write_text(json.dumps(copy))
    np.testing.assert_array_equal(read_maps(path).maps, MAPS)


@pytest.mark.parametrize(
    ("codec", "package"), [("zfpy", "zfpy"), ("imagecodecs_lerc", "imagecodecs")]
)
def test_a_missing_codec_names_its_package(tmp_path: Path, codec: str, package: str) -> None:
    write_array(tmp_path / "s.zarr", MAPS, attributes={"elements": list(NAMES)})
    header = tmp_path / "s.zarr" / ".zarray"
    header.write_text(json.dumps({**json.loads(header.read_text()), "compressor": {"id": codec}}))
    with pytest.raises(InputError, match=rf"codec {codec}, which is not.*pip install {package}"):
        read_maps(tmp_path / "s.zarr")
