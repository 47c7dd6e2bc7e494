"""The two plots of the dock *Spectrum*: the spectrum; observed and expected counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QSizePolicy, QWidget

import pyqtgraph as pg  # isort: skip

from napari_mineral_anomaly.scan.looking.region import ExpectedCounts
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.scan.spectra import EnergyAxis
from napari_mineral_anomaly.window.kit.plots import bare_plot
from napari_mineral_anomaly.window.kit.themes import Inks

# Middle tones: a contrast of at least 2.5 to 1 with napari's dark and light background.
_COLOURS = (
    *("#e8590c", "#1c9ec9", "#2f9e44", "#d6336c", "#9c6ade", "#b08900"),
    *("#12a594", "#d9480f", "#5c7cfa", "#a0703c", "#e64980", "#66961f"),
)
# Five and twelve have no common factor: elements that are neighbours in the periodic table (and in
# the spectrum) get very different colours.
_STEP = 5

# Number of rows for the labels of lines, width of a letter, gap between two labels.
_LABEL_ROWS, _LETTER_PX, _LABEL_GAP_PX = 3, 7.5, 4
# Height of a letter: in a low plot the rows are this far apart, and the first row is lower.
_LETTER_HEIGHT_PX, _LAST_ROW = 13, 0.94
# As shares of the plot height: end of the lines, first row of labels, distance of the rows, and the
# room for lines and labels above the highest peak.
_LINE_TOP, _FIRST_ROW, _ROW_STEP, _HEADROOM = 0.76, 0.80, 0.08, 0.34

# Least and largest height of a plot (pixels); it grows with its dock.
_LEAST_HEIGHT, _MOST_HEIGHT = 130, 420

# Where a logarithmic axis begins: half a count.
_FLOOR = 0.5

# If a bar has less room than this (pixels), the names alternate between two rows.
_NAME_WIDTH = 26


def colour_of(element: str) -> str:
    """The fixed colour of an element's lines."""
    symbol = element.split()[0]
    number = SYMBOLS.index(symbol) if symbol in SYMBOLS else len(element)
    return _COLOURS[number * _STEP % len(_COLOURS)]


@dataclass(frozen=True)
class Marker:
    """A line of an element on the energy axis; ``main`` lines are drawn stronger."""

    element: str
    label: str
    kev: float
    main: bool = True


class _LogPlot(QWidget):
    """A plot with a linear or logarithmic axis; it takes the remaining height of its dock.

    It asks for no more than the least height.
    """

    def __init__(self) -> None:
        super().__init__()
        self._plot = bare_plot(self, _LEAST_HEIGHT)
        self._plot.setMaximumHeight(_MOST_HEIGHT)
        self._plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._log = True
        self._plot.getAxis("left").setLogMode(True)

    def set_log(self, log: bool) -> None:
        """Switch to a logarithmic (True) or linear axis."""
        self._log = log
        self._plot.getAxis("left").setLogMode(log)
        self._draw()

    def _draw(self) -> None:
        raise NotImplementedError


class SpectrumPlot(_LogPlot):
    """Counts over energy, and the lines of elements."""

    def __init__(self) -> None:
        super().__init__()
        self._plot.setLabel("left", "counts")
        self._plot.setToolTip("Scroll to zoom, drag to move, right-click for more.")
        self._plot.setMouseEnabled(x=True, y=False)
        self._curves = {name: self._plot.plot() for name in ("scan", "region")}
        self._lines: list[tuple[Any, Any, Marker]] = []
        self._counts: dict[str, NDArray[np.float64]] = {}
        self._energy: EnergyAxis | None = None
        self._plot.getViewBox().sigRangeChanged.connect(self._place_labels)
        self._plot.getViewBox().sigResized.connect(self._place_labels)

    def set_inks(self, inks: Inks) -> None:
        """Use the colours of the theme."""
        self._plot.set_ink(inks.text)
        self._curves["scan"].setPen(pg.mkPen(inks.scan, width=1))
        self._curves["region"].setPen(pg.mkPen(inks.grain, width=1.5))

    def show_spectra(
        self,
        scan: NDArray[np.float64],
        region: NDArray[np.float64] | None,
        energy: EnergyAxis | None,
    ) -> None:
        """Draw the spectrum of the scan (E,), and that of a region over it."""
        same_axis = energy == self._energy and "scan" in self._counts
        self._counts = {"scan": scan} | ({} if region is None else {"region": region})
        self._energy = energy
        self._plot.setLabel("bottom", "channel" if energy is None else "energy (keV)")
        self._draw()
        if not same_axis:
            self._show_all()

    def show_markers(self, markers: Sequence[Marker]) -> None:
        """Draw lines of elements. Without an energy calibration none is drawn."""
        for line, label, _ in self._lines:
            self._plot.removeItem(line)
            self._plot.removeItem(label)
        self._lines = []
        for marker in markers if self._energy is not None else ():
            colour = colour_of(marker.element)
            width, style = (1.4, [4, 3]) if marker.main else (1.0, [1, 3])
            pen = pg.mkPen(colour, width=width, dash=style)
            line = pg.InfiniteLine(marker.kev, angle=90, pen=pen, span=(0.0, _LINE_TOP))
            label = pg.TextItem(marker.label, color=colour, anchor=(0.5, 0.5))
            self._plot.addItem(line, ignoreBounds=True)
            self._plot.addItem(label, ignoreBounds=True)
            self._lines.append((line, label, marker))
        self._lines.sort(key=lambda item: (not item[2].main, item[2].kev))
        self._place_labels()

    @property
    def markers(self) -> list[Marker]:
        """The drawn lines, sorted by energy."""
        return sorted((marker for _, _, marker in self._lines), key=lambda marker: marker.kev)

    def drawn(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energies (or channels) and counts of the curve "scan" or "region"; empty if not drawn."""
        counts = self._counts.get(name, np.empty(0))
        return self._x()[: counts.size], counts

    def clear(self) -> None:
        """Remove curves and lines."""
        self._counts = {}
        self.show_markers(())
        self._draw()

    def _x(self) -> NDArray[np.float64]:
        n = max((counts.size for counts in self._counts.values()), default=0)
        return np.arange(n, dtype=np.float64) if self._energy is None else self._energy.kev

    def _draw(self) -> None:
        top = 1.0
        x = self._x()
        for name, curve in self._curves.items():
            counts = self._counts.get(name)
            if counts is None:
                curve.setData([], [])
                continue
            heights = np.log10(np.maximum(counts, _FLOOR)) if self._log else counts
            curve.setData(x, heights)
            top = max(top, float(heights[self._shown_channels()].max(initial=0.0)))
        bottom = math.log10(_FLOOR) if self._log else 0.0
        # Leave room for the labels of the lines.
        self._plot.setYRange(bottom, top + _HEADROOM * (top - bottom), padding=0)

    def _shown_channels(self) -> slice:
        """Channels above the noise peak that many detectors record near zero energy."""
        return slice(0, None) if self._energy is None else self._energy.channel_range(0.3, 1e3)

    def _show_all(self) -> None:
        """Zoom from zero to the energy below which 99.95 % of the counts lie."""
        counts = self._counts["scan"]
        some = np.flatnonzero(np.cumsum(counts) < 0.9995 * counts.sum())
        last = min(int(some[-1]) + 2 if some.size else counts.size, counts.size)
        x = self._x()
        low, high = max(0.0, float(x[0])), float(x[last - 1])
        self._plot.setXRange(low, max(high, low + 1e-3), padding=0.02)
        self._plot.setLimits(xMin=float(x[0]) - 0.5, xMax=float(x[-1]) * 1.02 + 0.5)

    def _place_labels(self, *_: Any) -> None:
        """Put each label into the first row that is free there; hide it if no row is free."""
        box = self._plot.getViewBox()
        (low, high), (bottom, top) = box.viewRange()
        px_per_unit = box.width() / max(high - low, 1e-9)
        taken: list[list[tuple[float, float]]] = [[] for _ in range(_LABEL_ROWS)]
        step = max(_ROW_STEP, _LETTER_HEIGHT_PX / max(box.height(), 1.0))
        first = min(_FIRST_ROW, _LAST_ROW - step * (_LABEL_ROWS - 1))
        # Main lines are first in the list, so they get a place first.
        for line, label, marker in self._lines:
            line.setSpan(0.0, min(_LINE_TOP, first - 0.5 * step))
            middle = (marker.kev - low) * px_per_unit
            half = 0.5 * (_LETTER_PX * len(marker.label) + _LABEL_GAP_PX)
            start, end = middle - half, middle + half
            free = [all(end < o[0] or start > o[1] for o in others) for others in taken]
            row = free.index(True) if any(free) else None
            label.setVisible(row is not None)
            if row is not None:
                taken[row].append((start, end))
                height = first + step * row
                label.setPos(marker.kev, bottom + height * (top - bottom))


class ExpectedPlot(_LogPlot):
    """For each element a bar (observed) and a mark (expected).

    ``shown`` holds the drawn values; None where nothing is drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setToolTip(
            "Bars: value of the maps in this pixel or region. Marks: value that the detector "
            "expected there. Orange: more than expected. Blue: less."
        )
        self._inks: Inks | None = None
        self.shown: ExpectedCounts | None = None

    def set_inks(self, inks: Inks) -> None:
        """Use the colours of the theme."""
        self._inks = inks
        self._plot.set_ink(inks.text)
        self._draw()

    def show_counts(self, counts: ExpectedCounts | None) -> None:
        """Draw observed and expected values; None clears the plot."""
        self.shown = counts
        self._draw()

    def _draw(self) -> None:
        self._plot.clear()
        shown = self.shown
        if shown is None or self._inks is None:
            return
        places = np.arange(len(shown.elements), dtype=np.float64)
        floor = _FLOOR if shown.summed else _FLOOR / 50
        bottom = math.log10(floor) if self._log else 0.0
        observed, expected = (
            np.log10(np.maximum(values, floor)) if self._log else values
            for values in (shown.observed, shown.expected)
        )
        brushes = [
            pg.mkBrush(self._inks.over if o > e else self._inks.under)
            for o, e in zip(observed, expected, strict=True)
        ]
        bars = pg.BarGraphItem(
            x=places, y0=bottom, height=observed - bottom, width=0.6, brushes=brushes, pen=None
        )
        self._plot.addItem(bars)
        half = 0.42
        ends = np.column_stack([places - half, places + half]).ravel()
        marks = pg.PlotDataItem(
            ends, np.repeat(expected, 2), connect="pairs", pen=pg.mkPen(self._inks.text, width=2.5)
        )
        self._plot.addItem(marks)
        room = self._plot.width() / max(len(shown.elements), 1)
        names = (
            f"\n{name}" if room < _NAME_WIDTH and place % 2 else name
            for place, name in enumerate(shown.elements)
        )
        self._plot.getAxis("bottom").setTicks([list(enumerate(names))])
        self._plot.setLabel("left", "counts" if shown.summed else "mean")
        values = np.concatenate([observed, expected])
        low = min(bottom, float(values.min()))
        self._plot.setYRange(low, max(float(values.max()), low + 1e-6), padding=0.06)
        self._plot.setXRange(-0.6, len(places) - 0.4, padding=0)
