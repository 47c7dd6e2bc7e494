"""Which pixels are candidates, what clusters the background has, what is odd among neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_mineral_anomaly.detectors.heads.likeness import squared_mean_distance
from napari_mineral_anomaly.detectors.networks.msfa import surroundings
from napari_mineral_anomaly.detectors.networks.msfa.candidates import (
    Candidates,
    cluster_background,
    find_candidates,
    odd_share,
    residual_sigma,
    squared_sigmas,
)
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.surroundings import (
    PRIOR_PIXELS,
    local_surprise,
    whitening,
)
from napari_mineral_anomaly.detectors.networks.msfa.training import background_map_of, candidates_of
from napari_mineral_anomaly.detectors.networks.msfa.view import RINGS
from napari_mineral_anomaly.progress import SILENT, CancelledError, CancelToken, Task


def _noise(shape: tuple[int, int] = (60, 60), n: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def _find(
    residual: np.ndarray, valid: np.ndarray | None = None, anomal_prop: float = 0.01
) -> Candidates:
    area = np.ones(residual.shape[1:], dtype=bool) if valid is None else valid
    return find_candidates(residual, area, anomal_prop=anomal_prop, spectral_angle=0.15, seed=0)


# --- the tail -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.0, 10.0])
def test_gamma_noise_has_no_tail(shape: float) -> None:
    distance = np.random.default_rng(1).gamma(shape, 2.0, 40_000)
    assert odd_share(distance) < 5e-4


@pytest.mark.parametrize("planted", [0.004, 0.02])
def test_the_odd_share_is_that_of_the_planted_pixels(planted: float) -> None:
    rng = np.random.default_rng(2)
    distance = rng.gamma(4.0, 1.0, 50_000)
    n = int(planted * len(distance))
    distance[:n] = rng.uniform(60, 90, n)
    # A fifth of those called odd may be ordinary, and none of the planted is missed.
    assert planted <= odd_share(distance) <= 1.3 * planted


def test_nine_pixels_in_ten_remain_background_however_heavy_the_tail() -> None:
    distance = np.random.default_rng(3).gamma(4.0, 1.0, 20_000)
    distance[: int(0.09 * 20_000)] = 1e4
    distance[-10:] = 1e5
    assert odd_share(distance) <= 0.1
    assert odd_share(np.zeros(100)) == 0.0


def test_sigmas_are_those_of_the_background() -> None:
    residual = _noise() * np.array([1, 2, 3, 4, 5, 6], dtype=np.float32)[:, None, None] + 7
    background = np.ones((60, 60), dtype=bool)
    background[:5] = False
    residual[:, :5] = 1e4
    mean, sigma = residual_sigma(residual, background)
    np.testing.assert_allclose(mean, 7, atol=0.4)
    np.testing.assert_allclose(sigma, [1, 2, 3, 4, 5, 6], rtol=0.05)
    squared = squared_sigmas(residual, mean, sigma)
    wanted = (((residual - mean[:, None, None]) / sigma[:, None, None]) ** 2).sum(0)
    np.testing.assert_allclose(squared, wanted, rtol=1e-4)
    assert squared[background].mean() == pytest.approx(6, rel=1e-3)


# --- candidates -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", [3, 4])
def test_a_compact_odd_grain_is_a_candidate_and_nothing_else(side: int) -> None:
    residual = _noise()
    grain = np.zeros((60, 60), dtype=bool)
    grain[20 : 20 + side, 30 : 30 + side] = True
    residual[2, grain] += 12
    found = _find(residual)
    assert found.mask[grain].all()
    assert (found.mask & ~grain).sum() <= 1
    assert len(found.log) == 3
    assert found.log[-1]["candidate_share"] == found.mask.sum() / 3600


def test_single_odd_pixels_and_rims_are_no_candidates() -> None:
    residual = _noise()
    residual[1, 5:55:10, 5:55:10] += 20  # 25 pixels, each alone
    residual[3, 30, 10:40] += 20  # a line, one pixel wide, and
    residual[4, 40:42, 5:50] += 20  # one of two pixels
    found = _find(residual)
    assert found.log[0]["odd_share"] > 0.02  # they are in the tail, but no grains
    assert found.mask.sum() == 0


def test_a_direction_shared_by_many_grains_is_a_mineral_and_goes_back() -> None:
    residual = _noise((100, 100))
    shared = np.zeros((100, 100), dtype=bool)
    for top in range(5, 95, 18):
        for left in range(5, 95, 22):
            shared[top : top + 4, left : left + 4] = True
    lone = np.zeros_like(shared)
    lone[50:54, 80:84] = True
    shared &= ~lone
    assert shared.mean() > 0.025
    residual[2, shared] += 40
    residual[4, lone] += 40
    one_percent, five_percent = (_find(residual, anomal_prop=share) for share in (0.01, 0.05))
    assert not (one_percent.mask & shared & ~lone).any()
    assert one_percent.mask[lone].all()
    assert five_percent.mask[shared | lone].all()
    assert one_percent.log[0]["largest_clusters"][0] == pytest.approx(shared.mean(), rel=0.1)


def test_candidates_of_all_directions_stay_candidates() -> None:
    residual = _noise()
    rng = np.random.default_rng(5)
    ways = rng.normal(size=(6, 5, 5))
    residual[:, 20:25, 20:25] = 60 * ways / np.linalg.norm(ways, axis=0)
    assert _find(residual).mask[20:25, 20:25].all()  # no two alike: no cluster at all


def test_invalid_pixels_are_neither_counted_nor_found() -> None:
    residual = _noise()
    valid = np.ones((60, 60), dtype=bool)
    valid[:, 40:] = False
    residual[:, ~valid] = 500
    residual[2, 20:24, 10:14] += 12
    found = _find(residual, valid)
    assert not found.mask[~valid].any()
    assert found.mask[20:24, 10:14].all()
    assert found.mask.sum() <= 17


# --- background clusters --------------------------------------------------------------------


def _blobs(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = 10 * np.eye(3)[: len(sizes)]
    which = np.repeat(np.arange(len(sizes)), sizes)
    return (centres[which] + rng.normal(0, 0.3, (len(which), 3))).astype(np.float32), which


def test_minerals_become_clusters_the_largest_first() -> None:
    latent, which = _blobs([600, 1500, 300])
    clusters = cluster_background(latent, 0.01, seed=0)
    assert len(clusters.centres) == 3
    own = clusters.assign(latent)
    for blob, number in ((1, 0), (0, 1), (2, 2)):
        assert (own[which == blob] == number).mean() > 0.99
    again = cluster_background(latent, 0.01, seed=0)
    for name, array in vars(clusters).items():
        np.testing.assert_array_equal(array, getattr(again, name))


def test_a_cancel_is_heard_in_every_part_between_two_stages_of_training() -> None:
    """The longest of these parts takes seconds on a large scan: so long a window waits to close."""
    latent, _ = _blobs([600, 1500, 300])
    clusters = cluster_background(latent, 0.01, seed=0)
    token = CancelToken()
    token.cancel()
    task, valid = Task(token=token), np.ones((60, 40), dtype=bool)
    none = Candidates(~valid)
    image = latent.T.reshape(3, *valid.shape)
    config = MsfaConfig()
    for part in (
        lambda: cluster_background(latent, 0.01, seed=0, task=task),
        lambda: clusters.assign(latent, task=task),
        lambda: candidates_of(_noise((60, 40)), valid, config, task),
        lambda: background_map_of(image, valid, none, config, task),
        lambda: squared_mean_distance(latent, latent, task=task),
    ):
        with pytest.raises(CancelledError):
            part()
    # The same without a cancel, one cluster of each pixel.
    found = background_map_of(image, valid, none, config, SILENT)
    assert found is not None
    assert np.bincount(found.own.reshape(-1)).size == 3


def test_without_a_large_cluster_all_pixels_are_one() -> None:
    latent, _ = _blobs([500, 500, 500])
    clusters = cluster_background(latent, 0.5, seed=0)
    assert clusters.centres.shape == (1, 3)
    assert (clusters.assign(latent) == 0).all()


# --- surroundings ---------------------------------------------------------------------------


def test_whitened_residuals_have_unit_covariance() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    residual = np.einsum("fg,ghw->fhw", mixing, rng.normal(size=(4, 40, 50))).astype(np.float32)
    background = rng.random((40, 50)) > 0.2
    residual[:, ~background] = 1e3
    mean, white = whitening(residual, background)
    pixels = (residual[:, background].T - mean) @ white
    np.testing.assert_allclose(np.cov(pixels.T), np.eye(4), atol=1e-3)


def test_the_surprise_of_a_pixel_is_its_distance_less_its_log_density_under_the_rings() -> None:
    residual = _noise((24, 24), n=3, seed=7)
    valid = np.random.default_rng(8).random((24, 24)) > 0.2
    valid[11, 12] = True
    found = local_surprise(residual, valid, np.zeros(3), np.eye(3))
    wanted, pixel = 0.0, residual[:, 11, 12].astype(float)
    for inner, outer in RINGS:
        ring = np.zeros((24, 24), dtype=bool)
        ring[11 - outer // 2 : 12 + outer // 2, 12 - outer // 2 : 13 + outer // 2] = True
        ring[11 - inner // 2 : 12 + inner // 2, 12 - inner // 2 : 13 + inner // 2] = False
        around = residual[:, ring & valid].astype(float)
        mean = around.mean(1)
        scatter = (around - mean[:, None]) @ (around - mean[:, None]).T
        freedom = around.shape[1] + PRIOR_PIXELS
        shape = (scatter + PRIOR_PIXELS * np.eye(3)) / freedom
        distance = (pixel - mean) @ np.linalg.solve(shape, pixel - mean)
        wanted += distance - stats.multivariate_t.logpdf(pixel, mean, shape, df=freedom)
    assert found[11, 12] == pytest.approx(wanted, rel=1e-6)
    assert (found[~valid] == 0).all()


def test_what_is_common_elsewhere_is_surprising_here() -> None:
    residual = 0.5 * _noise((40, 60), n=3, seed=9)
    residual[:, :, 30:] += 4
    valid = np.ones((40, 60), dtype=bool)
    residual[:, 20, 12] += 4  # an ordinary pixel of the right half, in the left one
    mean, white = whitening(residual, valid)
    found = local_surprise(residual, valid, mean, white)
    left = found[:, :20].copy()
    assert np.unravel_index(left.argmax(), left.shape) == (20, 12)
    left[20, 12] = -np.inf
    assert found[20, 12] > 1.5 * left.max()
    glob = (((residual - mean[:, None, None]).reshape(3, -1).T @ white) ** 2).sum(1)
    assert (glob > glob.reshape(40, 60)[20, 12]).mean() > 0.05  # for the scan it is one of many


def test_tiles_of_surroundings_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    residual = _noise((30, 20), n=3, seed=3)
    valid = np.random.default_rng(1).random((30, 20)) > 0.1
    whole = local_surprise(residual, valid, np.zeros(3), np.eye(3))
    monkeypatch.setattr(surroundings, "TILE", 7)
    np.testing.assert_allclose(
        local_surprise(residual, valid, np.zeros(3), np.eye(3)), whole, atol=1e-9
    )


def test_cancelling_stops_the_search_of_surroundings() -> None:
    token = CancelToken()
    token.cancel()
    valid = np.ones((20, 20), dtype=bool)
    with pytest.raises(CancelledError):
        local_surprise(_noise((20, 20), 2), valid, np.zeros(2), np.eye(2), task=Task(token=token))
