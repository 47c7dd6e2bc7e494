"""Small controls and layouts that the docks are built of."""

from __future__ import annotations

from typing import ClassVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QWidget,
)


class StatusLine(QLabel):
    """One or a few lines of text that wrap and can be copied."""

    # At least three to one against napari's dark and its light background.
    _COLOURS: ClassVar = {"error": "#f0433a", "good": "#3f9142", "warning": "#b7791f", "plain": ""}

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._kind = ""
        self.plain(text)

    def plain(self, text: str) -> None:
        """A statement or an instruction."""
        self._show(text, "plain")

    def good(self, text: str) -> None:
        """Something that worked."""
        self._show(text, "good")

    def warning(self, text: str) -> None:
        """Something to know before going on."""
        self._show(text, "warning")

    def error(self, text: str) -> None:
        """Something that did not."""
        self._show(text, "error")

    def _show(self, text: str, kind: str) -> None:
        # Styling anew costs Qt milliseconds, and progress comes ten times a second.
        if kind != self._kind:
            self._kind = kind
            colour = self._COLOURS[kind]
            self.setStyleSheet(f"color: {colour};" if colour else "")
        self.setText(text)
        self.setVisible(bool(text))


def show_step(bar: QProgressBar, step: int, total: int) -> None:
    """Show how far something is.

    A bar that is told a new value repaints at once, and with it the map behind napari's canvas;
    without updates meanwhile, Qt paints it in its own time.
    """
    bar.setUpdatesEnabled(False)
    bar.setRange(0, total)
    bar.setValue(step)
    bar.setUpdatesEnabled(True)


def row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side."""
    layout = QHBoxLayout()
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def form_layout() -> QFormLayout:
    """Labels left, fields right, in a narrow dock."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return form


def fit_width(combo: QComboBox) -> None:
    """Keep a long name from widening the dock."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
