"""What the dock *Pseudo-labels* asks of its worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from napari_mineral_anomaly.detectors.clusters.editing import (
    ClusterMap,
    cluster_map,
    cluster_signatures,
    signature_sigmas,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube


@dataclass(frozen=True, eq=False)
class EditedClusters:
    """A map of clusters with its signatures; a worker makes it.

    ``before`` is the map before the change; None after undo and redo. ``lines`` are the rows of
    ``signatures``, because pandas is slow to make them.
    """

    map: ClusterMap
    before: ClusterMap | None
    signatures: pd.DataFrame
    sigmas: pd.DataFrame
    lines: list[dict[Any, Any]]


def with_signatures(
    clusters: ClusterMap, before: ClusterMap | None, cube: ElementCube | None, task: Task
) -> EditedClusters:
    """Compute the signatures of ``clusters``.

    Raises
    ------
    InputError
        Without a cube.
    CancelledError
    """
    if cube is None:
        raise InputError(
            "The element maps of these labels are not in the layer list: load them again."
        )
    signatures = cluster_signatures(clusters, cube, task=task)
    sigmas = signature_sigmas(clusters, cube, task=task)
    return EditedClusters(clusters, before, signatures, sigmas, signatures.to_dict("records"))


def clusters_now(labels: Any, edited: ClusterMap | None) -> ClusterMap:
    """The clusters of ``labels``, with names and colours of an edited map where there is one."""
    if edited is None or edited.labels.shape != labels.shape:
        return cluster_map(labels)
    return edited if np.array_equal(edited.labels, labels) else _brushed(edited, labels)


def _brushed(before: ClusterMap, labels: Any) -> ClusterMap:
    """The map with brushed labels; names, colours and roles stay."""
    fresh = cluster_map(labels, names=before.names)
    return replace(
        fresh,
        colours={**fresh.colours, **before.colours},
        background=before.background | (fresh.background - set(before.codes)),
    )


def with_later_strokes(now: Any, learned: Any, brushed: Any) -> Any:
    """The labels after a training, with the strokes that were made while it ran.

    Parameters
    ----------
    now : (H, W)
        The labels of the new run: those of ``learned`` with the codes of files.
    learned : (H, W)
        The labels that the run learned from.
    brushed : (H, W)
        ``learned`` with the later strokes.

    Returns
    -------
    (H, W)
        ``now`` itself where there are none. A cluster that was begun meanwhile gets a free code.
    """
    strokes = brushed != learned
    if not strokes.any():
        return now
    labels, free = now.copy(), int(now.max()) + 1
    for code in np.unique(brushed[strokes]):
        new = int(now[learned == code].max(initial=0)) if code else 0
        if code and not new:
            new, free = free, free + 1
        labels[strokes & (brushed == code)] = new
    return labels
