"""How CSV files are written: for programs, or for the spreadsheet of a language."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_mineral_anomaly.io.spreadsheets import DIALECTS, Dialect
from napari_mineral_anomaly.window.kit.controls import form_layout


class DialectChoice(QWidget):
    """A line of a form with the dialects."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.combo = QComboBox()
        self.combo.setToolTip(
            "How CSV files are written. A spreadsheet reads numbers right only in the form of its "
            "own language."
        )
        for dialect in DIALECTS.values():
            self.combo.addItem(dialect.title, dialect.name)
        self.combo.currentIndexChanged.connect(lambda index: self.changed.emit())
        # Beside its title, also in a narrow dock.
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.combo.setSizeAdjustPolicy(policy)
        self.combo.setMinimumContentsLength(12)
        form = form_layout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("CSV for", self.combo)
        self.setLayout(form)

    @property
    def dialect(self) -> Dialect:
        """The chosen one."""
        return DIALECTS[self.combo.currentData()]

    def choose(self, name: str) -> None:
        """Choose a dialect by its name."""
        self.combo.setCurrentIndex(self.combo.findData(name))
