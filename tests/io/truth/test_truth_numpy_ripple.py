"""numpy archives with masks, structured arrays (pewlib), and single maps in Ripple files."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.lookup import open_spectra

NAMES = ("Fe", "Ca", "Si", "Ti")
COUNTS = np.random.default_rng(2).integers(1, 900, (4, 6, 7))


# numpy


def write_pewlib(path: Path, *, gradient: float = 1.0) -> np.ndarray:
    """The arrays that pewlib.io.npz.save writes for a raster scan."""
    names = ("Fe56", "Ca44", "Pb208")
    data = np.zeros((5, 8), dtype=[(name, "<f8") for name in names])
    for i, name in enumerate(names):
        data[name] = np.random.default_rng(i).random((5, 8))
    line = [("intercept", "<f8"), ("gradient", "<f8"), ("unit", "<U32")]
    calibration = np.zeros(3, dtype=[("element", "<U5"), ("calibration", line)])
    calibration["element"] = names
    calibration["calibration"]["gradient"] = [gradient, 1, 1]
    calibration["calibration"]["unit"] = "ppm"
    settings_of_laser = np.array(
        (25.0, 50.0, 0.25), dtype=[("spotsize", "<f8"), ("speed", "<f8"), ("scantime", "<f8")]
    )
    np.savez_compressed(
        path,
        header=np.array("version\t0.10.10\tclass\tRaster"),
        data=data,
        calibration=calibration,
        info=np.array("Name\tscan"),
        config=settings_of_laser,
    )
    return data


def test_laser_maps_of_pewlib(tmp_path: Path) -> None:
    data = write_pewlib(tmp_path / "laser.npz")
    cube = read_maps(tmp_path / "laser.npz")
    assert cube.elements == ("Fe56", "Ca44", "Pb208")
    for plane, name in zip(cube.maps, cube.elements, strict=True):
        np.testing.assert_array_equal(plane, data[name])
    assert cube.pixel_size == (25.0, 12.5)  # a spot high, 50 µm/s for 0.25 s wide
    assert not any("calibration" in warning for warning in cube.report.warnings)


def test_a_calibration_that_is_not_applied_is_said(tmp_path: Path) -> None:
    write_pewlib(tmp_path / "laser.npz", gradient=2.0)
    warnings = " ".join(read_maps(tmp_path / "laser.npz").report.warnings)
    assert "not applied, the maps are as measured (Fe56 in ppm)" in warnings


def test_a_structured_npy_has_a_map_per_field(tmp_path: Path) -> None:
    data = np.zeros((5, 8), dtype=[("Fe", ">f4"), ("Ca", "<u2")])
    data["Fe"], data["Ca"] = COUNTS[0, :5, :1], 3
    np.save(tmp_path / "scan.npy", data)
    cube = read_maps(tmp_path / "scan.npy")
    assert cube.elements == ("Fe", "Ca")
    np.testing.assert_array_equal(cube.maps[0], data["Fe"])


def test_the_mask_of_a_masked_array_is_missing(tmp_path: Path) -> None:
    mask = np.zeros(COUNTS.shape, bool)
    mask[1, 2, 3:5] = mask[3, 0, 0] = True
    np.savez(tmp_path / "scan.npz", data=COUNTS, mask=mask, elements=np.array(NAMES))
    cube = read_maps(tmp_path / "scan.npz")
    np.testing.assert_array_equal(np.isnan(cube.maps), mask)
    np.testing.assert_array_equal(cube.maps[~mask], COUNTS[~mask])
    assert "masked pixels are missing, from the array mask" in " ".join(cube.report.steps)


def test_a_mask_of_one_map_is_not_guessed(tmp_path: Path) -> None:
    mask = np.ones(COUNTS.shape[1:], bool)
    np.savez(tmp_path / "scan.npz", data=COUNTS, mask=mask, elements=np.array(NAMES))
    cube = read_maps(tmp_path / "scan.npz")
    np.testing.assert_array_equal(cube.maps, COUNTS)
    assert any("mask (6x7) is not used" in warning for warning in cube.report.warnings)


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        (np.array(["Fe", "Ca", "Si"]), "its 3 names fit no axis"),
        (np.array(["Fe", "Fe", "Si", "Ti"]), "its 4 names are not all different"),
        (np.array(NAMES, dtype=object), "pickled Python objects"),
    ],
)
def test_lists_of_names_that_are_not_used_are_said(
    tmp_path: Path, elements: np.ndarray, sentence: str
) -> None:
    np.savez(tmp_path / "scan.npz", data=COUNTS, elements=elements)
    assert any(sentence in warning for warning in read_maps(tmp_path / "scan.npz").report.warnings)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.array([{}, 1], dtype=object), "pickled Python objects, which are never loaded"),
        (np.zeros((3, 4, 5), complex), "complex numbers"),
        (np.array(["Fe"]), "no real numbers but <U2"),
    ],
)
def test_true_refusals_of_npy(tmp_path: Path, values: np.ndarray, sentence: str) -> None:
    np.save(tmp_path / "scan.npy", values)
    with pytest.raises(InputError, match=sentence):
        read_maps(tmp_path / "scan.npy")


def test_true_and_false_are_one_and_zero(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", data=COUNTS > 400, elements=np.array(NAMES))
    cube = read_maps(tmp_path / "scan.npz")
    assert cube.maps.dtype == np.uint8
    np.testing.assert_array_equal(cube.maps, COUNTS > 400)


# Ripple


def write_ripple(
    path: Path,
    values: np.ndarray,
    *,
    order: str = "dont-care",
    units: tuple[str, str] = ("µm", "µm"),
    **more: str,
) -> None:
    """A single map as RosettaSciIO writes it: latin-1, tabs."""
    kind = {"u": "unsigned", "i": "signed", "f": "float"}[values.dtype.kind]
    height, width = values.shape
    header = {
        "byte-order": order,
        "data-length": str(values.dtype.itemsize),
        "data-type": kind,
        "depth": "1",
        "height": str(height),
        "height-scale": "25.0",
        "height-units": units[0],
        "offset": "0",
        "record-by": "dont-care",
        "signal": "EDS_SEM",
        "width": str(width),
        "width-scale": "12.5",
        "width-units": units[1],
        **more,
    }
    lines = [";File created by RosettaSciIO version 0.15.0", "key\tvalue"]
    lines += [f"{key}\t{value}" for key, value in header.items()]
    path.with_suffix(".rpl").write_text("\n".join(lines) + "\n", encoding="latin-1")
    path.with_suffix(".raw").write_bytes(values.tobytes())


def test_a_folder_of_single_maps(tmp_path: Path) -> None:
    for name, plane in zip(NAMES, COUNTS.astype("<f4"), strict=True):
        write_ripple(tmp_path / f"{name}_Ka", plane)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca Ka", "Fe Ka", "Si Ka", "Ti Ka")
    np.testing.assert_array_equal(cube.maps, COUNTS[[1, 0, 2, 3]])
    assert cube.pixel_size == (25.0, 12.5)
    assert "little-endian: the header says byte-order dont-care" in " ".join(cube.report.steps)
    assert not cube.report.ignored
    assert read_maps(tmp_path / "Fe_Ka.rpl").elements == ("Fe Ka",)


def test_the_title_names_the_element_where_the_file_does_not(tmp_path: Path) -> None:
    title = "X-ray line intensity of scan: Ca_Ka at 3.69 keV"
    write_ripple(tmp_path / "map_1", COUNTS[0].astype("<f4"), title=title)
    assert read_maps(tmp_path / "map_1.rpl").elements == ("Ca Ka",)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.sampled_from([(1, 7), (7, 1), (6, 7), (128, 3), (3, 512)]),
    dtype=st.sampled_from(["<u1", "<u2", "<i4", "<f4", "<f8", ">u2", ">i4", ">f4"]),
    seed=st.integers(0, 99),
)
def test_any_map_reads_as_numpy_reads_it(
    tmp_path: Path, shape: tuple[int, int], dtype: str, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(1, 120, shape).astype(dtype)
    big = dtype.startswith(">")
    write_ripple(tmp_path / "Fe", values, order="big-endian" if big else "little-endian")
    cube = read_maps(tmp_path / "Fe.rpl")
    independent = np.fromfile(tmp_path / "Fe.raw", dtype=dtype).reshape(shape)
    np.testing.assert_array_equal(cube.maps[0], independent)
    np.testing.assert_array_equal(cube.maps[0], values)
    # The same file without a word on its byte order: right, or refused.
    write_ripple(tmp_path / "Fe", values)
    if big:
        with pytest.raises(InputError, match="make sense as big-endian only"):
            read_maps(tmp_path / "Fe.rpl")
    else:
        np.testing.assert_array_equal(read_maps(tmp_path / "Fe.rpl").maps[0], values)


@pytest.mark.parametrize(
    ("units", "size"),
    [(("mm", "µm"), (25_000.0, None)), (("nm", "nm"), (0.025, 0.0125)), (("", ""), None)],
)
def test_each_axis_has_its_own_unit(
    tmp_path: Path, units: tuple[str, str], size: tuple[float, float | None] | None
) -> None:
    write_ripple(tmp_path / "Fe", COUNTS[0].astype("<f4"), units=units)
    cube = read_maps(tmp_path / "Fe.rpl")
    if size is None or size[1] is None:
        assert cube.pixel_size is None
    else:
        assert cube.pixel_size == size
    warned = any("pixel size in the header is not used" in w for w in cube.report.warnings)
    assert warned == (size is not None and size[1] is None)


def test_a_map_is_no_spectrum_image_and_a_header_of_inca_is_read(tmp_path: Path) -> None:
    write_ripple(tmp_path / "Fe", COUNTS[0].astype("<f4"))
    with pytest.raises(InputError, match="holds a single map"):
        open_spectra(tmp_path / "Fe.rpl")
    spectra = np.random.default_rng(0).integers(0, 9, (3, 4, 100)).astype("<u2")
    lines = {"width": 4, "height": 3, "depth": 100, "offset": 0, "data-length": 2}
    words = {"data-type": "unsigned", "byte-order": "little-endian", "record-by": "vector"}
    text = "(MLX::\n" + "\n".join(f"(MLX:: {k} : {v})" for k, v in {**lines, **words}.items())
    (tmp_path / "inca.rpl").write_text(text)
    (tmp_path / "inca.raw").write_bytes(spectra.tobytes())
    image = open_spectra(tmp_path / "inca.rpl")
    np.testing.assert_array_equal(image.block(slice(0, 3)), spectra)


def test_what_hyperspys_writer_writes_is_read(tmp_path: Path) -> None:
    writer = pytest.importorskip("rsciio.ripple", reason="RosettaSciIO writes the file").file_writer
    values = COUNTS[2].astype("<f4")
    axes = [
        {"name": name, "size": n, "scale": scale, "offset": 0.0, "units": "µm", "navigate": False}
        for name, n, scale in zip("yx", values.shape, (25.0, 12.5), strict=True)
    ]
    signal = {"data": values, "axes": axes, "metadata": {"General": {"title": "Si_Ka"}}}
    signal["metadata"]["Signal"] = {"signal_type": ""}
    writer(str(tmp_path / "Si_Ka.rpl"), signal)
    cube = read_maps(tmp_path / "Si_Ka.rpl")
    np.testing.assert_array_equal(cube.maps[0], values)
    assert (cube.elements, cube.pixel_size) == (("Si Ka",), (25.0, 12.5))


def test_the_length_of_a_header_asks_for_no_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", COUNTS)
    good = (tmp_path / "maps.npy").read_bytes()
    (tmp_path / "maps.npy").write_bytes(good[:6] + b"\x03\x00\xff\xff\xff\x3f" + good[10:])
    tracemalloc.start()
    with pytest.raises(InputError, match=r"maps\.npy is damaged: its header says that it is"):
        read_maps(tmp_path / "maps.npy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
