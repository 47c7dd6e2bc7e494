"""The edited clusters of one viewer, by layer, for the dock and for saving."""

from __future__ import annotations

from typing import Any

from psygnal import Signal

from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap
from napari_mineral_anomaly.grains.verdicts.book import History
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

_books: PerViewer[ClusterBook] = PerViewer(lambda _: ClusterBook())


def clusters_of(viewer: Any) -> ClusterBook:
    """The edited clusters of a viewer, made when first asked for."""
    return _books.of(viewer)


class ClusterBook:
    """The history of the clusters of each pseudo-label layer, by the layer's ``unique_id``."""

    changed = Signal(str)

    def __init__(self) -> None:
        self._histories: dict[str, History[ClusterMap]] = {}

    def of(self, layer_id: str) -> History[ClusterMap] | None:
        """The history of a layer; None where nobody has looked at its clusters yet."""
        return self._histories.get(layer_id)

    def keep(self, layer_id: str, history: History[ClusterMap]) -> None:
        """Take a new state."""
        self._histories[layer_id] = history
        self.changed.emit(layer_id)

    def forget(self, layer_id: str) -> None:
        """Drop the history of a layer that was removed."""
        self._histories.pop(layer_id, None)
