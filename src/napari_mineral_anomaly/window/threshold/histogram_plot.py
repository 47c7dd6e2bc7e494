"""The plot of the score histogram with the threshold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Signal

from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot
from napari_mineral_anomaly.window.threshold.histogram import ScoreBins

import pyqtgraph as pg  # isort: skip

_LINE = "#4fc3f7"
_THRESHOLD = "#00909f"


class HistogramPlot(LatePlot):
    """Pixels per score on a logarithmic axis, with a line to drag."""

    threshold_dragged = Signal(float)

    def __init__(self) -> None:
        self._histogram: ScoreBins | None = None
        self._threshold = 0.0
        super().__init__(220, menu=True)

    @property
    def line(self) -> Any:
        """The line of the threshold."""
        self._build()
        return self._line

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("bottom", "score (background sigmas)")
        plot.setLabel("left", "pixels")
        plot.setToolTip(
            "Number of pixels per score, on a logarithmic scale. Drag the line: pixels to its "
            "right are anomalous. Scroll to zoom, right-click for more."
        )
        plot.getAxis("left").setLogMode(True)
        plot.setMouseEnabled(x=True, y=False)
        self._bars = pg.PlotCurveItem(
            [0.0, 1.0],
            [0.0],
            stepMode="center",
            fillLevel=math.log10(0.5),
            brush=pg.mkBrush(79, 195, 247, 110),
            pen=pg.mkPen(_LINE),
        )
        plot.addItem(self._bars)
        self._line = pg.InfiniteLine(
            angle=90,
            movable=True,
            pen=pg.mkPen(_THRESHOLD, width=2),
            hoverPen=pg.mkPen(_THRESHOLD, width=4),
        )
        self._line.setZValue(10)
        self._line.setValue(self._threshold)
        plot.addItem(self._line)
        if self._histogram is None:
            self.clear()
        else:
            self._draw(plot, self._histogram)
            self._line.setValue(self._threshold)
        self._line.sigPositionChanged.connect(self._on_line)

    def show_histogram(self, histogram: ScoreBins) -> None:
        """Draw a histogram; at first the view shows the background and the threshold."""
        self._histogram = histogram
        if self._bare is not None:
            self._draw(self._bare, histogram)

    def _draw(self, plot: BarePlot, histogram: ScoreBins) -> None:
        self._bars.show()
        self._line.show()
        floor = math.log10(0.5)
        heights = np.full(histogram.counts.shape, floor)
        some = histogram.counts > 0
        heights[some] = np.log10(histogram.counts[some])
        self._bars.setData(histogram.edges, heights)
        low, high = float(histogram.edges[0]), float(histogram.edges[-1])
        self._line.setBounds((low, max(high, histogram.knee)))
        plot.setXRange(low, histogram.knee, padding=0.02)
        plot.setYRange(floor, float(heights.max(initial=1.0)), padding=0.05)
        plot.setLimits(xMin=low - 1.0, xMax=max(high, histogram.knee) + 1.0)

    def set_threshold(self, value: float) -> None:
        """Move the line without reporting it as dragged."""
        self._threshold = value
        if self._bare is not None:
            with QSignalBlocker(self._line):
                self._line.setValue(value)

    def clear(self) -> None:
        """Show no score."""
        self._histogram = None
        if self._bare is not None:
            self._bars.hide()
            self._line.hide()

    def _on_line(self) -> None:
        self.threshold_dragged.emit(float(self._line.value()))
