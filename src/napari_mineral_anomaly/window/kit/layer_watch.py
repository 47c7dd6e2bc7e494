"""Following one layer at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from psygnal import Signal

# napari emits only `paint` after brush and fill, only `set_data` after undo, redo and new data.
ANY_CHANGE = ("paint", "set_data")
_NEW_PIXELS = "set_data"

_pixels: WeakKeyDictionary[Any, _Pixels] = WeakKeyDictionary()


class LayerWatch:
    """Calls a function when the pixels of a labels layer change.

    napari emits `set_data` also where it only draws a layer again, for example after another layer
    was added beyond the edge of the map. Then the pixels are the same, and nothing is called.

    Parameters
    ----------
    on_change : callable
    events : sequence of str
        Names of the layer's events.
    """

    def __init__(self, on_change: Callable[[], None], events: tuple[str, ...] = ANY_CHANGE) -> None:
        self._on_change, self._events = on_change, events
        self._layer: ref[Any] | None = None

    def watch(self, layer: Any | None) -> bool:
        """Follow ``layer`` from now on; False where it is the one that is followed already."""
        old = None if self._layer is None else self._layer()
        if layer is old:
            return False
        self._layer = None if layer is None else ref(layer)
        for one, connects in ((old, False), (layer, True)):
            if one is None:
                continue
            for name in self._events:
                if name not in ANY_CHANGE:
                    emitter, on_event = one.events[name], self._on_event
                    (emitter.connect if connects else emitter.disconnect)(on_event)
            (_follow if connects else _leave)(one, self._on_pixels)
        return True

    def _on_event(self, event: Any = None) -> None:
        self._on_change()

    def _on_pixels(self, kind: str) -> None:
        if kind in self._events:
            self._on_change()


class _Pixels:
    """Tells of new pixels of a layer. All who follow the layer share it: it looks at all pixels.

    ``changed`` tells which event of napari came with them.
    """

    changed = Signal(str)

    def __init__(self, layer: Any) -> None:
        # The array and a number that tell whether pixels are new; None after a brush stroke.
        self._seen = _seen_in(layer.data)
        for name in ANY_CHANGE:
            layer.events[name].connect(self._on_event)

    def stop(self, layer: Any) -> None:
        """Hear nothing of the layer any more."""
        for name in ANY_CHANGE:
            layer.events[name].disconnect(self._on_event)

    def _on_event(self, event: Any) -> None:
        if event.type == _NEW_PIXELS:
            before, self._seen = self._seen, _seen_in(event.source.data)
            if _are_same(before, self._seen):
                return
        else:
            self._seen = None
        self.changed.emit(event.type)


def _follow(layer: Any, on_pixels: Callable[[str], None]) -> None:
    if layer not in _pixels:
        _pixels[layer] = _Pixels(layer)
    _pixels[layer].changed.connect(on_pixels)


def _leave(layer: Any, on_pixels: Callable[[str], None]) -> None:
    pixels = _pixels[layer]
    pixels.changed.disconnect(on_pixels)
    if not len(pixels.changed):
        pixels.stop(layer)
        del _pixels[layer]


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
