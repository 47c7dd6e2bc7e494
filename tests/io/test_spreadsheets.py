"""CSV in dialects: numbers without noise, no formulas, and tables back from spreadsheets."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.spreadsheets import (
    DIALECTS,
    PLAIN,
    Dialect,
    dialect_named,
    read_cells,
    short_number,
)
from napari_mineral_anomaly.io.writing.tables import write_grains, write_pixels

ANY = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (1233.3333333333335, "1233.33333"),
        (0.1 + 0.2, "0.3"),
        (float(np.float32(14.2)), "14.2"),
        (12_345_679.0, "12345679.0"),
        (1e-13, "1e-13"),
        (1.23456789012e-60, "1.23456789e-60"),
        (-0.5, "-0.5"),
        (float("nan"), ""),
    ],
)
def test_numbers_are_written_without_noise(value, digits):
    assert short_number(value) == digits


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_of_single_precision_come_back_exactly(value):
    assert np.float32(short_number(value)) == np.float32(value)


def test_the_grains_of_the_contract_are_comma_dot_utf8_without_noise(tmp_path):
    grains = pd.DataFrame(
        {
            "id": [1, 2],
            "centroid_y_um": [1233.3333333333335, 20.0],
            "centroid_x_um": [0.1 + 0.2, np.nan],
            "driver_1": ["As+14.2", "=1+1"],
            "flags": ["scan edge; two-phase mixing", "Ø"],
            "above_threshold": [True, False],
        }
    )
    path = write_grains(tmp_path / "grains.csv", grains)
    assert path.read_bytes().decode("utf-8").splitlines() == [
        "id,centroid_y_um,centroid_x_um,driver_1,flags,above_threshold,map_x_um,map_y_um",
        '1,1233.33333,0.3,As+14.2,"scan edge; two-phase mixing",True,0.3,-1233.33333',
        "2,20.0,,'=1+1,Ø,False,,-20.0",
    ]


def test_missing_whole_numbers_are_empty():
    table = pd.DataFrame({"n": pd.array([3, None, -2], dtype="Int64"), "t": ["a", None, "c"]})
    assert list(PLAIN.lines(table)) == ["3,a\n", ",\n", "-2,c\n"]


@ANY
def test_no_cell_of_text_starts_a_formula_and_all_come_back(tmp_path, dialect: Dialect):
    texts = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\n=1",
        "'=1",
        "''-x",
        "'quoted'",
        "As+14.2",
        "a, b",
    ]
    path = tmp_path / "x.csv"
    lines = [dialect.heading(["=name", "n"]), *dialect.lines(pd.DataFrame({"a": texts, "n": -0.5}))]
    path.write_text("".join(lines), encoding=dialect.encoding, newline="")
    raw = path.read_text(encoding=dialect.encoding)
    cells = [row[0] for row in csv.reader(io.StringIO(raw), delimiter=dialect.separator)]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r\n"]
    table = read_cells(path, "table", lambda names: len(names) == 2)
    assert [row["'=name"] for _, row in table.rows] == texts
    assert {row["n"] for _, row in table.rows} == {f"-0{dialect.decimal}5"}


@ANY
def test_no_separator_of_libreoffice_stands_outside_quotes(dialect: Dialect):
    frame = pd.DataFrame({"a": [1.5], "b": ["x; y"], "c": ["x,y"], "d": ["x\ty"]})
    [line] = dialect.lines(frame)
    outside = "".join(line.split('"')[0::2])
    assert set(outside) & set(",;\t") == {dialect.separator}
    assert outside.count(dialect.separator) == 3


@ANY
@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64"])
def test_a_pixel_table_is_read_back_with_its_missing_pixels(tmp_path, dialect, dtype):
    maps = np.random.default_rng(0).normal(100, 9, (2, 6, 9)).astype(dtype)
    if dtype != "uint16":
        maps[:, 2, 3:5] = np.nan
        maps[1, 0, 0] = np.nan
    path = tmp_path / dialect.file_name("element_maps.csv")
    write_pixels(path, maps, ["Fe", "Si"], (20.0, 25.5), dialect=dialect)
    cube = read_maps(path)
    assert cube.elements == ("Fe", "Si")
    assert np.array_equal(np.asarray(cube.maps, dtype), maps, equal_nan=dtype != "uint16")
    assert cube.pixel_size == (20.0, 25.5)
    assert not cube.valid[2, 3:5].any() or dtype == "uint16"


def test_an_unknown_dialect_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'excel'; choose one of plain, excel-en, excel-de"):
        dialect_named("excel")
    assert dialect_named("plain") is PLAIN
