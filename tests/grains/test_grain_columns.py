"""The later columns of the grain table: size, stage, edges, agreement, neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.cells import CopiedCells
from napari_mineral_anomaly.grains.columns import (
    COLUMNS,
    GRAIN_COLUMNS,
    report_columns,
    window_columns,
)
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.scan.cube import ElementCube

SHAPE = (30, 40)


def _result(mask: np.ndarray, labels: np.ndarray | None = None, detector: str = "rx"):
    score = np.where(mask, 9.0, 0.0).astype(np.float32)
    return AnomalyResult(
        score=score,
        threshold=5.0,
        contributions=np.zeros((1, *mask.shape), dtype=np.float32),
        pseudo_labels=np.full(mask.shape, 2, np.uint16) if labels is None else labels,
        elements=("Fe",),
        pixel_size=(10.0, 20.0),
        info={"detector": detector},
    )


@pytest.fixture
def mask() -> np.ndarray:
    grains = np.zeros(SHAPE, dtype=bool)
    grains[10:12, 20:24] = True
    grains[0, 5] = True
    return grains


def test_sizes_bounds_and_edges(mask):
    table = find_grains(_result(mask)).sort_values("area_px", ascending=False)
    large, small = table.to_dict("records")
    assert large["equivalent_diameter_px"] == pytest.approx(2 * np.sqrt(8 / np.pi))
    assert large["equivalent_diameter_um"] == pytest.approx(2 * np.sqrt(8 * 200 / np.pi))
    bounds = [large[c] for c in ("row_min", "row_max", "col_min", "col_max")]
    assert bounds == [10, 11, 20, 23]
    assert (large["touches_edge"], small["touches_edge"]) == ("", "scan")


def test_a_grain_beside_pixels_without_score_touches_the_valid_area(mask):
    result = _result(mask)
    result.score[13, 24] = np.nan  # two steps away
    assert set(find_grains(result)["touches_edge"]) == {"", "scan"}
    result.score[12, 24] = np.nan  # a corner touches
    assert set(find_grains(result)["touches_edge"]) == {"valid area", "scan"}


def test_without_a_pixel_size_and_fiducials_there_are_no_um_and_no_places_on_the_sem(mask):
    without = find_grains(replace(_result(mask), pixel_size=None))
    keys = ["sem_y_mm", "sem_x_mm", "equivalent_diameter_um"]
    assert without[keys].isna().all(axis=None)
    # The axes of the map are those of no SEM.
    assert find_grains(_result(mask))[["sem_y_mm", "sem_x_mm"]].isna().all(axis=None)


def test_detectors_that_flag_a_pixel_of_the_grain_agree(mask):
    one_pixel = np.zeros(SHAPE, dtype=bool)
    one_pixel[11, 23] = True
    others = {"pca": _result(one_pixel), "knn": _result(np.zeros(SHAPE, bool)), "rx": _result(mask)}
    table = find_grains(_result(mask), others=others).set_index("area_px")
    assert table.loc[8, "detectors_agreeing"] == "rx, pca"
    assert table.loc[8, "n_agreeing"] == 2
    assert table.loc[1, "detectors_agreeing"] == "rx"


def test_neighbours_are_the_clusters_around_with_shares_and_names(mask):
    labels = np.full(SHAPE, 3, dtype=np.uint16)
    labels[:, :22] = 2
    table = find_grains(_result(mask, labels), cluster_names={2: "quartz"}).set_index("area_px")
    both = ("quartz 50 %, Cluster 3 50 %", "Cluster 3 50 %, quartz 50 %")
    assert table.loc[8, "neighbours"] in both
    assert table.loc[1, "neighbours"] == "quartz 100 %"


def test_new_columns_follow_the_first_ones_and_start_unseen(mask):
    table = find_grains(_result(mask))
    assert list(GRAIN_COLUMNS[:15])[-1] == "driver_5"
    assert table["status"].eq("unseen").all()
    assert table[["comment", "flags", "mineral_hint"]].eq("").all(axis=None)
    assert table["mineral_distance"].isna().all()


@pytest.mark.parametrize("empty", [False, True])
def test_every_column_holds_what_the_table_of_columns_says(mask, empty):
    table = find_grains(_result(mask & (not empty)))
    kinds = {int: "i", float: "f", str: "O", bool: "b"}
    for column in COLUMNS:
        assert table[column.key].dtype.kind == kinds[column.dtype], column.key
        assert all(key in GRAIN_COLUMNS for key in (*column.keys, column.unless) if key)


@pytest.mark.parametrize("pixel_size", [(10.0, 20.0), None])
def test_a_cell_of_each_shown_column_is_a_text(mask, pixel_size):
    table = find_grains(replace(_result(mask), pixel_size=pixel_size))
    row = table.iloc[0].to_dict()
    assert [c.key for c in window_columns(table)][:3] == ["rank", "id", "kind"]
    assert all(isinstance(c.text(row), str) for c in window_columns(table))
    shown = {c.key: c.report_text(row) for c in report_columns(table)}
    unit = "px" if pixel_size is None else "um"
    assert shown[f"centroid_y_{unit}"] == "0.0"
    assert f"centroid_y_{'um' if unit == 'px' else 'px'}" not in shown


def test_maps_of_another_size_are_refused_and_cancel_is_heard(mask):
    cube = ElementCube(np.ones((1, 5, 5)), ["Fe"])
    with pytest.raises(InputError, match="5x5"):
        find_grains(_result(mask), cube=cube)
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        find_grains(_result(mask), task=Task(token=token))


def test_copied_comments_start_no_formula_and_numbers_stay_numbers():
    chosen = [column for column in COLUMNS if column.key in ("mean_score", "comment")]
    values = {"mean_score": [-1.5], "comment": ["=1+1"]}
    heading, row = CopiedCells(chosen, values, [0]).as_text().splitlines()
    assert dict(zip(heading.split("\t"), row.split("\t"), strict=True)) == {
        "Mean": "−1.5",
        "Comment": "'=1+1",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9.2e-13, "<0.001"),
        (0.0171, "0.017"),
        (1.0, "1"),
        (9.6, "9.6"),
        (162.3, "162"),
        (12345.0, "12,345"),
        (np.nan, ""),
    ],
)
def test_grains_of_chance_are_counted_in_words_for_people(value: float, text: str) -> None:
    (column,) = (one for one in COLUMNS if one.key == "expected_by_chance")
    assert column.text({"expected_by_chance": value}) == text
    assert column.report_text({"expected_by_chance": value}) == text
