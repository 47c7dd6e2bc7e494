"""Agreement of detectors, on score maps written by hand and on real detectors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.detectors.results.agreement import (
    NOT_JUDGED,
    agree,
    agreeing_detectors,
)
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import default_threshold, threshold_for
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.simulate import simulate_section


def result(score: np.ndarray, threshold: float = 3.0) -> AnomalyResult:
    score = score.astype(np.float32)
    labels = np.full(score.shape, 2, dtype=np.uint16)
    return AnomalyResult(score, threshold, np.zeros((1, *score.shape), np.float32), labels, ("Fe",))


def three_results() -> dict[str, AnomalyResult]:
    """20 x 20 pixels: `a` flags two pixels, `b` one of them, `c` has a smaller valid area."""
    a, b, c = np.zeros((3, 20, 20))
    a[4, 4] = a[4, 5] = 9
    b[4, 4] = 9
    c[4, 4] = 9
    c[10, 10] = 2.0
    a[0] = b[0] = c[0] = np.nan
    c[:, 5] = np.nan
    return {"a": result(a), "b": result(b, threshold=100.0), "c": result(c)}


def test_pixels_are_counted_at_the_promised_threshold_not_at_a_moved_one() -> None:
    found = agree(three_results())
    assert found.counts.dtype == np.uint8
    assert found.counts[4, 4] == 3  # also `b`, whose own threshold was dragged out of reach
    assert found.counts[4, 5] == 1
    assert found.flagged == {"a": 2, "b": 1, "c": 1}
    assert found.thresholds["a"] == pytest.approx(default_threshold(380))
    assert [found.n_pixels(k) for k in (3, 2, 1)] == [1, 0, 1]


def test_outside_every_valid_area_is_neither_zero_nor_a_count() -> None:
    counts = agree(three_results()).counts
    assert (counts[0] == NOT_JUDGED).all()
    assert counts[1, 5] == 0  # `a` and `b` judged it, `c` did not
    assert np.count_nonzero(counts == NOT_JUDGED) == 20


def test_more_false_pixels_lower_every_threshold_alike() -> None:
    found = agree(three_results(), false_pixels=20.0)
    assert found.thresholds["a"] == pytest.approx(stats.norm.isf(20 / 380))
    assert found.counts[10, 10] == 1
    assert threshold_for(20.0, 380) == found.thresholds["a"]


def test_grains_name_the_detectors_that_flag_a_pixel_of_theirs() -> None:
    results = three_results()
    mask = np.zeros((20, 20), dtype=bool)
    mask[4, 4:6] = True
    mask[10, 10] = True
    mask[15, 15] = True
    assert agreeing_detectors(label_grains(mask), results) == [("a", "b", "c"), (), ()]
    lenient = agreeing_detectors(label_grains(mask), results, false_pixels=20.0)
    assert lenient == [("a", "b", "c"), ("c",), ()]
    assert agreeing_detectors(np.zeros((20, 20), np.uint16), results) == []


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(InputError, match="no result to compare"):
        agree({})
    with pytest.raises(InputError, match="cover 20x20, 3x4 pixels"):
        agree({"a": result(np.zeros((20, 20))), "b": result(np.zeros((3, 4)))})
    with pytest.raises(InputError, match="above 0 and below the 400 valid pixels"):
        agree({"a": result(np.zeros((20, 20)))}, false_pixels=400)
    with pytest.raises(InputError, match="grains cover 2x2 pixels, the results 20x20"):
        agreeing_detectors(np.ones((2, 2), int), {"a": result(np.zeros((20, 20)))})


def test_real_detectors_agree_on_a_plain_grain_and_rarely_elsewhere() -> None:
    section = simulate_section("easy", shape=(96, 96), seed=1)
    results = {name: detect(section.cube, name) for name in ("rx", "pca", "knn")}
    found = agree(results, false_pixels=10.0)
    assert sum(found.n_pixels(k) * k for k in (1, 2, 3)) == sum(found.flagged.values())
    all_three = found.counts == 3
    assert all_three.any()
    # Where all three agree at ten false pixels each, hardly one is false.
    assert section.truth[all_three].mean() > 0.9
    names = agreeing_detectors(label_grains(all_three), results, false_pixels=10.0)
    assert set(names) == {("rx", "pca", "knn")}
