"""Excel sheets: a long table, one map, or a sheet for each element."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

openpyxl = pytest.importorskip("openpyxl", reason="the extra xlsx is not installed")

NAMES = ("Fe", "Ca", "Si")
MAPS = np.random.default_rng(3).integers(0, 9000, (3, 5, 7))


def write(path: Path, sheets: dict[str, Iterable[Iterable[Any]]], hidden: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        if title == hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def table() -> list[list[Any]]:
    rows: list[list[Any]] = [["x (µm)", "y (µm)", *NAMES]]
    for y, x in np.ndindex(5, 7):
        rows.append([12.5 * x, 20.0 * y, *(int(n) for n in MAPS[:, y, x])])
    return rows


def matrices() -> dict[str, Any]:
    return {name: plane.tolist() for name, plane in zip(NAMES, MAPS, strict=True)}


def test_a_long_table(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.xlsx", {"pixels": table(), "notes": [["by me"]]})
    cube = read_maps(path)
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS)
    assert cube.maps.dtype == np.uint16
    assert cube.pixel_size == (20.0, 12.5)
    assert "scan.xlsx: the sheet notes is left out." in cube.report.warnings


def test_a_sheet_for_each_element(tmp_path: Path) -> None:
    cube = read_maps(write(tmp_path / "scan.xlsx", {**matrices(), "Info": [["x"]]}))
    assert cube.elements == NAMES
    np.testing.assert_array_equal(cube.maps, MAPS)


def test_a_file_for_each_element(tmp_path: Path) -> None:
    for name, rows in matrices().items():
        write(tmp_path / f"{name}.xlsx", {"Sheet1": rows})
    cube = read_maps(tmp_path)
    order = [NAMES.index(name) for name in cube.elements]
    np.testing.assert_array_equal(cube.maps, MAPS[order])


def test_fractions_and_words_for_missing_values_are_kept(tmp_path: Path) -> None:
    rows = (MAPS[0] / 7).tolist()
    rows[1][2] = "n.d."
    rows[4][6] = "#DIV/0!"
    cube = read_maps(write(tmp_path / "Fe.xlsx", {"Sheet1": rows}))
    expected = MAPS[0] / 7
    expected[1, 2] = expected[4, 6] = np.nan
    # openpyxl writes 16 digits.
    np.testing.assert_allclose(cube.maps[0], expected, rtol=1e-15)


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    other = [["x (µm)", "y (µm)", "Ti"], *[[*row[:2], row[2] + 1] for row in table()[1:]]]
    path = write(tmp_path / "scan.xlsx", {"one": table(), "two": other})
    with pytest.raises(InputError, match=r'2 sheets \(one and two\).*"scan\.xlsx::/one"'):
        read_maps(path)
    cube = read_maps(f"{path}::/two")
    assert cube.elements == ("Ti",)
    np.testing.assert_array_equal(cube.maps[0], MAPS[0] + 1)


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.xlsx", {"Fe": MAPS[0].tolist(), "Ca": MAPS[1].tolist()}, "Ca")
    assert read_maps(path).elements == ("Fe",)


def test_formulas_without_values_are_refused(tmp_path: Path) -> None:
    rows = MAPS[0].tolist()
    rows[2][3] = "=A1+B1"
    path = write(tmp_path / "Fe.xlsx", {"Sheet1": rows})
    with pytest.raises(InputError, match=r"cell D3 of the sheet Sheet1 is a formula without a val"):
        read_maps(path)


def test_damaged_workbooks_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "Fe.xlsx", {"Sheet1": MAPS[0].tolist()})
    good = path.read_bytes()
    for content, sentence in (
        (b"", r"Fe\.xlsx is empty"),
        (good[:-200], r"Fe\.xlsx is no Excel workbook, or cut short"),
        (b"1;2\n3;4\n", r"Fe\.xlsx is no Excel workbook"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=sentence):
            read_maps(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "1 2 3")
    with pytest.raises(InputError, match=r"Fe\.xlsx cannot be read as an Excel sheet"):
        read_maps(path)
    with pytest.raises(InputError, match="its visible sheets are empty"):
        read_maps(write(tmp_path / "Ca.xlsx", {"Sheet1": []}))


def test_without_the_library_the_extra_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "Fe.xlsx", {"Sheet1": MAPS[0].tolist()})
    code = (
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'openpyxl' else find(name, *rest)\n"
        f"from napari_mineral_anomaly import read_maps; read_maps({str(path)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "napari-mineral-anomaly[xlsx]"' in done.stderr
