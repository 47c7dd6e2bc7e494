"""A score that was deleted from the layer list, and how it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

from psygnal import Signal

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.window.layers.links import Link, link_of, linked_layers
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer
from napari_mineral_anomaly.window.layers.session import mask_of, session_of

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass(frozen=True, eq=False)
class _Removed:
    layer: Layer
    link: Link
    place: int
    run: DetectionRun | None


_removed: PerViewer[RemovedScore] = PerViewer(lambda viewer: RemovedScore(viewer))


def removed_score_of(viewer: Any) -> RemovedScore:
    """The deleted score of a viewer; from the first call on it follows the layers."""
    return _removed.of(viewer)


class RemovedScore:
    """Keeps the score that was deleted last, as long as its section is open.

    It belongs to the viewer (`removed_score_of`), not to a list: a score may be deleted while
    another step is shown.

    The layer itself comes back, so its mask, its threshold and its strokes still belong to it.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        # Weak: with a strong reference in `_removed`, the viewer would never be freed.
        self._ref = ref(viewer)
        viewer.layers.events.removing.connect(self._on_removing)
        viewer.layers.events.removed.connect(self._on_removed)
        self._kept: _Removed | None = None
        # Taking away on purpose, as teaching does, is no deletion.
        self.paused = False

    @property
    def _viewer(self) -> Any:
        return self._ref()

    @property
    def name(self) -> str:
        """The name of the deleted score; "" where there is none."""
        return "" if self._kept is None else str(self._kept.layer.name)

    def _on_removing(self, event: Any) -> None:
        """Note a score that is about to go, with its run."""
        layer = self._viewer.layers[event.index]
        link = link_of(layer)
        if link is not None and link.role == "score" and not self.paused:
            run = session_of(self._viewer).run_of(link)
            self._kept = _Removed(layer, link, int(event.index), run)

    def _on_removed(self, event: Any = None) -> None:
        """Forget it with its section."""
        kept = self._kept
        elements = kept and next(linked_layers(self._viewer, kept.link.scan_id, "element"), None)
        if kept is not None and elements is None:
            self._kept = None
        self.changed.emit()

    def bring_back(self) -> None:
        """Put the score back where it was."""
        kept, self._kept = self._kept, None
        if kept is None:
            return
        session = session_of(self._viewer)
        place = min(kept.place, len(self._viewer.layers))
        mask = mask_of(self._viewer, kept.layer)
        if mask is not None:  # also where layers below went meanwhile
            place = min(place, self._viewer.layers.index(mask))
        self._viewer.layers.insert(place, kept.layer)
        if kept.run is not None and session.run_of(kept.link) is None:
            session.keep_run(kept.link.scan_id, kept.run)
        self.changed.emit()

    def forget(self) -> None:
        """Keep nothing any more."""
        self._kept = None
