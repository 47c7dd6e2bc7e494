"""Following one layer at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from napari_mineral_anomaly.window.layers.links import layer_by_id

# napari emits only `paint` after brush and fill, only `set_data` after undo, redo and new data.
ANY_CHANGE = ("paint", "set_data")
_NEW_PIXELS = "set_data"


class LayerWatch:
    """Calls a function when the pixels of a labels layer change.

    napari emits `set_data` also where it only draws a layer again, for example after another layer
    was added beyond the edge of the map. Then the pixels are the same, and nothing is called.

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
        # The array and a number that tell whether pixels are new; None after a brush stroke.
        self._seen: tuple[ref[Any], int] | None = None

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
        self._seen = None if layer is None else _seen_in(layer.data)
        return True

    def _on_event(self, event: Any = None) -> None:
        kind = getattr(event, "type", "")
        if kind == _NEW_PIXELS:
            before, layer = self._seen, layer_by_id(self._viewer, self._layer_id)
            self._seen = None if layer is None else _seen_in(layer.data)
            if _are_same(before, self._seen):
                return
        elif kind == "paint":
            self._seen = None
        self._on_change()


def _are_same(before: tuple[ref[Any], int] | None, now: tuple[ref[Any], int] | None) -> bool:
    # References to two living arrays must not be compared: their pixels would be.
    return (
        before is not None and now is not None and before[0]() is now[0]() and before[1] == now[1]
    )


def _seen_in(data: Any) -> tuple[ref[Any], int] | None:
    """The array, and a number that is another one for other pixels; None if not in memory."""
    if not isinstance(data, np.ndarray):
        return None
    # A third of a millisecond for a million pixels.
    return ref(data), zlib.adler32(np.ascontiguousarray(data).data)
