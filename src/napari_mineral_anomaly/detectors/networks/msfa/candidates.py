"""Pseudo-labels: which pixels are anomaly candidates, and which clusters the background has.

The feature aggregation of MSFA-Net clusters pixels with DBSCAN and calls small clusters anomalous.
Here a candidate meets three conditions (each our choice):

1. its residual lies in the tail beyond the body of the scan's own residuals, so that the share of
   candidates comes from the data;
2. it belongs to a grain, not to a rim: most of its 3x3 neighbourhood is in the tail too;
3. the candidates with residuals of its direction (DBSCAN on spectral angle) are few: an odd
   direction shared by more than 1 % of the scan is a mineral of the rock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special
from scipy.spatial import cKDTree

from napari_mineral_anomaly.detectors.clusters.dbscan import (
    NearestCore,
    connected_groups,
    core_points,
    neighbour_distances,
)
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import fit_clusters, sample_positions
from napari_mineral_anomaly.detectors.threads import usable_threads
from napari_mineral_anomaly.progress import SILENT, Task

# At most this share of the odd pixels may be expected from the distribution of the body.
FALSE_DISCOVERY = 0.2
# However heavy the tail, nine pixels in ten remain background.
MOST_CANDIDATES = 0.1
# A grain: seven of the nine pixels of a 3x3 square.
GRAIN_PIXELS = 7
ROUNDS = 3
SAMPLED_CANDIDATES = 5_000
MIN_SAMPLES = 15
CLUSTER_MIN_SAMPLES = 25
CORE_POINTS = 4_000
# Pixels that are assigned to clusters at a time.
ASSIGNED_PIXELS = 50_000


@dataclass(frozen=True, eq=False)
class Candidates:
    """Anomaly candidates of a scan.

    Attributes
    ----------
    mask : (H, W) bool
    log : list of dict
        What each round found, for run.json.
    """

    mask: NDArray[np.bool_]
    log: list[dict[str, object]] = field(default_factory=list)


def residual_sigma(
    residual: NDArray[np.float32], background: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (F,) of residuals (F, H, W) over background pixels (H, W)."""
    mean = np.array([plane[background].mean(dtype=np.float64) for plane in residual])
    sigma = np.array([plane[background].std(dtype=np.float64) for plane in residual])
    return mean, np.maximum(sigma, 1e-6)


def squared_sigmas(
    residual: NDArray[np.float32], mean: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Sum over the features of squared residuals in sigmas, (H, W) float32."""
    total = np.zeros(residual.shape[1:], dtype=np.float32)
    for plane, centre, width in zip(residual, mean, sigma, strict=True):
        total += np.square((plane - np.float32(centre)) / np.float32(width))
    return total


def find_candidates(
    residual: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    anomal_prop: float,
    spectral_angle: float,
    seed: int,
    task: Task = SILENT,
) -> Candidates:
    """Find the anomaly candidates of a scan, see the module.

    Parameters
    ----------
    residual : (F, H, W) float32
        Observed minus predicted, smoothed.
    valid : (H, W) bool
    anomal_prop : float
        Largest share of the valid pixels in one cluster of candidates.
    spectral_angle : float
        DBSCAN radius between unit vectors.
    seed : int
        Of the sample that is clustered where there are many candidates.
    """
    rng = np.random.default_rng(seed)
    mask = np.zeros(valid.shape, dtype=bool)
    log: list[dict[str, object]] = []
    for _ in range(ROUNDS):
        task.check()
        mean, sigma = residual_sigma(residual, valid & ~mask)
        task.check()
        distance = squared_sigmas(residual, mean, sigma)
        share = odd_share(distance[valid])
        task.check()
        odd = valid & (distance > np.quantile(distance[valid], 1 - share))
        grains = _in_grains(odd)
        mask, sizes = _without_minerals(
            residual, mean, grains, valid, anomal_prop, spectral_angle, rng, task
        )
        log.append(
            {
                "odd_share": float(share),
                "grain_share": float(grains.sum() / valid.sum()),
                "candidate_share": float(mask.sum() / valid.sum()),
                "largest_clusters": sizes[:5],
            }
        )
    return Candidates(mask, log)


def odd_share(distance: NDArray[np.floating]) -> float:
    """Share of pixels beyond what the body of the scan predicts.

    A gamma law (that of a sum of squares) is fitted to the median and the 90th percentile; the
    share is the largest at which it explains less than `FALSE_DISCOVERY` of the pixels beyond
    (Benjamini and Hochberg 1995), at most `MOST_CANDIDATES`.
    """
    values = np.asarray(distance, dtype=np.float64)
    n = len(values)
    median, ninth = np.quantile(values, [0.5, 0.9])
    if median <= 0:
        return 0.0
    shapes = np.geomspace(0.2, 60, 60)
    ratios = special.gammaincinv(shapes, 0.9) / special.gammaincinv(shapes, 0.5)
    shape = float(np.interp(-ninth / median, -ratios, shapes))
    scale = median / special.gammaincinv(shape, 0.5)
    most = min(int(MOST_CANDIDATES * n) + 1, n)
    # Only the tail needs an order.
    tail = np.sort(np.partition(values, n - most)[n - most :])[::-1]
    expected = special.gammaincc(shape, tail / scale) * n
    passed = np.flatnonzero(expected < FALSE_DISCOVERY * np.arange(1, len(tail) + 1))
    return min((passed.max() + 1) / n, MOST_CANDIDATES) if passed.size else 0.0


def _in_grains(odd: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Odd pixels in or next to the middle of a 3x3 square that is mostly odd."""
    square = np.ones((3, 3), dtype=np.uint8)
    count = ndimage.convolve(odd.astype(np.uint8), square, mode="constant")
    middle = odd & (count >= GRAIN_PIXELS)
    return np.asarray(odd & ndimage.binary_dilation(middle, square))


def _without_minerals(
    residual: NDArray[np.float32],
    mean: NDArray[np.float64],
    grains: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    anomal_prop: float,
    radius: float,
    rng: np.random.Generator,
    task: Task,
) -> tuple[NDArray[np.bool_], list[float]]:
    """Return clusters of residual directions larger than ``anomal_prop`` to the background."""
    directions = residual[:, grains].T - mean.astype(np.float32)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-6)
    n = len(directions)
    if n < MIN_SAMPLES:
        return grains, []
    picked = rng.choice(n, min(n, SAMPLED_CANDIDATES), replace=False)
    sample = directions[picked]
    core = sample[core_points(sample, radius, MIN_SAMPLES, task=task)]
    group = connected_groups(core, radius, task=task)
    nearest = NearestCore(core, radius).find(directions, task=task)
    member = np.where(nearest >= 0, np.append(group, -1)[nearest], -1)
    sizes = np.bincount(member[member >= 0], minlength=1) / valid.sum()
    large = np.append(sizes > anomal_prop, False)
    kept = grains.copy()
    kept[grains] = ~large[member]
    return kept, sorted((float(size) for size in sizes if size), reverse=True)


@dataclass(frozen=True, eq=False)
class BackgroundClusters:
    """Clusters of the background in the bottleneck: roughly, the minerals of the rock.

    Attributes
    ----------
    low, span : (D,) float32
        Scaling of latent features to [0, 1].
    core : (m, D) float32
        Some core points of the clusters, scaled.
    core_cluster : (m,) int64
        Cluster of each, 0 the largest.
    centres : (M, D) float32
    """

    low: NDArray[np.float32]
    span: NDArray[np.float32]
    core: NDArray[np.float32]
    core_cluster: NDArray[np.int64]
    centres: NDArray[np.float32]

    def assign(self, latent: NDArray[np.float32], *, task: Task = SILENT) -> NDArray[np.int64]:
        """Cluster (n,) of the core point nearest to each latent pixel (n, D)."""
        tree = cKDTree(self.core)
        out = np.empty(len(latent), dtype=np.int64)
        for start in range(0, len(latent), ASSIGNED_PIXELS):
            task.check()
            part = slice(start, start + ASSIGNED_PIXELS)
            scaled = (latent[part] - self.low) / self.span
            out[part] = self.core_cluster[tree.query(scaled, workers=usable_threads())[1]]
        return out


def cluster_background(
    latent: NDArray[np.float32], anomal_prop: float, seed: int, *, task: Task = SILENT
) -> BackgroundClusters:
    """DBSCAN on a sample of latent background pixels (n, D).

    The radius is the median distance to the 25th neighbour (our choice): the dense half of the
    pixels makes the clusters, mixed pixels join the nearest. Without a cluster larger than
    ``anomal_prop`` all pixels are one.
    """
    rng = np.random.default_rng(seed)
    sample = latent[sample_positions(len(latent), rng)]
    span = np.ptp(sample, axis=0)
    scaled = (sample - sample.min(axis=0)) / np.where(span > 0, span, 1)
    reach = neighbour_distances(scaled.astype(np.float32), CLUSTER_MIN_SAMPLES, task=task)
    found = fit_clusters(
        sample,
        eps_mode="fixed",
        eps=max(float(np.median(reach)) * (1 + 1e-4), 1e-3),
        min_samples=CLUSTER_MIN_SAMPLES,
        anomal_prop=anomal_prop,
        noise="candidate",
        task=task,
    )
    large = np.flatnonzero(found.is_background)
    if large.size == 0:
        centre = found.scaled(sample).mean(axis=0, keepdims=True)
        return BackgroundClusters(found.low, found.span, centre, np.zeros(1, np.int64), centre)
    large = large[np.argsort(-found.sizes[large], kind="stable")]
    number = np.full(len(found.sizes), -1, dtype=np.int64)
    number[large] = np.arange(len(large))
    cluster = number[found.core_cluster]
    kept = np.flatnonzero(cluster >= 0)
    kept = kept[np.sort(rng.permutation(len(kept))[:CORE_POINTS])]
    return BackgroundClusters(
        found.low, found.span, found.core[kept], cluster[kept], found.centres[large]
    )
