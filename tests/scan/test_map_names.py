"""The name parser: every way of writing an element that was met in the field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xraydb import atomic_number

from napari_mineral_anomaly.scan.names.map_names import ParsedName, parse_names, samples_of
from napari_mineral_anomaly.scan.names.periodic_table import (
    ATOMIC_NUMBER_OF_NAME,
    NEVER_MAPPED,
    RADIOACTIVE,
    SYMBOLS,
)

MAPPED = [symbol for symbol in SYMBOLS if symbol not in NEVER_MAPPED | RADIOACTIVE]


def by_name(*names: str) -> dict[str, ParsedName]:
    return dict(zip(names, parse_names(names), strict=True))


def labels(*names: str) -> list[str]:
    return [entry.label if entry.role == "element" else "-" for entry in parse_names(names)]


def test_symbols_are_the_periodic_table() -> None:
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 118
    assert [SYMBOLS.index(s) + 1 for s in ("H", "Fe", "Zr", "La", "Au", "Pb", "U", "Og")] == [
        *(1, 26, 40, 57, 79, 82, 92, 118)
    ]


def test_full_names_are_those_of_their_atomic_numbers() -> None:
    differing = {
        name: z
        for name, z in ATOMIC_NUMBER_OF_NAME.items()
        if name not in {"sulphur", "aluminium", "caesium", "wolfram"} and z != atomic_number(name)
    }
    assert differing == {}
    assert len(set(ATOMIC_NUMBER_OF_NAME.values())) == 98  # hydrogen to californium


@pytest.mark.parametrize(
    "name",
    [
        *("Lead time", "Tin can", "Iron oxide", "Gold grains", "Silver Ka edge", "Mercury lamp"),
        *("Leads", "Ironstone", "Leadtime", "Iron map", "old Iron", "Iron mask", "Iron error"),
        *("Iron Ka1 fit", "Tin 2"),
    ],
)
def test_an_element_in_full_is_the_whole_name_or_none(name: str) -> None:
    """Beside other planes called in full, and alone."""
    assert labels("Iron", name, "Calcium Ka") == ["Fe", "-", "Ca Ka"]
    assert labels(name) == ["-"]


def test_full_names_go_with_symbols_written_in_one_case() -> None:
    assert labels("fe", "si", "lead") == ["Fe", "Si", "Pb"]
    assert labels("Iron K", "Calcium K", "BSE", "Pb La") == ["Fe K", "Ca K", "-", "Pb La"]


def test_a_sample_called_like_an_element_is_no_element() -> None:
    found = parse_names(["Gold_K.tif", "Gold_Ca.tif", "Gold_Fe.tif"])
    assert [(entry.label, entry.sample) for entry in found] == [
        *(("K", "Gold"), ("Ca", "Gold"), ("Fe", "Gold"))
    ]


@pytest.mark.parametrize(
    ("name", "label", "element", "line"),
    [
        ("Fe.tif", "Fe", "Fe", None),
        ("Fe-KA.tif", "Fe Ka", "Fe", "Ka"),
        ("Fe Ka.tif", "Fe Ka", "Fe", "Ka"),
        ("Fe-K", "Fe K", "Fe", "K"),
        ("Fe Kβ1", "Fe Kb1", "Fe", "Kb1"),
        ("FeKa", "Fe Ka", "Fe", "Ka"),
        ("K-KA.tif", "K Ka", "K", "Ka"),
        ("KKa", "K Ka", "K", "Ka"),
        ("Al-K", "Al K", "Al", "K"),
        ("Pb La", "Pb La", "Pb", "La"),
        ("La La", "La La", "La", "La"),
        ("La.txt", "La", "La", None),
        ("MoL", "Mo L", "Mo", "L"),
        ("Map_Fe.txt.gz", "Fe", "Fe", None),
        ("S1_thin_Fe.tif", "Fe", "Fe", None),
        ("obj1_32bt_Al", "Al", "Al", None),
        ("detsum_Fe_K.tiff", "Fe K", "Fe", "K"),
        ("detsum_Si_K.tiff", "Si K", "Si", "K"),
        ("det1_Pb_L.tif", "Pb L", "Pb", "L"),
        ("run12-Fe.tiff", "Fe", "Fe", None),
        ("run12-MoL", "Mo L", "Mo", "L"),
        ("Pb-Zn_ore7_Zn Ka", "Zn Ka", "Zn", "Ka"),
        ("Dy163", "Dy163", "Dy", None),
        ("23Na", "23Na", "Na", None),
        ("RM03 Dy163_ppm matrix.csv", "Dy163", "Dy", None),
        ("Si Wt%", "Si", "Si", None),
        ("Fe.ome.tif", "Fe", "Fe", None),
        ("Fe.tif\nof the second scan", "Fe", "Fe", None),
        ("Iron", "Fe", "Fe", None),
        ("CALCIUM.tif", "Ca", "Ca", None),
        ("lead (1).tif", "Pb", "Pb", None),
        ("Iron K", "Fe K", "Fe", "K"),
        ("Iron Ka1", "Fe Ka1", "Fe", "Ka1"),
        ("sulphur_Kα.tif", "S Ka", "S", "Ka"),
        ("Aluminium-K", "Al K", "Al", "K"),
        ("Aluminum-K", "Al K", "Al", "K"),
    ],
)
def test_one_name(name: str, label: str, element: str, line: str | None) -> None:
    [entry] = parse_names([name])
    assert (entry.role, entry.label, entry.element, entry.line) == ("element", label, element, line)
    assert entry.name == name


@pytest.mark.parametrize(
    ("name", "label", "element", "oxide"),
    [
        ("SiO2.tif", "SiO2", "Si", "SiO2"),
        ("FeO.tif", "FeO", "Fe", "FeO"),
        ("FeO-T.tif", "FeO-T", "Fe", "FeO"),
        ("FeO_total.txt", "FeO_total", "Fe", "FeO"),
        ("Fe2O3(T).txt", "Fe2O3(T)", "Fe", "Fe2O3"),
        ("FeOT", "FeOT", "Fe", "FeO"),
        ("SO3.tif", "SO3", "S", "SO3"),
        ("P2O5", "P2O5", "P", "P2O5"),
        ("K2O", "K2O", "K", "K2O"),
        ("section_3_Al2O3.csv", "Al2O3", "Al", "Al2O3"),
        ("CoO", "CoO", "Co", "CoO"),
    ],
)
def test_oxides_keep_the_name_the_geologist_gave(
    name: str, label: str, element: str, oxide: str
) -> None:
    [entry] = parse_names([name])
    assert (entry.role, entry.label, entry.element) == ("element", label, element)
    assert entry.oxide == oxide


@pytest.mark.parametrize(
    "name",
    """BSE Cp mask truth Total sum Back Compton Rayleigh Video Phase_map Sample_image Classification
    Standards minerals run12-sum run12-Back run12-Compton Rh_Compton obj1_8bt_BSE obj1_mask
    scaler_i0 truth.tif grains_truth.csv Ca-section_Video.tif mask_iron_Fe mask_magnetite_Fe3O4
    SE anomaly_score.ome.tif element_contributions.ome.tif""".split(),  # noqa: SIM905 (thirty quoted names are harder to read)
)
def test_companions_are_not_elements(name: str) -> None:
    [entry] = parse_names([name])
    assert (entry.role, entry.element, entry.label) == ("companion", None, name)
    assert entry.reason


@pytest.mark.parametrize(
    "name", ["scan.tif", "S1.tif", "No5", "sample 12", "2024-05-01", "as_measured", "README.md", ""]
)
def test_names_without_an_element_are_unknown(name: str) -> None:
    [entry] = parse_names([name])
    assert (entry.role, entry.element) == ("unknown", None)
    assert entry.reason == "no element in its name"


def test_the_element_is_what_changes_among_the_neighbours() -> None:
    assert labels(
        "Pb-Zn_ore7_Zn Ka.tif", "Pb-Zn_ore7_Fe Ka.tif", "Pb-Zn_ore7_Pb La.tif", "truth.tif"
    ) == ["Zn Ka", "Fe Ka", "Pb La", "-"]
    assert labels("S1_thin_S.tif", "S1_thin_Co.tif") == ["S", "Co"]
    assert labels("S_K", "S_Fe", "S_Si") == ["K", "Fe", "Si"]
    assert labels("Fe_K", "Fe_L") == ["Fe K", "Fe L"]
    assert labels("No_1_Fe", "No_1_Si") == ["Fe", "Si"]
    assert labels("Fe_No1", "Si_No1") == ["Fe", "Si"]


def test_a_companion_in_an_elements_place_is_not_the_element_of_the_section() -> None:
    names = ("Ca-section_Ca.tif", "Ca-section_Fe.tif", "Ca-section_Video.tif", "Ca-section_x y.tif")
    parsed = by_name(*names)
    assert [parsed[name].role for name in names] == ["element", "element", "companion", "unknown"]
    assert labels("Ca-section_Ca.tif", "Ca-section_Video.tif") == ["Ca", "-"]


def test_a_companion_word_that_all_maps_share_is_forgiven() -> None:
    names = ["standards_32bt_Al", "standards_32bt_Fe", "mask_iron_Fe", "mask_rutile_TiO2"]
    assert labels(*names) == ["Al", "Fe", "-", "-"]
    # ... but not where the same maps exist without it.
    assert labels("Fe", "Si", "Fe_sum", "Si_sum") == ["Fe", "Si", "-", "-"]


def test_isotopes_are_told_apart() -> None:
    assert labels("Pb206", "Pb207", "Pb208") == ["Pb206", "Pb207", "Pb208"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["FE.TIF", "SI.TIF", "CO.TIF"], ["Fe", "Si", "Co"]),
        (["FE.TIF", "SI.TIF", "K.TIF", "P.TIF", "BSE.TIF"], ["Fe", "Si", "K", "P", "-"]),
        (["FE-KA.TIF", "PB-LA.TIF"], ["Fe Ka", "Pb La"]),
        (["SIO2.TXT", "AL2O3.TXT", "FEO.TXT"], ["SIO2", "AL2O3", "FEO"]),
        (["fe.tif", "si.tif", "readme.txt"], ["Fe", "Si", "-"]),
        (["CO.TIF"], ["Co"]),  # cobalt, not carbon monoxide
        (["SE.TIF", "SI.TIF"], ["-", "Si"]),  # secondary electrons
        (["FE.TIF", "Ca.tif"], ["-", "Ca"]),  # not a folded set: FE is a slip to be shown
    ],
)
def test_case_is_folded_only_for_whole_sets(names: list[str], expected: list[str]) -> None:
    assert labels(*names) == expected


@pytest.mark.parametrize("name", ["s(Fe-K).tif", "scan_s(Fe-K)", "scan_sFe_K", "Fe_err", "Fe 2SE"])
def test_uncertainty_maps(name: str) -> None:
    parsed = by_name(name, "Fe-K.tif", "Si-K.tif")
    assert parsed[name].role == "uncertainty"
    assert parsed["Fe-K.tif"].label == "Fe K"


def test_copies_carry_the_same_label() -> None:
    parsed = parse_names(["Al-K.tif", "Al-K (1).tif", "Fe-K - Copy.tif", "Fe-K.tif"])
    assert [(entry.label, entry.is_copy) for entry in parsed] == [
        ("Al K", False),
        ("Al K", True),
        ("Fe K", True),
        ("Fe K", False),
    ]
    assert samples_of(parsed) == ()


@pytest.mark.parametrize(
    ("names", "samples"),
    [
        (["Sample_01_Fe", "Sample_02_Fe"], ("Sample_01", "Sample_02")),
        (["A_Fe", "A_Si", "B_Fe", "B_Si"], ("A", "B")),
        (["det1_Fe_K", "det1_Si_K", "detsum_Fe_K", "detsum_Si_K"], ("det1", "detsum")),
        (["Fe", "Si", "Ca", "old_Fe"], ()),  # one repetition: a duplicate
        (["obj1_Fe", "obj1_Si", "Zr"], ()),
        (["Fe_001", "Si_002", "Ca_003"], ()),
    ],
)
def test_samples_repeat_the_same_elements(names: list[str], samples: tuple[str, ...]) -> None:
    assert samples_of(parse_names(names)) == samples


@given(
    st.lists(st.sampled_from(MAPPED), min_size=2, max_size=12, unique=True),
    st.text("abcdefgh0123456789", min_size=1, max_size=8),
    st.sampled_from("_- "),
)
def test_any_set_with_a_common_lower_case_prefix_is_read(
    symbols: list[str], prefix: str, separator: str
) -> None:
    names = [f"{prefix}{separator}{symbol}.tif" for symbol in symbols]
    assert labels(*names) == symbols


@given(st.lists(st.text(max_size=20), max_size=8))
def test_no_name_can_break_the_parser(names: list[str]) -> None:
    parsed = parse_names(names)
    assert [entry.name for entry in parsed] == names
    assert all((entry.element in SYMBOLS) == (entry.role == "element") for entry in parsed)
