"""Deviating cells, MCD, isolation by neighbours, consensus: cases with a known answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special
from sklearn.covariance import MinCovDet

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.statistical.consensus import fisher_term
from napari_mineral_anomaly.detectors.statistical.ddc import (
    DdcBackground,
    DdcConfig,
    DdcDetector,
    trimmed_regressions,
)
from napari_mineral_anomaly.detectors.statistical.inne import InneBackground
from napari_mineral_anomaly.detectors.statistical.mcd import concentrated
from napari_mineral_anomaly.evaluation.metrics import auc_and_ap
from napari_mineral_anomaly.progress import SILENT


def related_cube(odd: int = 40, seed: int = 0) -> tuple[ElementCube, np.ndarray]:
    """Maps (5, 40, 40) of which the last is the sum of the first two, but for ``odd`` pixels."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(0, 10, (5, 40, 40))
    maps[4] = maps[0] + maps[1] + rng.normal(0, 1, (40, 40))
    truth = np.zeros(1600, dtype=bool)
    truth[rng.choice(1600, odd, replace=False)] = True
    truth = truth.reshape(40, 40)
    maps[4, truth] += 8
    cube = ElementCube(maps.astype(np.float32), list("abcde"), quantity="unknown")
    return cube, truth


def test_regressions_without_trimming_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) + 2
    weights, residual = trimmed_regressions(values, 0.0, 3, SILENT)
    for k in range(4):
        others = np.delete(np.arange(4), k)
        design = np.column_stack([values[:, others], np.ones(300)])
        expected = np.linalg.lstsq(design, values[:, k])[0]
        np.testing.assert_allclose(weights[[*others, 4], k], expected, rtol=1e-8)
        assert weights[k, k] == 0
        np.testing.assert_allclose(residual[:, k], values[:, k] - design @ expected, atol=1e-9)


def test_trimming_keeps_odd_cells_out_of_the_regressions() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2000, 3))
    values[:, 2] = 0.5 * values[:, 0] - 0.25 * values[:, 1] + 0.1 * rng.normal(size=2000)
    odd = values[:, 0] > 1.7
    assert 0.03 < odd.mean() < 0.06
    values[odd, 2] += 5
    plain, _ = trimmed_regressions(values, 0.0, 0, SILENT)
    trimmed, residual = trimmed_regressions(values, 0.06, 5, SILENT)
    assert abs(plain[0, 2] - 0.5) > 0.5
    np.testing.assert_allclose(trimmed[[0, 1], 2], [0.5, -0.25], atol=0.02)
    # The cells that were left out are still judged.
    assert residual[odd, 2].min() > 4


def test_a_cell_counts_in_sigmas_of_what_its_element_keeps_to_itself() -> None:
    cube, truth = related_cube()
    fitted = DdcDetector(DdcConfig()).fit(cube)
    arrays = fitted.state().arrays
    # What the others leave of e is noise of 1; a and b can be had from e with the same noise.
    np.testing.assert_allclose(arrays["sigma"], [1, 1, 10, 10, 1], rtol=0.1)
    background = DdcBackground(arrays["slopes"], arrays["intercept"], arrays["sigma"])
    pixel = np.array([[3.0, 4.0, 0.0, 0.0, 12.0]], dtype=np.float32)
    np.testing.assert_allclose(background.reconstruct(pixel)[0, [0, 1, 4]], [8, 9, 7], atol=0.4)
    # Three cells that are 5 sigmas off each, two that are not: (3 x 25 / 5) ^ (1/3).
    np.testing.assert_allclose(background.statistic(pixel), np.cbrt(15), rtol=0.08)
    assert auc_and_ap(fitted.score(cube).score, truth)[1] > 0.99


def test_deviating_cells_say_what_they_expected_and_which_way_the_cell_is_off() -> None:
    cube, truth = related_cube()
    result = detect(cube, "ddc")
    np.testing.assert_allclose(
        result.reconstruction[4], cube.maps[0] + cube.maps[1], atol=0.05 * 15
    )
    assert np.median(result.contributions[4, truth]) == pytest.approx(8, rel=0.1)
    assert np.median(result.contributions[0, truth]) == pytest.approx(-8, rel=0.1)
    assert abs(np.median(result.contributions[2, truth])) < 0.5


def test_an_element_that_the_others_give_exactly_does_not_judge_by_rounding() -> None:
    cube, _ = related_cube(odd=0)
    wider = ElementCube(
        np.concatenate([cube.maps, 3 * cube.maps[2:3]]), [*"abcdef"], quantity="unknown"
    )
    scored = DdcDetector().fit(wider)
    sigma = scored.state().arrays["sigma"]
    assert (sigma[[2, 5]] > 0.005).all()
    z = scored.score(wider).reconstruction[2] - wider.maps[2]
    assert np.abs(z / sigma[2]).max() < 0.1


@pytest.mark.parametrize("support", [0.5, 0.75])
def test_mcd_is_that_of_scikit_learn(support: float) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.normal(size=(1200, 4)) @ rng.normal(size=(4, 4)) * 100 + 7
    pixels[:150] += 900
    pixels = pixels.astype(np.float32)
    theirs = MinCovDet(support_fraction=support, random_state=0).fit(pixels)
    ours = concentrated(pixels, support, seed=0)
    np.testing.assert_allclose(ours.squared_distance(pixels), theirs.mahalanobis(pixels), rtol=1e-3)
    # The 150 are far from the others, which a covariance of all pixels hides.
    assert ours.squared_distance(pixels)[:150].min() > 500


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")
def test_mcd_bears_an_element_that_most_pixels_lack() -> None:
    rng = np.random.default_rng(4)
    maps = rng.poisson(np.array([200.0, 60.0, 30.0, 0.1])[:, None, None], (4, 50, 50))
    maps[3, 10:12, 10:12] = 25
    cube = ElementCube(maps.astype(np.uint16), ["Si", "Al", "Fe", "Au"])
    score = detect(cube, "mcd").score
    assert np.isfinite(score).all()
    # A single count where most pixels have none is no anomaly.
    assert score[maps[3] == 1].mean() < 2.5
    assert set(np.argsort(-score.ravel())[:4]) == {510, 511, 560, 561}


def test_mcd_bears_a_variance_below_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    # What scikit-learn gives, by rounding, where half of the pixels vary in few directions, such as
    # water in a scene of many bands.
    class Rounded(MinCovDet):
        def fit(self, pixels: Any) -> Any:
            found = super().fit(pixels)
            values, vectors = np.linalg.eigh(found.covariance_)
            values[0] = -1e-18
            found.covariance_ = (vectors * values) @ vectors.T
            return found

    monkeypatch.setattr("sklearn.covariance.MinCovDet", Rounded)
    pixels = np.random.default_rng(0).normal(size=(500, 5)).astype(np.float32)
    squared = concentrated(pixels, 0.5, seed=0).squared_distance(pixels)
    assert np.isfinite(squared).all()
    assert (squared > 0).all()


def test_spheres_isolate_as_the_paper_says() -> None:
    # On a line: 0 and 1 reach 1 far, 3 reaches 2 far, to the nearest other one.
    centres = np.array([0.0, 1.0, 3.0], dtype=np.float32).reshape(1, 3, 1)
    background = InneBackground(centres, np.ones(1))
    where = np.array([0.5, -1.0, 1.5, 3.0, 5.0, 5.01, -1.01], dtype=np.float32)[:, None]
    # The nearest other one of 3 is 1, whose sphere is half as large.
    expected = [0, 0, 0, 0.5, 0.5, 1, 1]
    np.testing.assert_allclose(background.statistic(where), expected)
    # The scale divides first, and sets are averaged.
    twice = np.concatenate([centres, centres + 100])
    shrunk = InneBackground(twice * 4, np.full(1, 4.0))
    np.testing.assert_allclose(shrunk.statistic(where * 4), (np.array(expected) + 1) / 2)


def test_equal_pixels_are_as_ordinary_as_can_be() -> None:
    centres = np.array([5.0, 5.0, 9.0], dtype=np.float32).reshape(1, 3, 1)
    background = InneBackground(centres, np.ones(1))
    where = np.array([5.0, 5.5, 9.0, 14.0], dtype=np.float32)[:, None]
    # 5 lies in spheres of radius 0 that are each other's neighbours; 5.5 only in that of 9.
    np.testing.assert_allclose(background.statistic(where), [0, 1, 1, 1])


def test_the_consensus_is_the_sum_of_the_logarithms_of_the_tails() -> None:
    np.testing.assert_allclose(
        fisher_term(np.array([0.0, 3.0])), -2 * np.log([0.5, special.ndtr(-3.0)]), rtol=1e-12
    )
    # No clipping where the probability itself underflows.
    far = fisher_term(np.array([50.0, 60.0], dtype=np.float32))
    assert np.isfinite(far).all()
    assert far[1] > far[0] + 900
    cube, _ = related_cube()
    result = detect(cube, "consensus", seed=5)
    names = ("robust-rx", "local-rx", "knn", "iforest")
    assert result.info["members"] == list(names)
    parts = [detect(cube, name, seed=5) for name in names]
    total = sum(fisher_term(part.score) for part in parts)
    order = np.argsort(total.ravel())
    assert (np.diff(result.score.ravel()[order]) >= 0).all()
    np.testing.assert_array_equal(result.contributions, parts[0].contributions)


@pytest.mark.parametrize("name", ["mcd", "ddc", "inne", "consensus"])
def test_same_seed_same_score(name: str) -> None:
    rng = np.random.default_rng(6)
    cube = ElementCube(rng.poisson(20, (4, 30, 30)).astype(np.uint16), list("abcd"))
    small = {} if name == "consensus" else {"sample": 400} if name != "inne" else {"sets": 20}
    first, again = (detect(cube, name, seed=1, **small).score for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, detect(cube, name, seed=2, **small).score)
