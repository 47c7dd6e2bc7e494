from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from napari_mineral_anomaly.detectors.statistical import pixelwise
from napari_mineral_anomaly.detectors.statistical.mahalanobis import (
    Mahalanobis,
    RunningMoments,
    gaussianised,
)
from napari_mineral_anomaly.detectors.statistical.rx import RxConfig, RxDetector
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task
from napari_mineral_anomaly.scan.cube import ElementCube


def _gaussian_cube(
    shape: tuple[int, int] = (40, 30), elements: int = 5, seed: int = 0
) -> ElementCube:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(elements, elements))
    pixels = rng.normal(size=(shape[0] * shape[1], elements)) @ mixing + 50
    maps = pixels.T.reshape(elements, *shape)
    return ElementCube(maps, [f"E{c}" for c in range(elements)], quantity="unknown")


def _score(cube: ElementCube) -> np.ndarray:
    return RxDetector().fit(cube).score(cube).score


def test_the_statistic_is_the_mahalanobis_distance_of_the_textbook() -> None:
    cube = _gaussian_cube()
    pixels = np.asarray(cube.maps, dtype=np.float64).reshape(5, -1).T
    off = pixels - pixels.mean(0)
    expected = np.einsum("ij,jk,ik->i", off, np.linalg.inv(np.cov(pixels.T)), off)
    moments = RunningMoments(5)
    moments.add(pixels)
    np.testing.assert_allclose(Mahalanobis.fit(moments).squared_distance(pixels), expected)
    assert stats.spearmanr(_score(cube).ravel(), expected).statistic > 0.999_999


def test_the_cube_root_makes_gaussian_sigmas_of_the_distance() -> None:
    share = stats.norm.cdf(np.arange(-3.0, 4.0))
    for elements in (4, 10, 30):
        statistic = gaussianised(stats.chi2.ppf(share, elements), elements)
        middle = gaussianised(stats.chi2.ppf([0.25, 0.5, 0.75], elements), elements)
        sigmas = (statistic - middle[1]) / (1.4826 * (middle[2] - middle[0]) / 2)
        np.testing.assert_allclose(sigmas, np.arange(-3.0, 4.0), atol=0.3)
        assert (np.diff(statistic) > 0).all()


def test_score_does_not_change_under_an_invertible_affine_map() -> None:
    cube = _gaussian_cube()
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(5, 5)) + 3 * np.eye(5)
    mapped = np.einsum("ij,jyx->iyx", matrix, cube.maps) + rng.normal(size=(5, 1, 1)) * 10
    np.testing.assert_allclose(
        _score(ElementCube(mapped, cube.elements, quantity="unknown")), _score(cube), atol=0.01
    )


@pytest.mark.parametrize("kind", ["duplicate", "scaled copy", "sum", "constant"])
def test_redundant_elements_do_not_change_the_score(kind: str) -> None:
    cube = _gaussian_cube()
    maps = np.asarray(cube.maps, dtype=np.float32)
    extra = {
        "duplicate": maps[2],
        "scaled copy": maps[2] * 2,
        "sum": maps[0] + maps[3],
        "constant": np.full(cube.shape, 4.0),
    }[kind]
    fitted = RxDetector().fit(
        ElementCube(np.concatenate([maps, extra[None]]), [*cube.elements, "X"], quantity="unknown")
    )
    both = ElementCube(np.concatenate([maps, extra[None]]), [*cube.elements, "X"])
    result = fitted.score(both)
    np.testing.assert_allclose(result.score, _score(cube), atol=2e-3)
    assert result.info["rank"] == 5
    assert result.info["dropped_elements"] == (["X"] if kind == "constant" else [])
    assert result.contributions.shape == (6, *cube.shape)
    if kind == "constant":
        assert (result.contributions[5] == 0).all()


def test_blocks_do_not_change_the_score(scan: ElementCube, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _score(scan)
    monkeypatch.setattr(pixelwise, "BLOCK_PIXELS", 37)
    monkeypatch.setattr(pixelwise.PixelwiseDetector, "block_pixels", 37)
    np.testing.assert_allclose(_score(scan), whole, atol=1e-5)


def test_moments_keep_their_precision_when_the_mean_is_large() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(1000, 3)) + 1e7
    moments = RunningMoments(3)
    for block in np.array_split(pixels, 7):
        moments.add(block)
    np.testing.assert_allclose(moments.mean, pixels.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(pixels.T), atol=1e-7)


def test_the_odd_grain_comes_first_and_zr_drives_it(scan: ElementCube) -> None:
    result = RxDetector().fit(scan).score(scan)
    worst = np.unravel_index(np.argsort(result.score.ravel())[-4:], scan.shape)
    assert {(int(y), int(x)) for y, x in zip(*worst, strict=True)} == {
        (9, 12), (9, 13), (10, 12), (10, 13)
    }  # fmt: skip
    drivers = result.contributions[:, 9, 12]
    assert scan.elements[int(np.argmax(np.abs(drivers)))] == "Zr"
    assert drivers[scan.elements.index("Zr")] > 10
    assert drivers[scan.elements.index("Si")] < 0
    assert result.mask[9:11, 12:14].all()


def test_nothing_is_said_outside_the_valid_area(masked_scan: ElementCube) -> None:
    before = masked_scan.valid.copy()
    result = RxDetector().fit(masked_scan).score(masked_scan)
    valid = masked_scan.valid
    np.testing.assert_array_equal(valid, before)
    assert np.isnan(result.score[~valid]).all()
    assert np.isfinite(result.score[valid]).all()
    assert np.isnan(result.contributions[:, ~valid]).all()
    assert np.isfinite(result.contributions[:, valid]).all()
    assert not result.mask[~valid].any()
    assert set(np.unique(result.pseudo_labels[valid])) == {2}
    assert set(np.unique(result.pseudo_labels[~valid])) == {0}


def test_pixels_outside_the_valid_area_have_no_say(masked_scan: ElementCube) -> None:
    spoilt = np.array(masked_scan.maps)
    spoilt[:, ~masked_scan.valid] = 60_000
    other = masked_scan.replace(maps=spoilt)
    np.testing.assert_array_equal(_score(masked_scan), _score(other))


def test_a_model_scores_another_scan_by_the_names_of_its_elements(
    make_scan: Callable[..., ElementCube],
) -> None:
    fitted = RxDetector().fit(make_scan(seed=0))
    other = make_scan(seed=1)
    order = [5, 3, 1, 0, 2, 4]
    turned = ElementCube(
        np.concatenate([other.maps[order], other.maps[:1]]),
        [*(other.elements[c] for c in order), "Hf"],
    )
    plain, mixed = fitted.score(other), fitted.score(turned)
    np.testing.assert_array_equal(mixed.score, plain.score)
    np.testing.assert_array_equal(mixed.contributions[:6], plain.contributions[order])
    assert (mixed.contributions[6] == 0).all()
    with pytest.raises(InputError, match="no map of Zr"):
        fitted.score(ElementCube(other.maps[:5], other.elements[:5]))


def test_fit_and_score_can_be_cancelled(scan: ElementCube) -> None:
    token = CancelToken()
    fitted = RxDetector().fit(scan)
    token.cancel()
    with pytest.raises(CancelledError):
        RxDetector().fit(scan, task=Task(token=token))
    with pytest.raises(CancelledError):
        fitted.score(scan, task=Task(token=token))


def test_the_transform_is_a_parameter_and_is_recorded(scan: ElementCube) -> None:
    plain = RxDetector(RxConfig(transform="none")).fit(scan).score(scan)
    stabilised = RxDetector().fit(scan).score(scan)
    assert (plain.info["transform"], stabilised.info["transform"]) == ("none", "anscombe")
    assert not np.allclose(plain.score, stabilised.score)


def test_fewer_pixels_than_elements_still_give_finite_scores() -> None:
    maps = np.random.default_rng(0).poisson(20, (6, 2, 2)).astype(np.uint16)
    assert np.isfinite(_score(ElementCube(maps, list("ABCDEF")))).all()
