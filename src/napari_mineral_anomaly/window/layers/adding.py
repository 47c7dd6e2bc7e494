"""Add many layers without blocking the window: one per turn of the event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QTimer

from napari_mineral_anomaly.window.layers.make import LayerData, add


class LayersInTurns:
    """Adds layers one after the other, because napari is slow to add each of them.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    on_next : callable
        Called with the number of layers added so far, before the next one.
    on_all : callable
        Called with their number after the last layer, in a separate turn.
    """

    def __init__(
        self, viewer: Any, on_next: Callable[[int], None], on_all: Callable[[int], None]
    ) -> None:
        self._viewer = viewer
        self._on_next, self._on_all = on_next, on_all
        self._waiting: deque[LayerData] = deque()
        self._added = 0

    def start(self, layers: Sequence[LayerData]) -> None:
        """Add the first layer now and the others in later turns."""
        self._added = 0
        self._waiting = deque(layers)
        self._next()

    def stop(self) -> None:
        """Add no further layers."""
        self._waiting.clear()

    def _next(self) -> None:
        if self._waiting:
            add(self._viewer, self._waiting.popleft())
            self._added += 1
            if self._waiting:
                self._on_next(self._added)
                QTimer.singleShot(0, self._next)
            else:
                QTimer.singleShot(0, self._end)

    def _end(self) -> None:
        self._on_all(self._added)
