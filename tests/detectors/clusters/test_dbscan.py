from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN

from napari_mineral_anomaly.detectors.clusters import dbscan
from napari_mineral_anomaly.detectors.clusters.dbscan import (
    NearestCore,
    connected_groups,
    core_points,
    neighbour_distances,
)
from napari_mineral_anomaly.progress import CancelledError, CancelToken, Task


def _points(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blobs = [rng.normal(centre, 0.05, (150, 6)) for centre in (0.2, 0.5, 0.55, 0.9)]
    return np.concatenate([*blobs, rng.uniform(0, 1, (120, 6))]).astype(np.float32)


@pytest.fixture(params=[4_000_000, 3000])
def _tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbscan, "TILE_DISTANCES", request.param)


@pytest.mark.usefixtures("_tiles")
@pytest.mark.parametrize(("eps", "min_samples"), [(0.1, 5), (0.15, 25), (0.3, 10), (5.0, 3)])
def test_cores_and_clusters_are_those_of_scikit_learn(eps: float, min_samples: int) -> None:
    points = _points()
    reference = DBSCAN(eps=eps, min_samples=min_samples).fit(points)
    core = core_points(points, eps, min_samples)
    np.testing.assert_array_equal(np.flatnonzero(core), reference.core_sample_indices_)
    groups = connected_groups(points[core], eps)
    np.testing.assert_array_equal(groups, reference.labels_[core])
    nearest = NearestCore(points[core], eps).find(points)
    np.testing.assert_array_equal(nearest == -1, reference.labels_ == -1)


def test_chains_are_followed_through_many_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbscan, "TILE_DISTANCES", 500)
    rng = np.random.default_rng(0)
    two_lines = np.concatenate([np.arange(100.0), 200 + np.arange(100.0)])
    order = rng.permutation(200)
    points = np.stack([two_lines[order], np.zeros(200)], axis=1).astype(np.float32)
    groups = connected_groups(points, 1.01)
    assert set(groups) == {0, 1}
    assert groups[0] == 0
    assert len(set(groups[order < 100])) == 1


@pytest.mark.usefixtures("_tiles")
def test_neighbour_distances_count_the_point_itself_first() -> None:
    points = _points()
    expected = np.sort(cdist(points, points), axis=1)
    np.testing.assert_allclose(neighbour_distances(points, 25), expected[:, 24], atol=1e-4)
    np.testing.assert_allclose(neighbour_distances(points, 1), 0, atol=1e-3)
    few = neighbour_distances(points[:3], 25)
    np.testing.assert_allclose(few, cdist(points[:3], points[:3]).max(axis=1), atol=1e-4)


def test_nearest_core_is_the_nearest_within_the_radius() -> None:
    points = _points()
    core, others = points[::3], points[1::3]
    distances = cdist(others, core)
    expected = np.where(distances.min(axis=1) <= 0.25, distances.argmin(axis=1), -1)
    found = NearestCore(core, 0.25).find(others)
    np.testing.assert_array_equal(found, expected)
    assert (found == -1).any()
    assert (found != -1).any()
    assert (NearestCore(core[:0], 0.25).find(others) == -1).all()


def test_cancel_is_checked_between_tiles() -> None:
    token = CancelToken()
    token.cancel()
    points = _points()
    with pytest.raises(CancelledError):
        core_points(points, 0.1, 5, task=Task(token=token))
    with pytest.raises(CancelledError):
        connected_groups(points, 0.1, task=Task(token=token))
    with pytest.raises(CancelledError):
        neighbour_distances(points, 5, task=Task(token=token))
    with pytest.raises(CancelledError):
        NearestCore(points, 0.1).find(points, task=Task(token=token))
