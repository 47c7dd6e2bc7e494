"""Following one layer at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_mineral_anomaly.window.layers.links import layer_by_id

# napari emits only `paint` after brush and fill, only `set_data` after undo, redo and new data.
ANY_CHANGE = ("paint", "set_data")


class LayerWatch:
    """Calls a function when the pixels of a labels layer change.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    on_change : callable
    events : sequence of str
        Names of the layer's events.
    """

    def __init__(
        self, viewer: Any, on_change: Callable[[], None], events: tuple[str, ...] = ANY_CHANGE
    ) -> None:
        self._viewer, self._on_change, self._events = viewer, on_change, events
        self._layer_id: str | None = None

    def watch(self, layer: Any | None) -> bool:
        """Follow ``layer`` from now on; False where it is the one that is followed already."""
        layer_id = None if layer is None else str(layer.unique_id)
        if layer_id == self._layer_id:
            return False
        old = layer_by_id(self._viewer, self._layer_id)
        self._layer_id = layer_id
        for name in self._events:
            if old is not None:
                old.events[name].disconnect(self._on_event)
            if layer is not None:
                layer.events[name].connect(self._on_event)
        return True

    def _on_event(self, event: Any = None) -> None:
        self._on_change()
