"""The columns that the *Spectrum* dock is made of."""

from __future__ import annotations

from qtpy.QtWidgets import QLayout, QVBoxLayout, QWidget

from napari_mineral_anomaly.widgets.spectrum_elements import ElementList
from napari_mineral_anomaly.widgets.spectrum_plots import ExpectedPlot, SpectrumPlot

# What takes the height that a pane has left.
_GROWING = (SpectrumPlot, ExpectedPlot, ElementList)


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
