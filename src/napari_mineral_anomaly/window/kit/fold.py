"""A part of a panel that can be folded away."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.kit.controls import column_of


class Fold(QWidget):
    """A heading with an arrow; a click shows or hides what is in ``column``.

    Parameters
    ----------
    title, tooltip : str
    is_open : bool
    """

    toggled = Signal(bool)

    def __init__(self, title: str, tooltip: str, *, is_open: bool = False) -> None:
        super().__init__()
        self.head = QToolButton()
        self.head.setText(title)
        self.head.setToolTip(tooltip)
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.setStyleSheet("QToolButton { border: none; font-weight: bold; padding: 4px 0; }")
        self.body = QWidget()
        self.column = QVBoxLayout(self.body)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        outer = column_of(self)
        outer.addWidget(self.head)
        outer.addWidget(self.body)
        self.head.toggled.connect(self._on_toggled)
        self.head.setChecked(is_open)
        self._on_toggled(is_open)

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return self.head.isChecked()

    def open(self, is_open: bool = True) -> None:
        """Show or hide the content."""
        self.head.setChecked(is_open)

    def _on_toggled(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.head.setArrowType(arrow)
        self.body.setVisible(is_open)
        self.toggled.emit(is_open)
