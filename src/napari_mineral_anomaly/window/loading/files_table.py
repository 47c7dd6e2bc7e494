"""The table of files of the step *Open*: which element each is, and what it is used as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_mineral_anomaly.scan.names.typed import AS_CONTEXT, BY_NAME, is_element_or_word
from napari_mineral_anomaly.window.kit.controls import StatusLine, add_parts, column_of
from napari_mineral_anomaly.window.loading.file_rows import (
    CONTEXT,
    ELEMENT,
    LEAVE_OUT,
    MASK,
    FileRow,
    Use,
)
from napari_mineral_anomaly.words import counted

_FILE, _ELEMENT, _USE = range(3)
_MOST_ROWS_SEEN, _FEWEST_ROWS_SEEN = 9, 3
_ROW_HEIGHT = 24
# Behind a cell: what the user has to decide, and what is no element. Readable in both themes.
_OPEN, _WRONG = QColor(240, 160, 30, 70), QColor(230, 60, 50, 110)
_SIGN = "⚠ "


class _UseEditor(QStyledItemDelegate):
    """A list of the uses in the cell of a row; a choice is taken at once."""

    def __init__(self, table: FilesTable) -> None:
        super().__init__(table)
        self._table = table

    def createEditor(self, parent: QWidget | None, option: Any, index: Any) -> QWidget:
        combo = QComboBox(parent)
        combo.addItems(list(self._table.rows[index.row()].uses))
        combo.activated.connect(partial(self._take, combo))
        return combo

    def setEditorData(self, editor: Any, index: Any) -> None:
        editor.setCurrentText(index.data())
        editor.showPopup()

    def setModelData(self, editor: Any, model: Any, index: Any) -> None:
        model.setData(index, editor.currentText())

    def _take(self, combo: QComboBox) -> None:
        self.commitData.emit(combo)
        self.closeEditor.emit(combo)


class FilesTable(QWidget):
    """A row for each file; ``changed`` says that the scan is to be read again.

    Attributes
    ----------
    rows : list of FileRow
    names : dict of str to str
        What the user tells now, as `io.read_maps` takes it.
    mask : str
        The file of the valid area; "" without one.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[FileRow] = []
        self.names: dict[str, str] = {}
        self.mask = ""
        self._waiting: Sequence[FileRow] | None = None
        self._not_shown: set[str] = set()  # images that the user left out
        self.note = StatusLine()
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["file", "element", "use"])
        self.table.setToolTip(
            "Type the element: Fe, with its line Fe Ka, or an oxide SiO2. Click a use to change "
            "it. The scan is read again, and the choices are kept for this folder."
        )
        self.table.setAccessibleName("Files of the scan")
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(_FILE, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(_ELEMENT, 66)
        header.resizeSection(_USE, 84)
        triggers = QAbstractItemView.EditTrigger
        self.table.setEditTriggers(
            triggers.DoubleClicked | triggers.EditKeyPressed | triggers.AnyKeyPressed
        )
        self._uses = _UseEditor(self)
        self.table.setItemDelegateForColumn(_USE, self._uses)
        self.table.cellClicked.connect(self._on_click)
        self.table.itemChanged.connect(self._on_item)
        self.table.currentCellChanged.connect(self._on_current)
        for delegate in (self._uses, self.table.itemDelegate()):
            delegate.closeEditor.connect(self._on_editor_closed)
        self.about = StatusLine()
        add_parts(column_of(self), self.note, self.table, self.about)

    def forget(self) -> None:
        """Forget what was chosen for the files of another scan."""
        self.names, self.mask = {}, ""
        self._not_shown.clear()

    @property
    def context(self) -> list[str]:
        """The images that are shown beside the maps."""
        return [row.file for row in self.rows if row.is_image and row.use == CONTEXT]

    @property
    def n_open(self) -> int:
        """Number of rows about which the user has to decide."""
        return sum(row.is_open for row in self.rows)

    def offer(self, rows: Sequence[FileRow], told: Mapping[str, str], mask: str = "") -> None:
        """Show these rows; while the user types in a cell, when he has finished."""
        self.names, self.mask = dict(told), mask
        if self.table.state() == QAbstractItemView.State.EditingState:
            self._waiting = rows
            return
        self._show(rows)

    def choose(self, row: int, use: Use) -> None:
        """Use a file as something else."""
        file = self.rows[row].file
        was_mask = self.mask == file
        if was_mask:
            self.mask = ""
        if use == MASK:
            self.mask = file
            self.changed.emit()
        elif use == ELEMENT:
            typed = self._text(row, _ELEMENT)
            if typed:
                self.tell(row, typed)
            elif self.names.get(file, "").strip():
                self._tell(file, BY_NAME)
            else:
                self._mark(row, self.rows[row].use)
                self.about.warning(f"{self.rows[row].file}: type its element.")
                self.table.setCurrentCell(row, _ELEMENT)
                self.table.editItem(self.table.item(row, _ELEMENT))
        elif self.rows[row].is_image:  # it is shown or not; nothing is read again
            (self._not_shown.add if use == LEAVE_OUT else self._not_shown.discard)(file)
            self._mark(row, use)
            if was_mask:
                self.changed.emit()
        elif use == CONTEXT:
            self._tell(file, AS_CONTEXT)
        elif not was_mask:
            self._tell(file, "-")
        else:
            self.changed.emit()

    def tell(self, row: int, element: str) -> None:
        """Take what was typed for a file; an empty text goes back to the file's own name."""
        typed = " ".join(element.split()) or BY_NAME
        if not is_element_or_word(typed):
            item = self.table.item(row, _ELEMENT)
            self._quietly(lambda: item.setBackground(QBrush(_WRONG)))
            self.about.error(
                f"{typed!r} is no element: type a symbol such as Fe, perhaps with its line (Fe "
                "Ka), or an oxide (SiO2)."
            )
            return
        self._tell(self.rows[row].file, typed)

    def _tell(self, file: str, text: str) -> None:
        self.names[file] = text
        self.changed.emit()

    def _show(self, rows: Sequence[FileRow]) -> None:
        self._waiting = None
        self.rows = [
            replace(row, use=LEAVE_OUT) if row.is_image and row.file in self._not_shown else row
            for row in rows
        ]
        self._quietly(self._fill)
        n = self.n_open
        self.note.setVisible(bool(n))
        if n:
            self.note.warning(f"{counted(n, 'map')} without an element in the name: type it here.")
        self.about.plain("")

    def _fill(self) -> None:
        self.table.setRowCount(len(self.rows))
        for number, row in enumerate(self.rows):
            sign = _SIGN if row.is_open or len(row.words) > 2 else ""
            cells = (sign + row.file, row.element, row.use)
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip("<br>".join(escape(one) for one in (row.file, *row.words)))
                if column == _FILE or (column == _ELEMENT and ELEMENT not in row.uses):
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                if row.is_open and column != _FILE:
                    item.setBackground(QBrush(_OPEN))
                self.table.setItem(number, column, item)
        shown = min(max(len(self.rows), _FEWEST_ROWS_SEEN), _MOST_ROWS_SEEN)
        self.table.setFixedHeight((shown + 1) * _ROW_HEIGHT + 8)

    def _mark(self, row: int, use: Use) -> None:
        """Show another use of a row."""
        self.rows[row] = replace(self.rows[row], use=use)
        self._quietly(lambda: self.table.item(row, _USE).setText(use))

    def _quietly(self, action: Any) -> None:
        self.table.blockSignals(True)
        try:
            action()
        finally:
            self.table.blockSignals(False)

    def _on_click(self, row: int, column: int) -> None:
        if column == _USE:
            self.table.editItem(self.table.item(row, _USE))

    def _on_item(self, item: QTableWidgetItem) -> None:
        row, text = item.row(), item.text()
        if item.column() == _USE:
            if text != self.rows[row].use:
                self.choose(row, text)
        elif item.column() == _ELEMENT and text.strip() != self.rows[row].element:
            self.tell(row, text)

    def _on_editor_closed(self, *_: Any) -> None:
        if self._waiting is not None:
            self._show(self._waiting)

    def _on_current(self, row: int, *_: int) -> None:
        if 0 <= row < len(self.rows):
            self.about.plain(" · ".join((self.rows[row].file, *self.rows[row].words)))

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return "" if item is None else " ".join(item.text().split())
