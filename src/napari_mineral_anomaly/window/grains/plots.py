"""The figures of *Grain evidence*: element bars, thumbnails, place among scores, spectrum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

import pyqtgraph as pg  # isort: skip

from napari_mineral_anomaly.grains.evidence import GrainSpectrum, ScoreHistogram
from napari_mineral_anomaly.window.grains.canvas import OUTLINE_COLOUR
from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot
from napari_mineral_anomaly.window.kit.themes import Inks

FloatArray = NDArray[np.float64]
# The outlines of one grain, for each of several pictures.
_Rings = Sequence[Sequence[FloatArray]]

_ROW_PX, _AROUND_BARS_PX = 17, 58
_THUMBNAIL_PX = 165


class ElementBars(LatePlot):
    """One row per element: a bar against the grain's surroundings, a dot against the scan."""

    def __init__(self) -> None:
        super().__init__(200, turn=0)
        self._shown: tuple[Sequence[str], FloatArray, FloatArray] | None = None
        # Made once, then updated for each grain.
        self._bars = pg.BarGraphItem(x0=0, y=[], height=0.66, width=[], pen=None)
        self._dots = pg.ScatterPlotItem(size=6, symbol="o")
        self._zero = pg.InfiniteLine(0, angle=90)

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("bottom", "more or less than expected (sigmas)")
        plot.setMouseEnabled(x=False, y=False)
        plot.setToolTip(
            "Bars: the grain against the ring of ordinary pixels around it, in sigmas of that "
            "ring. Dots: the grain against the whole scan. A long bar with a dot near 0: odd only "
            "against its surroundings. A short bar with a far dot: the surroundings differ too."
        )
        plot.getPlotItem().invertY(True)
        for item in (self._bars, self._dots, self._zero):
            plot.addItem(item)

    def _recolour(self) -> None:
        self._draw()

    def show_elements(
        self, elements: Sequence[str], against_ring: FloatArray, against_scan: FloatArray
    ) -> None:
        """Elements from top to bottom with their two deviations in sigmas; NaN shows nothing."""
        self._shown = (elements, against_ring, against_scan)
        self._draw()

    def _draw(self) -> None:
        if self._inks is None or self._shown is None:
            return
        elements, ring, scan = self._shown
        plot, n = self._plot, len(elements)
        # Linear near 0, logarithmic beyond: far outliers would flatten all other bars.
        bars, dots = _squeezed(np.nan_to_num(ring)), _squeezed(scan)
        rows = np.arange(n)
        over, under = pg.mkBrush(self._inks.over), pg.mkBrush(self._inks.under)
        self._bars.setOpts(y=rows, width=bars, brushes=[over if z > 0 else under for z in ring])
        shown = np.isfinite(dots)
        self._dots.setData(
            dots[shown],
            rows[shown],
            brush=pg.mkBrush(self._inks.scan),
            pen=pg.mkPen(self._inks.text),
        )
        self._zero.setPen(pg.mkPen(self._inks.faint))
        plot.getAxis("left").setTicks([list(enumerate(elements))])
        reach = max(1.0, float(np.nanmax(np.abs(np.concatenate([bars, dots[shown], [3.0]])))))
        plot.getAxis("bottom").setTicks([_sigma_ticks(reach)])
        plot.setXRange(-reach, reach, padding=0.05)
        plot.setYRange(-0.6, n - 0.4, padding=0)
        plot.setFixedHeight(n * _ROW_PX + _AROUND_BARS_PX)


class _Cell:
    """One thumbnail: its title and its picture with the outline."""

    def __init__(self, view: pg.GraphicsLayoutWidget, place: int) -> None:
        down, right = divmod(place, 2)
        self._title = view.addLabel("", row=2 * down, col=right)
        self._box = view.addViewBox(
            row=2 * down + 1, col=right, lockAspect=True, enableMouse=False, invertY=True,
            enableMenu=False,
        )  # fmt: skip
        self._picture = pg.ImageItem(axisOrder="row-major")
        self._box.addItem(self._picture)
        self._outline = pg.PlotCurveItem(pen=pg.mkPen(OUTLINE_COLOUR, width=2))
        self._box.addItem(self._outline)

    def set_visible(self, visible: bool) -> None:
        """Show or hide the thumbnail."""
        self._title.setVisible(visible)
        self._box.setVisible(visible)

    def show(
        self, element: str, image: NDArray[Any], rings: Sequence[FloatArray], inks: Inks
    ) -> None:
        """Show a cut-out of a map with outlines."""
        values = np.asarray(image, dtype=np.float64)
        low, high = np.nanmin(values), np.nanmax(values)
        title = f"<b>{element}</b><br>{_short(low)}–{_short(high)}"
        self._title.setText(title, color=inks.text, size="9pt")
        self._picture.setImage(values, levels=(low, max(high, low + 1)))
        # Pixel centres at whole numbers, as in the outlines.
        self._picture.setRect(-0.5, -0.5, values.shape[1], values.shape[0])
        # One curve for all outlines, with gaps between them.
        vertices = np.concatenate(rings) if rings else np.empty((0, 2))
        pen_down = np.ones(len(vertices), dtype=np.int32)
        if rings:
            pen_down[np.cumsum([len(ring) for ring in rings]) - 1] = 0
        self._outline.setData(vertices[:, 1], vertices[:, 0], connect=pen_down)
        height, width = values.shape
        self._box.setRange(xRange=(-0.5, width - 0.5), yRange=(-0.5, height - 0.5), padding=0)


class Thumbnails(QWidget):
    """Up to four small maps around the grain, with its outline."""

    def __init__(self) -> None:
        super().__init__()
        self._view = pg.GraphicsLayoutWidget()
        self._view.setBackground(None)
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._view.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self._view.setToolTip(
            "Maps of the driving elements around the grain. Each is stretched from its lowest to "
            "its highest value in the cut-out; these two numbers stand above it."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._view)
        self._inks: Inks | None = None
        self._shown: tuple[Sequence[str], Sequence[NDArray[Any]], _Rings] | None = None
        # Made once, then updated: making four for each grain would stop the window.
        self._cells: list[_Cell] = []

    def set_inks(self, inks: Inks) -> None:
        """Colours of the theme."""
        self._inks = inks
        self._draw()

    def show_maps(
        self,
        elements: Sequence[str],
        maps: Sequence[NDArray[Any]],
        outlines: _Rings,
    ) -> None:
        """Cut-outs (h, w) of the maps; outlines in the pixels of the cut-out."""
        self._shown = (elements, maps, outlines)
        self._draw()

    def _draw(self) -> None:
        if self._shown is None or self._inks is None:
            return
        elements, maps, outlines = self._shown
        while len(self._cells) < len(maps):
            self._cells.append(_Cell(self._view, len(self._cells)))
        for k, cell in enumerate(self._cells):
            cell.set_visible(k < len(maps))
        for cell, element, image, rings in zip(self._cells, elements, maps, outlines, strict=False):
            cell.show(element, image, rings, self._inks)
        self._view.setFixedHeight(_THUMBNAIL_PX * math.ceil(len(maps) / 2))


class PlaceAmongScores(LatePlot):
    """The score histogram of the scan, with the grain's peak and the threshold in it."""

    def __init__(self) -> None:
        super().__init__(150, turn=2)
        self._bars = pg.PlotCurveItem(
            [0.0, 1.0], [0.0], stepMode="center", fillLevel=math.log10(0.5)
        )
        self._peak = pg.InfiniteLine(angle=90)
        self._threshold = pg.InfiniteLine(angle=90)
        self._items = (self._bars, self._threshold, self._peak)
        for item in self._items:
            item.hide()

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("bottom", "score (background sigmas)")
        plot.setLabel("left", "pixels")
        plot.getAxis("left").setLogMode(True)
        plot.setMouseEnabled(x=False, y=False)
        plot.setToolTip(
            "Number of pixels of the scan per score, on a logarithmic scale. The dashed line is "
            "the threshold, the full line the peak score of this grain."
        )
        for item in self._items:
            plot.addItem(item)

    def set_inks(self, inks: Inks) -> None:
        """Colours of the theme."""
        super().set_inks(inks)
        colour = pg.mkColor(inks.scan)
        self._bars.setPen(pg.mkPen(colour))
        colour.setAlpha(110)
        self._bars.setBrush(pg.mkBrush(colour))
        self._peak.setPen(pg.mkPen(inks.grain, width=3))
        self._threshold.setPen(pg.mkPen(inks.text, width=1, style=Qt.PenStyle.DashLine))

    def show_peak(self, histogram: ScoreHistogram, peak: float) -> None:
        """Show where the peak score of a grain lies among all scores."""
        heights = np.log10(np.maximum(histogram.counts, 0.5))
        self._bars.setData(histogram.edges, heights)
        self._peak.setValue(peak)
        self._threshold.setValue(histogram.threshold)
        for item in self._items:
            item.show()
        right = max(peak, 2 * histogram.threshold)
        self._plot.setXRange(float(histogram.edges[0]), right, padding=0.04)
        self._plot.setYRange(math.log10(0.5), float(heights.max(initial=1.0)), padding=0.05)


class GrainSpectrumPlot(LatePlot):
    """Counts of the grain's pixels over the energy, on a logarithmic scale."""

    def __init__(self) -> None:
        super().__init__(190, turn=3)

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("left", "counts per pixel")
        plot.getAxis("left").setLogMode(True)
        plot.setToolTip(
            "The mean spectrum of the grain's pixels and that of the ring around it, on a "
            "logarithmic scale. Scroll to zoom."
        )

    def show_spectra(self, spectrum: GrainSpectrum) -> None:
        """Counts per pixel of the grain and of its ring."""
        assert self._inks is not None
        self._plot.clear()
        grain = np.asarray(spectrum.grain, dtype=np.float64)
        kev = spectrum.energy_kev
        x = np.arange(grain.size) if kev is None else np.asarray(kev)
        self._plot.setLabel("bottom", "channel" if kev is None else "energy (keV)")
        # Half a count in all pixels together: 0 counts have no logarithm.
        floor = 0.5 / max(1, spectrum.n_grain_px)
        for counts, colour in ((spectrum.ring, self._inks.ring), (grain, self._inks.grain)):
            heights = np.log10(np.maximum(np.asarray(counts), floor))
            self._plot.plot(x, heights, pen=pg.mkPen(colour))
        some = np.flatnonzero(grain > 0)
        if some.size:
            self._plot.setXRange(float(x[some[0]]), float(x[some[-1]]), padding=0.02)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _squeezed(sigmas: Any) -> FloatArray:
    return np.asarray(np.arcsinh(np.asarray(sigmas, dtype=np.float64) / 2.0))


def _sigma_ticks(reach: float) -> list[tuple[float, str]]:
    values = (1, 3, 10, 30, 100, 300, 1000, 3000)
    inside = [value for value in values if _squeezed(value) <= reach * 1.02]
    chosen = inside[1:] if len(inside) > 3 else inside
    chosen = chosen[:: 2 if len(chosen) > 4 else 1]
    signed = [-v for v in reversed(chosen)] + [0] + list(chosen)
    return [(float(_squeezed(v)), f"{v:+d}".replace("-", "−") if v else "0") for v in signed]
