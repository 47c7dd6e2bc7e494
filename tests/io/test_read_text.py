"""Text matrices: every dialect gives the same numbers; what is no matrix is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.shared.dtypes import in_smallest_dtype

COUNTS = np.array([[0, 12, 7], [300, 5, 6258]])
WEIGHTS = np.array([[0.5, 12.34, 7.0], [45.0, 0.1, 99.125]])


def text_of(values: np.ndarray, separator: str, end: str = "", decimal: str = ".") -> str:
    lines = (separator.join(str(value) for value in row) + end for row in values)
    return "\n".join(lines).replace(".", decimal) + "\n"


DIALECTS: dict[str, Callable[[np.ndarray], str]] = {
    "comma": lambda v: text_of(v, ","),
    "comma + space": lambda v: text_of(v, ", "),
    "semicolon": lambda v: text_of(v, ";"),
    "tab": lambda v: text_of(v, "\t"),
    "blank": lambda v: text_of(v, " "),
    "blanks": lambda v: "  " + text_of(v, "    ").replace("\n", "\n   "),
    "comma at the end": lambda v: text_of(v, ",", ","),
    "semicolon at the end": lambda v: text_of(v, ";", ";"),
    "tab at the end": lambda v: text_of(v, "\t", "\t"),
    "two separators at the end": lambda v: text_of(v, ", ", ", , "),
    "windows lines": lambda v: text_of(v, ";").replace("\n", "\r\n"),
    "no last newline": lambda v: text_of(v, ";").rstrip(),
    "blank lines around": lambda v: "\n\n" + text_of(v, ",") + "\n\n",
    "heading": lambda v: "Fe Ka counts\n" + text_of(v, "\t"),
    "column heading": lambda v: "c1,c2,c3\n" + text_of(v, ","),
    "exponents": lambda v: text_of(v.astype(float), " ").replace("0.5", "5.0e-1"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("values", [COUNTS, WEIGHTS], ids=["counts", "weights"])
def test_every_dialect_gives_the_same_numbers(
    tmp_path: Path, dialect: str, values: np.ndarray
) -> None:
    (tmp_path / "Fe.txt").write_text(DIALECTS[dialect](values), newline="")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), values)
    assert cube.maps.dtype == (np.uint16 if values is COUNTS else np.float64)
    assert any("heading" in line for line in cube.report.warnings) == ("heading" in dialect)


@pytest.mark.parametrize("separator", [";", "\t", " "])
def test_decimal_commas(tmp_path: Path, separator: str) -> None:
    (tmp_path / "Fe.csv").write_text(text_of(WEIGHTS, separator, decimal=","))
    np.testing.assert_array_equal(read_maps(tmp_path).plane(0), WEIGHTS)


@pytest.mark.parametrize("text", ["1,234;5,678\n9,012;3,456\n", "1,234;2,5\n1,234,567;4\n"])
def test_commas_that_may_be_thousands_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "Fe.csv").write_text(text)
    with pytest.raises(InputError, match=r"Fe\.csv is ambiguous.*decimal point"):
        read_maps(tmp_path)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: gzip.compress(text.encode()),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
    ],
    ids=["gzip", "utf-8 with mark", "utf-16"],
)
@pytest.mark.parametrize("name", ["Fe.gz", "Fe.txt.gz", "Fe.asc", "Fe.dat", "Fe.csv"])
def test_encodings_are_told_by_content(
    tmp_path: Path, name: str, encode: Callable[[str], bytes]
) -> None:
    (tmp_path / name).write_bytes(encode(text_of(COUNTS, " ")))
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe",)
    np.testing.assert_array_equal(cube.plane(0), COUNTS)


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NA", "#N/A"])
def test_missing_values_become_nan(tmp_path: Path, missing: str) -> None:
    (tmp_path / "Fe.csv").write_text(f"1,{missing},3\n4,5,6\n")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), [[1, np.nan, 3], [4, 5, 6]])
    assert cube.report.used[0].nan == 1
    assert cube.n_valid == 5


def test_row_and_column_numbers_of_a_table_library_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "Fe.csv").write_text(",0,1,2\n0,0,12,7\n1,300,5,6258\n")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), COUNTS)
    assert any("count 0, 1, 2" in line for line in cube.report.steps)


def test_all_maps_share_the_smallest_common_dtype(tmp_path: Path) -> None:
    for name, top in (("Fe", 255), ("Si", 256), ("Ca", 70_000)):
        (tmp_path / f"{name}.txt").write_text(f"0 1\n2 {top}\n")
    cube = read_maps(tmp_path)
    assert cube.maps.dtype == np.uint32
    assert {used.element: used.dtype for used in cube.report.used} == {
        "Ca": "uint32",
        "Fe": "uint8",
        "Si": "uint16",
    }


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0.0, 255.0], "uint8"),
        ([0.0, 256.0], "uint16"),
        ([0.0, 2.0**32 - 1], "uint32"),
        ([-1.0, 255.0], "int16"),
        ([-1.0, 40_000.0], "int32"),
        ([0.0, 2.0**32], "int64"),
        ([0.0, 0.5], "float32"),
        ([0.0, 12.34], "float64"),
        ([np.nan, 1.0], "float32"),
        ([0.0, 1e300], "float64"),
    ],
)
def test_smallest_dtype(values: list[float], dtype: str) -> None:
    assert in_smallest_dtype(np.array([values])).dtype == dtype


@given(hnp.arrays(np.float64, (2, 3), elements=st.floats(allow_infinity=True)))
def test_the_smallest_dtype_changes_no_number(values: np.ndarray) -> None:
    np.testing.assert_array_equal(in_smallest_dtype(values).astype(np.float64), values)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"Fe\.txt is empty"),
        (b"  \n \n", r"Fe\.txt is empty"),
        (b"only words\n", r"Fe\.txt holds no numbers"),
        (b"1 2 3\n4 5\n", r"line 2 has 2 values, the lines before have 3"),
        (b"title\n1 2 3\n4 5 6\n4 5 6 7\n", r"line 4 has 4 values, the lines before have 3"),
        (b"1 2 3\n4 x 6\n", r"line 2 holds 'x'"),
        (b"1;2\n\n3;4\n", r"Fe\.txt is not a matrix"),
        (b"II*\x00\x08\x00\x00\x00", r"Fe\.txt is not text"),
        (gzip.compress(b"1 2\n3 4\n")[:-9], r"Fe\.txt cannot be read as text matrix"),
        (b"\x1f\x8bnonsense", r"Fe\.txt cannot be read as text matrix"),
        (
            b"X\tY\tFe-K\ts(Fe-K)\tSi-K\n0\t0\t1.5\t.1\t2\n",
            r"Fe\.txt is no map: its 1 pixels lie on one line",
        ),
    ],
)
def test_what_is_no_matrix_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "Fe.txt").write_bytes(content)
    (tmp_path / "Si.txt").write_text("1 2 3\n4 5 6\n")
    with pytest.raises(InputError, match=sentence) as error:
        read_maps(tmp_path)
    assert "move it out of the folder" in str(error.value)
