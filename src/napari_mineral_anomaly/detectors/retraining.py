"""Train a detector again on the background that a person chose."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_mineral_anomaly.detectors.base import DetectorConfig
from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap, for_training
from napari_mineral_anomaly.detectors.clusters.pseudo_labels import FIRST_BACKGROUND_LABEL
from napari_mineral_anomaly.detectors.pipeline import DetectionRun, apply_detector
from napari_mineral_anomaly.detectors.registry import make_detector
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import sizes


@dataclass(frozen=True, eq=False)
class Retrained:
    """A run, and the clusters that it learned from, with the codes of ``run.result``."""

    run: DetectionRun
    clusters: ClusterMap


def retrain(
    cube: ElementCube,
    detector: str,
    config: DetectorConfig,
    clusters: ClusterMap,
    *,
    task: Task = SILENT,
) -> Retrained:
    """Fit a detector on the background clusters alone, and score the whole scan.

    The detector never sees the pixels of anomalous clusters while it learns (our choice, the
    same for every detector: what a person called odd must not become ordinary again). The
    pseudo-labels of the result are the given ones.

    Parameters
    ----------
    cube : ElementCube
    detector : str
        A name from `detectors.registry.detector_names`.
    config : DetectorConfig
        Its parameters.
    clusters : ClusterMap
        On the grid of the cube.

    Raises
    ------
    InputError
        When the grids differ or fewer than two pixels are left to learn from.
    CancelledError
    """
    if clusters.labels.shape != cube.shape:
        raise InputError(
            "The pseudo-labels and the element maps lie on different grids: "
            f"{sizes(clusters.labels.shape)} and {sizes(cube.shape)} pixels."
        )
    named = renumbered(clusters)
    learned = cube.valid & (named.labels >= FIRST_BACKGROUND_LABEL)
    if np.count_nonzero(learned) < 2:
        raise InputError("No background is left to learn from: mark a cluster as background.")
    fitted = make_detector(detector, config).fit(cube.replace(valid=learned), task=task)
    run = apply_detector(cube, fitted, task=task)
    labels = np.where(cube.valid, np.maximum(named.labels, 1), 0).astype(named.labels.dtype)
    result = replace(run.result, pseudo_labels=labels).with_info(
        background_pixels_given=int(np.count_nonzero(learned))
    )
    return Retrained(DetectionRun(result, run.fitted), replace(named, labels=labels))


def renumbered(clusters: ClusterMap) -> ClusterMap:
    """The map with the codes of files (1 anomaly, 2... background, largest first), names kept."""
    labels = for_training(clusters)
    names, colours = {}, {}
    codes, first = np.unique(labels, return_index=True)
    for code, pixel in zip(codes.tolist(), first.tolist(), strict=True):
        before = int(clusters.labels.reshape(-1)[pixel])
        if code:
            names[code], colours[code] = clusters.names[before], clusters.colours[before]
    background = frozenset(code for code in names if code >= FIRST_BACKGROUND_LABEL)
    return replace(clusters, labels=labels, names=names, colours=colours, background=background)
