"""The state of a viewer: its sections and scores follow the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import (
    Role,
    layer_by_id,
    layers_of,
    link_of,
    linked_layers,
)
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer
from napari_mineral_anomaly.window.state.model import FIND, OPEN, Section, WorkbenchState

if TYPE_CHECKING:
    from napari.layers import Layer

_followers: PerViewer[_Follower] = PerViewer(lambda viewer: _Follower(viewer, WorkbenchState()))

# A layer of one of these roles makes a section.
_ROLES: tuple[Role, ...] = ("element", "score")


def state_of(viewer: Any) -> WorkbenchState:
    """The state of a viewer; from the first call on it follows the layers."""
    return _followers.of(viewer).state


class _Follower:
    """Keeps the sections and the active one of a state, as `layers.active` shows them."""

    def __init__(self, viewer: Any, state: WorkbenchState) -> None:
        # Weak: with a strong reference here, the viewer would never be freed.
        self._viewer = ref(viewer)
        self.state = state
        self._active = active_of(viewer)
        self._active.changed.connect(self._on_shown)
        self._active.renamed.connect(self._on_renamed)
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removed.connect(self._on_removed)
        state.events.scan_id.connect(self._on_active)
        for layer in layers_of(viewer):
            self._take(layer)
        self._on_shown()

    def _on_inserted(self, event: Any) -> None:
        self._take(event.value)
        self._on_shown()

    def _take(self, layer: Layer) -> None:
        link, state = link_of(layer), self.state
        if link is None or link.role not in _ROLES:
            return
        if all(one.scan_id != link.scan_id for one in state.sections):
            state.sections = (*state.sections, Section(link.scan_id, link.scan or layer.name))
        if link.role == "element":
            state.set_done(OPEN, scan_id=link.scan_id)
        else:
            state.set_done(FIND, scan_id=link.scan_id)
            if link.scan_id == state.scan_id:
                state.score_id = str(layer.unique_id)

    def _on_removed(self, event: Any) -> None:
        viewer, state = self._viewer(), self.state
        link = link_of(event.value)
        if viewer is None or link is None:
            return
        if state.score_id == str(event.value.unique_id):
            state.score_id = _score_of(viewer, state.scan_id)
        if link.role == "score" and _score_of(viewer, link.scan_id) is None:
            state.set_done(FIND, False, link.scan_id)
        if any(next(linked_layers(viewer, link.scan_id, role), None) for role in _ROLES):
            return
        left = tuple(one for one in state.sections if one.scan_id != link.scan_id)
        state.done = frozenset(pair for pair in state.done if pair[0] != link.scan_id)
        if left != state.sections:
            state.sections = left
        self._on_shown()

    def _on_shown(self) -> None:
        """Follow the section that is shown; one that has only outlines is no section of ours."""
        shown, state = self._active.scan_id, self.state
        known = [one.scan_id for one in state.sections]
        if shown in known:
            state.scan_id = shown
        elif state.scan_id not in known:
            state.scan_id = known[-1] if known else None

    def _on_renamed(self) -> None:
        """Take the names that tell the sections apart."""
        viewer = self._viewer()
        if viewer is None:
            return
        names = {link.scan_id: link.scan for _, link in linked_layers(viewer)}
        self.state.sections = tuple(
            Section(one.scan_id, names.get(one.scan_id) or one.name) for one in self.state.sections
        )

    def _on_active(self, scan_id: str | None) -> None:
        viewer, state = self._viewer(), self.state
        if viewer is None:
            return
        if scan_id is not None:
            self._active.activate(scan_id)
        score = layer_by_id(viewer, state.score_id)
        link = None if score is None else link_of(score)
        if link is None or link.scan_id != scan_id:
            state.score_id = _score_of(viewer, scan_id)


def _score_of(viewer: Any, scan_id: str | None) -> str | None:
    """The newest score of a section."""
    if scan_id is None:
        return None
    scores = [str(layer.unique_id) for layer, _ in linked_layers(viewer, scan_id, "score")]
    return scores[-1] if scores else None
