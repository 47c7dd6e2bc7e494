"""Odd but common text exports: empty cells, doubled line ends, words in a row, uncertainties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.reading.naming.undecided import UnnamedMapsError
from napari_mineral_anomaly.scan.names.map_names import parse_names

V = np.random.default_rng(3).integers(1000, 9000, (9, 12))
W = V // 7 + 3
ROW, COLUMN = (axis.ravel() for axis in np.indices(V.shape))


def matrix(values: np.ndarray, separator: str = ",") -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in values)


def table(*columns: tuple[str, object], separator: str = ",") -> str:
    """A table of V and the columns given, with positions in µm."""
    every = (("X (um)", COLUMN * 20), ("Y (um)", ROW * 20), *columns)
    lines = [separator.join(name for name, _ in every)]
    lines += [
        separator.join(map(str, row)) for row in zip(*(values for _, values in every), strict=True)
    ]
    return "\n".join(lines) + "\n"


def test_empty_cells_of_one_column_are_missing_pixels(tmp_path: Path) -> None:
    # pandas writes NaN as an empty field.
    fe = ["" if i in (4, 50) else str(v) for i, v in enumerate(V.ravel())]
    (tmp_path / "scan.csv").write_text(table(("Fe", fe), ("Ca", W.ravel())))
    cube = read_maps(tmp_path)
    expected = V.astype(float).ravel()
    expected[[4, 50]] = np.nan
    np.testing.assert_array_equal(cube.maps[0], expected.reshape(V.shape))
    np.testing.assert_array_equal(cube.maps[1], W)
    assert (
        "scan.csv: the column Fe has no value in 2 of 108 rows: these pixels are left out as "
        "missing."
    ) in cube.report.warnings


def test_a_table_cut_in_its_last_row_is_refused(tmp_path: Path) -> None:
    text = table(("Fe", V.ravel()), ("Ca", W.ravel())).rstrip("\n")
    (tmp_path / "scan.csv").write_text(text[: text.rindex(",") + 1])
    with pytest.raises(InputError, match=r"1 of its 108 rows have no value in the column Ca"):
        read_maps(tmp_path)


@pytest.mark.parametrize("name", ["Fe.csv", "scan.csv"])
def test_doubled_line_ends_are_no_rows(tmp_path: Path, name: str) -> None:
    text = matrix(V) if name == "Fe.csv" else table(("Fe", V.ravel()), ("Ca", W.ravel()))
    (tmp_path / name).write_text(text.replace("\n", "\n\n"))
    np.testing.assert_array_equal(read_maps(tmp_path).maps[0], V)


def test_a_wrong_word_below_doubled_line_ends_has_its_own_line(tmp_path: Path) -> None:
    lines = matrix(V).splitlines()
    lines[3] = lines[3].replace(",", ",x", 1)
    (tmp_path / "Fe.csv").write_text("\n\n".join(lines) + "\n")
    with pytest.raises(InputError, match="line 7 holds 'x"):
        read_maps(tmp_path)


@pytest.mark.parametrize("word", ["Over", "-5a", "a12"])
def test_a_word_in_the_first_row_does_not_make_it_a_heading(tmp_path: Path, word: str) -> None:
    (tmp_path / "Fe.csv").write_text(word + matrix(V)[4:])
    with pytest.raises(InputError, match=f"line 1 holds '{word}'"):
        read_maps(tmp_path)


def test_positions_behind_a_word_are_a_heading(tmp_path: Path) -> None:
    head = "um," + ",".join(str(20 * x) for x in range(V.shape[1]))
    rows = [f"{20 * y},{row}" for y, row in enumerate(matrix(V).splitlines())]
    (tmp_path / "Fe.csv").write_text("\n".join([head, *rows]) + "\n")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.maps[0], V)
    assert cube.pixel_size == (20.0, 20.0)


@pytest.mark.parametrize("word", ["#WERT!", "#DIV/0!", "#NV", "#VALEUR!", "Err:502"])
def test_errors_of_spreadsheets_are_missing(tmp_path: Path, word: str) -> None:
    lines = matrix(V).splitlines()
    lines[2] = word + lines[2][4:]
    (tmp_path / "Fe.csv").write_text("\n".join(lines) + "\n")
    cube = read_maps(tmp_path)
    expected = V.astype(float)
    expected[2, 0] = np.nan
    np.testing.assert_array_equal(cube.maps[0], expected)
    assert any(f"errors of a spreadsheet ('{word}')" in text for text in cube.report.warnings)


def test_points_that_may_mark_thousands_are_said(tmp_path: Path) -> None:
    text = matrix(V, ";")
    pointed = ";".join(f"{v // 1000}.{v % 1000:03d}" for v in V[0])
    rows = [";".join(f"{v // 1000}.{v % 1000:03d}" for v in row) for row in V]
    assert rows[0] == pointed
    (tmp_path / "Fe.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "Ca.csv").write_text(text)
    cube = read_maps(tmp_path)
    np.testing.assert_allclose(cube.maps[list(cube.elements).index("Fe")], V / 1000)
    doubts = [text for text in cube.report.warnings if "if it marks thousands" in text]
    assert [text.split(":")[0] for text in doubts] == ["Fe.csv"]


def test_two_columns_of_elements_are_no_matrix(tmp_path: Path) -> None:
    pairs = zip(V.ravel(), W.ravel(), strict=True)
    (tmp_path / "scan.csv").write_text("Fe,Ca\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    with pytest.raises(InputError, match="table without coordinates") as refusal:
        read_maps(tmp_path)
    assert not isinstance(refusal.value, UnnamedMapsError)


@pytest.mark.parametrize(
    "name",
    ["2SD", "1SE", "3SD", "Int2SE", "Prop2SE", "2sig", "%RSD", "RSD%", "Err%", "relerr", "95CI"],
)
def test_uncertainties_are_no_maps(tmp_path: Path, name: str) -> None:
    """Also where the plain column is called a mass fraction: the uncertainty must not win."""
    columns = (
        ("Fe", V.ravel()),
        ("Ca_ppm_m43", W.ravel()),
        (f"Ca_ppm_m43_{name}", W.ravel() * 0 + 2),
        (f"Fe_{name}", W.ravel() * 0 + 3),
    )
    (tmp_path / "scan.csv").write_text(table(*columns))
    cube = read_maps(tmp_path)
    assert list(cube.elements) == ["Fe", "Ca"]
    np.testing.assert_array_equal(cube.maps, np.stack([V, W]))


def test_selenium_is_no_standard_error() -> None:
    parsed = parse_names(["Fe", "Se", "Se_2SE", "Fe_SE", "Se Ka"])
    assert [entry.role for entry in parsed] == [
        "element",
        "element",
        "uncertainty",
        "companion",
        "element",
    ]


def test_a_file_of_an_unknown_format_is_not_said_to_lack_an_element(tmp_path: Path) -> None:
    (tmp_path / "Fe.grd").write_text("DSAA\n2 2\n0 1\n0 1\n1 4\n1 2\n3 4\n")
    with pytest.raises(InputError, match=r"the format of Fe\.grd is not known here"):
        read_maps(tmp_path)


def test_maps_that_are_all_left_out_by_the_user_are_said(tmp_path: Path) -> None:
    (tmp_path / "Fe.csv").write_text(matrix(V))
    with pytest.raises(InputError, match=r'but those that you leave out .*"Fe\.csv=auto"'):
        read_maps(tmp_path, names={"Fe.csv": "-"})


def test_an_empty_file_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "Fe.csv").write_text(matrix(V))
    (tmp_path / "Ca.csv").write_text("")
    with pytest.raises(InputError) as refusal:
        read_maps(tmp_path)
    assert str(refusal.value).count("export it again") == 1


@pytest.mark.parametrize("file", ["Q\\.csv", "Q\x1b[31m.csv", "Q\udcff.csv"])
def test_a_file_with_an_odd_name_can_be_named_as_the_report_writes_it(
    tmp_path: Path, file: str
) -> None:
    (tmp_path / file).write_text(matrix(V))
    (tmp_path / "Ca.csv").write_text(matrix(W))
    [undecided] = read_maps(tmp_path).report.to_decide
    for typed in (undecided.file, file):
        cube = read_maps(tmp_path, names={typed: "Fe"})
        np.testing.assert_array_equal(cube.maps[list(cube.elements).index("Fe")], V)


def test_rounded_positions_give_the_true_step(tmp_path: Path) -> None:
    # Steps of 1/3 mm written with two decimals: the distances are 0.33 and 0.34.
    lines = ["X (mm),Y (mm),Fe,Ca"]
    for y, x in np.ndindex(V.shape):
        lines.append(f"{x / 3:.2f},{y / 3:.2f},{V[y, x]},{W[y, x]}")
    (tmp_path / "scan.csv").write_text("\n".join(lines) + "\n")
    cube = read_maps(tmp_path)
    assert cube.pixel_size == pytest.approx((1000 / 3, 1000 / 3), rel=2e-3)
    np.testing.assert_array_equal(cube.maps[0], V)


def test_different_units_of_columns_are_said(tmp_path: Path) -> None:
    (tmp_path / "scan.csv").write_text(table(("Fe (wt%)", V.ravel()), ("Ca (ppm)", W.ravel())))
    report = read_maps(tmp_path).report
    assert (
        "The maps have different units by name (scan.csv#3 in % and scan.csv#4 in ppm): compare "
        "them with care."
    ) in report.warnings


def test_four_columns_without_a_heading_are_number_x_y_and_value(tmp_path: Path) -> None:
    rows = zip(range(V.size), COLUMN, ROW, V.ravel(), strict=True)
    (tmp_path / "Fe.txt").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.maps[0], V)
    assert any("numbers the rows and is left out" in step for step in cube.report.steps)
