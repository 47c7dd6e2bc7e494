"""The tools of napari that a step of ours takes for the user, and puts away when it is left."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.window.layers.links import Role, role_of

# Labels of the lab are brushed while the workbench changes its step.
_OF_THE_LAB: tuple[Role, ...] = ("truth", "pseudo_labels", "valid")


def put_tools_away(viewer: Any) -> None:
    """Let the mouse move the map again, where it draws, adds points or brushes on our layers."""
    layer = viewer.layers.selection.active
    role = None if layer is None else role_of(layer)
    if role is not None and role not in _OF_THE_LAB and str(layer.mode) != "pan_zoom":
        layer.mode = "pan_zoom"
