"""A part of a panel that can be folded away."""

from __future__ import annotations

import time
from typing import Any

from qtpy.QtCore import QEvent, Qt, QTimer, Signal
from qtpy.QtWidgets import QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.kit.controls import column_of

# So long after a click, what grows below the heading is brought into sight: plots come late.
_SECONDS_TO_GROW = 1.5


class Fold(QWidget):
    """A heading with an arrow; a click shows or hides what is in ``column``, in sight.

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
        self._clicked = -_SECONDS_TO_GROW
        self.head.clicked.connect(self._on_clicked)
        self.body.installEventFilter(self)
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

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Follow the content as it grows."""
        grows = event is not None and event.type() == QEvent.Type.Resize
        if grows and time.monotonic() - self._clicked < _SECONDS_TO_GROW:
            QTimer.singleShot(0, self._bring_into_sight)
        return False

    def _on_clicked(self, is_open: bool) -> None:
        if is_open:
            self._clicked = time.monotonic()

    def _bring_into_sight(self) -> None:
        place: Any = self.parent()
        while place is not None and not isinstance(place, QScrollArea):
            place = place.parent()
        if place is None or not self.is_open:
            return
        # The heading stays in sight where the content is higher than the window.
        height = min(self.height(), place.viewport().height())
        at = self.mapTo(place.widget(), self.rect().topLeft())
        place.ensureVisible(at.x(), at.y() + height, 0, 0)
        place.ensureVisible(at.x(), at.y(), 0, 0)

    def _on_toggled(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.head.setArrowType(arrow)
        self.body.setVisible(is_open)
        self.toggled.emit(is_open)
