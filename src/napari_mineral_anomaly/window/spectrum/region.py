"""The pixel or region that the dock *Spectrum* shows: a clicked pixel, or a label of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from superqt.utils import qdebounced

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.scan.looking.region import Pixel, Region
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.layer_combo import LayerCombo
from napari_mineral_anomaly.window.kit.layer_watch import ANY_CHANGE, LayerWatch
from napari_mineral_anomaly.window.layers.links import first_layer
from napari_mineral_anomaly.words import sizes

# If the mouse moves further than this (screen pixels), the click is a drag.
CLICK_PX = 4
# Wait after the last brush stroke, in milliseconds.
SETTLE_MS = 300


class RegionChoice(LayerCombo):
    """A box to choose the clicked pixel, or a labels layer: its selected label is the region."""

    changed = Signal()

    def __init__(self, dock: Dock) -> None:
        super().__init__(
            dock, _can_be_region, empty="the clicked pixel", always_empty=True, prefix="region in "
        )
        self._settled = qdebounced(self.changed.emit, timeout=SETTLE_MS)
        self._watch = LayerWatch(self._settled, (*ANY_CHANGE, "selected_label"))
        self.setToolTip(
            "The pixel that you click on, or all pixels with the selected label of a labels layer. "
            "Brush a region in that layer to see its spectrum."
        )
        self.layer_changed.connect(self._on_choice)

    def choose_pixel(self) -> None:
        """Choose the clicked pixel."""
        self.setCurrentIndex(0)

    def region(self, shape: tuple[int, int], pixel: Pixel | None) -> Region | None:
        """The mask (a copy) of the chosen layer, for a scan of ``shape``; else ``pixel``.

        None if there is nothing to show yet: no click, or no brushed pixel.

        Raises
        ------
        InputError
            When the layer has another shape than the scan.
        """
        layer = self.layer()
        if layer is None:
            return pixel
        labels = np.asarray(layer.data)
        if labels.shape != shape:
            raise InputError(
                f"{layer.name} has {sizes(labels.shape)} pixels, the scan {sizes(shape)}: choose "
                "labels with the shape of this scan."
            )
        mask = labels == layer.selected_label
        return mask if mask.any() else None

    def let_go(self) -> None:
        """Stop listening to brush strokes."""
        self._settled.cancel()
        self._watch.watch(None)

    def _on_choice(self) -> None:
        self._watch.watch(self.layer())
        self.changed.emit()


def _can_be_region(layer: Any) -> bool:
    return isinstance(layer, Labels) and layer.ndim == 2 and not layer.multiscale


class ClickWatcher:
    """Calls ``on_click`` for clicks on the canvas that neither drag nor paint.

    Only while the dock is visible.
    """

    def __init__(self, dock: Dock, on_click: Callable[[Sequence[float]], None]) -> None:
        self._dock, self._on_click = dock, on_click
        # Keep the list itself, because docks get the viewer only as a proxy.
        self._callbacks: list[Any] = dock.viewer.mouse_drag_callbacks
        self._callbacks.append(self.on_mouse)

    def let_go(self) -> None:
        """Stop listening to clicks."""
        if self.on_mouse in self._callbacks:
            self._callbacks.remove(self.on_mouse)

    def on_mouse(self, viewer: Any, event: Any) -> Iterator[None]:
        """Follow one press of a mouse button until its release; napari wants a generator."""
        mode = getattr(viewer.layers.selection.active, "mode", "pan_zoom")
        if not self._dock.isVisible() or str(mode) != "pan_zoom":
            return
        start, position = np.asarray(event.pos), tuple(event.position)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos) - start).max() <= CLICK_PX:
            self._on_click(position)


def pixel_under(viewer: Any, scan_id: str | None, position: Sequence[float]) -> Pixel | None:
    """The pixel (y, x) of a scan at a position of the viewer; None outside the scan."""
    layer = None if scan_id is None else first_layer(viewer, "element", scan_id)
    if layer is None:
        return None
    y, x = (int(np.floor(value + 0.5)) for value in layer.world_to_data(position)[-2:])
    height, width = layer.data.shape[-2:]
    return (y, x) if 0 <= y < height and 0 <= x < width else None
