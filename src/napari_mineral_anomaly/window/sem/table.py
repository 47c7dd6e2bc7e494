"""The table of fiducials: names and readings to type, residuals beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.columns import minus_sign
from napari_mineral_anomaly.grains.sem.fiducials import Fiducial
from napari_mineral_anomaly.io.spreadsheets import number_in

_TITLES = ("Point", "SEM x (mm)", "SEM y (mm)", "Off (µm)")
_TOOLTIPS = (
    "The name of the point on the map.",
    "What the stage of the SEM shows there, in mm.",
    "What the stage of the SEM shows there, in mm.",
    "How far the transform puts the point from its reading.",
)
NAME, X, Y, OFF = range(4)
_MOST_ROWS = 7
_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


class FiducialTable(QTableWidget):
    """A row for each point. It shows values and tells what the user typed; it keeps nothing.

    ``renamed`` tells row and name; ``typed`` tells row, column (`X` or `Y`) and number or None.
    """

    renamed = Signal(int, str)
    typed = Signal(int, int, object)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(_TITLES))
        self.setHorizontalHeaderLabels(_TITLES)
        for column, text in enumerate(_TOOLTIPS):
            self.horizontalHeaderItem(column).setToolTip(text)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(OFF, QHeaderView.ResizeMode.ResizeToContents)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(
            triggers.DoubleClicked
            | triggers.SelectedClicked
            | triggers.EditKeyPressed
            | triggers.AnyKeyPressed
        )
        self.setAccessibleName("Fiducials")
        self.itemChanged.connect(self._on_changed)
        self._fit_height()

    def show_points(
        self, points: Sequence[Fiducial], residuals: dict[str, float], worst: str = ""
    ) -> None:
        """Show these points; ``residuals`` (µm) by name; ``worst`` stands out."""
        self.blockSignals(True)
        self.setRowCount(len(points))
        for row, point in enumerate(points):
            off = residuals.get(point.name)
            texts = (
                point.name,
                _millimetres(point.sem_x_mm),
                _millimetres(point.sem_y_mm),
                "" if off is None else minus_sign(f"{off:.1f}"),
            )
            for column, text in enumerate(texts):
                self._set(row, column, text, bold=column == OFF and point.name == worst)
        self.blockSignals(False)
        self._fit_height()

    def rows(self) -> list[int]:
        """The selected rows."""
        return sorted({index.row() for index in self.selectedIndexes()})

    def keyPressEvent(self, event: Any) -> None:
        """Keep every key: napari takes digits for tools of the points layer."""
        super().keyPressEvent(event)
        event.accept()

    def event(self, event: QEvent) -> bool:
        """A letter that is typed here is no shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and not event.modifiers() & _COMMANDS:
            event.accept()
            return True
        return bool(super().event(event))

    def _set(self, row: int, column: int, text: str, *, bold: bool) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            if column != NAME:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column == OFF:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.setItem(row, column, item)
        font = item.font()
        font.setBold(bold)
        item.setFont(font)
        if item.text() != text:
            item.setText(text)

    def _on_changed(self, item: QTableWidgetItem) -> None:
        text = item.text().strip()
        if item.column() == NAME:
            self.renamed.emit(item.row(), text)
            return
        try:
            value = number_in(minus_back(text)) if text else None
            if value is not None and abs(value) > 1e6:
                raise ValueError
        except ValueError:
            self.refused.emit(str(InputError(f"“{text}” is no reading: type a number in mm.")))
            return
        self.typed.emit(item.row(), item.column(), value)

    def _fit_height(self) -> None:
        rows = min(max(self.rowCount(), 3), _MOST_ROWS)
        height = self.horizontalHeader().sizeHint().height() + 4
        self.setFixedHeight(height + rows * self.verticalHeader().defaultSectionSize())


def _millimetres(value: float | None) -> str:
    """A reading with three decimals, or as many as it has."""
    if value is None:
        return ""
    return f"{value:.3f}" if round(value, 3) == value else f"{value:.10g}"


def minus_back(text: str) -> str:
    """A text with hyphens in place of true minus signs."""
    return text.replace("−", "-")
