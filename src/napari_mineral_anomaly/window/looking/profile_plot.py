"""The figure of a profile: the numbers of some elements along the line, with their errors."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot

import pyqtgraph as pg  # isort: skip

_HEIGHT = 190
# Can be told apart by colour-blind users too, on dark and on light.
_COLOURS = ("#f08030", "#3f82e6", "#2e9e4f")


class ProfilePlot(LatePlot):
    """Up to three elements against the distance."""

    def __init__(self) -> None:
        super().__init__(_HEIGHT, turn=None)

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("left", "number")
        self._legend = plot.addLegend(offset=(-4, 4))

    def show_profile(self, table: pd.DataFrame, elements: Sequence[str]) -> None:
        """Draw these elements of a table of `scan.looking.profile.profile_along`."""
        plot = self._plot
        plot.clear()
        distance = table.columns[0]
        unit = distance.removeprefix("distance_").replace("um", "µm").replace("px", "pixels")
        plot.setLabel("bottom", f"distance ({unit})")
        x = table[distance].to_numpy()
        for colour, element in zip(_COLOURS, elements, strict=False):
            y = table[element].to_numpy()
            plot.plot(x, y, pen=pg.mkPen(colour, width=2), name=element, connect="finite")
            if f"{element}_sigma" in table:
                height = 2.0 * table[f"{element}_sigma"].to_numpy()
                bars = pg.ErrorBarItem(x=x, y=y, height=height, pen=pg.mkPen(colour, width=1))
                plot.addItem(bars)
