"""Background sigmas: the Gaussian equivalent of the background's tail, and its promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.detectors.results.calibration import (
    background_sigmas,
    calibrate,
    interpolated,
)
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    expected_false_pixels,
    promised_false_pixels,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.simulate import simulate_section


def scored(statistic: np.ndarray) -> np.ndarray:
    return background_sigmas(statistic, np.ones(statistic.shape, dtype=bool))[0]


def test_a_gaussian_background_scores_as_its_own_sigmas() -> None:
    z = np.random.default_rng(0).standard_normal((400, 400))
    score = scored(5.0 + 3.0 * z)
    assert score.dtype == np.float32
    body = np.abs(z) < 2
    np.testing.assert_allclose(score[body], z[body], atol=0.05)
    # The tail may be taken for heavier than it is (exponential, not Gaussian), never for lighter.
    high = (z > 3) & (z < 4)
    assert np.all(score[high] < z[high] + 0.15)
    assert np.all(score[high] > z[high] - 0.5)


def test_an_exponential_background_scores_by_its_tail_probability() -> None:
    t = np.random.default_rng(1).exponential(2.0, (500, 500))
    score = scored(t)
    exact = stats.norm.isf(stats.expon.sf(t, scale=2.0))
    high = (exact > 2.5) & (exact < 4.0)
    assert high.sum() > 500
    np.testing.assert_allclose(score[high], exact[high], atol=0.15)


def test_the_promise_holds_on_backgrounds_of_several_shapes() -> None:
    rng = np.random.default_rng(2)
    n, flagged = 250_000, []
    threshold = default_threshold(n)
    for _ in range(5):
        mixture = np.where(rng.random(n) < 0.03, rng.normal(6, 1, n), rng.normal(0, 1, n))
        for t in (rng.standard_normal(n), rng.exponential(1, n), rng.gamma(3, 1, n), mixture):
            flagged.append(int((scored(t[None]) >= threshold).sum()))
    promised = promised_false_pixels(n) * len(flagged)
    assert sum(flagged) <= 2 * promised
    assert max(flagged) <= 12


def test_anomalies_stand_out_of_the_tail_that_they_are_part_of() -> None:
    rng = np.random.default_rng(3)
    t = rng.standard_normal(100_000)
    t[:200] += 12  # two in a thousand
    score = scored(t[None])[0]
    assert score[:200].min() > default_threshold(t.size)
    assert (score[200:] >= default_threshold(t.size)).sum() <= 3


def test_score_is_strictly_increasing_and_never_clipped() -> None:
    rng = np.random.default_rng(4)
    calibration = calibrate(rng.exponential(1, 50_000))
    assert calibration is not None
    t = np.concatenate([np.linspace(-3, 30, 5000), np.geomspace(31, 1e6, 200)])
    score = calibration.sigmas(t)
    assert np.all(np.diff(score) > 0)
    assert np.isfinite(score).all()
    assert score[-1] > 10


def test_body_and_tail_meet_without_a_step() -> None:
    calibration = calibrate(np.random.default_rng(5).gamma(2, 1, 30_000))
    assert calibration is not None
    start = calibration.tail.start
    below, beyond = calibration.sigmas(np.array([start - 1e-9, start + 1e-9]))
    assert beyond - below == pytest.approx(0, abs=1e-6)


def test_odd_pixels_do_not_move_the_scores_of_the_rest() -> None:
    t = np.random.default_rng(6).standard_normal(10_000)
    clean = scored(t[None])[0]
    t[:20] = 1e9
    odd = scored(t[None])[0]
    np.testing.assert_allclose(odd[20:], clean[20:], atol=0.25)


def test_quantised_and_tiny_statistics_keep_their_order() -> None:
    for values in ([0, 0, 0, 0, 0, 1], [0, 1], [0, 1, 1, 1, 1, 1, 1, 1], [3, 1, 2, 2, 2]):
        t = np.array([values], dtype=float)
        score = scored(t)[0]
        assert np.isfinite(score).all()
        for low, high in zip(*np.triu_indices(len(values), 1), strict=True):
            assert np.sign(score[high] - score[low]) == np.sign(t[0, high] - t[0, low])


def test_outside_the_valid_area_there_is_no_score() -> None:
    t = np.array([[0.0, 1.0, 2.0, np.inf]])
    score, _ = background_sigmas(t, np.array([[True, True, True, False]]))
    assert np.isnan(score[0, 3])
    assert np.isfinite(score[0, :3]).all()


def test_a_constant_statistic_scores_zero() -> None:
    assert np.all(scored(np.full((3, 3), 7.0)) == 0)


def test_no_valid_pixel_is_refused() -> None:
    with pytest.raises(InputError, match="no valid pixel"):
        background_sigmas(np.ones((2, 2)), np.zeros((2, 2), dtype=bool))


@pytest.mark.parametrize(("n", "promise"), [(10_000, 1.0), (100_000, 1.0), (2_400_000, 24.0)])
def test_default_threshold_keeps_its_promise(n: int, promise: float) -> None:
    assert promised_false_pixels(n) == pytest.approx(promise)
    assert expected_false_pixels(default_threshold(n), n) == pytest.approx(promise, rel=1e-6)


def test_barren_looks_barren_and_grains_still_show() -> None:
    shape = (256, 256)
    barren = detect(simulate_section("barren", shape, seed=1).cube, "rx")
    assert barren.mask.sum() <= 3 * barren.info["promised_false_pixels"]
    section = simulate_section("easy", shape, seed=1)
    easy = detect(section.cube, "rx")
    found = easy.mask & (section.truth == 1)
    assert found.sum() >= 0.4 * section.truth.sum()
    assert (easy.mask & (section.fraction == 0)).sum() <= 12


def test_known_background_keeps_its_far_tail_under_the_promise() -> None:
    """A few ordinary pixels in a hundred thousand form a bump far out, as many as the odd ones."""
    rng = np.random.default_rng(7)
    n = 500_000
    t = rng.standard_normal(n)
    t[:60] = rng.normal(9, 1, 60)
    t[60:160] = rng.normal(20, 1, 100)
    odd = np.zeros(n, dtype=bool)
    odd[60:160] = True
    valid = np.ones((1, n), dtype=bool)
    threshold = default_threshold(n)
    blind = background_sigmas(t[None], valid)[0][0] >= threshold
    told = background_sigmas(t[None], valid, ordinary=~odd[None])[0][0] >= threshold
    assert blind[:60].all()
    assert told[~odd].sum() <= 3 * promised_false_pixels(n)
    assert told[odd].all()


def test_known_background_that_is_all_alike_leaves_the_rest_to_be_told_apart() -> None:
    t = np.zeros((1, 1000))
    t[0, :10] = np.arange(1, 11)
    valid = np.ones_like(t, dtype=bool)
    score, _ = background_sigmas(t, valid, ordinary=t == 0)
    assert score[0, 9] > score[0, 0] > score[0, 500]


def test_many_values_are_interpolated_as_numpy_does() -> None:
    rng = np.random.default_rng(2)
    # Some knots lie close together, others far apart.
    knots = np.unique(np.concatenate([rng.normal(0, 1e-6, 300), rng.gamma(1, 3, 300), [-40, 80]]))
    at_knots = np.sort(rng.normal(size=len(knots)))
    values = np.concatenate([rng.normal(0, 2e-6, 20_000), rng.uniform(-50, 90, 20_000), knots])
    np.testing.assert_allclose(
        interpolated(values, knots, at_knots), np.interp(values, knots, at_knots), atol=1e-9
    )
