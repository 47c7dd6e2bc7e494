"""One section at a time: the layers of the others are hidden, so that scans do not overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mineral_anomaly.window.layers.links import linked_layers

# What is shown of a section where nothing of it is visible.
_FIRST_SHOWN = ("mask", "score", "element")

_View = tuple[tuple[float, ...], float]


class SectionsInTurn:
    """Hides the layers of a section that is left, and brings them back when it is shown again.

    Only layers that carry our note are touched: those of the user stay as they are.
    """

    def __init__(self) -> None:
        self._visible: dict[str, list[Any]] = {}
        self._views: dict[str, _View] = {}
        self._active: str | None = None

    def show(self, viewer: Any, scan_id: str | None) -> None:
        """Show the layers of one section, as they were when it was left."""
        if scan_id == self._active:
            return
        if self._active is not None:
            camera = viewer.scene.camera
            self._views[self._active] = (tuple(camera.center), float(camera.zoom))
        self._active = scan_id
        if scan_id is None:
            return
        for layer, link in linked_layers(viewer):
            if link.scan_id != scan_id and layer.visible:
                self._visible.setdefault(link.scan_id, []).append(layer)
                layer.visible = False
        own = [layer for layer, _ in linked_layers(viewer, scan_id)]
        for layer in self._visible.pop(scan_id, []):
            if layer in own:
                layer.visible = True
        was_left = scan_id in self._views
        if was_left and not any(layer.visible for layer in own):
            _show_something(viewer, scan_id)
        if was_left:
            centre, zoom = self._views[scan_id]
            viewer.scene.camera.center, viewer.scene.camera.zoom = centre, zoom
        elif own and len(own) < len(viewer.layers):  # napari itself fits the view to the first
            fit_view(viewer, own[0])


def fit_view(viewer: Any, layer: Any) -> None:
    """Show all of one layer."""
    low, high = np.asarray(layer.extent.world)[:, -2:]
    camera = viewer.scene.camera
    camera.center = (*camera.center[:-2], *((low + high) / 2))
    with_margin = 1.1 * np.maximum(high - low, 1e-9)
    camera.zoom = float(np.min(np.asarray(viewer.canvas.size) / with_margin))


def _show_something(viewer: Any, scan_id: str) -> None:
    for role in _FIRST_SHOWN:
        found = [layer for layer, link in linked_layers(viewer, scan_id) if link.role == role]
        if found:
            found[0].visible = True
            if role != "mask":
                return
