"""Tables: order of the rows, rows that are no pixels, headings of other programs, refusals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.cube import ElementCube

V = np.random.default_rng(4).integers(1, 3000, (12, 14))
HEADING = "X (um);Y (um);Fe;Ca"
ROWS = [f"{x * 5};{y * 5};{V[y, x]};{V[y, x] + 7}" for y, x in np.ndindex(*V.shape)]


def read(folder: Path, lines: Sequence[str], name: str = "scan.csv") -> ElementCube:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_maps(folder / name)


def assert_true(cube: ElementCube, fe: np.ndarray = V) -> None:
    assert cube.elements == ("Fe", "Ca")
    np.testing.assert_array_equal(cube.plane(0), fe)
    np.testing.assert_array_equal(cube.plane(1), fe + 7)


def by(order: str) -> list[str]:
    """The rows in another order."""
    h, w = V.shape
    places = {
        "columns": [(y, x) for x in range(w) for y in range(h)],
        "snake": [(y, x if y % 2 == 0 else w - 1 - x) for y in range(h) for x in range(w)],
        "snake of columns": [
            (y if x % 2 == 0 else h - 1 - y, x) for x in range(w) for y in range(h)
        ],
        "shuffled": [divmod(int(i), w) for i in np.random.default_rng(0).permutation(h * w)],
        "down": [(y, x) for y in range(h)[::-1] for x in range(w)],
        "down by columns": [(y, x) for x in range(w) for y in range(h)[::-1]],
        "down as a snake": [
            (y, x if y % 2 == 0 else w - 1 - x) for y in range(h)[::-1] for x in range(w)
        ],
    }
    return [ROWS[y * w + x] for y, x in places[order]]


@pytest.mark.parametrize("order", ["columns", "snake", "snake of columns", "shuffled"])
def test_the_order_of_the_rows_makes_no_difference(tmp_path: Path, order: str) -> None:
    cube = read(tmp_path, [HEADING, *by(order)])
    assert_true(cube)
    said = "the first row of the map has the smallest Y (um), its first column the smallest X (um)"
    assert said in cube.report.steps


@pytest.mark.parametrize("order", ["down", "down by columns", "down as a snake"])
def test_a_table_from_the_largest_y_down_keeps_its_first_row(tmp_path: Path, order: str) -> None:
    cube = read(tmp_path, [HEADING, *by(order)])
    assert_true(cube, V[::-1])
    assert any("which has the largest Y (um)" in step for step in cube.report.steps)


def with_fields(*more: str, separator: str = ";") -> list[str]:
    """The rows with further fields behind the place."""
    return [separator.join([*r.split(";")[:2], *more, *r.split(";")[2:]]) for r in ROWS]


def numbered(separator: str, quote: str = "") -> list[str]:
    """The rows with their number in front of them."""
    lines = [row.replace(";", separator) for row in ROWS]
    return [f"{quote}{i}{quote}{separator}{line}" for i, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        (["X;Y;Fe;Ca", "um;um;cps;cps"], ROWS),
        (["# X (um);Y (um);Fe;Ca"], ROWS),
        (["X (um) Y (um) Fe Ca"], with_fields(separator=" ")),
        (["# X (um) Y (um) Fe Ca"], with_fields(separator=" ")),
        (["X (um)\tY (um)\tFe\tCa"], with_fields(separator="  ")),
        (['"X (um)" "Y (um)" "Fe" "Ca"'], numbered(" ", '"')),
        ([",X (um),Y (um),Fe,Ca"], numbered(",")),
        (["Instrument: M4, 50,0 kV", "Date;12.05.2024", "", HEADING], ROWS),
        (['X (um);Y (um);"a ""note""";Fe;Ca'], with_fields('"1;2"')),
        (["X (um);Y (um);Stage X;Stage Y;Fe;Ca"], with_fields("9", "9")),
    ],
    ids=lambda value: value[0][:24],
)
def test_headings_of_other_programs(tmp_path: Path, heading: list[str], rows: list[str]) -> None:
    cube = read(tmp_path, [*heading, *rows])
    assert_true(cube)
    assert cube.pixel_size == (5.0, 5.0)


@pytest.mark.parametrize(
    ("below", "said"),
    [
        (["Sum;;1234;1234", "Average;;12,5;12"], "2 rows without a place are left out"),
        ([";;1234;1234"], "1 row without a place is left out below the table ('1234')"),
    ],
)
def test_totals_below_the_table(tmp_path: Path, below: list[str], said: str) -> None:
    cube = read(tmp_path, [HEADING, *ROWS, *below])
    assert_true(cube)
    assert said in " ".join(cube.report.warnings)


def test_pixels_without_a_measurement(tmp_path: Path) -> None:
    fe = V.astype(float)
    fe[0, 4] = np.nan
    place = ";".join(ROWS[4].split(";")[:2])
    cube = read(tmp_path, [HEADING, *ROWS[:4], f"{place};-9999;-9999", *ROWS[5:]])
    assert_true(cube, fe)
    assert any("-9999 means missing" in step for step in cube.report.steps)
    cube = read(tmp_path, [HEADING, *ROWS[:4], f"{place};;", *ROWS[5:]])
    assert_true(cube, fe)
    assert any("1 row has no value" in line for line in cube.report.warnings)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([HEADING, *ROWS, HEADING, *ROWS], "holds two tables: row 169 names the columns again"),
        ([HEADING, *ROWS[:-1], ROWS[-1][:-5]], r"1 of its 168 rows have no value in the column Ca"),
        ([HEADING, *ROWS[:-3]], "3 of the 168 pixels of its 12x14 grid have no row"),
        (["X (um);Y (um);Fe;Fe", *ROWS], "names the column Fe twice"),
        (
            ["X (um);Y (um);alpha;beta", *ROWS],
            "needs rows of numbers .* and a column named by its element, it has alpha",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, lines: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, lines)


def test_yttrium_and_further_coordinates_are_told_apart(tmp_path: Path) -> None:
    cube = read(tmp_path, ["X (um);Y (um);Fe;Y", *ROWS])
    assert cube.elements == ("Fe", "Y")
    np.testing.assert_array_equal(cube.plane(1), V + 7)


@pytest.mark.parametrize("heading", ["x;y;time;counts", "x;y;value;live time", "column;row;z"])
def test_the_value_of_a_file_named_by_its_element(tmp_path: Path, heading: str) -> None:
    names = heading.split(";")[2:]
    lines = [heading]
    for y, x in np.ndindex(*V.shape):
        values = [str(V[y, x]) if name in ("counts", "value", "z") else "1" for name in names]
        lines.append(";".join([str(x), str(y), *values]))
    cube = read(tmp_path, lines, "Fe.csv")
    assert cube.elements == ("Fe",)
    np.testing.assert_array_equal(cube.plane(0), V)


@pytest.mark.parametrize("x", ["65", "6", ""])
def test_a_table_cut_inside_a_position_is_refused(tmp_path: Path, x: str) -> None:
    with pytest.raises(InputError, match=r"scan\.csv is (cut short|incomplete)"):
        read(tmp_path, [HEADING, *ROWS[:-1], x])
    places = [f"{i // 14};{i % 14};{row}" for i, row in enumerate(ROWS)]
    with pytest.raises(InputError, match=r"cut short: its last row ends after 4 of 6 columns"):
        read(tmp_path, [f"row;column;{HEADING}", *places[:-1], f"11;13;65;{x or 4}"])
