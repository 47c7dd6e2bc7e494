"""The figures of judging: ROC, precision and recall, 3-D ROC, separability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTabWidget

import pyqtgraph as pg  # isort: skip

from napari_mineral_anomaly.evaluation.against_truth import Confusion, Judgement
from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot
from napari_mineral_anomaly.window.kit.themes import Inks

FloatArray = NDArray[np.float64]

_HEIGHT = 250
# A screen shows no more points of a curve; drawing millions would stop the window.
_POINTS = 1500
# How far the third axis of the oblique view goes to the right and up.
_DEPTH = (0.42, 0.30)


class JudgingFigures(QTabWidget):
    """One tab per figure; all show the same threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.roc, self.pr = _RocFigure(), _PrFigure()
        self.roc3d, self.boxes = _Roc3dFigure(), _BoxFigure()
        for figure, title, tooltip in (
            (
                self.roc,
                "ROC",
                "Share of the true pixels that are found, against the share of the background that "
                "is flagged, on a logarithmic axis. For rare grains, its left end matters. The dot "
                "is the threshold that is set.",
            ),
            (
                self.pr,
                "PR",
                "Share of the flagged pixels that are true, against the share of the true pixels "
                "that are found. The dot is the threshold that is set.",
            ),
            (
                self.roc3d,
                "3-D ROC",
                "The ROC curve with the threshold as third axis (scores stretched to 0–1), and its "
                "projections: pixels found and false alarms as the threshold rises.",
            ),
            (
                self.boxes,
                "Separability",
                "Scores of background and anomalies, stretched to 0–1. A box is the middle 80 %, "
                "its line is the median. The further apart the boxes, the better.",
            ),
        ):
            self.setTabToolTip(self.addTab(figure, title), tooltip)
            figure.setToolTip(tooltip)
        self.setUsesScrollButtons(True)
        self.setFixedHeight(_HEIGHT + 50)

    def set_inks(self, inks: Inks) -> None:
        """Colours of the theme."""
        for figure in (self.roc, self.pr, self.roc3d, self.boxes):
            figure.set_inks(inks)

    def show_judgement(self, judgement: Judgement) -> None:
        """Draw all figures."""
        for figure in (self.roc, self.pr, self.roc3d, self.boxes):
            figure.show_judgement(judgement)
        self.show_threshold(judgement.confusion)

    def show_threshold(self, confusion: Confusion) -> None:
        """Move the dots to another threshold."""
        self.roc.mark(confusion.false_alarm_rate, confusion.recall)
        self.pr.mark(confusion.recall, confusion.precision)

    def clear_judgement(self) -> None:
        """Show nothing."""
        for figure in (self.roc, self.pr, self.roc3d, self.boxes):
            figure.clear()


class _Figure(LatePlot):
    def __init__(self, bottom: str, left: str, turn: int) -> None:
        super().__init__(_HEIGHT, turn)
        self._labels = {"bottom": bottom, "left": left}
        self._shown: Judgement | None = None
        self._at: tuple[float, float] | None = None

    def _furnish(self, plot: BarePlot) -> None:
        for side, text in self._labels.items():
            plot.setLabel(side, text)
        plot.setMouseEnabled(x=False, y=False)
        plot.show_numbers(False)

    def _recolour(self) -> None:
        self._redraw()

    def show_judgement(self, judgement: Judgement) -> None:
        self._shown = judgement
        if self.isVisible():
            self._redraw()

    def showEvent(self, event: Any) -> None:
        """Draw when the tab is opened: four figures at once would stop the window."""
        super().showEvent(event)
        if self._shown is not None:
            self._redraw()

    def clear(self) -> None:
        self._shown = self._at = None
        if self._bare is not None:
            self._bare.clear()
            self._bare.show_numbers(False)

    def _redraw(self) -> None:
        self._plot.clear()
        if self._shown is not None and self._inks is not None:
            self._plot.show_numbers(True)
            self._draw(self._shown, self._inks)

    def _draw(self, judgement: Judgement, inks: Inks) -> None:
        raise NotImplementedError

    def _line(self, x: Any, y: Any, colour: str, width: float = 2, dashed: bool = False) -> None:
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        self._plot.plot(
            np.asarray(x, float),
            np.asarray(y, float),
            pen=pg.mkPen(colour, width=width, style=style),
        )

    def _text(self, x: float, y: float, text: str, inks: Inks, anchor: Any = (0.5, 0.5)) -> None:
        item = pg.TextItem(text, color=inks.text, anchor=anchor)
        item.setPos(x, y)
        self._plot.addItem(item)


class _MarkedFigure(_Figure):
    """A figure with a dot where the threshold is."""

    def __init__(self, bottom: str, left: str, turn: int) -> None:
        super().__init__(bottom, left, turn)
        self.dot = pg.ScatterPlotItem(size=11)
        self.dot.setZValue(10)

    def mark(self, x: float | None, y: float | None) -> None:
        self._at = None if x is None or y is None else (float(x), float(y))
        self._place_dot()

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return x, y

    def _place_dot(self) -> None:
        if self._inks is None or self._at is None or not np.isfinite(self._at).all():
            self.dot.setData([], [])
            return
        x, y = self._place(*self._at)
        self.dot.setData([x], [y], brush=self._inks.grain, pen=pg.mkPen(self._inks.text, width=1.5))

    def _redraw(self) -> None:
        super()._redraw()
        if self._shown is not None:
            self._plot.addItem(self.dot)
            self._place_dot()


class _RocFigure(_MarkedFigure):
    def __init__(self) -> None:
        super().__init__("background flagged", "anomalies found", 0)
        self._floor = -6.0

    def _furnish(self, plot: BarePlot) -> None:
        super()._furnish(plot)
        plot.getAxis("bottom").setLogMode(True)

    def show_judgement(self, judgement: Judgement) -> None:
        # The left end is half a pixel: it stands for "no background pixel".
        self._floor = float(np.log10(0.5 / max(1, judgement.metrics["n_background"])))
        super().show_judgement(judgement)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return max(self._floor, float(np.log10(x)) if x > 0 else self._floor), y

    def _draw(self, judgement: Judgement, inks: Inks) -> None:
        pf, pd = judgement.roc.false_positive_rate, judgement.roc.true_positive_rate
        chance = np.linspace(self._floor, 0, 60)
        self._line(chance, 10**chance, inks.faint, 1, dashed=True)
        at = _thinned(pf)
        x = np.maximum(self._floor, np.log10(np.maximum(pf[at], 10**self._floor)))
        self._line(x, pd[at], inks.ring)
        self._plot.setXRange(self._floor, 0, padding=0.02)
        self._plot.setYRange(0, 1, padding=0.03)


class _PrFigure(_MarkedFigure):
    def __init__(self) -> None:
        super().__init__("anomalies found (recall)", "precision", 1)

    def _draw(self, judgement: Judgement, inks: Inks) -> None:
        n = judgement.metrics["n_anomaly"]
        share = n / (n + judgement.metrics["n_background"])
        self._line([0, 1], [share, share], inks.faint, 1, dashed=True)
        at = _thinned(judgement.pr.recall)
        self._line(judgement.pr.recall[at], judgement.pr.precision[at], inks.ring)
        self._plot.setXRange(0, 1, padding=0.02)
        self._plot.setYRange(0, 1, padding=0.03)


class _Roc3dFigure(_Figure):
    """An oblique view: threshold to the right, found upwards, false alarms into the depth."""

    def __init__(self) -> None:
        super().__init__("", "", 2)

    def _furnish(self, plot: BarePlot) -> None:
        super()._furnish(plot)
        for side in ("left", "bottom"):
            plot.hideAxis(side)
        plot.setAspectLocked(False)

    def _draw(self, judgement: Judgement, inks: Inks) -> None:
        for corner in ((0, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1)):
            for axis in range(3):
                other = list(corner)
                other[axis] = 1 - other[axis]
                self._line(*_oblique(*np.transpose([corner, other]).astype(float)), inks.faint, 1)
        curve = judgement.roc3d
        at = _thinned(np.asarray(curve.tau))
        tau, pd, pf = (np.asarray(a, float)[at] for a in (curve.tau, curve.pd, curve.pf))
        zero, one = np.zeros_like(tau), np.ones_like(tau)
        self._line(*_oblique(tau, one, pd), inks.good, 1.5)
        self._line(*_oblique(tau, pf, zero), inks.bad, 1.5)
        self._line(*_oblique(zero, pf, pd), inks.scan, 1.5)
        self._line(*_oblique(tau, pf, pd), inks.ring, 3)
        dx, dy = _DEPTH
        self._text(0.5, -0.02, "threshold, stretched 0–1", inks, (0.5, 0))
        self._text(-0.02, 0.5, "found", inks, (1, 0.5))
        self._text(1.03 + dx / 2, dy / 2, "false\nalarms", inks, (0, 0.5))
        self._plot.setXRange(-0.38, 1.3 + dx, padding=0)
        self._plot.setYRange(-0.16, 1.06 + dy, padding=0)


class _BoxFigure(_Figure):
    def __init__(self) -> None:
        super().__init__("score, stretched 0–1", "", 3)

    def _furnish(self, plot: BarePlot) -> None:
        super()._furnish(plot)
        plot.getAxis("left").setTicks([[(0, "anomalies"), (1, "background")]])
        plot.getAxis("left").setWidth(86)

    def _draw(self, judgement: Judgement, inks: Inks) -> None:
        boxes = judgement.separability
        for y, (low, middle, high), colour in (
            (0, boxes.anomaly, inks.grain),
            (1, boxes.background, inks.ring),
        ):
            item = pg.BarGraphItem(
                x0=low, y=y, width=max(high - low, 2e-3), height=0.5, brush=colour, pen=colour
            )
            self._plot.addItem(item)
            self._line([middle, middle], [y - 0.3, y + 0.3], inks.text, 3)
        self._text(0.98, 0.5, f"gap {boxes.gap:+.3f}".replace("-", "−"), inks, (1, 0.5))
        self._plot.setXRange(0, 1, padding=0.02)
        self._plot.setYRange(-0.6, 1.6, padding=0)


def _oblique(tau: FloatArray, pf: FloatArray, pd: FloatArray) -> tuple[FloatArray, FloatArray]:
    dx, dy = _DEPTH
    return tau + dx * pf, pd + dy * pf


def _thinned(values: NDArray[Any]) -> NDArray[np.intp]:
    """Positions to draw: at most `_POINTS`, dense at the start, where the highest scores are."""
    n = len(values)
    if n <= _POINTS:
        return np.arange(n)
    growing = np.geomspace(1, n, _POINTS // 2) - 1
    even = np.linspace(0, n - 1, _POINTS // 2)
    return np.unique(np.concatenate([growing, even]).astype(np.intp))
