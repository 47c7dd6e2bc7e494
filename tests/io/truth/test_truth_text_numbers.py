"""Numbers in text: signs for decimals and thousands, words in the place of numbers, refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.formats.text.numbers import NumberStyle, is_number, style_of

COUNTS = np.random.default_rng(3).integers(0, 3000, (12, 14))
COUNTS[0, :4] = 1230, 520, 999, 100_000
WEIGHTS = (COUNTS / 7 + 1000).round(2)


def matrix(values: np.ndarray, separator: str, text: Callable[[float], str] = str) -> str:
    return "\n".join(separator.join(text(v) for v in row) for row in values) + "\n"


def grouped(thousands: str, decimal: str, digits: int = 0) -> Callable[[float], str]:
    signs = str.maketrans({",": thousands, ".": decimal})
    return lambda value: f"{value:,.{digits}f}".translate(signs)


def in_quotes(text: Callable[[float], str]) -> Callable[[float], str]:
    return lambda value: f'"{text(value)}"'


@pytest.mark.parametrize(
    ("values", "separator", "text", "said"),
    [
        (WEIGHTS, ";", grouped(".", ",", 2), "commas mark decimals, points mark thousands"),
        (WEIGHTS, ";", grouped(",", ".", 2), "points mark decimals, commas mark thousands"),
        (WEIGHTS, "\t", grouped("'", ".", 2), "points mark decimals, apostrophes mark thousands"),
        (WEIGHTS, "\t", grouped("’", ".", 2), "points mark decimals, apostrophes mark thousands"),
        (WEIGHTS, ";", grouped(" ", ",", 2), "commas mark decimals, blanks mark thousands"),
        (WEIGHTS, "\t", grouped("\u00a0", ",", 2), "commas mark decimals, blanks mark thousands"),
        (WEIGHTS, ";", grouped("\u2009", ",", 2), "commas mark decimals, blanks mark thousands"),
        (WEIGHTS, " ", grouped("\u202f", ",", 2), "commas mark decimals"),
        (WEIGHTS, ",", in_quotes(grouped("", ",", 2)), "commas mark decimals"),
        (COUNTS, "\t", grouped(",", "."), "commas mark thousands"),
        (COUNTS, ";", grouped(".", ","), "points mark thousands"),
        (COUNTS, "\t", grouped(" ", ","), "blanks mark thousands"),
        (COUNTS * 1000, " ", grouped(",", "."), "commas mark thousands"),
        (COUNTS, ",", in_quotes(grouped(",", ".")), "commas mark thousands"),
        (COUNTS, ",", lambda v: f"{v:.5e}", "points mark decimals"),
        (COUNTS, ";", lambda v: f"{v:.6E}".replace(".", ","), "commas mark decimals"),
        (COUNTS, " ", lambda v: f"{v:.6E}".replace("E", "D"), "points mark decimals"),
        (COUNTS - 1500, ",", lambda v: str(v).replace("-", "−"), "columns between commas"),
        (COUNTS, ",", lambda v: f"+{v}", "columns between commas"),
        (COUNTS, "|", str, "columns between bars"),
    ],
)
def test_every_way_to_write_numbers(
    tmp_path: Path, values: np.ndarray, separator: str, text: Callable[[float], str], said: str
) -> None:
    (tmp_path / "Fe.csv").write_text(matrix(values, separator, text), encoding="utf-8")
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), values)
    assert said in " ".join(cube.report.steps)


@pytest.mark.parametrize(
    ("fields", "style"),
    [
        (["1,234", "12,5"], (",", "")),
        (["1,234", "1,234,567"], (".", ",")),
        (["1,234", "1,234.5"], (".", ",")),
        (["1.234", "1.234.567"], (",", ".")),
        (["1.234", "12,5"], (",", ".")),
        (["0,123"], (",", "")),
        (["1,234E+03"], (",", "")),
        (["1234,567"], (",", "")),
        (["1.234", "567.125"], (".", "")),
        (["1.234", "567", "0"], (".", "")),
        (["3,070", "520", "70", "81"], (".", ",")),
        (["3.070", "520", "70", "81"], (",", ".")),
        (["3.070", "520.000"], (".", "")),
        (["3.070", "520", "70", "1234"], (".", "")),
        (["1'234", "5"], (".", "'")),
        (["12", "5"], (".", "")),
        (["<LOD", "#N/A", "", "12"], (".", "")),
    ],
)
def test_the_style_fits_all_numbers_of_a_file(fields: list[str], style: tuple[str, str]) -> None:
    assert style_of("Fe.csv", [fields]) == NumberStyle(*style)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (["1,234", "5,678"], r"may mark decimals or thousands \(1,234\)"),
        (["1,234", "567", "70", "81"], r"may mark decimals or thousands \(1,234\)"),
        (["1.234", "567", "70", "81"], r"may mark decimals or thousands \(1\.234\)"),
        (["1,234,567", "12,5"], r"writes 1,234,567 and 12,5"),
        (["1.5", "1,5"], r"writes 1\.5 and 1,5"),
    ],
)
def test_what_stays_open_is_refused(fields: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=rf"^Fe\.csv is ambiguous.*{sentence}.*decimal point"):
        style_of("Fe.csv", [fields])


def test_words_are_no_numbers() -> None:
    wrong = ("1_000", "0x1F", "1,2,3", "12 34", "1.2.3", "e5", "1e", "####", "5 %", ">5000", "x")
    assert [word for word in wrong if is_number(word)] == []


def with_word(word: str) -> tuple[str, np.ndarray]:
    """COUNTS between semicolons with a word in three places, and the numbers without them."""
    places = [(0, 5), (7, 0), (11, 13)]
    cells = [[str(v) for v in row] for row in COUNTS]
    truth = COUNTS.astype(float)
    for place in places:
        cells[place[0]][place[1]] = word
        truth[place] = np.nan
    return "\n".join(";".join(row) for row in cells) + "\n", truth


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("<LOD", "3 values are below detection"),
        ("<0.1", "3 values are below detection"),
        ("<0,1", "3 values are below detection"),
        ("n.d.", "3 values are below detection"),
        ("b.d.l.", "3 values are below detection"),
        ("#DIV/0!", "3 values are errors of a spreadsheet"),
        ("--", "3 values are dashes"),
        ("NaN", ""),
        ("NULL", ""),
        ("1.#QNAN", ""),
    ],
)
def test_words_for_missing_values(tmp_path: Path, word: str, said: str) -> None:
    text, truth = with_word(word)
    (tmp_path / "Fe.csv").write_text(text)
    cube = read_maps(tmp_path)
    np.testing.assert_array_equal(cube.plane(0), truth)
    assert cube.n_valid == COUNTS.size - 3 - np.count_nonzero(truth == 0)
    notes = [line for line in cube.report.warnings if "left out as missing" in line]
    assert len(notes) == bool(said)
    assert said in " ".join(notes)


@pytest.mark.parametrize("word", ["####", "0x1F", "5 %", ">5000", "1_000", "TRUE", "12 ppm"])
def test_other_words_are_refused_with_their_place(tmp_path: Path, word: str) -> None:
    (tmp_path / "Fe.csv").write_text(with_word(word)[0])
    with pytest.raises(InputError, match=rf"line 1 holds '{re.escape(word)}'"):
        read_maps(tmp_path)
    lines = ["X (um);Y (um);Fe;Ca", *(f"{i % 4};{i // 4};{i};{i}" for i in range(16))]
    lines[6] = f"1;1;{word};5"
    (tmp_path / "Fe.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=rf"row 6 holds '{re.escape(word)}' in the column Fe"):
        read_maps(tmp_path / "Fe.csv")


def test_a_column_that_is_not_read_decides_nothing(tmp_path: Path) -> None:
    # The points of a date and the commas of a remark are no numbers of the map.
    lines = ['Time;"remark; ours";X (um);Y (um);Fe;Ca']
    for y, x in np.ndindex(*COUNTS.shape):
        fe = f"{COUNTS[y, x] + 0.5:.1f}".replace(".", ",")
        lines.append(f'28.11.2026 12:01;"a;b, ""c"" 1.5";{x};{y};{fe};7')
    (tmp_path / "scan.csv").write_text("\n".join(lines))
    cube = read_maps(tmp_path / "scan.csv")
    assert cube.elements == ("Fe", "Ca")
    np.testing.assert_array_equal(cube.plane(0), COUNTS + 0.5)
