"""Artefact flags and mineral hints on grains whose cause is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.artefacts.bad_lines import find_bad_lines
from napari_mineral_anomaly.grains.artefacts.flags import FLAG_CODES, FLAG_SEPARATOR, flag_sentence
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.spectra.leaks import line_leaks

ELEMENTS = ("Si", "P", "S", "Ca", "Ti", "Fe", "As", "Zr", "Ba", "Pb")
SHAPE = (60, 60)
SPOT = np.array([[0.1, 0.3, 0.1], [0.3, 1.0, 0.3], [0.1, 0.3, 0.1]])


def _counts(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(np.full((len(ELEMENTS), *SHAPE), 10.0))


def _add(maps: np.ndarray, element: str, y: int, x: int, counts: float) -> None:
    """A grain seen through the beam: its middle pixel and a rim."""
    c = ELEMENTS.index(element)
    maps[c, y - 1 : y + 2, x - 1 : x + 2] += np.rint(SPOT * counts).astype(int)


def _table(maps: np.ndarray, mask: np.ndarray, valid: np.ndarray | None = None, labels=None):
    cube = ElementCube(
        maps.astype(np.uint16),
        ELEMENTS,
        valid=np.ones(SHAPE, bool) if valid is None else valid,
        quantity="counts",
    )
    score = np.where(mask, 9.0, 0.0).astype(np.float32)
    score[~cube.valid] = np.nan
    contributions = ((maps - 10) / np.sqrt(10)).astype(np.float32)
    if labels is None:
        labels = np.full(SHAPE, 2, np.uint16)
    result = AnomalyResult(score, 5.0, contributions, labels, ELEMENTS)
    return find_grains(result, cube=cube)


def _one(maps: np.ndarray, y: int = 30, x: int = 30):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[y, x] = True
    return _table(maps, mask).iloc[0]


def test_lead_fakes_arsenic_but_arsenic_without_lead_is_its_own():
    maps = _counts()
    _add(maps, "Pb", 30, 30, 300)
    _add(maps, "As", 30, 30, 200)
    assert "line overlap (As by Pb)" in _one(maps)["flags"].split(FLAG_SEPARATOR)
    alone = _counts()
    _add(alone, "As", 30, 30, 200)
    assert _one(alone)["flags"] == ""
    too_strong = _counts()
    _add(too_strong, "Pb", 30, 30, 60)
    _add(too_strong, "As", 30, 30, 500)
    assert "As by Pb" not in _one(too_strong)["flags"]


def test_leaks_come_from_line_energies():
    leaks = line_leaks(("Si", "Ti", "Ba", "Pb", "As", None))
    assert leaks.share[2, 1] > 0.5  # Ba under Ti
    assert leaks.share[4, 3] > 0.5  # As under Pb
    assert leaks.share[0].max() < 0.1
    assert not leaks.share[5].any()


def test_a_spike_has_no_rim_and_a_small_grain_has_one():
    spiked = _counts()
    spiked[ELEMENTS.index("Fe"), 30, 30] += 150
    assert _one(spiked)["flags"] == "single-pixel spike (Fe)"
    grain = _counts()
    _add(grain, "Fe", 30, 30, 150)
    assert _one(grain)["flags"] == ""
    two_elements = spiked.copy()
    two_elements[ELEMENTS.index("Ca"), 30, 30] += 150
    assert "spike" not in _one(two_elements)["flags"]


def test_edges_of_scan_and_valid_area():
    maps = _counts()
    _add(maps, "Fe", 30, 30, 150)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[30, 30] = mask[0, 10] = True
    valid = np.ones(SHAPE, dtype=bool)
    valid[40:] = False
    flags = _table(maps, mask, valid)["flags"].tolist()
    assert sum("scan edge" in text for text in flags) == 1
    assert not any("valid-area edge" in text for text in flags)
    valid[31:] = False
    assert any("valid-area edge" in text for text in _table(maps, mask, valid)["flags"])


def test_an_excess_that_chance_explains_has_too_few_counts():
    maps = _counts(3)
    maps[:, 30, 30] = 10
    maps[ELEMENTS.index("Ti"), 20:40, 20:40] = 0
    maps[ELEMENTS.index("Ti"), 30, 30] = 1
    cube_table = _one(maps)
    assert "counts too low" not in cube_table["flags"]  # nothing drives it, nothing is judged
    sparse = np.zeros_like(maps)
    sparse[:] = np.random.default_rng(1).poisson(0.3, maps.shape)
    sparse[:, 30, 30] = 0
    sparse[ELEMENTS.index("Zr"), 30, 30] = 2
    mask = np.zeros(SHAPE, dtype=bool)
    mask[30, 30] = True
    cube = ElementCube(
        sparse.astype(np.uint16), ELEMENTS, valid=np.ones(SHAPE, bool), quantity="counts"
    )
    contributions = np.zeros(maps.shape, dtype=np.float32)
    contributions[ELEMENTS.index("Zr"), 30, 30] = 6.0
    result = AnomalyResult(
        np.where(mask, 9, 0).astype(np.float32), 5.0, contributions,
        np.full(SHAPE, 2, np.uint16), ELEMENTS,
    )  # fmt: skip
    assert "counts too low" in find_grains(result, cube=cube).iloc[0]["flags"]


def test_a_hole_is_low_in_all_elements_and_gets_no_mineral():
    maps = _counts(4) * 12
    hole = np.zeros(SHAPE, dtype=bool)
    hole[28:33, 28:33] = True
    other = maps.copy()
    maps[:, hole] //= 4
    row = _table(maps, hole).iloc[0]
    assert row["flags"] == "low in all elements"
    assert row["mineral_hint"] == ""
    # With one element of its own it is a mineral, however low the others are.
    other[:, hole] //= 4
    other[ELEMENTS.index("Fe"), hole] = 150
    row = _table(other, hole).iloc[0]
    assert "low in all elements" not in row["flags"]
    assert row["mineral_hint"] != ""


@pytest.mark.parametrize("with_clusters", [False, True])
def test_a_blend_of_the_phases_on_both_sides_is_a_mixture_and_a_third_phase_is_not(with_clusters):
    rng = np.random.default_rng(0)
    left, right = np.full(len(ELEMENTS), 20.0), np.full(len(ELEMENTS), 20.0)
    left[ELEMENTS.index("Si")], right[ELEMENTS.index("Fe")] = 400.0, 300.0
    expected = np.where(np.arange(60) < 30, left[:, None], right[:, None])[:, None, :]
    expected = np.broadcast_to(expected, (len(ELEMENTS), *SHAPE)).copy()
    expected[:, 30, 30] = 0.5 * left + 0.5 * right
    mask = np.zeros(SHAPE, dtype=bool)
    mask[30, 30] = True
    labels = np.where(np.arange(60) < 30, 2, 3)[None, :].repeat(60, 0).astype(np.uint16)
    labels = labels if with_clusters else None
    maps = rng.poisson(expected)
    assert "two-phase mixing" in _table(maps, mask, labels=labels).iloc[0]["flags"]
    maps[ELEMENTS.index("Ca"), 30, 30] += 150
    assert "two-phase mixing" not in _table(maps, mask, labels=labels).iloc[0]["flags"]


def test_dead_and_dim_rows_and_columns_are_found_and_flagged():
    maps = _counts()
    maps[:, 20] //= 3
    maps[:, :, 45] *= 2
    valid = np.ones(SHAPE, dtype=bool)
    valid[40] = False
    cube = ElementCube(maps.astype(np.uint16), ELEMENTS, valid=valid, quantity="counts")
    lines = find_bad_lines(cube)
    assert np.flatnonzero(lines.dim_rows).tolist() == [20]
    assert np.flatnonzero(lines.dead_rows).tolist() == [40]
    assert np.flatnonzero(lines.dim_columns).tolist() == [45]
    assert not lines.dead_columns.any()
    mask = np.zeros(SHAPE, dtype=bool)
    mask[20, 10] = mask[39, 10] = mask[30, 45] = mask[50, 10] = True
    texts = ";".join(_table(maps, mask, valid)["flags"])
    for what in ("(row 20)", "(row 40)", "(column 45)"):
        assert texts.count(f"dead row or column {what}") == 1


def test_a_bright_grain_of_a_scarce_element_does_not_make_its_row_a_bad_row():
    maps = _counts()
    maps[ELEMENTS.index("As")] = 0
    maps[ELEMENTS.index("As"), 30, 30] = 5000
    lines = find_bad_lines(ElementCube(maps.astype(np.uint16), ELEMENTS, quantity="counts"))
    assert not lines.dim_rows.any()
    assert not lines.dim_columns.any()


@pytest.mark.parametrize(
    ("recipe", "mineral"),
    [
        ({"Zr": 200}, "zircon"),
        ({"P": 100, "Ca": 250}, "apatite"),
        ({"P": 100, "Ca": 250, "Zr": 90}, "apatite"),  # Zr is the overlap of P
        ({"S": 150, "Fe": 120}, "pyrite"),
        ({"Ba": 200, "S": 60}, "barite"),
        ({"Pb": 300, "S": 60, "As": 200}, "galena"),
        ({"As": 150, "S": 80, "Fe": 120}, "arsenopyrite"),
        ({"Ti": 200, "Fe": 180}, "ilmenite"),
        ({"Ti": 300}, "rutile"),
    ],
)
def test_hints_name_the_mineral_that_was_put_there(recipe, mineral):
    maps = _counts()
    for element, counts in recipe.items():
        _add(maps, element, 30, 30, counts)
    row = _one(maps)
    hinted = [row["mineral_hint"], *row["mineral_others"].split(", ")]
    assert any(text.startswith(mineral) for text in hinted), hinted
    assert 0 <= row["mineral_distance"] <= 0.45


def test_every_flag_has_a_plain_sentence():
    for code in FLAG_CODES:
        sentence = flag_sentence(code + (" (As by Pb)" if code == "line overlap" else " (Fe)"))
        assert sentence[0].isupper()
        assert sentence[-1] in ".?"
        assert "(" not in sentence
    assert "As" in flag_sentence("line overlap (As by Pb)")


def test_concentrations_are_flagged_by_pattern_and_never_for_counts():
    maps = _counts().astype(float)
    _add_to = maps[ELEMENTS.index("Pb")]
    _add_to[30, 30] += 300
    maps[ELEMENTS.index("As"), 30, 30] += 200
    mask = np.zeros(SHAPE, dtype=bool)
    mask[30, 30] = True
    cube = ElementCube(
        (maps / 5).astype(np.float32), ELEMENTS, valid=np.ones(SHAPE, bool),
        quantity="concentration",
    )  # fmt: skip
    contributions = ((maps - 10) / np.sqrt(10)).astype(np.float32)
    result = AnomalyResult(
        np.where(mask, 9, 0).astype(np.float32), 5.0, contributions,
        np.full(SHAPE, 2, np.uint16), ELEMENTS,
    )  # fmt: skip
    flags = find_grains(result, cube=cube).iloc[0]["flags"].split(FLAG_SEPARATOR)
    assert "line overlap (As by Pb)" in flags
    assert "counts too low" not in flags
