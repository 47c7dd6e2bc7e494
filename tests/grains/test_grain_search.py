"""What a line of search text finds in a grain table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_mineral_anomaly.grains.search import GrainSearch


@pytest.fixture
def search() -> GrainSearch:
    table = pd.DataFrame(
        {
            "id": [4, 2, 9, 5],
            "peak_score": [41.0, 12.5, 9.9, 7.0],
            "area_px": [9, 1, 4, 100],
            "driver_1": ["As+14.2", "S+6.0", "Fe-3.0", "Ca+5.1"],
            "driver_2": ["S+6.1", "As-2.2", "Ca+2.0", ""],
            "mineral_hint": ["arsenopyrite", "", "", "calcite"],
            "flags": ["", "single-pixel spike (S)", "", "line overlap (As by Pb)"],
            "status": ["accept", "unseen", "reject", "unseen"],
            "comment": ["Look again", "", "", "gas bubble"],
        }
    )
    return GrainSearch(table)


def found(search: GrainSearch, text: str) -> list[int]:
    return np.flatnonzero(search.matches(text)).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [0, 1, 2, 3]),
        ("As", [0, 1]),
        ("As+", [0]),
        ("As-", [1]),
        ("no flags", [0, 2]),
        ("No flag Ca", [2]),
        ("spike", [1]),
        ("accept", [0]),
        ("ARSENO", [0]),
        ("again", [0]),
        ("peak>10", [0, 1]),
        ("peak > 10 area<=1", [1]),
        ("area_px>=9", [0, 3]),
        ("S As+", [0]),
        ("peak>", [0, 1, 2, 3]),
        ("peak>1.2.3", [0, 1, 2, 3]),
        ("nowhere", []),
    ],
)
def test_every_term_must_fit(search: GrainSearch, text: str, rows: list[int]) -> None:
    assert found(search, text) == rows


def test_an_element_is_not_looked_for_inside_words(search: GrainSearch) -> None:
    # "As" is in "gas" and in the flag of the last row, but not among its drivers.
    assert 3 not in found(search, "As")
    assert found(search, "gas") == [3]


def test_verdicts_that_changed_are_found_and_the_old_ones_are_not(search: GrainSearch) -> None:
    now = search._table.assign(status=["unseen", "unseen", "accept", "unseen"])
    later = search.with_verdicts_of(now)
    assert found(later, "accept") == [2]
    assert found(later, "As peak>10") == [0, 1]
    assert found(search, "accept") == [0]


def test_an_empty_table_can_be_searched(search: GrainSearch) -> None:
    empty = GrainSearch(search._table.iloc[:0])
    assert empty.matches("As no flags").shape == (0,)
