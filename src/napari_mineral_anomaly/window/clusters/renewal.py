"""New clusters: nothing that the user said of the clusters of an earlier run holds for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap, label_colormap

from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap, cluster_map
from napari_mineral_anomaly.grains.pixels.large import same_pixels
from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.layers.links import link_of
from napari_mineral_anomaly.window.layers.session import forget_undo, session_of

_LOST = " The pseudo-labels are new; your changes to the earlier ones are gone."
_COLOURS = 49  # as napari has them


class Renewal:
    """Lets one new run begin its own clusters, and keeps what to tell of it.

    Attributes
    ----------
    lost : str
        A sentence, where the user had changed the earlier clusters by strokes, names, colours,
        roles, merges or splits; else "".
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.lost = ""

    def begin(self, layer: Any) -> None:
        """Forget the clusters of a layer that is about to get those of the new run."""
        layer_id, book = str(layer.unique_id), clusters_of(self._viewer)
        if self._is_edited(layer):
            self.lost = _LOST
        book.forget(layer_id)
        board_of(self._viewer).cluster_names.pop(layer_id, None)
        forget_undo(layer)
        if isinstance(layer.colormap, DirectLabelColormap):
            layer.colormap = label_colormap(_COLOURS, background_value=0)

    def _is_edited(self, layer: Any) -> bool:
        history = clusters_of(self._viewer).of(str(layer.unique_id))
        if history is not None and _is_described(history.present):
            return True
        run = session_of(self._viewer).run_of(link_of(layer))
        if run is None:
            return False
        # A retrained run has the labels that the user gave it.
        retrained = "background_pixels_given" in run.result.info
        return retrained or not same_pixels(np.asarray(layer.data), run.result.pseudo_labels)


def _is_described(clusters: ClusterMap) -> bool:
    """Whether names, colours or roles are not those that every run has at first."""
    fresh = cluster_map(clusters.labels)
    return (
        dict(clusters.names) != dict(fresh.names)
        or dict(clusters.colours) != dict(fresh.colours)
        or clusters.background != fresh.background
    )
