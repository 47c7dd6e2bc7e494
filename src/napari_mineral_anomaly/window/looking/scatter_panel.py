"""Two elements against each other: a lasso selects on the map, a selection shows in the plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from superqt.utils import qthrottled

from napari_mineral_anomaly.scan.looking.scatter_plot import ElementScatter, element_scatter
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import push_button, row
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.links import Link, first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import add, spatial_of
from napari_mineral_anomaly.window.looking.scatter_plot import SELECTED, ScatterPlot
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.words import counted

_FOLLOW_MS = 100
_BOTH = "Choose two elements above: the first goes along x, the second along y."


class ScatterPanel(Panel):
    """The plot, and a labels layer on the map; each shows what is selected in the other.

    Attributes
    ----------
    scatter : ElementScatter or None
    """

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(viewer, executor, scrolls=False)
        self._state = state_of(viewer)
        self._pair: tuple[str, ...] = ()
        self._selection: Any = None
        self.scatter: ElementScatter | None = None
        self.plot = ScatterPlot(self.select)
        self.paint_button = push_button(
            "Select on the map",
            "Brush on the map: the plot shows where the brushed pixels are.",
            self.paint,
        )
        self.clear_button = push_button("Clear", "Select nothing.", self.clear)
        self.add(self.plot, row(self.paint_button, self.clear_button), self.status)
        self._follow = qthrottled(self._mark, timeout=_FOLLOW_MS)
        self.colour_by_theme(self.plot)
        self.listen(self._state.events.scan_id, self._on_section)
        self._on_section()

    def show_elements(self, elements: Sequence[str]) -> None:
        """Plot two elements against each other."""
        self._pair = tuple(elements)[:2]
        found = {
            link.element: (layer.data, link.quantity)
            for layer, link in linked_layers(self.viewer, self._state.scan_id, "element")
        }
        if len(self._pair) < 2 or any(one not in found for one in self._pair):
            self.scatter = None
            self.plot.hide()
            self.status.plain(_BOTH)
            return
        (x_map, quantity), (y_map, _) = (found[one] for one in self._pair)
        self.jobs.run(
            "Plotting two elements",
            lambda task: element_scatter(x_map, y_map, is_counts=quantity == "counts"),
            self._on_scatter,
        )

    def select(self, corners: Sequence[tuple[float, float]]) -> None:
        """Select the pixels inside a lasso on the map."""
        if self.scatter is not None:
            layer = self._layer()
            if layer is not None:
                layer.data = self.scatter.inside(corners).astype(np.uint8)
                layer.visible = True

    def paint(self) -> None:
        """Let the user brush on the map."""
        layer = self._layer()
        if layer is not None:
            self.plot.forget_lasso()
            self.viewer.layers.selection.active = layer
            layer.visible, layer.mode, layer.selected_label = True, "paint", 1

    def clear(self) -> None:
        """Select nothing."""
        self.plot.forget_lasso()
        if self._selection is not None:
            self._selection.data = np.zeros_like(self._selection.data)

    def _layer(self) -> Any:
        """The layer of the selection, made where it is missing."""
        element = first_layer(self.viewer, "element", self._state.scan_id)
        if element is None:
            return None
        if self._selection is None or self._selection not in self.viewer.layers:
            kwargs = {
                "name": "selection",
                "opacity": 0.8,
                "colormap": {0: "transparent", None: SELECTED},
                "metadata": Link(str(self._state.scan_id), "selection").metadata(),
                **spatial_of(element),
            }
            empty = np.zeros(element.data.shape[-2:], dtype=np.uint8)
            self._take(add(self.viewer, (empty, kwargs, "labels")))
        return self._selection

    def _take(self, layer: Any) -> None:
        self._selection = layer
        for event in (layer.events.data, layer.events.paint, layer.events.labels_update):
            self.listen(event, self._follow)

    def _on_section(self, scan_id: str | None = None) -> None:
        self._selection = None
        own = self._state.scan_id
        layer = None if own is None else first_layer(self.viewer, "selection", own)
        if layer is not None:
            self._take(layer)
        self.show_elements(self._pair)

    def _on_scatter(self, scatter: ElementScatter) -> None:
        self.scatter = scatter
        self.plot.show()
        self.plot.show_scatter(scatter, *self._pair)
        self._mark()

    def _mark(self, event: Any = None) -> None:
        if self.scatter is None:
            return
        area: NDArray[np.bool_] | None = None
        if self._selection is not None:
            area = np.asarray(self._selection.data) != 0
        n = 0 if area is None else int(np.count_nonzero(area))
        self.plot.mark(None if not n else self.scatter.counted(area))
        if area is not None and n:
            self.status.plain(f"{counted(n, 'pixel')} selected, {100 * n / area.size:.2g} %.")
        else:
            self.status.plain("Draw around a cloud of pixels in the plot, or brush on the map.")
