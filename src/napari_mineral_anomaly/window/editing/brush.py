"""The grain brush: a labels layer on which a grain, a part of it, or a line across it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.window.grains.canvas import bring_to_top
from napari_mineral_anomaly.window.layers.links import (
    Link,
    linked_layers,
    scan_id_of,
    scan_name_of,
)
from napari_mineral_anomaly.window.layers.make import add, as_labels, spatial_of

if TYPE_CHECKING:
    from napari.layers import Layer

# Differs from the mask, the verdicts and what is taught; readable on black and on white.
BRUSH_COLOUR = "#ff4fa3"


def grain_brush(viewer: Any) -> Layer | None:
    """The layer; None while nothing is drawn."""
    return next((layer for layer, _ in linked_layers(viewer, role="grain_brush")), None)


def take_grain_brush(viewer: Any, score: Layer, pixels: NDArray[np.bool_], *, width: int) -> Layer:
    """Make the layer anew, with some pixels (H, W) drawn, and take the brush.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    score : Layer
        The layer whose grains are listed; the brush lies on it.
    pixels : (H, W) bool
    width : int
        Of the brush, in pixels.
    """
    put_grain_brush_away(viewer)
    name = scan_name_of(score)
    kwargs = {
        "name": f"grain brush {name}",
        "metadata": Link(scan_id_of(score), "grain_brush", scan=name).metadata(),
        "colormap": {0: "transparent", None: BRUSH_COLOUR},
        "opacity": 0.5,
        **spatial_of(score),
    }
    layer = add(viewer, (as_labels(pixels), kwargs, "labels"))
    bring_to_top(viewer, layer)
    viewer.layers.selection.active = layer
    layer.selected_label = 1
    layer.brush_size = width
    layer.mode = "paint"
    return layer


def put_grain_brush_away(viewer: Any) -> None:
    """Remove the layer, where there is one."""
    for layer, _ in list(linked_layers(viewer, role="grain_brush")):
        viewer.layers.remove(layer)
