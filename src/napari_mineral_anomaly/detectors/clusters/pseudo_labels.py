"""Pseudo-labels: clusters of pixels in feature space, used because a scan has no labels.

The feature aggregation module of MSFA-Net, after DFAN: DBSCAN on the latent features; small
clusters are anomaly candidates, large ones are background.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.clusters.dbscan import (
    NOISE,
    NearestCore,
    connected_groups,
    core_points,
    neighbour_distances,
)
from napari_mineral_anomaly.progress import SILENT, Task

OUTSIDE_NAME, CANDIDATES_NAME = "outside", "Anomaly candidates"

# Of more pixels than this, a sample is clustered; the rest joins the nearest core point.
MAX_FITTED_PIXELS = 20_000

CANDIDATE_LABEL = 1
FIRST_BACKGROUND_LABEL = 2


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of a sample of pixels, ready to label any pixel of the same feature space.

    Attributes
    ----------
    low, span : (D,) float32
        Scaling of the features to [0, 1] over the sample; frozen, so that the space in which
        labels and losses live does not move between refreshes.
    eps : float
        DBSCAN radius in scaled features.
    core : (m, D) float32
        Scaled core points.
    core_cluster : (m,) int32
    centres : (M, D) float32
        Mean scaled feature of each cluster, anomalous ones included.
    sizes : (M,) int64
        Sampled pixels in each cluster.
    is_background : (M,) bool
    noise_cluster : int
        The cluster that noise belongs to, or -1 where noise pixels are anomaly candidates.
    noise_share : float
        Share of the sample that DBSCAN left as noise.
    """

    low: NDArray[np.float32]
    span: NDArray[np.float32]
    eps: float
    core: NDArray[np.float32]
    core_cluster: NDArray[np.int32]
    centres: NDArray[np.float32]
    sizes: NDArray[np.int64]
    is_background: NDArray[np.bool_]
    noise_cluster: int
    noise_share: float

    @property
    def has_background(self) -> bool:
        """False when every cluster is small: then all pixels are treated alike."""
        return bool(self.is_background.any())

    def scaled(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, D) in the frozen scaling."""
        return (features - self.low) / self.span

    def assign(self, features: NDArray[np.float32], *, task: Task = SILENT) -> NDArray[np.int32]:
        """Cluster of each pixel by its nearest core point within eps; -1 = noise. (n,) int32."""
        nearest = self._nearest_core.find(self.scaled(features), task=task)
        cluster = np.full(len(features), self.noise_cluster, dtype=np.int32)
        found = nearest != NOISE
        cluster[found] = self.core_cluster[nearest[found]]
        return cluster

    def is_candidate(self, cluster: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which pixels are anomaly candidates, from `assign`; none without a background."""
        if not self.has_background:
            return np.zeros(cluster.shape, dtype=bool)
        return ~np.append(self.is_background, False)[cluster]  # -1 reads the appended False

    def labels(self, cluster: NDArray[np.int32]) -> NDArray[np.uint16]:
        """Codes in results: 1 candidates, 2... background clusters, the largest first."""
        code = np.full(len(self.sizes) + 1, CANDIDATE_LABEL, dtype=np.uint16)
        if not self.has_background:
            code[:] = FIRST_BACKGROUND_LABEL
        else:
            background = np.flatnonzero(self.is_background)
            ranked = background[np.argsort(-self.sizes[background], kind="stable")]
            code[ranked] = FIRST_BACKGROUND_LABEL + np.arange(len(ranked))
        return code[cluster]

    def divergence(
        self, features: NDArray[np.float32], cluster: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Spectral-angle divergence 1 - cos to the own centre, (n,) float32 in [0, 2].

        For candidates the nearest background centre takes the place of the own one: what counts
        is how unlike the background they are. 0 without a background.
        """
        if not self.has_background:
            return np.zeros(len(features), dtype=np.float32)
        pixels = _directions(self.scaled(features))
        centres = _directions(self.centres)
        out = np.empty(len(features), dtype=np.float32)
        candidate = self.is_candidate(cluster)
        out[~candidate] = np.einsum(
            "ij,ij->i", pixels[~candidate], centres[cluster[~candidate]], optimize=True
        )
        to_background = pixels[candidate] @ centres[self.is_background].T
        out[candidate] = to_background.max(axis=1, initial=-1)
        return np.clip(1 - out, 0, 2)

    @cached_property
    def _nearest_core(self) -> NearestCore:
        return NearestCore(self.core, self.eps)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The numbers to save with a model."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def meta(self) -> dict[str, Any]:
        """The scalars to save with a model."""
        return {
            "eps": self.eps,
            "noise_cluster": self.noise_cluster,
            "noise_share": self.noise_share,
        }

    @classmethod
    def from_saved(cls, arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> Clusters:
        """Rebuild from `arrays` and `meta`."""
        parts: dict[str, Any] = {**arrays, **meta}
        return cls(**parts)


def sample_positions(n_pixels: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of at most `MAX_FITTED_PIXELS` of ``n_pixels`` pixels, sorted; all if they fit."""
    if n_pixels <= MAX_FITTED_PIXELS:
        return np.arange(n_pixels)
    return np.sort(rng.choice(n_pixels, MAX_FITTED_PIXELS, replace=False))


def fit_clusters(
    features: NDArray[np.float32],
    *,
    eps_mode: Literal["fixed", "kdist"],
    eps: float,
    min_samples: int,
    anomal_prop: float,
    noise: Literal["candidate", "dfan"],
    task: Task = SILENT,
) -> Clusters:
    """Cluster a sample of pixels and separate background from anomaly candidates.

    Parameters
    ----------
    features : (n, D) float32
        Features of the sample (`sample_positions`), unscaled.
    eps_mode : {"fixed", "kdist"}
        "kdist" sets the radius to the (1 - 2 anomal_prop) quantile of the distance to the
        ``min_samples``-th neighbour (the pixel itself counted, as DBSCAN counts): at most
        2 anomal_prop of the sample can then remain noise (our choice; a fixed radius can leave
        most pixels as noise).
    eps : float
        The radius for "fixed".
    min_samples : int
    anomal_prop : float
        A cluster of at most ``int(anomal_prop n)`` pixels is anomalous.
    noise : {"candidate", "dfan"}
        What DBSCAN leaves as noise: anomaly candidates, or one more cluster judged by its size.
    task : Task, optional
        Checked at each tile of distances.
    """
    low = features.min(axis=0)
    span = features.max(axis=0) - low
    span[span <= 0] = 1  # a feature that is the same everywhere scales to 0
    scaled = (features - low) / span
    if eps_mode == "kdist":
        distances = neighbour_distances(scaled, min_samples, task=task)
        eps = float(np.quantile(distances, 1 - 2 * anomal_prop, method="higher"))
        # Rounding of tiled distances must not turn a pixel at the radius into noise.
        eps = max(eps * (1 + 1e-4), 1e-3)
    is_core = core_points(scaled, eps, min_samples, task=task)
    core = scaled[is_core]
    core_cluster = connected_groups(core, eps, task=task)
    cluster = np.full(len(scaled), NOISE, dtype=np.int32)
    cluster[is_core] = core_cluster
    nearest = NearestCore(core, eps).find(scaled[~is_core], task=task)
    cluster[~is_core] = np.where(nearest == NOISE, NOISE, np.append(core_cluster, NOISE)[nearest])

    is_noise = cluster == NOISE
    n_clusters = int(core_cluster.max(initial=-1)) + 1
    noise_cluster = NOISE
    if noise == "dfan" and is_noise.any():
        noise_cluster = n_clusters
        n_clusters += 1
        cluster[is_noise] = noise_cluster
    member = cluster[cluster != NOISE]
    sizes = np.bincount(member, minlength=n_clusters).astype(np.int64)
    sums = np.zeros((n_clusters, scaled.shape[1]), dtype=np.float64)
    np.add.at(sums, member, scaled[cluster != NOISE])
    centres = (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)
    return Clusters(
        low=low,
        span=span,
        eps=eps,
        core=core,
        core_cluster=core_cluster,
        centres=centres,
        sizes=sizes,
        is_background=sizes > int(anomal_prop * len(scaled)),
        noise_cluster=noise_cluster,
        noise_share=float(is_noise.mean()),
    )


def pixel_weights(
    divergence: NDArray[np.float32],
    candidate: NDArray[np.bool_],
    *,
    mode: Literal["mask", "paper_up", "sad_down"],
    beta: float,
    bandwidth: float,
) -> NDArray[np.float32]:
    """Weight of each pixel in the reconstruction loss, (n,) float32.

    The paper gives anomalous regions more weight, its parent DFAN none at all; the paper's
    formula is not public, so its form here is ours.

    Parameters
    ----------
    divergence : (n,) float32
        From `Clusters.divergence`.
    candidate : (n,) bool
        From `Clusters.is_candidate`.
    mode : {"mask", "paper_up", "sad_down"}
        mask: 0 for candidates, 1 for the rest (DFAN). paper_up: ``1 + beta d / max d`` for
        candidates (d their divergence), 1 for the rest. sad_down: ``exp(-d^2 / (2 bandwidth^2))``
        for all.
    beta, bandwidth : float
    """
    if mode == "sad_down":
        falling: NDArray[np.float32] = np.exp(-np.square(divergence / np.float32(bandwidth)) / 2)
        return falling
    weights = np.ones(len(divergence), dtype=np.float32)
    if mode == "mask":
        weights[candidate] = 0
        return weights
    largest = divergence[candidate].max(initial=0)
    if largest > 0:
        weights[candidate] += beta * divergence[candidate] / largest
    return weights


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.float32(1e-6))
    return unit


def default_cluster_name(code: int) -> str:
    """Name of a pseudo-label cluster that nobody has named; 0 is outside the sample."""
    if code == 0:
        return OUTSIDE_NAME
    return CANDIDATES_NAME if code == CANDIDATE_LABEL else f"Cluster {code}"
