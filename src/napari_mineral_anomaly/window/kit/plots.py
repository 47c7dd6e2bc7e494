"""The base of all plots in the docks: colours of the theme, and a plot that is built late."""

from __future__ import annotations

from typing import Any

# pyqtgraph takes the Qt binding that is already imported: qtpy first.
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QSizePolicy, QWidget

import pyqtgraph as pg  # isort: skip

from napari_mineral_anomaly.window.kit.controls import column_of
from napari_mineral_anomaly.window.kit.themes import Inks

# Used until the theme is known: a grey that can be read on dark and light backgrounds.
_INK = "#808080"
# Time until the first figure of a dock is built, and between two figures.
_FIRST_MS, _PAUSE_MS = 60, 60


class RoundAxis(pg.AxisItem):
    """An axis whose logarithmic scale writes 1, 2 and 5 only: pyqtgraph's 6 to 9 overlap."""

    def logTickStrings(self, values: Any, scale: float, spacing: Any) -> list[str]:
        """The numbers at the ticks; empty for those that are not written."""
        powers = super().logTickStrings(values, scale, spacing)
        return [_log_tick(value, power) for value, power in zip(values, powers, strict=True)]


def _log_tick(exponent: float, power: str) -> str:
    if round(10 ** (exponent % 1), 3) not in (1, 2, 5, 10):
        return ""
    return f"{10**exponent:g}" if -3 < exponent < 3.5 else power


class BarePlot(pg.PlotWidget):
    """A plot on the dock's own background."""

    def __init__(self, height: int, menu: bool = True) -> None:
        axes = {side: RoundAxis(side) for side in ("left", "bottom")}
        # A third of the time for a plot goes into the menu of the right click.
        super().__init__(background=None, enableMenu=menu, axisItems=axes)
        self.setFixedHeight(height)
        self.setFrameShape(self.Shape.NoFrame)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.set_ink(_INK)
        # The default height is too small for the label below the ticks.
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
        """Show or hide the numbers at the ticks: an empty plot has none."""
        for side in ("left", "bottom"):
            self.getAxis(side).setStyle(showValues=shown)

    def wheelEvent(self, event: Any) -> None:
        """Scroll the dock if the plot itself does not zoom."""
        if any(self.getViewBox().mouseEnabled()):
            super().wheelEvent(event)
        else:
            event.ignore()


def bare_plot(parent: QWidget, height: int, *, menu: bool = True) -> BarePlot:
    """A plot as the only content of ``parent``, ``height`` pixels high."""
    plot = BarePlot(height, menu)
    parent.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    column_of(parent).addWidget(plot)
    return plot


class LatePlot(QWidget):
    """A figure whose plot is built when first needed, else soon after the dock appeared.

    A plot takes about 20 ms: building four before the dock appears would stop the window.

    Parameters
    ----------
    height : int
        Of the plot, in pixels.
    turn : int, optional
        Order in which the figures of one dock are built, one at a time. None: built only when
        needed.
    menu : bool
        Whether a right click opens pyqtgraph's menu.
    """

    def __init__(self, height: int, turn: int | None = 0, *, menu: bool = False) -> None:
        super().__init__()
        self._height, self._menu = height, menu
        # Reserve the place, so that the widgets below do not jump when the plot is built.
        self.setMinimumHeight(height)
        self._bare: BarePlot | None = None
        self._inks: Inks | None = None
        if turn is not None:
            # A child of the figure: if the dock is closed first, Qt deletes the timer too.
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
            self._recolour()

    def _recolour(self) -> None:
        """Give a plot that is built the new colours of the theme."""

    def _furnish(self, plot: BarePlot) -> None:
        """Labels, tooltip and the items that are always there."""
        raise NotImplementedError
