"""Feature aggregation: pseudo-labels on the latent features, and the losses they drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mineral_anomaly.detectors.clusters.pseudo_labels import (
    Clusters,
    fit_clusters,
    pixel_weights,
    sample_positions,
)
from napari_mineral_anomaly.detectors.networks.msfa_paper.config import MsfaPaperConfig
from napari_mineral_anomaly.detectors.networks.parts.losses import (
    centre_cosines,
    cohesion,
    common_point,
    separation,
)
from napari_mineral_anomaly.progress import SILENT, Task

# Centres in the losses, the largest clusters first: bounds memory when DBSCAN finds hundreds of
# small clusters. Background clusters number fewer than 1 / anomal_prop, so all are included.
MAX_CENTRES = 256


@dataclass(frozen=True, eq=False)
class Targets:
    """The pseudo-labels of a window, as the losses use them.

    Attributes
    ----------
    weights : (n,) float32
        Weight of each pixel in the reconstruction loss.
    background : (m,) int64
        Positions of the background pixels.
    own : (m,) int64
        Centre of each of them.
    """

    weights: Tensor
    background: Tensor
    own: Tensor


class Aggregation:
    """Pseudo-labels of some windows, frozen until the next refresh.

    Parameters
    ----------
    latents : list of (n, D) float32
        Latent pixels of each window.
    config : MsfaPaperConfig
    rng : numpy.random.Generator
        Draws the sample that is clustered.
    device : torch.device
        Where the losses are computed.
    task : Task, optional

    Attributes
    ----------
    targets : list of Targets
        One per window.
    clusters : Clusters
    candidate_share : float
    """

    def __init__(
        self,
        latents: list[NDArray[np.float32]],
        config: MsfaPaperConfig,
        rng: np.random.Generator,
        device: torch.device,
        *,
        task: Task = SILENT,
    ) -> None:
        self._config = config
        starts = np.cumsum([len(latent) for latent in latents])
        picked = sample_positions(int(starts[-1]), rng)
        clusters = cluster_latents(np.concatenate(latents)[picked], config, task=task)
        assigned = [clusters.assign(latent, task=task) for latent in latents]
        divergence = [
            clusters.divergence(latent, cluster)
            for latent, cluster in zip(latents, assigned, strict=True)
        ]
        candidate = clusters.is_candidate(np.concatenate(assigned))
        # Over all windows at once, because paper_up scales by the largest divergence.
        weights = pixel_weights(
            np.concatenate(divergence),
            candidate,
            mode=config.weight_mode,
            beta=config.beta,
            bandwidth=config.bandwidth,
        )
        kept = np.argsort(-clusters.sizes, kind="stable")[:MAX_CENTRES]
        centre_of = np.full(len(clusters.sizes) + 1, -1, dtype=np.int64)  # the last is for noise
        centre_of[kept] = np.where(clusters.is_background[kept], np.arange(len(kept)), -1)
        self.clusters = clusters
        self.candidate_share = float(candidate.mean())
        self.targets = [
            _targets(centre_of[cluster], part, device)
            for cluster, part in zip(assigned, np.split(weights, starts[:-1]), strict=True)
        ]
        self._centres = torch.from_numpy(clusters.centres[kept]).to(device)
        self._low = torch.from_numpy(clusters.low).to(device)[:, None]
        self._span = torch.from_numpy(clusters.span).to(device)[:, None]

    def loss(self, latent: Tensor, targets: Targets) -> Tensor:
        """Weighted sum of L_BC, L_CD and L_CI over the background pixels of a window.

        Parameters
        ----------
        latent : (D, n)
            Latent features of all valid pixels of the window.
        targets : Targets
        """
        config = self._config
        if not config.cluster_loss or len(targets.background) == 0:
            return latent.new_zeros(())
        if len(targets.background) < latent.shape[1]:
            latent = latent.index_select(1, targets.background)
        latent = (latent - self._low) / self._span
        cosines = centre_cosines(latent, self._centres)
        loss = config.lambda_cohesion * cohesion(cosines, targets.own)
        if config.lambda_separation > 0:
            loss = loss + config.lambda_separation * separation(cosines, targets.own, config.margin)
        if config.lambda_common > 0:
            loss = loss + config.lambda_common * common_point(latent, targets.own)
        return loss


def cluster_latents(
    sample: NDArray[np.float32], config: MsfaPaperConfig, *, task: Task
) -> Clusters:
    """Cluster a sample of latent pixels as the config says."""
    return fit_clusters(
        sample,
        eps_mode=config.eps_mode,
        eps=config.eps,
        min_samples=config.min_samples,
        anomal_prop=config.anomal_prop,
        noise=config.noise,
        task=task,
    )


def describe_clusters(clusters: Clusters) -> dict[str, Any]:
    """Numbers about a clustering for run.json."""
    return {
        "eps": clusters.eps,
        "clusters": len(clusters.sizes),
        "background_clusters": int(clusters.is_background.sum()),
        "noise_share": clusters.noise_share,
        "all_weights_equal": not clusters.has_background,
    }


def _targets(own: NDArray[np.int64], weights: NDArray[np.float32], device: torch.device) -> Targets:
    background = np.flatnonzero(own >= 0)
    return Targets(
        torch.from_numpy(weights).to(device),
        torch.from_numpy(background).to(device),
        torch.from_numpy(own[background]).to(device),
    )
