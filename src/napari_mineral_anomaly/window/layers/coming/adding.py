"""Add many layers without blocking the window: one per turn of the event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QTimer

from napari_mineral_anomaly.window.layers.coming.arrivals import arrivals_of
from napari_mineral_anomaly.window.layers.links import link_in
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
        self._viewer, self._arrivals = viewer, arrivals_of(viewer)
        self._on_next, self._on_all = on_next, on_all
        # Each with the layers that wait, and the scan that they belong to.
        self._batches: deque[tuple[deque[LayerData], str]] = deque()
        self._added = 0

    @property
    def is_adding(self) -> bool:
        """Whether layers wait, or the last one was not told yet."""
        return bool(self._batches)

    def start(self, layers: Sequence[LayerData]) -> None:
        """Add the first layer now and the others in later turns; after those that wait."""
        if not layers:
            self._on_all(0)
            return
        link = link_in(layers[0][1]["metadata"])
        scan_id = "" if link is None else link.scan_id
        self._arrivals.begin(scan_id)
        self._batches.append((deque(layers), scan_id))
        if len(self._batches) == 1:
            self._added = 0
            self._next()

    def finish(self) -> None:
        """Add the layers that wait at once and tell nobody: half a scan would be another scan."""
        while self._batches:
            waiting, scan_id = self._batches.popleft()
            for layer in waiting:
                add(self._viewer, layer)
            if waiting:
                self._arrivals.end(scan_id)

    def _next(self) -> None:
        if not self._batches:
            return
        waiting, scan_id = self._batches[0]
        add(self._viewer, waiting.popleft())
        self._added += 1
        if waiting:
            self._on_next(self._added)
            QTimer.singleShot(0, self._next)
        else:
            self._arrivals.end(scan_id)
            QTimer.singleShot(0, self._end)

    def _end(self) -> None:
        if not self._batches:
            return
        self._batches.popleft()
        added, self._added = self._added, 0
        self._on_all(added)
        self._next()
