"""Growing on scans that are no ordinary scans: tiny, flat, incomplete, lazy, or all flagged."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.grains.pixels.extent import SignaturePlanes
from napari_mineral_anomaly.grains.pixels.growing import GrownGrains, evidence_of, grow_grains
from napari_mineral_anomaly.grains.table import list_grains, signatures_of

SHAPE = (40, 50)
GRAIN = np.s_[10:14, 20:25]  # 20 pixels


def maps_of(n_elements: int = 4, seed: int = 0) -> NDArray[np.float32]:
    """Counts with one grain in the last element."""
    counts = np.full((n_elements, *SHAPE), 30.0)
    counts[-1][GRAIN] = 300.0
    return np.random.default_rng(seed).poisson(counts).astype(np.float32)


def score_of(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    score: NDArray[np.float32] = (maps[-1] - 30) / np.float32(np.sqrt(30))
    return score


def grow(
    maps: NDArray[np.float32],
    score: NDArray[np.float32],
    threshold: float = 20.0,
    valid: NDArray[np.bool_] | None = None,
    n_rows: int = 0,
    min_area_px: int = 1,
) -> GrownGrains:
    valid = np.ones(score.shape, dtype=bool) if valid is None else valid
    mask = (score >= threshold) & valid
    return grow_grains(
        SignaturePlanes(maps, None), score, mask, valid, n_rows=n_rows, min_area_px=min_area_px
    )


def the_grain() -> NDArray[np.bool_]:
    inside = np.zeros(SHAPE, dtype=bool)
    inside[GRAIN] = True
    return inside


def test_one_flagged_pixel_gives_the_whole_grain() -> None:
    maps = maps_of()
    score = score_of(maps)
    grown = grow(maps, score, threshold=float(score.max()))
    assert (grown.n_above, grown.n_grains) == (1, 1)
    assert np.array_equal(grown.labels == 1, the_grain())


@pytest.mark.parametrize("threshold", [-1e9, -1.0])
def test_below_zero_the_threshold_flags_rock_and_the_grain_stays_whole(threshold: float) -> None:
    maps = maps_of()
    score = score_of(maps)
    grown = grow(maps, score, threshold)
    assert np.array_equal(grown.labels == 1, the_grain())
    assert grown.n_above == grown.n_grains > 1
    if threshold < -1e8:  # every pixel is in a grain or beside one
        assert np.count_nonzero(grown.labels) > 0.5 * maps[0].size


def test_rows_and_smallest_area_are_kept() -> None:
    maps = maps_of()
    score = score_of(maps)
    assert grow(maps, score, n_rows=0).n_grains == 1
    filled = grow(maps, score, n_rows=7)
    assert (filled.n_above, filled.n_grains) == (1, 7)
    evidence = evidence_of(filled.labels, 7, score)
    assert evidence[1:].tolist() == sorted(evidence[1:], reverse=True)
    assert grow(maps, score, min_area_px=20).n_grains == 1
    assert grow(maps, score, min_area_px=21).n_grains == 0


def test_a_noisy_pixel_comes_after_a_grain_with_a_lower_peak() -> None:
    maps = np.random.default_rng(3).poisson(20, (4, 40, 40)).astype(np.uint16)
    score = np.full((40, 40), -1.0, dtype=np.float32)
    maps[:, 10:12, 10:12] += 100
    score[10:12, 10:12] = 3.0
    maps[0, 30, 30] += 200
    score[30, 30] = 3.2
    grown = grow(maps, score, threshold=9.0, n_rows=2)
    assert grown.n_grains == 2
    assert grown.labels[10, 10] == 1
    assert grown.labels[30, 30] == 2
    # 3 + a tenth of it; a single pixel has its own score only.
    assert evidence_of(grown.labels, 2, score) == pytest.approx([3.3, 3.2])


def test_a_larger_body_comes_after_a_compact_grain_with_a_higher_peak() -> None:
    labels = np.zeros((20, 20), dtype=np.int32)
    score = np.zeros((20, 20), dtype=np.float32)
    labels[2:4, 2:4], labels[8:18, 8:18] = 1, 2
    score[2:4, 2:4], score[2, 2] = 2.0, 3.2
    score[8:18, 8:18] = 3.0
    # 2/2 + 2/4 + 2/8 is more than a tenth of 3.2, so both gain a tenth of their peak.
    assert evidence_of(labels, 2, score) == pytest.approx([1.1 * 3.2, 1.1 * 3.0])


def test_more_rows_than_there_are_odd_places_end_with_them() -> None:
    maps = maps_of()
    score = np.where(the_grain(), score_of(maps), np.float32(-1))
    score[30, 30] = 1.0
    grown = grow(maps, score, n_rows=10_000)
    assert (grown.n_above, grown.n_grains) == (1, 2)
    assert grown.labels[30, 30] == 2


def test_one_element_and_one_row_and_one_pixel() -> None:
    maps = maps_of(1)
    assert np.array_equal(grow(maps, score_of(maps)).labels == 1, the_grain())
    line = maps_of()[:, 11:12]
    grown = grow(line, score_of(line))
    assert np.flatnonzero(grown.labels[0]).tolist() == [20, 21, 22, 23, 24]
    pixel = maps_of()[:, 11:12, 20:21]
    assert grow(pixel, score_of(pixel)).labels.tolist() == [[1]]


def test_no_valid_pixel_gives_no_grain() -> None:
    maps = maps_of()
    grown = grow(maps, score_of(maps), valid=np.zeros(SHAPE, dtype=bool), n_rows=20)
    assert (grown.n_grains, grown.labels.any()) == (0, False)


def test_constant_maps_give_the_flagged_pixel() -> None:
    maps = np.full((3, *SHAPE), 5.0, dtype=np.float32)
    score = np.zeros(SHAPE, dtype=np.float32)
    score[5, 6] = 30.0
    grown = grow(maps, score, n_rows=20)
    assert np.flatnonzero(grown.labels).tolist() == [5 * SHAPE[1] + 6]


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_missing_values_in_the_valid_area_belong_to_no_grain(missing: float) -> None:
    maps = maps_of()
    score = score_of(maps)
    hole = np.zeros(SHAPE, dtype=bool)
    hole[11, 22] = hole[:, 40] = True
    maps[1][hole] = missing
    grown = grow(maps, score)
    assert np.array_equal(grown.labels == 1, the_grain() & ~hole)


def test_a_peak_without_data_in_the_maps_is_a_grain_of_its_own_pixel() -> None:
    maps = maps_of()
    score = score_of(maps)
    score[12, 22] = 1000.0
    maps[:, 12, 22] = np.nan
    grown = grow(maps, score)
    assert grown.labels[12, 22] == 1
    assert np.count_nonzero(grown.labels) == 20


def test_lazy_maps_give_the_same_labels() -> None:
    maps = maps_of()
    score = score_of(maps)
    eager = grow(maps, score, n_rows=20)
    lazy = grow(da.from_array(maps, chunks=(1, 16, 16)), score, n_rows=20)
    assert eager.n_grains == 20
    assert np.array_equal(eager.labels, lazy.labels)


def test_reflectance_with_190_bands() -> None:
    rng = np.random.default_rng(0)
    bands = np.linspace(0.1, 0.5, 190)[:, None, None] + rng.normal(0, 0.01, (190, *SHAPE))
    bands[60:90][(slice(None), *GRAIN)] += 0.1
    cube = ElementCube(
        bands.astype(np.float32), [f"{400 + 10 * i} nm" for i in range(190)], quantity="reflectance"
    )
    score = bands[60:90].mean(axis=0) * 100
    score = ((score - np.median(score)) / score.std()).astype(np.float32)
    mask = score >= score.max()
    grown = grow_grains(signatures_of(cube), score, mask, cube.valid)
    assert np.array_equal(grown.labels == 1, the_grain())


def test_thousands_of_flagged_pixels_grow_without_a_pixel_in_two_grains() -> None:
    rng = np.random.default_rng(0)
    maps = rng.poisson(30, (4, 60, 70)).astype(np.float32)
    score = rng.normal(size=(60, 70)).astype(np.float32)
    valid = np.ones(score.shape, dtype=bool)
    grown = grow_grains(SignaturePlanes(maps, None), score, score >= 1.5, valid)
    numbers = np.unique(grown.labels)
    assert numbers.tolist() == list(range(grown.n_grains + 1))
    assert grown.n_grains > 50


def test_a_list_reads_a_store_on_disk_once_and_not_for_each_grain() -> None:
    maps = maps_of(n_elements=5)
    elements = ["Al", "Si", "Ca", "Fe", "Ti"]
    result = detect(ElementCube(maps, elements), "rx")
    loads: list[int] = []

    def loaded(block: NDArray[np.float32]) -> NDArray[np.float32]:
        loads.append(block.size)
        return block

    stored = da.from_array(maps, chunks=(1, 16, 16)).map_blocks(loaded, dtype=maps.dtype)
    cube = ElementCube(stored, elements)
    assert cube.valid.all()
    loads.clear()
    grown = list_grains(result, cube=cube, n_rows=200)
    assert len(grown.table) > 30
    # For the grains once; a few times more for columns and concentrations.
    assert sum(loads) < 10 * maps.size
    eager = list_grains(result, cube=ElementCube(maps, elements), n_rows=200)
    assert np.array_equal(grown.labels, eager.labels)
