"""The plot of the training loss, one curve per phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.window.kit.plots import BarePlot, LatePlot

import pyqtgraph as pg  # isort: skip

_PHASES = ("#4fc3f7", "#ffb74d", "#aed581", "#f06292")


class LossPlot(LatePlot):
    """Training loss over the steps of the run; one curve per training phase."""

    def __init__(self) -> None:
        # Only networks train: the plot is built with the first loss, and for most runs never.
        super().__init__(170, turn=None)
        self._curves: dict[str, tuple[Any, list[float]]] = {}

    def _furnish(self, plot: BarePlot) -> None:
        plot.setLabel("bottom", "training step")
        plot.setLabel("left", "loss")
        plot.setToolTip("When training goes well, the loss falls quickly and then levels off.")

    def clear(self) -> None:
        """Remove the curves of the last run."""
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

    def extend_by(self, events: Sequence[ProgressEvent]) -> None:
        """Add the losses of these events; with the first of them, the plot is shown."""
        losses: dict[str, list[float]] = {}
        for event in events:
            if event.loss is not None:
                losses.setdefault(event.phase, []).append(event.loss)
        for phase, values in losses.items():
            self.extend(phase, values)
            self.show()

    @property
    def n_points(self) -> int:
        """Number of losses drawn."""
        return sum(len(values) for _, values in self._curves.values())
