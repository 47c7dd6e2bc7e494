"""The mean element signatures of the clusters, as curves and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

import pyqtgraph as pg  # isort: skip

from napari_mineral_anomaly.grains.columns import minus_sign
from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot

# So many element names fit side by side in a dock.
_MOST_TICKS = 12

# Columns of a signature table that are not elements.
ABOUT = ("code", "name", "n_px", "share", "is_background")

Rgba = tuple[float, float, float, float]


def elements_of(signatures: pd.DataFrame) -> list[str]:
    """The elements of a table of signatures."""
    return [str(column) for column in signatures.columns if column not in ABOUT]


def qcolor(rgba: Sequence[float]) -> QColor:
    """A colour of napari (0-1) as one of Qt."""
    return QColor.fromRgbF(*(min(1.0, max(0.0, float(part))) for part in rgba))


class SignaturePlot(LatePlot):
    """One curve per cluster over the elements, in robust sigmas of the scan."""

    def __init__(self) -> None:
        super().__init__(220)
        self._shown: tuple[pd.DataFrame, Mapping[int, Rgba]] | None = None
        self._selected: frozenset[int] = frozenset()
        self._curves: dict[int, tuple[Any, QColor]] = {}

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("left", "against the scan (sigmas)")
        plot.setMouseEnabled(x=False, y=True)
        plot.setToolTip(
            "For each element: the mean of the cluster minus the median of the scan, in robust "
            "sigmas. It shows what makes a cluster different. Selected clusters have thick lines."
        )
        self._draw()

    def _recolour(self) -> None:
        self._draw()

    def show_signatures(
        self, sigmas: pd.DataFrame, colours: Mapping[int, Rgba], selected: frozenset[int]
    ) -> None:
        """Curves in the clusters' colours."""
        drawn = self._shown
        self._shown, self._selected = (sigmas, colours), selected
        if drawn is not None and drawn[0] is sigmas and drawn[1] is colours and self._curves:
            self._thicken()  # only the selection changed
        else:
            self._draw()

    def clear(self) -> None:
        """Show no cluster."""
        self._shown = None
        self._curves.clear()
        if self._bare is not None:
            self._bare.clear()

    @property
    def n_curves(self) -> int:
        """Number of curves drawn."""
        self._build()
        return len(self._curves)

    @property
    def thick(self) -> frozenset[int]:
        """Codes of the clusters whose curves are drawn thicker."""
        return frozenset(
            c for c, (curve, _) in self._curves.items() if curve.opts["pen"].width() > 2
        )

    def _thicken(self) -> None:
        for code, (curve, colour) in self._curves.items():
            curve.setPen(pg.mkPen(colour, width=4 if code in self._selected else 1.5))

    def _draw(self) -> None:
        if self._bare is None:
            return  # drawn later, when the plot is built
        self._bare.clear()
        self._curves.clear()
        if self._shown is None or self._inks is None:
            return
        sigmas, colours = self._shown
        elements = elements_of(sigmas)
        self._bare.addItem(pg.InfiniteLine(0, angle=0, pen=pg.mkPen(self._inks.faint)))
        x = np.arange(len(elements))
        values = sigmas[elements].to_numpy(float)
        brushes: list[Any] = []
        for code, line in zip(sigmas["code"], values, strict=True):
            colour = qcolor(colours.get(int(code), (0.5, 0.5, 0.5, 1.0)))
            colour.setAlpha(255)
            # Plain curves, and one item for all dots: pyqtgraph needs several times as long for
            # curves with symbols.
            curve = pg.PlotCurveItem(x, line, connect="finite")
            self._bare.addItem(curve)
            self._curves[int(code)] = (curve, colour)
            brushes += [pg.mkBrush(colour)] * len(elements)
        self._thicken()
        there = np.isfinite(values).reshape(-1)
        dots = pg.ScatterPlotItem(
            np.tile(x, len(values))[there],
            values.reshape(-1)[there],
            size=5,
            pen=None,
            brush=[brush for brush, one in zip(brushes, there, strict=True) if one],
        )
        self._bare.addItem(dots)
        step = max(1, -(-len(elements) // _MOST_TICKS))
        self._bare.getAxis("bottom").setTicks([list(enumerate(elements))[::step]])
        self._bare.setXRange(-0.4, len(elements) - 0.6, padding=0)


class SignatureTable(QTableWidget):
    """Mean of each element (columns) in each cluster (rows), in the units of the maps."""

    def __init__(self) -> None:
        super().__init__()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setToolTip("Mean of each element in each cluster, in the units of the maps.")
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(130)

    def show_signatures(self, signatures: pd.DataFrame) -> None:
        """Fill the table."""
        elements = elements_of(signatures)
        self.setRowCount(len(signatures))
        self.setColumnCount(len(elements))
        self.setHorizontalHeaderLabels(elements)
        self.setVerticalHeaderLabels([str(name) for name in signatures["name"]])
        for r, values in enumerate(signatures[elements].to_numpy(float)):
            for c, value in enumerate(values):
                self.setItem(r, c, _cell(minus_sign(f"{value:.4g}")))
        self.resizeColumnsToContents()

    def clear_signatures(self) -> None:
        """Show no cluster."""
        self.setRowCount(0)
        self.setColumnCount(0)


def _cell(text: str) -> Any:
    item = QTableWidgetItem(text)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
