"""Columns, files and planes that only look like elements, and those that are elements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.scan.names.columns import lookalike_columns
from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.names.periodic_table import NEVER_MAPPED, RADIOACTIVE, SYMBOLS

SHAPE = (12, 17)
ELEMENTS = ("Fe", "Ca", "Si", "Ti")
MAPPED = [symbol for symbol in SYMBOLS if symbol not in NEVER_MAPPED | RADIOACTIVE]


def counts(n: int = 4, seed: int = 0) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).poisson(60, (n, *SHAPE)).astype(np.uint16)


def write_table(path: Path, columns: dict[str, NDArray[np.generic]], first: bool = True) -> None:
    """A comma table of 5 µm steps; ``columns`` stand before the elements, or before X."""
    maps = dict(zip(ELEMENTS, counts().reshape(4, -1), strict=True))
    rows, across = np.divmod(np.arange(np.prod(SHAPE)), SHAPE[1])
    place = {"X (um)": across * 5, "Y (um)": rows * 5}
    table = {**columns, **place, **maps} if first else {**place, **columns, **maps}
    lines = [",".join(table)]
    lines += [",".join(f"{value:g}" for value in row) for row in zip(*table.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")


def labels(*names: str) -> list[str]:
    return [entry.label if entry.role == "element" else "-" for entry in parse_names(names)]


RAMP = np.arange(1, np.prod(SHAPE) + 1)


@pytest.mark.parametrize(
    "heading",
    [
        *("No", "No.", "Nr", "Pt", "Pt.", "As Is", "As received", "I", "I0", "N", "P", "S", "K"),
        *("At", "In", "Es", "Am", "Cm", "Os", "Mt", "Re", "Be", "He", "Fe+Ti", "Fe/Ti", "Fe-Ti"),
        *(
            "Ca_Si_ratio",
            "sum Fe Ti",
            "Mg number",
            "Mg#",
            "Al2O3/SiO2",
            "(Fe+Ti)/Ca",
            "XMg",
            "X_Mg",
        ),
        *(
            "Fe error",
            "Fe (sigma)",
            "Fe ±",
            "s(Fe)",
            "Fe_MDL",
            "Fe LOD",
            "w(Fe)",
            "wt Fe",
            "Fe wt%",
        ),
    ],
)
def test_a_column_that_looks_like_an_element_is_left_out_and_named(
    tmp_path: Path, heading: str
) -> None:
    """As in point lists and tables of fit programs: numbering, ratios, errors before the maps."""
    write_table(tmp_path / "scan.csv", {heading: RAMP})
    cube = read_maps(tmp_path / "scan.csv")
    assert cube.elements == ELEMENTS
    assert np.array_equal(cube.maps, counts())
    assert cube.pixel_size == (5, 5)
    report = cube.report
    assert report is not None
    said = " ".join([*report.warnings, *report.steps, *(one.file for one in report.ignored)])
    assert heading in said


@pytest.mark.parametrize("heading", ["As", "Pt", "I", "In", "P", "K", "Be", "Re", "W", "B", "Zr"])
@pytest.mark.parametrize("first", [False, True])
def test_an_element_with_counts_stays(tmp_path: Path, heading: str, first: bool) -> None:
    own = counts(1, seed=7).ravel()
    write_table(tmp_path / "scan.csv", {heading: own}, first)
    cube = read_maps(tmp_path / "scan.csv")
    assert cube.elements == (heading, *ELEMENTS)
    assert np.array_equal(cube.maps[0].ravel(), own)
    assert cube.report is not None
    doubts = [line for line in cube.report.warnings if "may be no element" in line]
    assert len(doubts) == (first and heading != "Zr")


def test_yttrium_stays_beside_positions_and_zirconium(tmp_path: Path) -> None:
    own = counts(2, seed=7).reshape(2, -1)
    write_table(tmp_path / "scan.csv", {"Y": own[0], "Zr": own[1]}, first=False)
    cube = read_maps(tmp_path / "scan.csv")
    assert cube.elements == ("Y", "Zr", *ELEMENTS)
    assert np.array_equal(cube.maps[:2].reshape(2, -1), own)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (RAMP, "numbers the rows"),
        (RAMP[::-1], "numbers the rows"),
        (10.0 + 0.5 * RAMP, "numbers the rows"),
        (np.random.default_rng(0).permutation(RAMP), "numbers the rows"),
        (np.full(RAMP.size, 7), "holds 7 in every row"),
        ((RAMP - 1) // SHAPE[1], "repeats a position"),
        ((RAMP - 1) % SHAPE[1] * 2 + 3, "repeats a position"),
        (np.zeros(RAMP.size), None),  # a map without counts
        (counts(1).ravel(), None),
    ],
)
def test_what_the_numbers_of_a_column_say(values: NDArray[np.generic], reason: str | None) -> None:
    fe = counts(1, seed=3).ravel()
    rows, across = np.divmod(RAMP - 1, SHAPE[1])
    table = {"I": values, "x": across, "y": rows, "Fe": fe}
    found = lookalike_columns(list(table), table, ["x", "y"])
    assert found == ({} if reason is None else {"I": reason})


def test_an_element_is_left_out_only_as_a_strict_counter() -> None:
    fe = counts(1).ravel()
    assert lookalike_columns(["Fe", "Ca"], {"Fe": RAMP, "Ca": fe}) == {"Fe": "numbers the rows"}
    assert lookalike_columns(["Fe", "Ca"], {"Fe": RAMP * 3, "Ca": fe}) == {}
    assert lookalike_columns(["Fe", "Ca"], {"Fe": RAMP, "Ca": RAMP}) == {}
    assert lookalike_columns(["I", "Br"], {"I": fe, "Br": fe}) == {}


def test_joined_lines_of_one_letter_are_read_among_others(tmp_path: Path) -> None:
    names = ("BaL", "CaK", "FeK", "KK", "PK", "SK")
    maps = counts(len(names))
    for name, plane in zip(names, maps, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ba L", "Ca K", "Fe K", "K K", "P K", "S K")
    assert np.array_equal(cube.maps, maps)
    assert cube.report is not None
    assert cube.report.to_decide == ()
    assert labels("PK") == labels("OK", "UM")[:1] == ["-"]
    assert labels("Fe", "Ca", "OK") == ["Fe", "Ca", "-"]


def test_fits_of_pymca_give_the_counts(tmp_path: Path) -> None:
    """Folder IMAGES of a batch fit: counts, s = standard deviation, w = mass fraction."""
    maps = counts()
    for symbol, plane in zip(("Ca", "Fe", "K", "Ti"), maps, strict=True):
        for prefix, values in (("", plane), ("s", np.sqrt(plane)), ("w", plane / 1e6)):
            tifffile.imwrite(tmp_path / f"scan_{prefix}{symbol}_K.tif", values.astype(np.float32))
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca K", "Fe K", "K K", "Ti K")
    assert np.array_equal(cube.maps, maps)
    assert cube.report is not None
    reasons = {one.file: one.reason for one in cube.report.ignored}
    assert reasons["scan_wCa_K.tif"] == "a mass fraction beside the map of Ca"
    assert reasons["scan_sK_K.tif"] == "an uncertainty map"


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_tables_of_pymca_give_the_counts(tmp_path: Path, separator: str) -> None:
    maps = counts(2).reshape(2, -1)
    heading = ['"row"', '"column"']
    heading += [
        f'"{part}"' for part in ("w(Ca_K)", "w(Fe_K)", "Ca_K", "Fe_K", "s(Ca_K)", "s(Fe_K)")
    ]
    lines = [separator.join(heading)]
    for i, (ca, fe) in enumerate(maps.T):
        row, column = divmod(i, SHAPE[1])
        values = (row, column, ca / 1e6, fe / 1e6, ca, fe, ca**0.5, fe**0.5)
        lines.append(separator.join(f"{value:g}" for value in values))
    (tmp_path / "scan.csv").write_text("\n".join(lines))
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca K", "Fe K")
    assert np.array_equal(cube.maps.reshape(2, -1), maps)
    assert cube.report is not None
    assert "mass fractions and limits are left out (w(Ca_K) and w(Fe_K))" in str(
        cube.report.warnings
    )


def test_mass_fractions_alone_are_read_as_concentrations(tmp_path: Path) -> None:
    rows = [f"{i // 5} {i % 5} {i * 0.01:g} {0.2 + (i * 7 % 5) * 0.01:g}" for i in range(20)]
    (tmp_path / "scan.dat").write_text("\n".join(["row column w(Ca_K) w(Fe_K)", *rows]))
    cube = read_maps(tmp_path / "scan.dat")
    assert cube.elements == ("Ca K", "Fe K")
    assert cube.quantity == "concentration"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Fe Kα1", "Cu Lα1,2", "Zr Lα1_2", "Electron Image 1"], ["Fe Ka1", "Cu La", "Zr La", "-"]),
        (["Map Data 2_Fe Ka1", "Map Data 3_Ca Ka1"], ["Fe Ka1", "Ca Ka1"]),
        (["Fe K series", "O K series"], ["Fe K", "O K"]),
        (["Fe-KA", "Fe_01"], ["Fe Ka", "Fe"]),
        (["fe_ka", "si_ka"], ["Fe Ka", "Si Ka"]),
        (["Eisen", "Kalzium", "Blei"], ["Fe", "Ca", "Pb"]),
        (["Fer", "Plomb", "Hierro"], ["Fe", "Pb", "Fe"]),
        (["Fe/K", "Ca/K"], ["Fe K", "Ca K"]),
        (["Fe/K", "Ca/K", "Fe/Ti"], ["-", "-", "-"]),
        (["Fe", "Ca", "Fe-Ti", "Fe-Mn"], ["Fe", "Ca", "-", "-"]),
        (["Pb-Zn_ore7"], ["-"]),
        (["In_situ_Fe"], ["Fe"]),
        (["sB_Fe", "sB_Ca"], ["Fe", "Ca"]),
        (["Am"], ["Am"]),
        (["Fe cps", "Ca cps", "Mo inc", "coh", "Fe a*2"], ["Fe", "Ca", "-", "-", "-"]),
        (["U", "Th", "Am"], ["U", "Th", "Am"]),
        (["Fe", "Ca", "Am"], ["Fe", "Ca", "-"]),
        (["Fe_no_1", "Ca_no_1"], ["Fe", "Ca"]),
    ],
)
def test_names_of_other_programs(names: list[str], expected: list[str]) -> None:
    assert labels(*names) == expected


def test_of_two_maps_of_one_element_the_one_named_like_the_others_is_used(tmp_path: Path) -> None:
    maps = counts()
    for name, plane in zip(("0 old Fe", "Fe", "Ca", "Si"), maps, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    cube = read_maps(tmp_path)
    assert np.array_equal(cube.maps[cube.elements.index("Fe")], maps[1])
    assert cube.report is not None
    assert "0 old Fe.tif is a second map of Fe; Fe.tif is used." in cube.report.warnings


def test_files_that_look_like_elements_are_left_out_with_a_reason(tmp_path: Path) -> None:
    others = {
        "Fe+Ti": "a sum of elements",
        "Fe-Ti": "a combination of Fe and Ti by its name",
        "Mg#": "a number computed from elements (Mg#)",
        "Fe_MDL": "a detection limit",
        "Fe wt%": "a mass fraction beside the map of Fe",
        "Fe_sigma": "an uncertainty map",
    }
    for name, plane in zip((*others, "Fe", "Ti", "No"), counts(9), strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Fe", "Ti")
    assert np.array_equal(cube.maps, counts(9)[6:8])
    assert cube.report is not None
    reasons = {one.file.removesuffix(".tif"): one.reason for one in cube.report.ignored}
    assert reasons == others
    assert [one.file for one in cube.report.to_decide] == ["No.tif"]


def test_different_units_of_two_maps_are_said(tmp_path: Path) -> None:
    for name, plane in zip(("scan_Ca_K", "scan_Fe_K", "scan_wTi_K"), counts(3), strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca K", "Fe K", "Ti K")
    assert cube.report is not None
    assert any("scan_wTi_K.tif is a mass fraction by name" in s for s in cube.report.warnings)
    (tmp_path / "scan_Ca_K.tif").rename(tmp_path / "scan_wCa_K.tif")
    (tmp_path / "scan_Fe_K.tif").rename(tmp_path / "scan_wFe_K.tif")
    cube = read_maps(tmp_path)
    assert cube.elements == ("Ca K", "Fe K", "Ti K")
    assert cube.report is not None
    assert not any("mass fraction" in s for s in cube.report.warnings)


@pytest.mark.parametrize(
    ("odd", "is_said"),
    [
        ("Mg gradient", True),
        ("section9_Mg", True),
        ("Mg", False),
        ("Mg_ppm", False),
        ("Mg 2", False),
    ],
)
def test_a_name_with_other_words_is_read_with_a_word(
    tmp_path: Path, odd: str, is_said: bool
) -> None:
    for name, plane in zip(("Ca", "Fe", "Si", odd), counts(), strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    cube = read_maps(tmp_path)
    assert set(cube.elements) == {"Ca", "Fe", "Mg", "Si"}
    assert cube.report is not None
    said = any(f"{odd}.tif is read as Mg, but" in line for line in cube.report.warnings)
    assert said == is_said


STYLES = {
    "EDAX": "{0}K",
    "Oxford": "{0} Kα1",
    "Oxford AZtec": "{0} K series",
    "Oxford files": "Map Data 3_{0} Ka1",
    "Bruker": "{0}-KA",
    "Bruker numbers": "{0}_01",
    "Thermo": "{0} K",
    "JEOL": "View001_{0} K",
    "M4 Tornado": "Map_{0}-K",
    "PyMca": "scan_{0}_K",
    "PyXRF": "detsum_{0}_K",
    "GeoPIXE": "run12-{0}",
    "iolite": "RM03 {0}_ppm matrix",
    "plain": "{0}",
}
COMPANIONS = ["BSE", "mask", "Video 1", "Electron Image 2", "truth", "Total counts"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(MAPPED), min_size=3, max_size=10, unique=True),
    st.sampled_from(sorted(STYLES)),
    st.lists(st.sampled_from(COMPANIONS), max_size=3, unique=True),
    st.sampled_from([".tif", ".txt", ""]),
)
def test_every_element_of_a_set_is_read_and_none_invented(
    symbols: list[str], style: str, companions: list[str], ending: str
) -> None:
    if style == "EDAX":  # one-letter elements whose K lines are no lines in such maps
        symbols = [symbol for symbol in symbols if symbol not in ("H", "W", "U")]
        assume(any(len(symbol) == 2 for symbol in symbols) and len(symbols) > 1)
    names = [STYLES[style].format(symbol) + ending for symbol in symbols]
    parsed = parse_names([*names, *(f"{one}{ending}" for one in companions)])
    assert [entry.element for entry in parsed] == [*symbols, *(None for _ in companions)]
