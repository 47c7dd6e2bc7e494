"""The figure of two elements against each other, with a lasso."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt

from napari_mineral_anomaly.scan.looking.scatter_plot import ElementScatter
from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot

import pyqtgraph as pg  # isort: skip

_HEIGHT = 250
# Neither in the colours of one element nor in those of a score.
SELECTED = "#ff33cc"
# Least distance of two numbers at an axis, as a share of its length.
_ROOM = 0.17
# Nearer to the end of the axis than this, a number would not fit.
_LAST = 0.97


class ScatterPlot(LatePlot):
    """How many pixels have which pair of numbers; a darker or brighter bin holds more.

    Parameters
    ----------
    on_lasso : callable
        Called with the corners (x, y) of a lasso that was drawn.
    """

    def __init__(self, on_lasso: Callable[[Sequence[tuple[float, float]]], None]) -> None:
        super().__init__(_HEIGHT, turn=None)
        self._told = on_lasso
        self._scatter: ElementScatter | None = None
        self._corners: list[tuple[float, float]] = []

    def _furnish(self, plot: BarePlot) -> None:
        plot.setToolTip("Draw around a cloud of pixels with the mouse to select them on the map.")
        self._item = plot.getPlotItem()
        box = self._item.getViewBox()
        box.setMouseEnabled(x=False, y=False)
        box.mouseDragEvent = self._on_drag  # pyqtgraph's own would move the view
        self._all, self._selected = pg.ImageItem(), pg.ImageItem()
        self._lasso = pg.PlotDataItem(pen=pg.mkPen(SELECTED, width=2))
        for item in (self._all, self._selected, self._lasso):
            self._item.addItem(item)
        self._all.setColorMap(pg.colormap.get("viridis"))
        self._selected.setLookupTable(_fading(SELECTED))

    def show_scatter(self, scatter: ElementScatter, x_name: str, y_name: str) -> None:
        """Draw the density, with the logarithm of its counts as colour."""
        self._build()
        self._scatter = scatter
        self._lasso.setData([], [])
        self._draw(self._all, scatter.density)
        self._selected.hide()
        self._item.setRange(xRange=scatter.x_range, yRange=scatter.y_range, padding=0.02)
        for side, name, ends in (
            ("bottom", x_name, scatter.x_range),
            ("left", y_name, scatter.y_range),
        ):
            axis = self._item.getAxis(side)
            self._item.setLabel(side, name)
            axis.setTicks([root_ticks(*ends)] if scatter.is_root else None)

    def forget_lasso(self) -> None:
        """Draw no line any more: what is selected comes from elsewhere."""
        self._build()
        self._lasso.setData([], [])

    def mark(self, counts: NDArray[np.int64] | None) -> None:
        """Show where the selected pixels are; None for no selection."""
        self._build()
        self._selected.setVisible(counts is not None and bool(counts.any()))
        if counts is not None and counts.any():
            self._draw(self._selected, counts)

    def _draw(self, item: Any, counts: NDArray[np.int64]) -> None:
        scatter = self._scatter
        assert scatter is not None
        shown = np.log1p(counts).astype(np.float32)
        if item is self._all:
            shown[counts == 0] = np.nan
        item.setImage(shown, autoLevels=False, levels=(0.0, max(1.0, float(np.nanmax(shown)))))
        (left, right), (low, high) = scatter.x_range, scatter.y_range
        item.setRect(QRectF(left, low, right - left, high - low))

    def _on_drag(self, event: Any, axis: Any = None) -> None:
        """Draw the lasso as the mouse goes."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        if event.isStart():
            self._corners = []
        place = self._item.getViewBox().mapSceneToView(event.scenePos())
        self._corners.append((float(place.x()), float(place.y())))
        around = [*self._corners, self._corners[0]]
        self._lasso.setData([x for x, _ in around], [y for _, y in around])
        if event.isFinish() and len(self._corners) > 2:
            self._told(list(self._corners))


def root_ticks(low: float, end: float) -> list[tuple[float, str]]:
    """Round numbers at the places of their square roots, with room for each number."""
    step = 10.0 ** np.floor(np.log10(max(end, 1.0) ** 2))
    numbers = [factor * size for size in (step / 10, step) for factor in (1, 2, 5)]
    places = [place for place in (0.0, *np.sqrt(numbers)) if low <= place <= _LAST * end]
    kept: list[float] = []
    for place in reversed(places):  # the largest number matters most
        if not kept or kept[-1] - place >= _ROOM * (end - low):
            kept.append(float(place))
    return [(place, f"{place**2:,.4g}") for place in reversed(kept)]


def _fading(colour: str) -> NDArray[np.ubyte]:
    """From transparent to a colour."""
    red, green, blue, _ = pg.mkColor(colour).getRgb()
    table = np.zeros((256, 4), dtype=np.ubyte)
    table[:, :3] = red, green, blue
    table[1:, 3] = np.linspace(120, 255, 255)
    return table
