"""The surroundings of a grain: the pseudo-label clusters of the pixels beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.pixels.regions import GrainRegions
from napari_mineral_anomaly.progress import SILENT, Task

# (cluster, share) of the pixels around a grain, the largest share first.
ClusterShares = tuple[tuple[int, float], ...]

# One step away the beam still brings signal of the grain; two steps away it does not.
_REACH = 2
# Smaller shares are one or two pixels.
LEAST_SHARE = 0.05


def neighbour_shares(
    pseudo_labels: NDArray[np.unsignedinteger[Any]], regions: GrainRegions, *, task: Task = SILENT
) -> list[ClusterShares]:
    """Clusters within two pixels of each grain and their shares, the largest first.

    Parameters
    ----------
    pseudo_labels : (H, W)
        0 outside, 1 candidates, 2... clusters, as in `AnomalyResult`.
    regions : GrainRegions
    task : Task, optional

    Returns
    -------
    list of ClusterShares
        Cluster and its share of these pixels; clusters below `LEAST_SHARE` are left out.
    """
    beside = regions.around(1, _REACH, task=task)
    codes = pseudo_labels.reshape(-1)[beside.pixel].astype(np.int64)
    base = int(codes.max(initial=0)) + 1
    pairs, count = np.unique(beside.grain * base + codes, return_counts=True)
    grain, code = np.divmod(pairs, base)
    share = count / beside.size[grain]
    order = np.lexsort((code, -share, grain))
    found: list[list[tuple[int, float]]] = [[] for _ in range(regions.n_grains)]
    for at in order[share[order] >= LEAST_SHARE]:
        found[grain[at]].append((int(code[at]), float(share[at])))
    return [tuple(clusters) for clusters in found]
