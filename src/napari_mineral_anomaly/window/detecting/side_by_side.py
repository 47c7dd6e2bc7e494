"""Several results of a scan side by side in napari's grid, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import layers_of

if TYPE_CHECKING:
    from napari.layers import Layer

# Size of the names in points, and how many pixels wide a letter of one point is at most.
_LARGEST, _SMALLEST = 10.0, 5.0
_LETTER_PX = 1.0


class SideBySide:
    """Shows some layers with their names in one cell each, and restores the view from before.

    The other layers are hidden: napari's grid has no cells for hidden layers.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer, self._active = viewer, active_of(viewer)
        self._before: list[tuple[Layer, bool, bool, float]] | None = None
        self._grid = (False, 1)
        self._camera: tuple[Any, float] = ((0.0, 0.0, 0.0), 1.0)

    @property
    def is_on(self) -> bool:
        """Whether the layers are shown side by side now."""
        return self._before is not None

    def show(self, layers: Iterable[Layer]) -> None:
        """Show only these layers, each in its own cell with its whole name."""
        self.back()
        layers = list(layers)
        grid = self._viewer.canvas.grid
        self._grid = (grid.enabled, grid.stride)
        camera = self._viewer.scene.camera
        self._camera = (camera.center, camera.zoom)
        self._before = [
            (x, self._active.is_shown(x), x.name_overlay.visible, x.name_overlay.font_size)
            for x in layers_of(self._viewer)
        ]
        # Before there are cells: with them, napari arranges all names again after each change.
        size = self._name_size(layers)
        for layer in layers:
            layer.name_overlay.font_size = size
            layer.name_overlay.visible = True
        for layer, *_ in self._before:
            layer.visible = any(layer is one for one in layers)
        grid.stride = 1
        grid.enabled = True
        # Not all layers: a larger section that is hidden would make the cells small.
        self._viewer.fit_to_view(layers=layers)

    def back(self, *, same_section: bool = True) -> None:
        """Restore the view from before; of another section only what is hidden and shown."""
        if self._before is None:
            return
        grid = self._viewer.canvas.grid
        grid.enabled, grid.stride = self._grid
        still_there = layers_of(self._viewer)
        for layer, visible, named, size in self._before:
            if any(layer is one for one in still_there):
                self._active.show(layer, visible)
                layer.name_overlay.visible = named
                layer.name_overlay.font_size = size
        self._before = None
        if same_section:
            camera = self._viewer.scene.camera
            camera.center, camera.zoom = self._camera

    def _name_size(self, layers: list[Layer]) -> float:
        """The largest size at which the longest name fits into its cell."""
        n_rows, n_columns = self._viewer.canvas.grid.shape
        if n_columns < 0:  # as napari chooses it
            n_columns = math.ceil(len(layers) / n_rows if n_rows > 0 else math.sqrt(len(layers)))
        cell = self._viewer.canvas.size[1] / max(n_columns, 1)
        letters = max((len(layer.name) for layer in layers), default=0) + 2
        return min(_LARGEST, max(_SMALLEST, cell / (_LETTER_PX * letters)))
