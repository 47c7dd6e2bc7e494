"""Headings and separators that are easily taken for something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps

V = np.random.default_rng(4).integers(100, 900, (9, 12))
W = V // 7 + 30
ROW, COLUMN = (axis.ravel() for axis in np.indices(V.shape))


def table(*columns: tuple[str, object]) -> str:
    names, values = zip(*columns, strict=True)
    rows = [",".join(map(str, row)) for row in zip(*values, strict=True)]
    return "\n".join([",".join(names), *rows]) + "\n"


XY = (("X (um)", COLUMN * 20), ("Y (um)", ROW * 20))


@pytest.mark.parametrize("as_file", [True, False])
def test_the_heading_of_a_table_is_heard_before_the_letter_of_its_file(
    tmp_path: Path, as_file: bool
) -> None:
    path = tmp_path / "b.csv"
    path.write_text(table(*XY, ("Si", V.ravel())))
    cube = read_maps(path if as_file else tmp_path)
    assert cube.elements == ("Si",)
    np.testing.assert_array_equal(cube.maps[0], V)
    assert any("is read as Si, as its heading says, not as B" in w for w in cube.report.warnings)


def test_the_user_is_heard_before_the_heading(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(table(*XY, ("Si", V.ravel())))
    assert read_maps(tmp_path, names={"b.csv": "B"}).elements == ("B",)


def test_two_files_with_one_heading_are_refused(tmp_path: Path) -> None:
    for name in ("b.csv", "c.csv"):
        (tmp_path / name).write_text(table(*XY, ("Si", V.ravel())))
    with pytest.raises(InputError, match="holds Si by its heading, which another file holds, too"):
        read_maps(tmp_path)


def test_of_two_columns_y_that_with_a_unit_is_the_position(tmp_path: Path) -> None:
    columns = (("Y", V.ravel()), ("Fe", W.ravel()), ("X", COLUMN * 20), ("Y (um)", ROW * 20))
    (tmp_path / "scan.csv").write_text(table(*columns))
    cube = read_maps(tmp_path)
    assert cube.elements == ("Y", "Fe")
    np.testing.assert_array_equal(cube.maps, np.stack([V, W]))
    assert cube.pixel_size == (20.0, 20.0)


def test_a_column_without_any_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.csv").write_text(table(*XY, ("Fe", [""] * V.size), ("Ca", W.ravel())))
    with pytest.raises(InputError, match="no value at all in its column Fe: delete that column"):
        read_maps(tmp_path)


@pytest.mark.parametrize("digits", [1, 2])
def test_commas_between_and_in_numbers_are_refused(tmp_path: Path, digits: int) -> None:
    rows = [",".join(f"{v / 7:.{digits}f}".replace(".", ",") for v in row) for row in V]
    (tmp_path / "Fe.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(InputError, match="commas seem to mark decimals as well as columns"):
        read_maps(tmp_path)


def test_small_and_large_counts_between_commas_are_read(tmp_path: Path) -> None:
    mixed = np.where(np.arange(12) % 2, V % 10, V)
    mixed[2, 1] = 11
    for values, name in ((mixed, "Fe"), (V % 10, "Ca"), (V, "Si")):
        np.savetxt(tmp_path / f"{name}.csv", values, "%d", ",")
    cube = read_maps(tmp_path)
    expected = {"Fe": mixed, "Ca": V % 10, "Si": V}
    for element, plane in zip(cube.elements, cube.maps, strict=True):
        np.testing.assert_array_equal(plane, expected[element])


def test_six_significant_digits_between_commas_are_decimals(tmp_path: Path) -> None:
    # R and %g write 214.429 beside 300: no thousands, as commas separate the columns.
    values = np.where(V % 5 == 0, V.astype(float), np.round(V + 0.4291, 3))
    rows = [",".join(f"{v:g}" for v in row) for row in values]
    (tmp_path / "Fe.csv").write_text("\n".join(rows) + "\n")
    np.testing.assert_allclose(read_maps(tmp_path).maps[0], values)
