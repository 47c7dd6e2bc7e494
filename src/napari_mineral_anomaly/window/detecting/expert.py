"""*Expert*: every detector with its parameters, the device and the seed."""

from __future__ import annotations

from typing import Any, get_args

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout

from napari_mineral_anomaly.detectors.base import Device
from napari_mineral_anomaly.detectors.registry import ENTRIES, config_class, detector_entry
from napari_mineral_anomaly.window.detecting.parameter_form import ParameterForm
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    fit_width,
    form_layout,
    spin_box,
)
from napari_mineral_anomaly.window.kit.fold import Fold


class ExpertFields(Fold):
    """A part that is closed at first; ``place`` is a column at its end for buttons."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("Expert", "All detectors with their parameters; saved models.")
        self.form: ParameterForm
        column = self.column
        form = form_layout()
        self.detector_combo = QComboBox()
        fit_width(self.detector_combo)
        for entry in ENTRIES.values():
            self.detector_combo.addItem(entry.title, entry.name)
            last = self.detector_combo.count() - 1
            self.detector_combo.setItemData(last, entry.summary, Qt.ItemDataRole.ToolTipRole)
        self.detector_combo.setToolTip("The method that scores each pixel. RX takes seconds.")
        form.addRow("Detector", self.detector_combo)
        self.summary = StatusLine()
        form.addRow(self.summary)
        column.addLayout(form)
        self._form_place = QVBoxLayout()
        column.addLayout(self._form_place)

        shared = form_layout()
        self.device_combo = QComboBox()
        self.device_combo.addItems(get_args(Device))
        self.device_combo.setToolTip(
            "Where a network runs; auto uses a graphics card if there is one."
        )
        shared.addRow("Device", self.device_combo)
        self.seed = spin_box(0, 2**31 - 1)
        self.seed.setToolTip(
            "The same seed gives the same numbers. Try others to see whether a find is stable."
        )
        shared.addRow("Seed", self.seed)
        column.addLayout(shared)
        self.place = QVBoxLayout()
        column.addLayout(self.place)
        self.detector_combo.currentIndexChanged.connect(self._on_detector)
        self._on_detector()

    @property
    def detector(self) -> str:
        """The chosen detector."""
        return str(self.detector_combo.currentData())

    @property
    def device(self) -> str:
        """Where a network runs."""
        return self.device_combo.currentText()

    def parameters(self) -> dict[str, Any]:
        """The parameters of the chosen detector as typed."""
        return self.form.values()

    def choose_detector(self, name: str) -> None:
        """Choose a detector by its name."""
        self.detector_combo.setCurrentIndex(self.detector_combo.findData(name))

    def _on_detector(self, index: int = -1) -> None:
        self.summary.plain(detector_entry(self.detector).summary)
        while self._form_place.count():
            old = self._form_place.takeAt(0).widget()
            old.hide()
            old.deleteLater()
        self.form = ParameterForm(config_class(self.detector))
        self.form.changed.connect(self.changed)
        self._form_place.addWidget(self.form)
        self.changed.emit()
