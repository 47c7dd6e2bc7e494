"""Long tables, a row per pixel: every dialect gives the maps, every gap is counted and refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import can_read, read_maps

SHAPE = (7, 9)
FE = np.random.default_rng(1).integers(0, 5000, SHAPE)
SI = np.random.default_rng(2).uniform(0, 80, SHAPE).round(3)


def rows(first: int = 0) -> list[list[str]]:
    """Lines of row, column, Fe-K, its uncertainty, Si-K."""
    return [
        [str(y + first), str(x + first), str(FE[y, x]), "0.5", str(SI[y, x])]
        for y in range(SHAPE[0])
        for x in range(SHAPE[1])
    ]


HEADING = ["row", "column", "Fe-K", "s(Fe-K)", "Si-K"]


def table(
    path: Path, lines: list[list[str]], heading: list[str] = HEADING, separator: str = ";"
) -> Path:
    path.write_text("\n".join(separator.join(line) for line in [heading, *lines]) + "\n")
    return path


@pytest.mark.parametrize("separator", [";", ",", "\t", "  ", ", "])
@pytest.mark.parametrize("first", [0, 1])
def test_pymca_tables(tmp_path: Path, separator: str, first: int) -> None:
    path = table(tmp_path / "maps.csv", rows(first), separator=separator)
    cube = read_maps(path)
    assert cube.elements == ("Fe K", "Si K")
    np.testing.assert_array_equal(cube.plane(0), FE)
    np.testing.assert_array_equal(cube.plane(1), SI)
    assert cube.report.used[0].dtype == "uint16"
    assert "uncertainties are left out (s(Fe-K))" in " ".join(cube.report.warnings)
    assert can_read(path)


def test_quoted_headings_decimal_commas_and_trailing_separators(tmp_path: Path) -> None:
    lines = [[field.replace(".", ",") for field in line] + [""] for line in rows()]
    path = table(tmp_path / "a.dat", lines, [f'"{name}"' for name in HEADING] + [""])
    np.testing.assert_array_equal(read_maps(path).plane(1), SI)


def test_gzip_and_rows_in_any_order(tmp_path: Path) -> None:
    lines = rows()
    np.random.default_rng(3).shuffle(lines)
    plain = table(tmp_path / "maps.csv", lines).read_bytes()
    packed = tmp_path / "maps.csv.gz"
    packed.write_bytes(gzip.compress(plain))
    for path in (tmp_path / "maps.csv", packed):
        np.testing.assert_array_equal(read_maps(path).plane(0), FE)


def test_calcimage_with_sizes_above_the_heading(tmp_path: Path) -> None:
    lines = ["9\t7\t63\t10"]
    lines.append('"NK"\t"X"\t"Y"\t"NX"\t"NY"\t"NXY"\t"SiO2 WT%"\t"TiO2 WT%"\t"O WT%"\t"Total"\t')
    for y, x in np.ndindex(*SHAPE):
        place = f"0\t{-0.25 + 0.005 * x:.4f}\t{28.8 + 0.005 * y:.4f}\t{x + 1}\t{y + 1}\t{x + 1}"
        lines.append(f"{place}\t{SI[y, x]}\t-0.01\t0\t{SI[y, x]}\t")
    path = tmp_path / "run.DAT"
    path.write_text("\n".join(lines) + "\n")
    for source in (path, tmp_path):
        cube = read_maps(source)
        assert cube.elements == ("SiO2", "TiO2", "O")
        np.testing.assert_array_equal(cube.plane(0), SI)
        assert cube.pixel_size == pytest.approx((5.0, 5.0))
        assert cube.quantity == "concentration"
        said = " ".join(cube.report.warnings)
        assert "mm is assumed" in said
        assert "no element are left out (NK and NXY)" in said
        assert "TiO2, O are constant maps" in said
        assert [item.reason for item in cube.report.ignored] == ["a sum of signals"]


@pytest.mark.parametrize(
    ("x", "y", "factor"),
    [("X (mm)", "Y (mm)", 1e-3), ("x_um", "y_um", 1.0), ("X [µm]", "Y [µm]", 1.0)],
)
def test_positions_with_units_give_the_pixel_size(
    tmp_path: Path, x: str, y: str, factor: float
) -> None:
    lines = [
        ["7", f"{(5 + 25 * j) * factor:.6f}", f"{(1 + 40 * i) * factor:.6f}", str(FE[i, j]), "1"]
        for i, j in np.ndindex(*SHAPE)
    ]
    cube = read_maps(table(tmp_path / "a.csv", lines, ["PMC", x, y, "Fe", "Si"], ","))
    np.testing.assert_array_equal(cube.plane(0), FE)
    assert cube.pixel_size == pytest.approx((40.0, 25.0))


def test_positions_that_scatter_a_little_fall_on_their_grid(tmp_path: Path) -> None:
    noise = np.random.default_rng(4).uniform(-8, 8, (*SHAPE, 2))
    lines = [
        [f"{100 * j + noise[i, j, 0]:.3f}", f"{100 * i + noise[i, j, 1]:.3f}", str(FE[i, j]), "1"]
        for i, j in np.ndindex(*SHAPE)
    ]
    cube = read_maps(table(tmp_path / "a.csv", lines, ["X (um)", "Y (um)", "Fe", "Si"], ","))
    np.testing.assert_array_equal(cube.plane(0), FE)
    assert cube.pixel_size == pytest.approx((100.0, 100.0), rel=0.05)


def test_yttrium_is_no_coordinate_without_an_x(tmp_path: Path) -> None:
    lines = [[r[0], r[1], r[2], r[4]] for r in rows()]
    cube = read_maps(table(tmp_path / "a.csv", lines, ["row", "column", "Fe", "Y"]))
    assert cube.elements == ("Fe", "Y")


def test_a_table_beside_maps_is_left_out_aloud(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "Fe.txt", FE)
    np.savetxt(tmp_path / "Si.txt", SI)
    table(tmp_path / "everything.csv", rows())
    report = read_maps(tmp_path).report
    assert [(i.file, i.reason) for i in report.ignored] == [
        ("everything.csv", "a scan of its own; open the file itself")
    ]


def without(lines: list[list[str]], *numbers: int) -> list[list[str]]:
    return [line for i, line in enumerate(lines) if i not in numbers]


def changed(column: int, word: str) -> list[list[str]]:
    lines = rows()
    lines[10][column] = word
    return lines


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (without(rows(), 5, 17), r"2 of the 63 pixels of its 7x9 grid have no row"),
        ([*rows(), rows()[3]], r"gives 1 pixels of its 7x9 grid more than once"),
        (changed(0, ""), r"1 of its 63 rows have no value in the column row"),
        (changed(2, "high"), r"row 11 holds 'high' in the column Fe-K"),
        (changed(0, "2.5"), r"its column row must count pixels"),
        (changed(0, "nan"), r"its column row must count pixels"),
        (changed(0, "1e15"), r"(grid have no row|its column row must count pixels)"),
        ([], r"no row follows its heading"),
        ([r[:3] for r in rows()], r"63 of its 63 rows have no value in the column Si-K"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(
    tmp_path: Path, lines: list[list[str]], sentence: str
) -> None:
    path = table(tmp_path / "maps.csv", lines)
    with pytest.raises(InputError, match=rf"^maps\.csv .*{sentence}"):
        read_maps(path)


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        (["time", "dose", "Fe", "Ca", "Si"], r"without coordinates.*it has time, dose, Fe"),
        (["row", "column", "Fe", "Fe", "Si"], r"names the column Fe twice"),
    ],
)
def test_headings_without_sense(tmp_path: Path, heading: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_maps(table(tmp_path / "maps.csv", rows(), heading))


def test_points_off_a_grid_are_refused(tmp_path: Path) -> None:
    points = np.random.default_rng(5).uniform(0, 1000, (60, 2))
    lines = [[f"{x:.2f}", f"{y:.2f}", "1", "2"] for x, y in points]
    with pytest.raises(InputError, match=r"(not evenly spaced|have no row in the table)"):
        read_maps(table(tmp_path / "a.csv", lines, ["X (um)", "Y (um)", "Fe", "Si"], ","))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("packed", [False, True])
def test_cut_tables_are_refused(tmp_path: Path, share: float, packed: bool) -> None:
    content = table(tmp_path / "maps.csv", rows()).read_bytes()
    content = gzip.compress(content) if packed else content
    (tmp_path / "maps.csv").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"^maps\.csv "):
        read_maps(tmp_path / "maps.csv")


def test_missing_values_in_words_are_nan(tmp_path: Path) -> None:
    cube = read_maps(table(tmp_path / "maps.csv", changed(2, "NaN")))
    assert np.argwhere(np.isnan(cube.plane(0))).tolist() == [[1, 1]]


@pytest.mark.parametrize("name", ["maps.xls", "maps.ods"])
def test_spreadsheets_are_told_how_to_be_saved(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(InputError, match=r"(save it as \.xlsx or|File > Save As > Text) CSV"):
            read_maps(source)
