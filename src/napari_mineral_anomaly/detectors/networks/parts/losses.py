"""Losses of MSFA-Net: weighted reconstruction and spectral-angle aggregation.

Cluster labels and centres are constants between refreshes; gradients flow through the latent
features of the pixels. (In DFAN's code the aggregation terms are computed outside the graph and
train nothing; the forms here follow its figure.)
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor


def weighted_reconstruction(output: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """L_rec: ``sum_i w_i |output_i - target_i|^2 / (K sum_i w_i)`` of (K, n) pixels."""
    squared = (output - target).square().mean(0)
    return (squared * weights).sum() / weights.sum().clamp(min=1e-12)


def centre_cosines(latent: Tensor, centres: Tensor) -> Tensor:
    """Cosine of every pixel with every centre, (M, n), from latent (D, n) and centres (M, D)."""
    lengths = latent.square().sum(0).clamp(min=1e-12).sqrt()
    return (nnf.normalize(centres, dim=1, eps=1e-6) @ latent) / lengths


def cohesion(cosines: Tensor, own: Tensor) -> Tensor:
    """L_BC: mean over background pixels of 1 - cos(z_i, own centre).

    Parameters
    ----------
    cosines : (M, n)
        From `centre_cosines`.
    own : (n,) int64
        Position of each pixel's own centre.
    """
    return 1 - cosines.gather(0, own[None]).mean()


def separation(cosines: Tensor, own: Tensor, margin: float) -> Tensor:
    """L_CD: mean of max(0, margin - (cos to the own centre - best cos to another centre)).

    A hinge (ours): it stops pulling once a pixel is ``margin`` closer to its own centre. 0 where
    there is only one centre. Arguments as in `cohesion`.
    """
    if len(cosines) < 2:
        return cosines.sum() * 0
    others = cosines.scatter(0, own[None], -torch.inf)
    gap = cosines.gather(0, own[None])[0] - others.amax(0)
    return torch.relu(margin - gap).mean()


def common_point(latent: Tensor, own: Tensor) -> Tensor:
    """L_CI: mean squared distance, per feature, of the clusters' means to their common mean.

    The means are taken over the (D, n) pixels at hand, so that the gradient reaches them. 0 where
    there is only one cluster.
    """
    present, position = torch.unique(own, return_inverse=True)
    if len(present) < 2:
        return latent.sum() * 0
    sums = latent.new_zeros(latent.shape[0], len(present)).index_add(1, position, latent)
    means = sums / torch.bincount(position).to(latent)
    return (means - means.mean(1, keepdim=True)).square().mean()
