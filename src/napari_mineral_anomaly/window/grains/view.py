"""The view of the grain table: rows to choose, two columns to edit, columns to show or hide."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QItemSelectionModel, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QMenu,
    QStyledItemDelegate,
    QTableView,
)

from napari_mineral_anomaly.grains.columns import STATUS
from napari_mineral_anomaly.grains.verdicts.book import STATUSES
from napari_mineral_anomaly.window.grains.model import GrainTableModel

# The header and one or two rows.
_LEAST_HEIGHT = 60
# Letters from which on a text is long: such columns take the width that is left.
_LONG = 16


class StatusDelegate(QStyledItemDelegate):
    """Edits a status with a list of all statuses."""

    def createEditor(self, parent: Any, option: Any, index: Any) -> Any:
        """A list that opens at once: two clicks instead of three."""
        combo = QComboBox(parent)
        combo.addItems(STATUSES)
        combo.activated.connect(lambda: self._finish(combo))
        return combo

    def setEditorData(self, editor: Any, index: Any) -> None:
        """Start with the present status of the grain."""
        editor.setCurrentText(index.data(Qt.ItemDataRole.EditRole))
        editor.showPopup()

    def setModelData(self, editor: Any, model: Any, index: Any) -> None:
        """Ask the model to set the chosen status."""
        model.setData(index, editor.currentText(), Qt.ItemDataRole.EditRole)

    def _finish(self, combo: QComboBox) -> None:
        self.commitData.emit(combo)
        self.closeEditor.emit(combo)


class GrainView(QTableView):
    """The rows of the table; no row holds a widget, so thousands of rows are fast."""

    grain_chosen = Signal(int)

    def __init__(self, model: GrainTableModel) -> None:
        super().__init__()
        self.model_ = model
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table, as it leaves any other control
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(_LEAST_HEIGHT)
        # All rows have one height, so Qt need not measure cells to find a row.
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        columns = self.horizontalHeader()
        columns.setSectionsMovable(True)
        columns.setHighlightSections(False)
        columns.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # the list comes worst first
        self.setSortingEnabled(True)
        columns.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        columns.customContextMenuRequested.connect(
            lambda at: self.columns_menu().exec(columns.mapToGlobal(at))
        )
        self._titles: tuple[str, ...] = ()
        # Width that each column needs, and the one that it was given.
        self._needed: dict[int, int] = {}
        self._given: dict[int, int] = {}
        self.selectionModel().currentRowChanged.connect(self._on_current)
        model.modelReset.connect(self._fit_columns)
        self._following = False

    def sizeHint(self) -> QSize:
        """Low: with Qt's default, a low dock would hide what is below the table."""
        return QSize(super().sizeHint().width(), _LEAST_HEIGHT)

    def paintEvent(self, event: Any) -> None:
        """The rows, and the threshold as a line between them."""
        super().paintEvent(event)
        row, inks = self.model_.threshold_row, self.model_.inks
        if row is None or inks is None:
            return
        y = self.rowViewportPosition(row)
        painter = QPainter(self.viewport())
        painter.setPen(QPen(QColor(inks.over), 2))
        painter.drawLine(0, y, self.viewport().width(), y)
        painter.end()

    def selected_grains(self) -> list[int]:
        """Ids of the selected grains, in the order of the rows."""
        return self.model_.grains_at(self._selected_rows())

    def show_grain(self, grain: int | None) -> bool:
        """Select the row of a grain without `grain_chosen`; False if the row is hidden."""
        row = None if grain is None else self.model_.row_of(grain)
        selection = self.selectionModel()
        if row is None:
            if grain is None:
                selection.clear()
            return False
        if selection.currentIndex().row() != row or not selection.isRowSelected(row):
            self._following = True
            self._select(row, max(self.columnAt(0), 0))
            self._following = False
        return True

    def select_grain(self, grain: int, *, add: bool = False) -> None:
        """Select the row of a grain as a click does; ``add``: as one with Ctrl."""
        row = self.model_.row_of(grain)
        if row is None:
            return
        if not add:
            self._select(row, 0)
            return
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(self.model_.index(row, 0), flags.Select | flags.Rows)

    def choose_next(self) -> None:
        """Choose the next row; the last one stays."""
        # Without a current row Qt gives -1: the first row is next.
        row = self.selectionModel().currentIndex().row() + 1
        if self.model_.rowCount():
            self._select(min(row, self.model_.rowCount() - 1), 0)

    def _select(self, row: int, column: int) -> None:
        index = self.model_.index(row, column)
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.scrollTo(index)

    def rows_to_copy(self) -> list[int]:
        """The selected rows; all rows if none is selected."""
        return self._selected_rows() or list(range(self.model_.rowCount()))

    def columns_menu(self) -> QMenu:
        """The menu that shows and hides columns."""
        menu = QMenu(self)
        for k, column in enumerate(self.model_.columns):
            action = menu.addAction(column.window.title)
            action.setCheckable(True)
            action.setChecked(not self.isColumnHidden(k))
            action.setToolTip(column.tooltip)
            action.toggled.connect(lambda shown, k=k: self.setColumnHidden(k, not shown))
        menu.setToolTipsVisible(True)
        return menu

    def _selected_rows(self) -> list[int]:
        # Qt's selectedRows asks row by row, which takes seconds for thousands of rows.
        ranges = self.selectionModel().selection()
        return sorted({row for r in ranges for row in range(r.top(), r.bottom() + 1)})

    def shown_columns(self) -> list[int]:
        """The columns that are shown, from left to right."""
        header = self.horizontalHeader()
        order = sorted(range(len(self.model_.columns)), key=header.visualIndex)
        return [k for k in order if not self.isColumnHidden(k)]

    def _fit_columns(self) -> None:
        titles = tuple(column.window.title for column in self.model_.columns)
        if titles == self._titles:
            return  # widths and order that the user set stay
        self._titles, self._needed, self._given = titles, {}, {}
        keys = {column.key for column in self.model_.columns}
        letter = self.fontMetrics().averageCharWidth()
        for k, column in enumerate(self.model_.columns):
            heading = self.fontMetrics().horizontalAdvance(column.window.title) + 28
            self._needed[k] = self._given[k] = max(heading, letter * column.window.width + 12)
            self.setColumnWidth(k, self._needed[k])
            self.setColumnHidden(k, column.is_hidden(keys))
            if column.key == STATUS:
                self.setItemDelegateForColumn(k, StatusDelegate(self))
        self._share_free_width()

    def _share_free_width(self) -> None:
        """Give the width that is left to long texts, unless the user set their width."""
        columns = self.model_.columns
        if len(self._needed) != len(columns):
            return  # a list of other columns is on its way
        shown = [k for k in self._needed if not self.isColumnHidden(k)]
        long = [
            k
            for k in shown
            if columns[k].window.width >= _LONG and self.columnWidth(k) == self._given[k]
        ]
        others = sum(self.columnWidth(k) for k in shown if k not in long)
        free = self.viewport().width() - others - sum(self._needed[k] for k in long)
        for k in long:
            self._given[k] = self._needed[k] + max(0, free // len(long))
            self.setColumnWidth(k, self._given[k])

    def resizeEvent(self, event: Any) -> None:
        """A wide window shows long texts in full."""
        super().resizeEvent(event)
        self._share_free_width()

    def _on_current(self, current: Any, previous: Any) -> None:
        if current.isValid() and not self._following:
            self.grain_chosen.emit(self.model_.grain_at(current.row()))
