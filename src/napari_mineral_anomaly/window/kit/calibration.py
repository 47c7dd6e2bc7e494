"""Two fields for an energy calibration: energy of the first channel, width of a channel."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QWidget
from superqt.utils import qdebounced

from napari_mineral_anomaly.window.kit.controls import form_layout

# Waiting time after typing: long enough for a number of several digits.
SETTLE_MS = 400


class EnergyFields(QWidget):
    """Offset in keV and gain in eV per channel; a gain of 0 reads "unknown"."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        form = form_layout()
        self.setLayout(form)
        self.offset = QDoubleSpinBox()
        self.offset.setRange(-10.0, 10.0)
        self.offset.setSingleStep(0.01)
        self.offset.setSuffix(" keV")
        self.offset.setToolTip("Energy of the first channel, often 0 or a little below.")
        form.addRow("First channel", self.offset)
        self.gain = QDoubleSpinBox()
        self.gain.setRange(0.0, 1000.0)
        self.gain.setSingleStep(0.1)
        self.gain.setSuffix(" eV")
        self.gain.setSpecialValueText("unknown")
        self.gain.setToolTip("Width of a channel in eV, often 5, 10 or 20.")
        form.addRow("Channel width", self.gain)
        self._settled = qdebounced(self.changed.emit, timeout=SETTLE_MS)
        for field in (self.offset, self.gain):
            field.setDecimals(4)
            field.valueChanged.connect(self._on_value)

    @property
    def energy(self) -> tuple[float, float] | None:
        """(offset, gain) in keV; None while the gain is unknown."""
        gain = self.gain.value() / 1000.0
        return (self.offset.value(), gain) if gain > 0 else None

    def show_energy(self, energy: tuple[float, float] | None) -> None:
        """Show a calibration in keV without the signal `changed`."""
        offset, gain = energy or (0.0, 0.0)
        with QSignalBlocker(self.offset), QSignalBlocker(self.gain):
            self.offset.setValue(offset)
            self.gain.setValue(1000.0 * gain)

    def let_go(self) -> None:
        """Send no further signal."""
        self._settled.cancel()

    def _on_value(self, value: float) -> None:
        self._settled()
