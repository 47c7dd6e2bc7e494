"""The two plots of the docks: the loss while a network trains, and the scores' histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

# pyqtgraph takes the Qt binding that is already imported: qtpy first.
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

import pyqtgraph as pg  # isort: skip

from napari_mineral_anomaly.window.kit.themes import Inks
from napari_mineral_anomaly.window.threshold.histogram import ScoreHistogram

# Until the theme is known: grey that is legible on napari's dark and light themes.
_INK = "#808080"
_LINE = "#4fc3f7"
_THRESHOLD = "#00909f"
# When the figures of a dock are built, one after the other.
_FIRST_MS, _PAUSE_MS = 60, 60
_PHASES = ("#4fc3f7", "#ffb74d", "#aed581", "#f06292")


class BarePlot(pg.PlotWidget):
    """A plot on the dock's own background."""

    def __init__(self, height: int, menu: bool = True) -> None:
        # The menu of a right click is a third of what a plot costs.
        super().__init__(background=None, enableMenu=menu)
        self.setFixedHeight(height)
        self.setFrameShape(self.Shape.NoFrame)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.set_ink(_INK)
        # The default leaves too little room for the label below the ticks.
        self.getAxis("bottom").setHeight(44)
        self.getPlotItem().setContentsMargins(0, 8, 8, 6)
        self.hideButtons()

    def set_ink(self, colour: str) -> None:
        """Colour of axes, ticks and labels."""
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(colour)
            axis.setTextPen(colour)

    def show_numbers(self, shown: bool) -> None:
        """Numbers at the ticks; an empty plot has none to show."""
        for side in ("left", "bottom"):
            self.getAxis(side).setStyle(showValues=shown)

    def wheelEvent(self, event: Any) -> None:
        """Scroll the dock where the plot itself does not zoom."""
        if any(self.getViewBox().mouseEnabled()):
            super().wheelEvent(event)
        else:
            event.ignore()


def bare_plot(parent: QWidget, height: int, *, menu: bool = True) -> BarePlot:
    """A plot as the only content of ``parent``, ``height`` pixels high."""
    plot = BarePlot(height, menu)
    parent.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(plot)
    return plot


class LatePlot(QWidget):
    """A figure whose plot is built when first needed, else soon after the dock is there.

    A plot costs some 20 ms to build: a dock that builds four before it appears holds the window.

    Parameters
    ----------
    height : int
        Of the plot, in pixels.
    turn : int, optional
        Figures of one dock have different turns: each is built in one of its own. None: not
        before it is needed.
    menu : bool
        Whether a right click opens pyqtgraph's menu.
    """

    def __init__(self, height: int, turn: int | None = 0, *, menu: bool = False) -> None:
        super().__init__()
        self._height, self._menu = height, menu
        # What is below must not jump when the plot comes.
        self.setMinimumHeight(height)
        self._bare: BarePlot | None = None
        self._inks: Inks | None = None
        if turn is not None:
            # A child: it goes with the figure where the dock is closed before.
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(self._build)
            timer.start(_FIRST_MS + _PAUSE_MS * turn)

    @property
    def _plot(self) -> BarePlot:
        self._build()
        assert self._bare is not None
        return self._bare

    def _build(self) -> None:
        if self._bare is None:
            self._bare = bare_plot(self, self._height, menu=self._menu)
            if self._inks is not None:
                self._bare.set_ink(self._inks.text)
            self._furnish(self._bare)

    def set_inks(self, inks: Inks) -> None:
        """Colours of the theme."""
        self._inks = inks
        if self._bare is not None:
            self._bare.set_ink(inks.text)

    def _furnish(self, plot: BarePlot) -> None:
        """Labels, tooltip and the items that are always there."""
        raise NotImplementedError


class LossPlot(LatePlot):
    """Training loss over the steps of the run; one curve per training phase."""

    def __init__(self) -> None:
        # Only networks train: built with the first loss, and for most runs never.
        super().__init__(170, turn=None)
        self._curves: dict[str, tuple[Any, list[float]]] = {}

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("bottom", "training step")
        plot.setLabel("left", "loss")
        plot.setToolTip("Falls quickly and levels off when training goes well.")

    def clear(self) -> None:
        """Forget the last run."""
        if self._bare is not None:
            self._bare.clear()
        self._curves.clear()

    def extend(self, phase: str, losses: Sequence[float]) -> None:
        """Add losses of a phase, oldest first."""
        if phase not in self._curves:
            colour = _PHASES[len(self._curves) % len(_PHASES)]
            curve = self._plot.plot(pen=pg.mkPen(colour, width=2))
            start = sum(len(values) for _, values in self._curves.values())
            curve.setPos(start, 0)
            self._curves[phase] = (curve, [])
        curve, values = self._curves[phase]
        values.extend(losses)
        curve.setData(np.asarray(values))

    @property
    def n_points(self) -> int:
        """Number of losses drawn."""
        return sum(len(values) for _, values in self._curves.values())


class HistogramPlot(LatePlot):
    """Log counts of the score with a line to drag."""

    threshold_dragged = Signal(float)

    def __init__(self) -> None:
        self._histogram: ScoreHistogram | None = None
        self._threshold = 0.0
        self._following = False
        super().__init__(220, menu=True)

    @property
    def line(self) -> Any:
        """The threshold, to be dragged."""
        self._build()
        return self._line

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("bottom", "score (background sigmas)")
        plot.setLabel("left", "pixels")
        plot.setToolTip(
            "How many pixels have which score, on a logarithmic scale. Drag the line: pixels to "
            "its right are flagged. Scroll to zoom, right-click for more."
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

    def show_histogram(self, histogram: ScoreHistogram) -> None:
        """Draw a histogram; the view starts on the background and the threshold."""
        self._histogram = histogram
        if self._bare is not None:
            self._draw(self._bare, histogram)

    def _draw(self, plot: BarePlot, histogram: ScoreHistogram) -> None:
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
            self._following = True
            self._line.setValue(value)
            self._following = False

    def clear(self) -> None:
        """Show no score."""
        self._histogram = None
        if self._bare is not None:
            self._bars.hide()
            self._line.hide()

    def _on_line(self) -> None:
        if not self._following:
            self.threshold_dragged.emit(float(self._line.value()))
