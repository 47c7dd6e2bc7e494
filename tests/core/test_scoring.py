"""Background sigmas and the promise behind the default threshold."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scoring import (
    background_sigmas,
    default_threshold,
    expected_false_pixels,
    promised_false_pixels,
)


def test_gaussian_background_scores_as_its_own_sigmas() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((400, 400))
    score = background_sigmas(5.0 + 3.0 * z, np.ones(z.shape, dtype=bool))
    assert score.dtype == np.float32
    np.testing.assert_allclose(score, z, atol=0.06)


def test_score_is_strictly_increasing_never_clipped_and_nan_outside() -> None:
    statistic = np.array([[0.0, 1.0, 2.0, 3.0, 1e6, 9.0]])
    valid = np.array([[True, True, True, True, True, False]])
    score = background_sigmas(statistic, valid)
    assert np.all(np.diff(score[0, :5]) > 0)
    assert score[0, 4] > 1e5
    assert np.isnan(score[0, 5])


def test_odd_pixels_do_not_move_the_background() -> None:
    rng = np.random.default_rng(1)
    statistic = rng.standard_normal(10_000)
    clean = background_sigmas(statistic.copy(), np.ones(10_000, dtype=bool))
    statistic[:100] = 1e9
    odd = background_sigmas(statistic, np.ones(10_000, dtype=bool))
    # One odd pixel in a hundred widens the background by about 1.6 %.
    np.testing.assert_allclose(odd[100:], clean[100:], rtol=0.03, atol=0.03)


def test_constant_statistic_scores_zero() -> None:
    assert np.all(background_sigmas(np.full((3, 3), 7.0), np.ones((3, 3), bool)) == 0)


def test_no_valid_pixel_is_refused() -> None:
    with pytest.raises(InputError, match="no valid pixel"):
        background_sigmas(np.ones((2, 2)), np.zeros((2, 2), dtype=bool))


@pytest.mark.parametrize(("n", "promise"), [(10_000, 1.0), (100_000, 1.0), (2_400_000, 24.0)])
def test_default_threshold_keeps_its_promise(n: int, promise: float) -> None:
    assert promised_false_pixels(n) == pytest.approx(promise)
    assert expected_false_pixels(default_threshold(n), n) == pytest.approx(promise, rel=1e-6)
