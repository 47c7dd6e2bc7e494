"""The columns that the *Spectrum* dock is made of."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.spectrum.elements import ElementList
from napari_mineral_anomaly.window.spectrum.plots import ExpectedPlot, SpectrumPlot

# What takes the height that a pane has left.
_GROWING = (SpectrumPlot, ExpectedPlot, ElementList)

_LEAST_NOTES = 40


class Notes(QScrollArea):
    """A long text: as high as it is below other things, scrolling by itself beside them.

    Beside plots it must not decide how high the dock's content is: on a low screen their axes
    would end below the edge of the dock.
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
        """Whether the text stands beside the plots or below them."""
        self._beside = beside
        self._fit()

    def resizeEvent(self, event: Any) -> None:
        """Another width needs another height."""
        super().resizeEvent(event)
        self._fit()

    def viewportEvent(self, event: QEvent) -> bool:
        """So does another text."""
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
    """Parts one below the other; plots and lists take the height that is left."""
    pane = QWidget()
    column = QVBoxLayout(pane)
    column.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QLayout):
            column.addLayout(part)
        else:
            column.addWidget(part, 1 if isinstance(part, _GROWING) else 0)
    column.addStretch()
    return pane
