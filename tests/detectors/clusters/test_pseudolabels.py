from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_mineral_anomaly.detectors.clusters.pseudo_labels import (
    MAX_FITTED_PIXELS,
    Clusters,
    fit_clusters,
    pixel_weights,
    sample_positions,
)

SETTINGS: dict[str, Any] = {
    "eps_mode": "fixed",
    "eps": 0.1,
    "min_samples": 5,
    "anomal_prop": 0.1,
    "noise": "candidate",
}


def _features(small: int = 10, noise: int = 0, seed: int = 0) -> np.ndarray:
    """100 pixels: two background clusters, a small cluster, some scattered pixels."""
    rng = np.random.default_rng(seed)
    large = 100 - small - noise
    centres = [
        np.tile([0.0, 0.0, 1.0], (large - 30, 1)),
        np.tile([1.0, 0.0, 0.0], (30, 1)),
        np.tile([0.0, 1.0, 0.0], (small, 1)),
    ]
    blobs = np.concatenate(centres) + rng.normal(0, 0.005, (100 - noise, 3))
    return np.concatenate([blobs, rng.uniform(0.3, 0.7, (noise, 3))]).astype(np.float32)


def _fit(features: np.ndarray, **changes: Any) -> tuple[Clusters, np.ndarray]:
    clusters = fit_clusters(features, **(SETTINGS | changes))
    return clusters, clusters.assign(features)


def test_a_cluster_of_exactly_the_limit_is_anomalous_and_one_pixel_more_is_not() -> None:
    # limit = int(0.1 x 100 pixels) = 10
    at_limit, cluster = _fit(_features(small=10))
    assert at_limit.is_candidate(cluster).sum() == 10
    assert at_limit.is_candidate(cluster)[90:].all()
    above, cluster = _fit(_features(small=11))
    assert above.is_candidate(cluster).sum() == 0


def test_labels_are_1_for_candidates_then_background_by_size() -> None:
    clusters, cluster = _fit(_features(small=10))
    labels = clusters.labels(cluster)
    assert labels.dtype == np.uint16
    assert set(labels[:60]) == {2}
    assert set(labels[60:90]) == {3}
    assert set(labels[90:]) == {1}


@pytest.mark.parametrize("weight_mode", ["mask", "paper_up"])
def test_noise_pixels_are_candidates_or_one_ordinary_cluster(weight_mode: str) -> None:
    features = _features(small=5, noise=20)
    settings: dict[str, Any] = {"mode": weight_mode, "beta": 4.0, "bandwidth": 0.3}

    clusters, cluster = _fit(features, noise="candidate", eps=0.05)
    candidate = clusters.is_candidate(cluster)
    assert clusters.noise_share == pytest.approx(0.2)
    assert candidate[80:].all()
    assert candidate.sum() == 25
    weights = pixel_weights(clusters.divergence(features, cluster), candidate, **settings)
    assert (weights[80:] == 0).all() if weight_mode == "mask" else (weights[80:] > 1).all()
    assert (weights[:75] == 1).all()

    # As one cluster of 20, noise exceeds the limit of 10 and is background.
    clusters, cluster = _fit(features, noise="dfan", eps=0.05)
    candidate = clusters.is_candidate(cluster)
    assert candidate.sum() == 5
    assert (cluster[80:] == clusters.noise_cluster).all()
    weights = pixel_weights(clusters.divergence(features, cluster), candidate, **settings)
    assert (weights[80:] == 1).all()


def test_little_noise_as_one_cluster_is_anomalous_by_its_size() -> None:
    clusters, cluster = _fit(_features(small=0, noise=6), noise="dfan", eps=0.05)
    assert clusters.is_candidate(cluster).sum() == 6


def test_without_a_background_all_pixels_weigh_the_same() -> None:
    features = np.random.default_rng(0).uniform(0, 1, (50, 8)).astype(np.float32)
    clusters, cluster = _fit(features, eps=0.01)
    assert not clusters.has_background
    candidate = clusters.is_candidate(cluster)
    assert not candidate.any()
    divergence = clusters.divergence(features, cluster)
    for mode in ("mask", "paper_up", "sad_down"):
        weights = pixel_weights(divergence, candidate, mode=mode, beta=4, bandwidth=0.3)
        assert (weights == 1).all()
    assert (clusters.labels(cluster) == 2).all()


def test_the_scaling_is_frozen_and_new_pixels_go_to_the_nearest_core_point() -> None:
    features = _features(small=10) * 40 - 7
    clusters, _ = _fit(features)
    scaled = clusters.scaled(features)
    np.testing.assert_allclose(scaled.min(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.max(axis=0), 1, atol=1e-6)
    near_first, near_small = features[0] + 0.5, features[95] + 0.5
    far_off = np.array([500.0, 500.0, 500.0], dtype=np.float32)
    cluster = clusters.assign(np.stack([near_first, near_small, far_off]).astype(np.float32))
    assert clusters.labels(cluster).tolist() == [2, 1, 1]
    assert cluster[2] == -1
    np.testing.assert_allclose(clusters.scaled(far_off[None])[0], (far_off + 7) / 40, rtol=0.05)


def test_the_radius_from_the_data_leaves_at_most_twice_the_share_as_noise() -> None:
    rng = np.random.default_rng(2)
    features = rng.standard_t(2, (600, 5)).astype(np.float32)
    fixed, _ = _fit(features, eps=0.001, min_samples=25, anomal_prop=0.015)
    assert fixed.noise_share == 1
    for share in (0.015, 0.05):
        found, _ = _fit(features, eps_mode="kdist", min_samples=25, anomal_prop=share)
        assert found.noise_share <= 2 * share
        assert found.has_background


def test_divergence_of_candidates_is_measured_from_the_background() -> None:
    clusters, cluster = _fit(_features(small=10))
    divergence = clusters.divergence(_features(small=10), cluster)
    assert (divergence[:90] < 0.01).all()
    # The small cluster lies at right angles to both background clusters.
    np.testing.assert_allclose(divergence[90:], 1, atol=0.05)


def test_weights_follow_their_formulas() -> None:
    divergence = np.array([0.1, 0.2, 0.4, 0.8], dtype=np.float32)
    candidate = np.array([False, False, True, True])
    keywords: dict[str, Any] = {"beta": 4.0, "bandwidth": 0.3}
    mask = pixel_weights(divergence, candidate, mode="mask", **keywords)
    assert mask.tolist() == [1, 1, 0, 0]
    up = pixel_weights(divergence, candidate, mode="paper_up", **keywords)
    np.testing.assert_allclose(up, [1, 1, 3, 5])
    down = pixel_weights(divergence, candidate, mode="sad_down", **keywords)
    np.testing.assert_allclose(down, np.exp(-(divergence**2) / (2 * 0.3**2)), rtol=1e-5)


def test_a_feature_that_never_varies_scales_to_zero_not_nan() -> None:
    features = _features(small=10)
    features[:, 1] = 3.0
    clusters, cluster = _fit(features)
    assert np.isfinite(clusters.centres).all()
    assert (clusters.scaled(features)[:, 1] == 0).all()
    assert np.isfinite(clusters.divergence(features, cluster)).all()


def test_samples_are_seeded_bounded_and_sorted() -> None:
    first = sample_positions(50_000, np.random.default_rng(1))
    again = sample_positions(50_000, np.random.default_rng(1))
    other = sample_positions(50_000, np.random.default_rng(2))
    assert len(first) == len(np.unique(first)) == MAX_FITTED_PIXELS == 20_000
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (np.diff(first) > 0).all()
    np.testing.assert_array_equal(sample_positions(7, np.random.default_rng(1)), np.arange(7))


def test_clusters_can_be_saved() -> None:
    features = _features(small=10, noise=5)
    clusters, cluster = _fit(features)
    again = Clusters.from_saved(clusters.arrays(), clusters.meta())
    np.testing.assert_array_equal(again.assign(features), cluster)
