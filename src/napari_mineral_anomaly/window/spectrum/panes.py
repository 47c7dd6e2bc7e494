"""The panes of the dock *Spectrum*."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QLayout, QScrollArea, QSizePolicy, QWidget

from napari_mineral_anomaly.window.kit.controls import column_of
from napari_mineral_anomaly.window.spectrum.elements import ElementList
from napari_mineral_anomaly.window.spectrum.plots import ExpectedPlot, SpectrumPlot

# Widgets that take the remaining height of a pane.
_GROWING = (SpectrumPlot, ExpectedPlot, ElementList)

_LEAST_NOTES = 40


class Notes(QScrollArea):
    """A long text. Below other widgets it has its full height; beside plots it scrolls.

    Beside plots the text must not set the height of the dock's content: on a low screen the axes
    of the plots would end below the edge of the dock.
    """

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._label, self._beside = label, False
        label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(label)
        self._fit()

    def set_beside(self, beside: bool) -> None:
        """Place the text beside the plots (True) or below them (False)."""
        self._beside = beside
        self._fit()

    def resizeEvent(self, event: Any) -> None:
        """Fit the height to the new width."""
        super().resizeEvent(event)
        self._fit()

    def viewportEvent(self, event: QEvent) -> bool:
        """Fit the height to a new text."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return bool(super().viewportEvent(event))

    def _fit(self) -> None:
        needed = max(self._label.heightForWidth(self.viewport().width()), 0)
        self.setMinimumHeight(min(needed, _LEAST_NOTES) if self._beside else needed)
        self.setMaximumHeight(needed)
        policy = QSizePolicy.Policy.Expanding if self._beside else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Preferred, policy)


def pane_of(*parts: QWidget | QLayout) -> QWidget:
    """A widget with the parts one below the other; plots and lists take the remaining height."""
    pane = QWidget()
    column = column_of(pane)
    for part in parts:
        if isinstance(part, QLayout):
            column.addLayout(part)
        else:
            column.addWidget(part, 1 if isinstance(part, _GROWING) else 0)
    column.addStretch()
    return pane
