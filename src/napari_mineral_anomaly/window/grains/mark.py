"""The outline of the chosen grain on napari's canvas; a worker finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.grains.pixels.outline import pixel_outlines
from napari_mineral_anomaly.window.grains.canvas import bring_to_top, draw_outline, outline_layer
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs
from napari_mineral_anomaly.window.layers.links import linked_layers, scan_id_of, scan_name_of

if TYPE_CHECKING:
    from napari.layers import Layer


class GrainMark:
    """Outlines one grain at a time; the layer is made for the first.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    jobs : DockJobs
    score : callable
        The score layer whose grains are listed, or None.
    """

    def __init__(self, viewer: Any, jobs: DockJobs, score: Callable[[], Layer | None]) -> None:
        self._viewer, self._jobs, self._score = viewer, jobs, score

    def show(self, listing: GrainListing, grain: int) -> None:
        """Outline a grain of a list."""
        # napari needs long to make the layer: make it now, and draw when the outline is found.
        self._layer()
        top, bottom, left, right = listing.box(grain)
        box = np.s_[top : bottom + 1, left : right + 1]
        self._jobs.run(
            "Outlining the grain",
            lambda task: pixel_outlines(listing.labels[box] == grain, offset=(top, left)),
            self._draw,
        )

    def hide(self) -> None:
        """Remove the outline."""
        for layer, _ in linked_layers(self._viewer, role="outline"):
            draw_outline(layer, [])

    def remove(self) -> None:
        """Remove the layer."""
        for layer, _ in list(linked_layers(self._viewer, role="outline")):
            self._viewer.layers.remove(layer)

    def _draw(self, rings: list[NDArray[np.float64]]) -> None:
        layer = self._layer()
        if layer is not None:
            draw_outline(layer, rings)
            bring_to_top(self._viewer, layer)

    def _layer(self) -> Layer | None:
        score = self._score()
        if score is None:
            return None
        return outline_layer(self._viewer, score, scan_name_of(score), scan_id_of(score))
