"""ENVI: whatever a header declares about numbers, bands and pixels is applied or said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.lookup import is_spectrum_image, open_spectra

NAMES = ("Fe", "Ca", "Si", "Ti")
COUNTS = np.random.default_rng(3).integers(1, 900, (4, 6, 7)).astype("<u2")  # bands, rows, columns
CODES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
TURNS = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}


def write(
    folder: Path,
    lines: str = "",
    *,
    counts: np.ndarray = COUNTS,
    names: tuple[str, ...] = NAMES,
    code: int = 12,
    order: int = 0,
    interleave: str = "bsq",
    kind: str = "ENVI Standard",
    offset: int = 0,
    data: str = "cube.img",
) -> Path:
    """Write a header by hand, as ENVI and Spectral Python write them, and its numbers."""
    bands, height, width = counts.shape
    dtype = (">" if order else "<") + CODES.get(code, "c8")
    named = f"band names = {{\n {', '.join(names)}}}\n" if names else ""
    (folder / "cube.hdr").write_text(
        "ENVI\ndescription = {made for a test,\n lines = 3, bands = 9}\n"
        f"samples = {width}\nlines   = {height}\nbands   = {bands}\nheader offset = {offset}\n"
        f"file type = {kind}\ndata type = {code}\ninterleave = {interleave}\n"
        f"byte order = {order}\n{named}{lines}\n"
    )
    numbers = counts.transpose(TURNS[interleave]).astype(dtype)
    (folder / data).write_bytes(bytes(offset) + numbers.tobytes())
    return folder / "cube.hdr"


def steps_of(path: Path) -> str:
    return " | ".join(read_maps(path).report.steps)


def test_gains_and_offsets_are_applied_and_said(tmp_path: Path) -> None:
    lines = "data gain values = {0.01, 0.02, 0.03, 0.04}\ndata offset values = {0, 1, -1, 0}"
    cube = read_maps(write(tmp_path, lines))
    expected = COUNTS * np.reshape([0.01, 0.02, 0.03, 0.04], (4, 1, 1))
    expected += np.reshape([0, 1, -1, 0], (4, 1, 1))
    np.testing.assert_allclose(cube.maps, expected, rtol=1e-6)
    assert cube.maps.dtype == np.float32
    steps = " | ".join(cube.report.steps)
    assert "values = 0.02 n + 1, from data gain values and offsets in the header (Ca)" in steps
    assert cube.quantity != "counts"


def test_a_reflectance_scale_factor_divides_and_makes_reflectance(tmp_path: Path) -> None:
    cube = read_maps(write(tmp_path, "reflectance scale factor = 10000"))
    np.testing.assert_allclose(cube.maps, COUNTS / 10_000, rtol=1e-6)
    assert cube.quantity == "reflectance"
    assert "values = 0.0001 n, from reflectance scale factor" in " ".join(cube.report.steps)


def test_a_second_scale_is_not_applied_on_top_but_said(tmp_path: Path) -> None:
    lines = "data gain values = {2, 2, 2, 2}\nreflectance scale factor = 100"
    cube = read_maps(write(tmp_path, lines))
    np.testing.assert_allclose(cube.maps, COUNTS / 100, rtol=1e-6)
    assert any("data gain values in the header: not applied" in w for w in cube.report.warnings)


@pytest.mark.parametrize(
    "lines",
    ["", "reflectance scale factor = 1.0", "data gain values = {1,1,1,1}", "x start = 5"],
)
def test_what_changes_nothing_keeps_the_native_numbers(tmp_path: Path, lines: str) -> None:
    cube = read_maps(write(tmp_path, lines))
    assert cube.maps.dtype == np.uint16
    np.testing.assert_array_equal(cube.maps, COUNTS)
    assert not any("values =" in step for step in cube.report.steps)


@pytest.mark.parametrize(("missing", "code"), [(65535, 12), (-9999, 2), (-9999.0, 4), (-1e34, 5)])
def test_the_ignore_value_is_missing(tmp_path: Path, missing: float, code: int) -> None:
    counts = COUNTS.astype(CODES[code])
    counts[1, 2:4, 3] = missing
    lines = f"data ignore value = {missing}\nreflectance scale factor = 2"
    cube = read_maps(write(tmp_path, lines, counts=counts, code=code))
    gone = np.zeros(COUNTS.shape, bool)
    gone[1, 2:4, 3] = True
    np.testing.assert_array_equal(np.isnan(cube.maps), gone)
    np.testing.assert_allclose(cube.maps[~gone], (COUNTS / 2)[~gone], rtol=1e-6)
    assert not cube.valid[2:4, 3].any()
    assert "means missing, from data ignore value" in " ".join(cube.report.steps)


@pytest.mark.parametrize(
    ("unit", "values", "names"),
    [
        ("Nanometers", (650, 700.5, 1400, 2500), ("650 nm", "700.5 nm", "1400 nm", "2500 nm")),
        ("Micrometers", (0.65, 0.7, 1.4, 2.5), ("650 nm", "700 nm", "1400 nm", "2500 nm")),
        ("nm", (650, 650, 700, 800), ("650 nm (band 1)", "650 nm (band 2)", "700 nm", "800 nm")),
        (
            "Wavenumber",
            (4000, 3000, 2000, 900),
            tuple(f"{n}00 cm⁻¹" for n in (40, 30, 20, 9)),
        ),
    ],
)
def test_bands_of_light_are_called_by_their_wavelengths(
    tmp_path: Path, unit: str, values: tuple[float, ...], names: tuple[str, ...]
) -> None:
    lines = f"Wavelength Units = {unit}\nWAVELENGTH = {{\n {', '.join(map(str, values))}}}"
    path = write(tmp_path, lines, names=("B1", "B6", "B7", "B8"))
    cube = read_maps(path)
    assert cube.elements == names
    assert cube.quantity == "reflectance"
    np.testing.assert_array_equal(cube.maps, COUNTS)
    assert not is_spectrum_image(path)


def test_150_bands_in_nm_are_no_x_ray_spectra(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(2900, 3100, (150, 5, 6))
    wavelengths = ", ".join(f"{400 + 4 * i:.2f}" for i in range(150))
    lines = f"wavelength units = Nanometers\nwavelength = {{\n {wavelengths}}}"
    path = write(tmp_path, lines, counts=counts, names=(), code=2, interleave="bil")
    cube = read_maps(path)
    assert (cube.elements[0], cube.elements[-1]) == ("400 nm", "996 nm")
    np.testing.assert_array_equal(cube.maps, counts)
    assert cube.quantity == "reflectance"


def test_energies_are_x_ray_spectra(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (80, 5, 6))
    energies = ", ".join(f"{i / 8}" for i in range(80))
    lines = f"wavelength units = keV\nwavelength = {{{energies}}}"
    lines += "\ndata ignore value = 7\npixel size = {5, 10, units=um}"
    image = open_spectra(write(tmp_path, lines, counts=counts, names=(), interleave="bip"))
    assert image.energy.gain_kev == pytest.approx(0.125)
    assert image.energy.offset_kev == pytest.approx(0, abs=1e-9)
    block = image.block(slice(0, 5))
    np.testing.assert_array_equal(np.isnan(block), counts.transpose(1, 2, 0) == 7)
    assert image.pixel_size == (10, 5)
    assert any("7 means missing" in step for step in image.steps)


@pytest.mark.parametrize("stem", ["Band {}", "B{}", "F{}", "W{}", "B{:02d}"])
def test_numbered_bands_never_become_elements(tmp_path: Path, stem: str) -> None:
    counts = np.random.default_rng(0).integers(2900, 3100, (40, 5, 6))
    first = 170 if stem == "W{}" else 1
    names = tuple(stem.format(first + i) for i in range(40))
    cube = read_maps(write(tmp_path, counts=counts, names=names, code=2, interleave="bip"))
    assert cube.elements == names
    np.testing.assert_array_equal(cube.maps, counts)
    assert cube.quantity == "unknown"
    assert "what the bands are is unknown" in " ".join(cube.report.steps)


def test_bands_marked_as_bad_are_left_out_and_said(tmp_path: Path) -> None:
    cube = read_maps(write(tmp_path, "bbl = {1, 0, 1, 0.0}"))
    assert cube.elements == ("Fe", "Si")
    np.testing.assert_array_equal(cube.maps, COUNTS[[0, 2]])
    assert "2 bands are left out" in " ".join(cube.report.steps)
    assert "Ca, Ti" in " ".join(cube.report.steps)


@pytest.mark.parametrize(
    ("field", "size", "said"),
    [
        ("pixel size = {20, 25, units=Micrometers}", (25, 20), ""),
        ("pixel size = {0.02, 0.025, units=mm}", (25, 20), ""),
        ("pixel size = {2e-5, 2.5e-5}", (25, 20), ""),  # metres by default
        ("map info = {Arbitrary, 1, 1, 0, 0, 2e-5, 2.5e-5, units=Meters}", (25, 20), ""),
        (
            "map info = {Arbitrary, 1, 1, 0, 0, 20, 25, units=µm, rotation=30}",
            (25, 20),
            "turned by 30",
        ),
        ("map info = {UTM, 1, 1, 0, 0, 30, 30, 11, North, WGS-84}", None, "30 x 30 meters"),
        (
            "map info = {Geographic Lat/Lon, 1, 1, 0, 0, 0.1, 0.1, WGS-84, units=Degrees}",
            None,
            "Degrees",
        ),
        ("map info = {Arbitrary, 1, 1, 0, 0, 5, 5}", None, "without a unit"),
    ],
)
def test_pixel_sizes(
    tmp_path: Path, field: str, size: tuple[float, float] | None, said: str
) -> None:
    path = write(tmp_path, field)
    assert read_maps(path).pixel_size == size
    assert said in steps_of(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "ENVI Classification"}, "a class map"),
        ({"kind": "ENVI Spectral Library"}, "a library of single spectra"),
        ({"kind": "TIFF"}, "a file of the type TIFF"),
        ({"code": 6}, "complex numbers"),
        ({"lines": "file compression = 1"}, "compressed"),
        ({"lines": "major frame offsets = {0, 8}"}, "major frame offsets"),
        ({"lines": "lines = 7"}, "says lines twice, 6 and 7"),
        ({"lines": "wavelength = {1, 2"}, "brace after wavelength is not closed"),
        ({"lines": "data gain values = {1, 2}"}, "4 bands but 2 data gain values"),
        ({"lines": "reflectance scale factor = 0"}, "reflectance scale factor 0"),
    ],
)
def test_true_refusals(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_maps(write(tmp_path, **change))


def test_comments_between_braces_are_no_part_of_a_list(tmp_path: Path) -> None:
    lines = "; lines = 99\nwavelength units = nm\nwavelength = {650,\n; 651,\n 700, 800,\n 900 }"
    cube = read_maps(write(tmp_path, lines, names=()))
    assert cube.elements == ("650 nm", "700 nm", "800 nm", "900 nm")


def test_the_file_of_the_right_size_is_chosen_and_said(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "cube.dat").write_bytes(bytes(10))
    np.testing.assert_array_equal(read_maps(path).maps, COUNTS)
    assert "numbers from cube.img" in steps_of(path)
    (tmp_path / "cube.dat").write_bytes(bytes(COUNTS.nbytes))
    with pytest.raises(InputError, match=r"could belong to each of cube\.dat and cube\.img"):
        read_maps(path)


@pytest.mark.parametrize("data", ["cube", "cube.bin", "cube.DAT", "cube.bsq", "cube.raw"])
def test_endings_of_the_numbers(tmp_path: Path, data: str) -> None:
    np.testing.assert_array_equal(read_maps(write(tmp_path, data=data)).maps, COUNTS)


def test_the_numbers_of_a_header_are_no_ignored_file(tmp_path: Path) -> None:
    write(tmp_path, names=("Fe", "Ca", "Si", "BSE"))
    (tmp_path / "cube.png").write_bytes(b"a picture")
    ignored = [item.file for item in read_maps(tmp_path).report.ignored]
    assert sorted(ignored) == ["cube.hdr, plane 4 (BSE)", "cube.png"]


def numpy_reads(flat: np.ndarray, shape: tuple[int, ...], interleave: str) -> np.ndarray:
    """The numbers as bands, rows, columns, with nothing but numpy."""
    bands, height, width = shape
    if interleave == "bsq":
        return flat.reshape(bands, height, width)
    if interleave == "bil":
        return flat.reshape(height, bands, width).swapaxes(0, 1)
    return np.moveaxis(flat.reshape(height, width, bands), 2, 0)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    # Rows or columns as many as elements, one row, one column, and long lines.
    shape=st.tuples(st.just(4), st.sampled_from([1, 4, 5, 128]), st.sampled_from([1, 3, 4, 129])),
    code=st.sampled_from(sorted(CODES)),
    order=st.sampled_from([0, 1]),
    interleave=st.sampled_from(sorted(TURNS)),
    offset=st.sampled_from([0, 13]),
    seed=st.integers(0, 99),
)
def test_any_layout_reads_as_numpy_reads_it(
    tmp_path: Path,
    shape: tuple[int, int, int],
    code: int,
    order: int,
    interleave: str,
    offset: int,
    seed: int,
) -> None:
    counts = np.random.default_rng(seed).integers(1, 120, shape)
    path = write(
        tmp_path, counts=counts, code=code, order=order, interleave=interleave, offset=offset
    )
    cube = read_maps(path)
    dtype = np.dtype(CODES[code]).newbyteorder(">" if order else "<")
    flat = np.fromfile(tmp_path / "cube.img", dtype=dtype, offset=offset)
    np.testing.assert_array_equal(cube.maps, numpy_reads(flat, shape, interleave))
    np.testing.assert_array_equal(cube.maps, counts)
    assert cube.elements == NAMES
    assert cube.maps.dtype == np.dtype(CODES[code])
