"""What stands around the numbers of a matrix: indices, positions, headings, sums, broken lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.cube import ElementCube

V = np.random.default_rng(3).integers(0, 3000, (12, 14))
ROWS, COLUMNS = np.indices(V.shape)


def text(values: np.ndarray, separator: str = ",") -> str:
    return "\n".join(separator.join(map(str, row)) for row in values) + "\n"


def read(folder: Path, content: str) -> ElementCube:
    (folder / "Fe.csv").write_text(content, encoding="utf-8", newline="")
    return read_maps(folder)


def frame(index=None, columns=None, name: str | None = None) -> pd.DataFrame:
    return pd.DataFrame(V, index=pd.Index(index, name=name), columns=columns)


ZERO = (range(12), range(14))
ONE = (range(1, 13), range(1, 15))
UM = (np.arange(12) * 5, np.arange(14) * 5)
MM = (np.arange(12) * 0.02, np.arange(14) * 0.02)
NAMES = [f"c{i}" for i in range(14)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (frame(*ZERO).to_csv(), "row and column count 0, 1, 2 ... and are left out"),
        (frame(*ONE).to_csv(), "row and column count 1, 2, 3 ... and are left out"),
        (frame(*UM).to_csv(), r"hold positions (0 to 65 and 0 to 55) and are left out"),
        (frame(MM[0][::-1], MM[1]).to_csv(), "(0 to 0.26 and 0.22 to 0)"),
        (frame(MM[0], MM[1]).to_csv(sep=";", decimal="."), "(0 to 0.26 and 0 to 0.22)"),
        (frame(range(12), NAMES).to_csv(), "the first column counts 0, 1, 2 ... and is left out"),
        (frame(ZERO[0], NAMES).to_csv(index=False), ""),
        (
            " ".join(f'"V{i}"' for i in range(14))
            + "\n"
            + "".join(f'"{i}" {row}' for i, row in enumerate(text(V, " ").splitlines(True), 1)),
            "the first column counts 1, 2, 3 ... and is left out",
        ),
        (
            "".join(f"row {i};{row}" for i, row in enumerate(text(V, ";").splitlines(True))),
            "the first column holds words and is left out",
        ),
    ],
)
def test_labels_beyond_doubt_are_steps(tmp_path: Path, content: str, said: str) -> None:
    cube = read(tmp_path, content)
    np.testing.assert_array_equal(cube.plane(0), V)
    assert said in " ".join(cube.report.steps)
    assert not any("is measured" in line for line in cube.report.warnings)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (frame(*ZERO).to_csv(index=False), "the first row counts 0, 1, 2 ... and is left out"),
        (frame(*UM).to_csv(index=False), "the first row holds positions (0 to 65)"),
        (frame(*ZERO).to_csv(header=False), "the first column counts 0, 1, 2 ..."),
        (frame(UM[0] + 100, UM[1]).to_csv(header=False), "column holds positions (100 to 155)"),
        (frame(*ZERO, name="0").to_csv(), "the first row and column count"),
        (frame(*ONE, name="-1").to_csv(), "the first row and column count 1, 2, 3 ..."),
    ],
)
def test_labels_by_their_numbers_alone_are_notes(tmp_path: Path, content: str, said: str) -> None:
    cube = read(tmp_path, content)
    np.testing.assert_array_equal(cube.plane(0), V)
    [note] = [line for line in cube.report.warnings if "left out; if" in line]
    assert said in note
    assert "put a line above that gives each column a name" in note


def test_names_above_overrule_the_guess(tmp_path: Path) -> None:
    stored = np.vstack([np.arange(14), V])
    np.testing.assert_array_equal(read(tmp_path, text(stored)).plane(0), V)
    cube = read(tmp_path, ",".join(NAMES) + "\n" + text(stored))
    np.testing.assert_array_equal(cube.plane(0), stored)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(168).reshape(12, 14),
        ROWS + COLUMNS,
        COLUMNS * (ROWS + 1),
        COLUMNS,
        ROWS,
        ROWS * 5 + 100,
        np.arange(12).reshape(3, 4),
        V[:, :3],
        np.array([[1, 2, 3], [7, 0, 5]]),
    ],
)
def test_ramps_that_are_data_stay(tmp_path: Path, values: np.ndarray) -> None:
    np.testing.assert_array_equal(read(tmp_path, text(values)).plane(0), values)


@pytest.mark.parametrize("corner", ["y (mm)", "y\\x [mm]", "Y/mm", "mm"])
def test_positions_with_a_unit_give_the_pixel_size(tmp_path: Path, corner: str) -> None:
    cube = read(tmp_path, frame(MM[0], MM[1] * 2, corner).to_csv())
    np.testing.assert_array_equal(cube.plane(0), V)
    assert cube.pixel_size == pytest.approx((20.0, 40.0))


def test_positions_without_a_unit_ask_for_the_pixel_size(tmp_path: Path) -> None:
    cube = read(tmp_path, frame(*UM).to_csv())
    assert cube.pixel_size is None
    assert any("give it in µm (their step is 5)" in line for line in cube.report.warnings)


@pytest.mark.parametrize(
    ("above", "below", "separator"),
    [
        ("Project: Test 12, Area 5\nDate: 12.5.2024\nWidth: 14\n\nData\n", "", "\t"),
        ("# made by us\n# 12 14\n", "", " "),
        ("% a\n", "% end\n", " "),
        ("// a 1 2 3\n", "", ","),
        ("14 12\n", "", " "),
        ("=====\n", "", ";"),
        ("Voltage, kV: 50\nName, first\n", "end of file\n", "\t"),
        ("", "Sum," + ",".join(map(str, V.sum(0)[1:])) + "\n", ","),
        ("", "\n\n\x1a", ","),
    ],
)
def test_lines_around_the_numbers(tmp_path: Path, above: str, below: str, separator: str) -> None:
    cube = read(tmp_path, above + text(V, separator) + below)
    np.testing.assert_array_equal(cube.plane(0), V)
    said = " ".join(cube.report.warnings)
    assert ("heading" in said) == bool(above)
    assert ("last line is left out" in said) == bool(below.strip("\n\x1a"))


@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n", "\n"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    cube = read(tmp_path, text(V).replace("\n", end))
    np.testing.assert_array_equal(cube.plane(0), V)


def test_tabs_and_blanks_together(tmp_path: Path) -> None:
    between = np.random.default_rng(1).choice([" ", "\t", "  "], V.size)
    words = iter(f"{v}{b}" for v, b in zip(V.ravel(), between, strict=True))
    content = "\n".join("".join(next(words) for _ in row) for row in V)
    np.testing.assert_array_equal(read(tmp_path, content).plane(0), V)
    np.testing.assert_array_equal(read(tmp_path, text(V, " \t ")).plane(0), V)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (text(V) + "\n" + text(V), "line 13 is empty, so it may hold two maps"),
        (text(V) + "1,2,3\n", "line 13 has 3 values, the lines before have 14"),
        ("1 2,5;3\n" * 3, "Fe.csv"),
        ("<?xml version='1.0'?>\n<a/>\n", "is an XML file, not numbers"),
        ("<!DOCTYPE html>\n<p>1 2</p>\n", "is not text but a web page"),
        (text(np.vstack([V] * 9)) + "\0\0", r"its byte \d+ is zero, which no text holds"),
    ],
)
def test_refusals_are_true(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, content)
