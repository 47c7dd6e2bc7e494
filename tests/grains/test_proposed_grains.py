"""Places that one question proposes get rows of the list, though their score is low."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly import AnomalyResult, ElementCube
from napari_mineral_anomaly.detectors.heads.proposals import N_PROPOSED, propose
from napari_mineral_anomaly.detectors.networks.msfa.position import Position
from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.simulate import simulate_section

SHAPE = (60, 70)
GRAIN = np.s_[30:34, 20:25]
WORDS = "differs from its surroundings"


@pytest.fixture(scope="module")
def cube() -> ElementCube:
    counts = np.full((4, *SHAPE), 30.0)
    counts[-1][GRAIN] = 300.0
    maps = np.random.default_rng(0).poisson(counts).astype(np.uint16)
    return ElementCube(maps, ("Si", "Fe", "Ca", "Zr"), quantity="counts")


def result_of(cube: ElementCube, places: list[tuple[int, int]]) -> AnomalyResult:
    """Scores of noise, and low ones where the bright grain is."""
    score = np.random.default_rng(1).normal(size=cube.shape).astype(np.float32)
    score[24:40, 14:31] = 0.2
    found_by: NDArray[np.uint8] = np.ones(cube.shape, dtype=np.uint8)
    return AnomalyResult(
        score, 20.0, np.zeros((4, *cube.shape), np.float32), np.full(cube.shape, 2, np.uint16),
        cube.elements, found_by=found_by,
    ).with_info(
        questions={"network": "the network cannot predict it", "surroundings": WORDS},
        proposals={"surroundings": places},
    )  # fmt: skip


def test_a_proposed_grain_is_whole_and_says_who_found_it(cube: ElementCube) -> None:
    rows = find_grains(result_of(cube, [(31, 22)]), cube=cube, n_rows=12)
    grains = rows[rows["kind"] == "grain"].reset_index(drop=True)
    row = grains.iloc[10]  # the first ten follow the score
    assert row["area_px"] == pytest.approx(20, abs=2)
    assert (row["centroid_y_px"], row["centroid_x_px"]) == pytest.approx((31.5, 22), abs=0.5)
    assert row["found_by"] == WORDS
    assert set(grains["found_by"].drop(index=10)) == {"the network cannot predict it"}
    assert not grains["above_threshold"].any()
    assert len(grains) == 12


def test_without_a_proposal_the_grain_is_only_a_concentration(cube: ElementCube) -> None:
    rows = find_grains(result_of(cube, []), cube=cube, n_rows=12)
    inside = rows["centroid_y_px"].between(29, 35) & rows["centroid_x_px"].between(19, 25)
    assert set(rows.loc[inside, "kind"]) == {"concentration"}


def test_a_proposal_in_a_listed_grain_takes_no_row(cube: ElementCube) -> None:
    result = result_of(cube, [(31, 22), (32, 23), (33, 21)])
    score = result.score.copy()
    score[GRAIN] = 25.0
    rows = find_grains(replace(result, score=score), cube=cube, n_rows=12)
    first = rows.iloc[0]
    assert first["above_threshold"]
    assert first["area_px"] == pytest.approx(20, abs=2)
    assert set(rows["found_by"]) == {"the network cannot predict it"}


def test_peaks_are_the_oddest_first_apart_and_valid() -> None:
    answer = np.random.default_rng(0).uniform(size=(80, 90))
    answer[10, 10], answer[10, 11], answer[40, 50], answer[70, 80] = 9.0, 8.0, 7.0, 6.0
    valid = np.ones(answer.shape, dtype=bool)
    valid[70, 80] = False
    places = propose({"surroundings": answer, "network": answer}, valid)
    assert list(places) == ["surroundings"]
    first = places["surroundings"]
    assert first[:2] == [(10, 10), (40, 50)]
    assert (10, 11) not in first
    assert (70, 80) not in first
    assert len(first) == N_PROPOSED
    odd = [answer[place] for place in first]
    assert odd == sorted(odd, reverse=True)
    assert propose({"likeness": np.zeros((5, 5))}, np.ones((5, 5), bool)) == {"likeness": []}
    assert propose({"likeness": np.zeros((5, 5))}, np.zeros((5, 5), bool)) == {"likeness": []}


def test_a_mirrored_scan_proposes_the_mirrored_places() -> None:
    cube = simulate_section("easy", (64, 72), seed=5).cube
    mirrored = cube.replace(
        maps=np.asarray(cube.maps)[:, ::-1, ::-1].copy(), valid=cube.valid[::-1, ::-1].copy()
    )
    assert Position.of(cube) != Position.of(mirrored)
    config = make_config("msfa", quick=True, seed=0)
    places = run_detection(cube, "msfa", config).result.info["proposals"]
    turned = run_detection(mirrored, "msfa", config).result.info["proposals"]
    assert list(places) == ["surroundings", "likeness"]
    height, width = cube.shape
    for question, peaks in places.items():
        back = [(height - 1 - row, width - 1 - column) for row, column in turned[question]]
        assert len(peaks) >= 20
        assert back[:20] == [tuple(peak) for peak in peaks[:20]]
