"""Filters that start orthonormal, for channel attention."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_mineral_anomaly.detectors.networks.parts.choices import OrthoInit


def orthonormal_filters(
    count: int, pool: int, init: OrthoInit, generator: torch.Generator
) -> Tensor:
    """Draw ``count`` orthonormal filters of pool x pool, (count, pool, pool) float32.

    Where ``count`` exceeds pool^2, the most that can be orthogonal, further sets are stacked, each
    orthonormal in itself.

    Parameters
    ----------
    init : {"gaussian_qr", "uniform_gs"}
        QR of Gaussian noise, which prefers no direction (ours); or Gram-Schmidt of noise in
        [0, 1), as OrthoNets does, whose first filter is close to a plain average. QR is
        Gram-Schmidt up to sign, so the second is QR with the signs of its diagonal undone.
    """
    size = pool * pool
    sets = []
    for start in range(0, count, size):
        shape = (size, min(size, count - start))
        if init == "gaussian_qr":
            noise = torch.randn(shape, generator=generator, dtype=torch.float64)
        else:
            noise = torch.rand(shape, generator=generator, dtype=torch.float64)
        q, r = torch.linalg.qr(noise)
        sets.append((q * torch.sign(torch.diagonal(r))).T)
    return torch.cat(sets).float().view(count, pool, pool)
