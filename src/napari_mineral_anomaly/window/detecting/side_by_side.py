"""Several results of a scan side by side in napari's grid, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.window.layers.links import layers_of

if TYPE_CHECKING:
    from napari.layers import Layer


class SideBySide:
    """Shows some layers with their names in one cell each, and restores the view from before.

    The other layers are hidden: napari's grid has no cells for hidden layers.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._before: list[tuple[Layer, bool, bool]] | None = None
        self._grid = (False, 1)

    @property
    def is_on(self) -> bool:
        """Whether the layers are shown side by side now."""
        return self._before is not None

    def show(self, layers: Sequence[Layer]) -> None:
        """Show only these layers, each in its own cell."""
        self.back()
        grid = self._viewer.canvas.grid
        self._grid = (grid.enabled, grid.stride)
        self._before = [(x, x.visible, x.name_overlay.visible) for x in layers_of(self._viewer)]
        for layer, _, _ in self._before:
            layer.visible = any(layer is one for one in layers)
            layer.name_overlay.visible = layer.visible
        grid.stride = 1
        grid.enabled = True
        self._viewer.reset_view()

    def back(self) -> None:
        """Restore the view from before."""
        if self._before is None:
            return
        grid = self._viewer.canvas.grid
        grid.enabled, grid.stride = self._grid
        still_there = layers_of(self._viewer)
        for layer, visible, named in self._before:
            if any(layer is one for one in still_there):
                layer.visible = visible
                layer.name_overlay.visible = named
        self._before = None
        self._viewer.reset_view()
