"""The layer on which ordinary pixels are brushed; each section has at most one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.window.layers.links import first_layer, scan_id_of, scan_name_of
from napari_mineral_anomaly.window.layers.make import add, spatial_of, taught_layer

if TYPE_CHECKING:
    from napari.layers import Layer

BRUSH_PIXELS = 3


def brush_layer(viewer: Any, scan_id: str | None) -> Layer | None:
    """The layer of a section; None if nothing was taught yet."""
    return None if scan_id is None else first_layer(viewer, "taught", scan_id)


def make_brush_layer(viewer: Any, score: Layer, taught: NDArray[np.bool_] | None = None) -> Layer:
    """The layer of the section of a score; made where it is missing."""
    found = brush_layer(viewer, scan_id_of(score))
    if found is not None:
        return found
    mask = np.zeros(score.data.shape, dtype=bool) if taught is None else taught
    active = viewer.layers.selection.active
    layer = add(
        viewer,
        taught_layer(
            mask,
            scan=scan_name_of(score),
            scan_id=scan_id_of(score),
            spatial=spatial_of(score),
        ),
    )
    if active is not None:
        viewer.layers.selection.active = active
    return layer


def brushed(layer: Layer) -> NDArray[np.bool_]:
    """A copy of the brushed pixels."""
    return np.asarray(layer.data) != 0


def set_pixels(layer: Layer, pixels: NDArray[np.bool_], value: int) -> None:
    """Brush or erase pixels as one step that napari can undo."""
    layer.data_setitem(np.nonzero(pixels), value)


def take_brush(viewer: Any, layer: Layer) -> None:
    """Make the layer active, with a brush of a few pixels."""
    layer.visible = True
    viewer.layers.selection.active = layer
    layer.selected_label = 1
    layer.brush_size = BRUSH_PIXELS
    layer.mode = "paint"
