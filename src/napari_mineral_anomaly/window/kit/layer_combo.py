"""A box that lists the layers of one kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox

from napari_mineral_anomaly.window.kit.controls import fit_width
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.active import active_of, is_active
from napari_mineral_anomaly.window.layers.links import (
    layer_by_id,
    layers_of,
    noted_scan_id,
    role_of,
)
from napari_mineral_anomaly.window.state.of_viewer import state_of


class LayerCombo(QComboBox):
    """A list of the viewer's layers that pass a test; it follows the viewer.

    magicgui's own layer lists stay empty outside a napari window. The choice is kept by
    ``unique_id``. A new layer of the active scan that passes ``prefers`` is chosen when it appears;
    when another scan becomes the active one, its newest layer is. Without a layer,
    the list shows ``empty``; if ``always_empty`` is set, that entry is always there, and first.
    """

    layer_changed = Signal()

    def __init__(
        self,
        panel: Panel,
        accepts: Callable[[Any], bool],
        *,
        empty: str,
        prefers: Callable[[Any], bool] | None = None,
        always_empty: bool = False,
        prefix: str = "",
    ) -> None:
        super().__init__()
        self._viewer = panel.viewer
        self._accepts = accepts
        self._prefers = prefers
        self._empty, self._always_empty, self._prefix = empty, always_empty, prefix
        self._shown: str | None = None
        # Name and id of each layer of the list; None before it is filled for the first time.
        self._rows: list[tuple[str, str]] | None = None
        fit_width(self)
        events = panel.viewer.layers.events
        for emitter in (events.removed, events.reordered, events.renamed):
            panel.listen(emitter, self._fill)
        panel.listen(events.inserted, self._on_inserted)
        panel.listen(active_of(panel.viewer).changed, self._choose_active)
        self.currentIndexChanged.connect(self._on_index)
        self._fill()

    def layer(self) -> Any | None:
        """The chosen layer; None if there is none or it was removed."""
        return layer_by_id(self._viewer, self.currentData())

    def choose(self, layer: Any) -> None:
        """Choose a layer of the list."""
        index = self.findData(str(layer.unique_id))
        if index >= 0:
            self.setCurrentIndex(index)

    def _on_inserted(self, event: Any) -> None:
        self._fill()
        wanted = self._prefers is not None and self._prefers(event.value)
        if wanted and is_active(self._viewer, event.value):
            self.choose(event.value)

    def _choose_active(self) -> None:
        chosen = self.layer()
        if self._prefers is None or (chosen is not None and is_active(self._viewer, chosen)):
            return
        for layer in reversed(layers_of(self._viewer)):
            if self._prefers(layer) and is_active(self._viewer, layer):
                self.choose(layer)
                return

    def _fill(self, event: Any = None) -> None:
        chosen = self.currentData()
        # The newest layer is on top of napari's list and of this one.
        layers = [layer for layer in reversed(layers_of(self._viewer)) if self._accepts(layer)]
        rows = [(f"{self._prefix}{layer.name}", str(layer.unique_id)) for layer in layers]
        if rows != self._rows:  # most layers that come and go are of another kind
            self._rows = rows
            with QSignalBlocker(self):
                self.clear()
                if self._always_empty or not layers:
                    self.addItem(self._empty, None)
                for name, unique_id in rows:
                    self.addItem(name, unique_id)
                self.setCurrentIndex(max(0, self.findData(chosen) if chosen is not None else 0))
        if not self._always_empty:
            self.setEnabled(bool(layers))
        self._on_index()

    def _on_index(self, index: int = -1) -> None:
        if self.currentData() != self._shown:
            self._shown = self.currentData()
            self.layer_changed.emit()


class ScoreCombo(LayerCombo):
    """The score maps of the active section; every such list shows the same choice.

    Scores are ours, and 2-D images of floats that are not one of our other layers.
    """

    def __init__(self, panel: Panel) -> None:
        self._state = state_of(panel.viewer)
        super().__init__(panel, self._is_of_section, prefers=_is_score, empty="no score map yet")
        panel.listen(self._state.events.scan_id, self._on_section)
        panel.listen(self._state.events.score_id, self._on_state)
        self._on_state(self._state.score_id)
        self.layer_changed.connect(self._tell)

    def _is_of_section(self, layer: Any) -> bool:
        if not _can_be_score(layer):
            return False
        own, scan_id = noted_scan_id(layer), self._state.scan_id
        return own is None or scan_id is None or own == scan_id

    def _on_section(self, scan_id: str | None) -> None:
        self._fill()
        self._on_state(self._state.score_id)

    def _on_state(self, score_id: str | None) -> None:
        index = -1 if score_id is None else self.findData(score_id)
        if index >= 0:
            self.setCurrentIndex(index)

    def _tell(self) -> None:
        chosen = self.currentData()
        if chosen is not None:
            self._state.score_id = chosen


def score_combo(panel: Panel) -> LayerCombo:
    """The score maps of the active section."""
    return ScoreCombo(panel)


def _can_be_score(layer: Any) -> bool:
    if role_of(layer) is not None:
        return _is_score(layer)
    return (
        isinstance(layer, Image)
        and not layer.rgb
        and layer.ndim == 2
        and not layer.multiscale
        and layer.dtype.kind == "f"
    )


def _is_score(layer: Any) -> bool:
    return role_of(layer) == "score"
