"""Grains: which pixels belong together, their order, their place, what drives them."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.columns import GRAIN_COLUMNS, split_driver
from napari_mineral_anomaly.grains.pixels.regions import label_grains, remove_small_grains
from napari_mineral_anomaly.grains.table import find_grains, list_grains


def make_result(
    score: np.ndarray,
    contributions: np.ndarray | None = None,
    elements: tuple[str, ...] = ("Fe",),
    threshold: float = 5.0,
    pixel_size: tuple[float, float] | None = None,
) -> AnomalyResult:
    score = np.asarray(score, dtype=np.float32)
    if contributions is None:
        contributions = np.zeros((len(elements), *score.shape), dtype=np.float32)
    labels = np.full(score.shape, 2, dtype=np.uint16)
    return AnomalyResult(score, threshold, contributions, labels, elements, pixel_size)


@pytest.fixture
def two_grains() -> AnomalyResult:
    """A diagonal grain of three pixels (peak 9) and one of one pixel (peak 20)."""
    score = np.zeros((4, 6))
    score[0, 0], score[1, 1], score[2, 2] = 6.0, 9.0, 6.0
    score[3, 5] = 20.0
    contributions = np.zeros((3, 4, 6), dtype=np.float32)
    contributions[0, [0, 1, 2], [0, 1, 2]] = [1.0, 2.0, 6.0]  # As: mean 3.0
    contributions[1, [0, 1, 2], [0, 1, 2]] = [-4.0, -4.0, -5.5]  # Fe: mean -4.5
    contributions[2, 3, 5] = 14.2
    return make_result(score, contributions, ("As", "Fe", "Zr"), pixel_size=(10.0, 20.0))


def test_diagonal_neighbours_are_one_grain_and_the_highest_peak_comes_first(two_grains):
    table = find_grains(two_grains)
    assert tuple(table.columns) == GRAIN_COLUMNS
    assert table["rank"].tolist() == [1, 2]
    assert table["peak_score"].tolist() == [20.0, 9.0]
    assert table["mean_score"].tolist() == [20.0, 7.0]
    assert table["area_px"].tolist() == [1, 3]
    assert table["area_um2"].tolist() == [200.0, 600.0]


def test_centroids_in_pixels_and_micrometres_start_at_the_centre_of_the_first_pixel(two_grains):
    table = find_grains(two_grains)
    assert table["centroid_y_px"].tolist() == [3.0, 1.0]
    assert table["centroid_x_px"].tolist() == [5.0, 1.0]
    assert table["centroid_y_um"].tolist() == [30.0, 10.0]
    assert table["centroid_x_um"].tolist() == [100.0, 20.0]


def test_drivers_are_mean_contributions_with_sign_the_largest_magnitude_first(two_grains):
    table = find_grains(two_grains)
    first = [table.loc[0, f"driver_{k}"] for k in range(1, 6)]
    second = [table.loc[1, f"driver_{k}"] for k in range(1, 6)]
    assert first == ["Zr+14.2", "", "", "", ""]
    assert second == ["Fe-4.5", "As+3.0", "", "", ""]


def test_lazy_contributions_give_the_same_drivers(two_grains):
    lazy = da.from_array(two_grains.contributions, chunks=(1, 4, 6))
    result = make_result(two_grains.score, lazy, two_grains.elements)
    assert find_grains(result)["driver_1"].tolist() == ["Zr+14.2", "Fe-4.5"]


def test_id_is_the_number_in_the_labels_and_small_grains_are_left_out(two_grains):
    grains = list_grains(two_grains)
    for grain in grains.table.itertuples():
        y, x = round(grain.centroid_y_px), round(grain.centroid_x_px)
        assert grains.regions.labels[y, x] == grain.id
    grains = list_grains(two_grains, min_area_px=2)
    assert grains.table["area_px"].tolist() == [3]
    assert grains.table["id"].tolist() == grains.table["rank"].tolist() == [1]
    assert grains.regions.labels[3, 5] == 0


def test_unknown_pixel_size_leaves_micrometres_empty():
    table = find_grains(make_result(np.array([[9.0, 0.0]])))
    assert table["area_px"].tolist() == [1]
    assert table[["area_um2", "centroid_y_um", "centroid_x_um"]].isna().all(axis=None)


def test_a_brushed_mask_replaces_the_threshold_but_pixels_without_score_never_count():
    score = np.array([[1.0, np.nan, 3.0, 0.0]])
    table = find_grains(make_result(score), mask=np.array([[1, 1, 1, 0]]))
    assert table["peak_score"].tolist() == [3.0, 1.0]  # NaN parts the brushed pixels


def test_no_grain_gives_an_empty_table_with_all_columns():
    table = find_grains(make_result(np.zeros((3, 3))))
    assert len(table) == 0
    assert tuple(table.columns) == GRAIN_COLUMNS


def test_equal_peaks_are_ranked_by_mean_score():
    score = np.array([[9.0, 5.0, 0.0, 9.0, 8.0]])
    assert find_grains(make_result(score))["mean_score"].tolist() == [8.5, 7.0]


def test_remove_small_grains_counts_diagonals_and_keeps_the_rest():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    kept = remove_small_grains(mask, 2)
    assert kept.dtype == bool
    assert kept.tolist() == [[True, False, False, False], [False, True, False, False], [False] * 4]
    assert np.array_equal(remove_small_grains(mask, 1), mask != 0)
    assert not remove_small_grains(mask, 3).any()


def test_labels_grow_from_uint16_to_uint32_above_65535_grains():
    few = np.zeros((512, 512), dtype=bool)
    few[::2, ::2] = True  # 65 536 isolated pixels
    labels = label_grains(few)
    assert labels.dtype == np.uint32
    assert labels.max() == 65_536
    few[0, 0] = False
    assert label_grains(few).dtype == np.uint16


def test_split_driver_reads_names_that_hold_signs():
    assert split_driver("As+14.2") == ("As", 14.2)
    assert split_driver("Fe-KA-3.5") == ("Fe-KA", -3.5)
    assert split_driver("Fe-KA+3.5") == ("Fe-KA", 3.5)


def test_thousands_of_grains_agree_with_scikit_image():
    from skimage.measure import label, regionprops_table

    rng = np.random.default_rng(0)
    score = rng.gamma(1.0, 1.0, (300, 400)).astype(np.float32)
    contributions = rng.normal(size=(4, 300, 400)).astype(np.float32)
    result = make_result(score, contributions, ("A", "B", "C", "D"), threshold=3.0)
    table = find_grains(result).sort_values(["centroid_y_px", "centroid_x_px"])
    assert len(table) > 3000
    properties = ("area", "centroid", "intensity_max", "intensity_mean")
    truth = regionprops_table(label(result.mask, connectivity=2), score, properties=properties)
    order = np.lexsort((truth["centroid-1"], truth["centroid-0"]))
    truth = {key: values[order] for key, values in truth.items()}
    assert np.array_equal(table["area_px"], truth["area"])
    assert np.allclose(table["centroid_y_px"], truth["centroid-0"])
    assert np.allclose(table["centroid_x_px"], truth["centroid-1"])
    assert np.array_equal(table["peak_score"].astype(np.float32), truth["intensity_max"])
    assert np.allclose(table["mean_score"], truth["intensity_mean"])
