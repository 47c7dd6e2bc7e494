"""Notices every change of a section that its project keeps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_mineral_anomaly.window.clusters.book import clusters_of
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.kit.layer_watch import ANY_CHANGE
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import (
    layer_by_id,
    link_of,
    linked_layers,
    unwrapped,
)
from napari_mineral_anomaly.window.project.snapshot import (
    FIDUCIALS,
    GRAINS,
    LOOKS,
    VERDICTS,
    chosen_detector,
    pixels_of,
)
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.state.of_viewer import state_of

if TYPE_CHECKING:
    from napari.layers import Layer

_BRUSHED = ("mask", "truth", "valid", "pseudo_labels")
# Layers that show what the project keeps elsewhere.
_OURS = ("outline", "verdicts", "grain_brush")
_LOOK_EVENTS = frozenset(
    ("visible", "opacity", "blending", "gamma", "contrast_limits", "colormap", "name", "scale")
)


class SectionWatch:
    """Follows the layers of one scan, its verdicts and its clusters.

    Parameters
    ----------
    viewer, scan_id
    on_change : callable
        Called with what changed, see `snapshot`.
    before_removal : callable
        Called before one of the layers leaves the viewer, while all of them are still there.
    """

    def __init__(
        self,
        viewer: Any,
        scan_id: str,
        on_change: Callable[[str], None],
        before_removal: Callable[[], None],
    ) -> None:
        self._viewer, self._scan_id = unwrapped(viewer), scan_id
        self._on_change, self._before_removal = on_change, before_removal
        self._active = active_of(viewer)
        self._board, self._clusters = board_of(viewer), clusters_of(viewer)
        self._history = self._board.history_of(scan_id)
        self._chosen = chosen_detector(viewer, scan_id)
        events = self._viewer.layers.events
        self._connections = [
            (events.inserted, self._on_inserted),
            (events.removing, self._on_removing),
            (events.removed, self._on_removed),
            (events.reordered, self._on_order),
            (self._board.decided, self._on_decided),
            (self._board.listed, self._on_listed),
            (self._clusters.changed, self._on_clusters),
            (sem_points_of(viewer).changed, self._on_fiducials),
            (state_of(viewer).events.score_id, self._on_chosen),
        ]
        for emitter, callback in self._connections:
            emitter.connect(callback)
        # What the brush may write into now: no stroke may be missed. The others one per turn of
        # the event loop: to connect to the events of a layer takes napari milliseconds.
        self._waiting: deque[Layer] = deque()
        for layer, link in linked_layers(viewer, scan_id):
            if link.role in _BRUSHED:
                self._follow(layer)
            else:
                self._waiting.append(layer)
        self._follow_next()

    def close(self) -> None:
        """Follow nothing any more."""
        for emitter, callback in self._connections:
            emitter.disconnect(callback)
        self._connections = []
        self._waiting.clear()
        for layer, _ in linked_layers(self._viewer, self._scan_id):
            self._let_go(layer)

    def _follow_next(self) -> None:
        if self._waiting:
            self._follow(self._waiting.pop())  # from the top
            QTimer.singleShot(0, self._follow_next)

    def _follow(self, layer: Layer) -> None:
        for name in (*ANY_CHANGE, *_LOOK_EVENTS):
            if name in layer.events.emitters:
                layer.events[name].connect(self._on_event)

    def _let_go(self, layer: Layer) -> None:
        for name in (*ANY_CHANGE, *_LOOK_EVENTS):
            if name in layer.events.emitters:
                layer.events[name].disconnect(self._on_event)

    def _is_ours(self, layer: Any) -> bool:
        link = link_of(layer)
        return link is not None and link.scan_id == self._scan_id and link.role not in _OURS

    def _on_inserted(self, event: Any) -> None:
        if self._is_ours(event.value):
            self._follow(event.value)
            self._on_change(pixels_of(event.value))
            self._on_change(LOOKS)

    def _on_removing(self, event: Any) -> None:
        if self._is_ours(self._viewer.layers[event.index]):
            self._before_removal()

    def _on_removed(self, event: Any) -> None:
        if self._is_ours(event.value):
            self._let_go(event.value)
            self._on_change(LOOKS)

    def _on_order(self, event: Any = None) -> None:
        self._on_change(LOOKS)

    def _on_event(self, event: Any) -> None:
        if self._active.is_arranging:
            return  # the section was hidden, shown or renamed: the user changed nothing
        if event.type in _LOOK_EVENTS:
            self._on_change(LOOKS)
        elif event.type in ANY_CHANGE:
            link = link_of(event.source)
            if link is not None and link.role in _BRUSHED:
                self._on_change(pixels_of(event.source))

    def _on_decided(self) -> None:
        history = self._board.history_of(self._scan_id)
        if history is not self._history:
            self._history = history
            self._on_change(VERDICTS)

    def _on_chosen(self, score_id: str | None) -> None:
        chosen = chosen_detector(self._viewer, self._scan_id)
        if chosen is not None and chosen != self._chosen:
            self._chosen = chosen
            self._on_change(LOOKS)

    def _on_fiducials(self, scan_id: str) -> None:
        if scan_id == self._scan_id:
            self._on_change(FIDUCIALS)

    def _on_listed(self) -> None:
        listing = self._board.listing
        if listing is not None and listing.scan_id == self._scan_id:
            self._on_change(GRAINS)

    def _on_clusters(self, layer_id: str) -> None:
        layer = layer_by_id(self._viewer, layer_id)
        if layer is not None and self._is_ours(layer):
            self._on_change(pixels_of(layer))
