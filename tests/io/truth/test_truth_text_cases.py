"""Text files of instruments, spreadsheets and GIS programs: the true numbers come out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.cube import ElementCube

SHAPE = (24, 37)
ELEMENTS = ("Fe", "Ca", "Si", "Ti")
BASE = np.stack([np.random.default_rng(i).poisson(300 / (i + 1), SHAPE) for i in range(4)])
BASE[0, :, 20:] //= 2
BASE[0, 0, :4] = 1230, 520, 999, 1000


def table(
    maps: np.ndarray,
    heading: tuple[str, str] = ("X (um)", "Y (um)"),
    separator: str = "\t",
    step: float = 5,
    text: Callable[[float], str] = str,
) -> str:
    """A row per pixel: x, y, and the elements."""
    lines = [separator.join([*heading, *ELEMENTS])]
    for y, x in np.ndindex(*maps.shape[1:]):
        place = [f"{x * step:.9g}", f"{y * step:.9g}"]
        lines.append(separator.join([*place, *(text(v) for v in maps[:, y, x])]))
    return "\n".join(lines) + "\n"


def quoted_thousands(value: float) -> str:
    text = f"{value:,}"
    return f'"{text}"' if "," in text else text


def read(tmp_path: Path, name: str, text: str | bytes) -> ElementCube:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_maps(path)


def assert_maps(cube: ElementCube, maps: np.ndarray, elements: tuple[str, ...] = ELEMENTS) -> None:
    for name, plane in zip(elements, maps, strict=True):
        np.testing.assert_array_equal(cube.plane(cube.elements.index(name)), plane)


@pytest.mark.parametrize(("separator", "factor"), [("\t", 10), (",", 4)])
def test_quoted_thousands(tmp_path: Path, separator: str, factor: int) -> None:
    maps = BASE * factor
    text = table(maps, separator=separator, text=quoted_thousands)
    cube = read(tmp_path, "scan.csv", text)
    assert_maps(cube, maps)
    assert cube.pixel_size == (5.0, 5.0)
    assert any("commas mark thousands" in step for step in cube.report.steps)


def test_decimal_commas_that_come_late(tmp_path: Path) -> None:
    maps = BASE.astype(float)
    maps.reshape(4, -1)[:, 60:] += 0.5
    text = table(maps, separator=";", text=lambda v: f"{v:g}".replace(".", ","))
    cube = read(tmp_path, "scan.csv", text)
    assert_maps(cube, maps)
    assert any("commas mark decimals" in step for step in cube.report.steps)


@pytest.mark.parametrize(
    ("x", "y", "unit_um"),
    [
        ("X (m)", "Y (m)", 1e6),
        ("x (microns)", "y (microns)", 1.0),
        ("Stage X (mm)", "Stage Y (mm)", 1e3),
        ("X (inch)", "Y (inch)", 25_400.0),
        ("X, mm", "Y, mm", 1e3),
        ("X[µm]", "Y[µm]", 1.0),
        ("X_um", "Y_um", 1.0),
        ("x-mm", "y-mm", 1e3),
        ("X Position/mm", "Y Position/mm", 1e3),
        ("PosX(cm)", "PosY(cm)", 1e4),
        ("X (nm)", "Y (nm)", 1e-3),
        ("X (Å)", "Y (Å)", 1e-4),
        ("X (Âµm)", "Y (Âµm)", 1.0),
        ("X in mm", "Y in mm", 1e3),
    ],
)
def test_coordinates_in_any_unit(tmp_path: Path, x: str, y: str, unit_um: float) -> None:
    cube = read(tmp_path, "scan.txt", table(BASE, (x, y), step=5 / unit_um))
    assert_maps(cube, BASE)
    assert cube.pixel_size == pytest.approx((5.0, 5.0))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("pos_x", "pos_y"),
        ("sample_x", "sample_y"),
        ("xpos", "ypos"),
        ("X1", "Y1"),
        ("POS X", "POS Y"),
        ("SampleX", "SampleY"),
        ("X (steps)", "Y (steps)"),
    ],
)
def test_without_a_unit_of_length_the_pixel_size_is_asked(tmp_path: Path, x: str, y: str) -> None:
    cube = read(tmp_path, "scan.txt", table(BASE, (x, y)))
    assert_maps(cube, BASE)
    assert cube.pixel_size is None
    [note] = [line for line in cube.report.warnings if "pixel size" in line]
    assert f"the columns {x} and {y}" in note
    assert "their step is 5" in note


def test_each_coordinate_has_its_own_unit(tmp_path: Path) -> None:
    text = table(BASE, ("X (mm)", "Y (um)"), step=0.5)
    assert read(tmp_path, "scan.txt", text).pixel_size == (0.5, 500.0)
    # One unit is meant for both, and that is said.
    cube = read(tmp_path, "scan.txt", table(BASE, ("X (mm)", "Y"), step=0.005))
    assert cube.pixel_size == (5.0, 5.0)
    assert any("Y has no unit" in step for step in cube.report.steps)


def test_a_step_that_is_no_pixel_size_is_said(tmp_path: Path) -> None:
    cube = read(tmp_path, "scan.txt", table(BASE, ("X (m)", "Y (m)")))
    assert cube.pixel_size is None
    assert any("5 m and 5 m, which is no pixel size" in line for line in cube.report.warnings)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("cp1252", "code page 1252"),
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, said: str) -> None:
    text = table(BASE, ("X (µm)", "Y (µm)"), ";").encode(encoding)
    cube = read(tmp_path, "scan.csv", text)
    assert_maps(cube, BASE)
    assert cube.pixel_size == (5.0, 5.0)
    assert any("the text is read as" in step for step in cube.report.steps) == bool(said)
    assert said in " ".join(cube.report.steps)


def xyz(plane: np.ndarray, heading: str, separator: str = ",", y_sign: float = 1) -> str:
    lines = [heading] if heading else []
    for y, x in np.ndindex(*plane.shape):
        fields = (6.25 + 12.5 * x, y_sign * (12.5 + 25 * y), plane[y, x])
        lines.append(separator.join(map(str, fields)))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("heading", "separator", "name"),
    [
        ("X,Y,Z", ",", "csv"),
        ("X Y Z", " ", "xyz"),
        ("x,y,counts", ",", "csv"),
        ("x;y;value", ";", "csv"),
        ("# x y intensity", " ", "txt"),
        ("", " ", "xyz"),
        ("", ",", "csv"),
    ],
)
def test_one_table_of_x_y_and_value_per_element(
    tmp_path: Path, heading: str, separator: str, name: str
) -> None:
    for element, plane in zip(ELEMENTS, BASE, strict=True):
        (tmp_path / f"{element}.{name}").write_text(xyz(plane, heading, separator))
    cube = read_maps(tmp_path)
    assert set(cube.elements) == set(ELEMENTS)
    assert_maps(cube, BASE)
    assert cube.pixel_size is None
    assert any("their step is 25 and 12.5" in line for line in cube.report.warnings)
    assert any("X, Y and the value" in n for n in cube.report.warnings) == (heading == "")


def test_y_that_falls_keeps_the_first_row_first_and_says_so(tmp_path: Path) -> None:
    # GDAL writes maps from the top, and Y points up.
    (tmp_path / "Fe.csv").write_text(xyz(BASE[0], "X,Y,Z", y_sign=-1))
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), BASE[0])
    assert any("the first of the table, which has the largest Y" in s for s in cube.report.steps)
    # Sorted by rising Y, the same table gives the smallest Y first.
    lines = xyz(BASE[0], "X,Y,Z", y_sign=-1).splitlines()
    lines[1:] = sorted(lines[1:], key=lambda line: float(line.split(",")[1]))
    (tmp_path / "Fe.csv").write_text("\n".join(lines))
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), BASE[0, ::-1])
    assert any("has the smallest Y" in step for step in cube.report.steps)


@pytest.mark.parametrize("by_pixel", [True, False])
def test_a_table_with_a_row_for_each_value(tmp_path: Path, by_pixel: bool) -> None:
    places = list(np.ndindex(*SHAPE))
    order = [(i, p) for p in places for i in range(4)] if by_pixel else None
    order = order or [(i, p) for i in range(4) for p in places]
    lines = ["X (um),Y (um),element,counts"]
    lines += [f"{x * 5},{y * 5},{ELEMENTS[i]},{BASE[i, y, x]}" for i, (y, x) in order]
    cube = read(tmp_path, "tidy.csv", "\n".join(lines))
    assert cube.elements == ELEMENTS
    assert_maps(cube, BASE)
    assert cube.pixel_size == (5.0, 5.0)
    assert any("the column element names the element" in step for step in cube.report.steps)
    with pytest.raises(InputError, match=r"tidy\.csv has other pixels for Ti than for Fe"):
        read(tmp_path, "tidy.csv", "\n".join(lines[:-1]))


def esri(plane: np.ndarray, cellsize: float = 1, wrapped: bool = False) -> str:
    header = f"ncols {plane.shape[1]}\nnrows {plane.shape[0]}\nxllcorner 0.0\nyllcorner 0.0\n"
    header += f"cellsize {cellsize}\nNODATA_value  -9999\n"
    numbers = "\n".join(" ".join(map(str, row)) for row in plane)
    return header + (numbers.replace(" ", "\n") if wrapped else numbers) + "\n"


@pytest.mark.parametrize("wrapped", [False, True])
def test_esri_grids(tmp_path: Path, wrapped: bool) -> None:
    stored = BASE.copy()
    stored[0, 5:8, 9:12] = -9999
    for element, plane in zip(ELEMENTS, stored, strict=True):
        (tmp_path / f"{element}.asc").write_text(esri(plane, wrapped=wrapped))
    cube = read_maps(tmp_path)
    assert_maps(cube, np.where(stored == -9999, np.nan, stored))
    assert cube.n_valid == BASE[0].size - 9
    assert any("-9999 means missing, from NODATA_value" in step for step in cube.report.steps)


def test_esri_grids_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "Fe.asc").write_text(esri(BASE[0], cellsize=20))
    cube = read_maps(tmp_path)
    assert cube.pixel_size is None
    assert any("give it in µm (the header says 20)" in line for line in cube.report.warnings)
    (tmp_path / "Fe.asc").write_text(esri(BASE[0])[:-40])
    with pytest.raises(InputError, match=r"declares 24 rows of 37 values, it holds \d+ values"):
        read_maps(tmp_path)
    (tmp_path / "Fe.asc").write_text("DSAA\n37 24\n0 1\n0 1\n0 9\n1 2 3\n")
    with pytest.raises(InputError, match="is a Surfer grid"):
        read_maps(tmp_path)
