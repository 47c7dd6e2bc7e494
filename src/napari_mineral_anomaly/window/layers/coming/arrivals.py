"""The sections whose layers are still being added: nothing may be computed from a part of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from psygnal import Signal

from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

_all: PerViewer[Arrivals] = PerViewer(lambda _: Arrivals())


def arrivals_of(viewer: Any) -> Arrivals:
    """The arrivals of a viewer."""
    return _all.of(viewer)


class Arrivals:
    """Which scans still get layers; ``changed`` tells when one begins or is complete."""

    changed = Signal()

    def __init__(self) -> None:
        self._scans: Counter[str] = Counter()

    def holds(self, scan_id: str | None) -> bool:
        """Whether layers of a scan are still missing."""
        return scan_id is not None and self._scans[scan_id] > 0

    def begin(self, scan_id: str) -> None:
        """Layers of a scan come in the next turns."""
        self._scans[scan_id] += 1
        self.changed.emit()

    def end(self, scan_id: str) -> None:
        """They are all there."""
        self._scans[scan_id] -= 1
        self.changed.emit()
