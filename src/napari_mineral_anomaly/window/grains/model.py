"""The grain table as Qt sees it: numpy sorts and filters the rows, cells are made when drawn.

Sorting and filtering are done here and not by Qt's proxy model, which asks Python to compare two
rows at a time: with 5 000 grains this stops the window for a tenth of a second per click.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QColor

from napari_mineral_anomaly.grains.cells import Cells, CopiedCells
from napari_mineral_anomaly.grains.columns import COMMENT, DETAIL_COLUMNS, STATUS, Column
from napari_mineral_anomaly.grains.search import GrainSearch
from napari_mineral_anomaly.window.grains.verdict_colours import verdict_colour
from napari_mineral_anomaly.window.kit.themes import Inks

_ROLE = Qt.ItemDataRole
_NO_INDEX = QModelIndex()
# Shown in cells that are not known yet.
_PENDING = "…"


class GrainTableModel(QAbstractTableModel):
    """Rows are grains in the shown order; `edited` asks for a change and does not make it.

    The `GrainBoard` keeps the verdicts, because they can be undone. An edited cell shows its new
    value after `show_verdicts`.
    """

    edited = Signal(int, str, str)  # grain id, column key, text

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = ()
        self._inks: Inks | None = None
        self._filter = ""
        self._sorted_by: tuple[int, Qt.SortOrder] | None = None
        self._search: GrainSearch | None = None
        self._search_is_old = False  # there are verdicts that the search does not know yet
        # Whether some columns are not known yet; files and clipboard wait for them.
        self.pending = False
        self._table = pd.DataFrame({"id": np.empty(0, dtype=np.int64)})
        self._ids: NDArray[Any] = self._table["id"].to_numpy()
        self._values: dict[str, list[Any]] = {}
        self._row_of_id: dict[int, int] = {}
        self._order: NDArray[np.intp] = np.arange(0)

    # What the dock sets

    def set_table(
        self,
        table: pd.DataFrame,
        search: GrainSearch | None = None,
        cells: Cells | None = None,
        *,
        pending: bool = False,
    ) -> None:
        """Show another table; filter and sorting stay.

        Parameters
        ----------
        table : DataFrame
        search, cells : optional
            Of that table, if a worker made them.
        pending : bool
            The `DETAIL_COLUMNS` are not known yet (`fill_details`). Until then they show "…", and
            the filter waits, because its words may be in them.
        """
        self.beginResetModel()
        self._fill(table, search, Cells.of(table) if cells is None else cells)
        self.pending = pending
        self._order = self._arranged()
        self.endResetModel()

    def clear(self) -> None:
        """Show no row; the columns stay."""
        self.set_table(self._table.iloc[:0])

    def fill_details(self, table: pd.DataFrame, search: GrainSearch, cells: Cells) -> None:
        """Add the `DETAIL_COLUMNS` to the table; verdicts that came meanwhile stay."""
        verdicts = {key: self._values[key] for key in (STATUS, COMMENT)}
        self._fill(table, search, cells)
        self._values |= verdicts
        self._search_is_old = True
        self.pending = False
        self._rearrange()
        self._all_changed()

    def set_inks(self, inks: Inks) -> None:
        """Colours of the theme."""
        self._inks = inks
        self._all_changed()

    def set_filter(self, text: str) -> None:
        """Show the grains that `GrainSearch.matches` finds."""
        self._filter = text
        self._rearrange()

    def show_verdicts(self, changed: dict[int, tuple[str, str]]) -> None:
        """Statuses and comments by grain id."""
        for grain, (status, comment) in changed.items():
            row = self._row_of_id.get(grain)
            if row is not None:
                self._values[STATUS][row] = status
                self._values[COMMENT][row] = comment
        self._search_is_old = True
        self._all_changed()

    def _fill(self, table: pd.DataFrame, search: GrainSearch | None, cells: Cells) -> None:
        self._table = table
        self._search = search
        self._search_is_old = False
        self.columns = cells.columns
        # A copy: verdicts are changed in place, and others hold the list too.
        own = {key: list(cells.values[key]) for key in (STATUS, COMMENT) if key in cells.values}
        self._values = cells.values | own
        self._ids = table["id"].to_numpy()
        self._row_of_id = cells.row_of_id

    # What the dock reads

    @property
    def n_all(self) -> int:
        """Number of grains, also of those that the filter hides."""
        return len(self._table)

    @property
    def threshold_row(self) -> int | None:
        """The first shown row below the threshold; None where it does not part the rows in two."""
        above = self._values.get("above_threshold", [])
        shown = np.array([above[row] for row in self._order], dtype=bool)
        first = int(np.count_nonzero(shown))
        return first if first < shown.size and not shown[first:].any() else None

    @property
    def inks(self) -> Inks | None:
        """Colours of the theme."""
        return self._inks

    def grain_at(self, shown_row: int) -> int:
        """Id of the grain in a row."""
        return int(self._ids[self._order[shown_row]])

    def grains_at(self, shown_rows: Sequence[int]) -> list[int]:
        """Ids of the grains in some rows."""
        ids: list[int] = self._ids[self._order[np.asarray(shown_rows, dtype=np.intp)]].tolist()
        return ids

    def row_of(self, grain: int) -> int | None:
        """Row that shows a grain; None if it is hidden or not in the table."""
        row = self._row_of_id.get(grain)
        if row is None:
            return None
        found = np.flatnonzero(self._order == row)
        return int(found[0]) if found.size else None

    def copied_cells(self, shown_rows: Iterable[int], columns: Sequence[int]) -> CopiedCells:
        """Some cells as they are now, as plain values that a worker may hold."""
        rows = [int(self._order[shown]) for shown in shown_rows]
        values = {key: list(of_all_rows) for key, of_all_rows in self._values.items()}
        return CopiedCells([self.columns[k] for k in columns], values, rows)

    def shown_table(self) -> pd.DataFrame:
        """The rows as shown: the numbers of the table and the present verdicts."""
        table = self._current_table()
        return table.iloc[self._order].reset_index(drop=True)

    # What Qt reads

    def rowCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Grains that are shown."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Columns that the table has."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Any, role: int = _ROLE.DisplayRole) -> Any:
        """Titles and tooltips of columns; rows have no number, ``rank`` is a column."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        return {_ROLE.DisplayRole: column.window.title, _ROLE.ToolTipRole: column.tooltip}.get(role)

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """One cell."""
        if not index.isValid():
            return None
        column = self.columns[index.column()]
        if role in (_ROLE.DisplayRole, _ROLE.EditRole, _ROLE.ToolTipRole):
            if self.pending and column.key in DETAIL_COLUMNS:
                return _PENDING
            text = column.text(self._row(int(self._order[index.row()])))
            return text if text or role != _ROLE.ToolTipRole else None
        if role == _ROLE.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == _ROLE.ForegroundRole and self._inks is not None:
            above = self._values["above_threshold"][self._order[index.row()]]
            return None if above else QColor(self._inks.scan)
        if role == _ROLE.DecorationRole and column.key == STATUS:
            colour = verdict_colour(str(self._values[STATUS][self._order[index.row()]]))
            return QColor(colour) if colour else None
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Status and comment can be edited."""
        flags = super().flags(index)
        if index.isValid() and self.columns[index.column()].key in (STATUS, COMMENT):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole) -> bool:
        """Ask for a new status or comment."""
        if role != _ROLE.EditRole or not index.isValid():
            return False
        key = self.columns[index.column()].key
        if str(value) != self.data(index):
            self.edited.emit(self.grain_at(index.row()), key, str(value))
        return True

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; equal cells stay in the order of the table, empty cells come last."""
        self._sorted_by = (column, order) if 0 <= column < len(self.columns) else None
        self._rearrange()

    # Arranging

    def _row(self, row: int) -> dict[str, Any]:
        return {key: values[row] for key, values in self._values.items()}

    def _current_table(self) -> pd.DataFrame:
        new = {key: self._values[key] for key in (STATUS, COMMENT) if key in self._values}
        return self._table.assign(**new)

    def _arranged(self) -> NDArray[np.intp]:
        order = np.arange(len(self._table))
        if self._sorted_by is not None and self._sorted_by[0] < len(self.columns):
            number, direction = self._sorted_by
            order = self._sorted(self.columns[number], direction == Qt.SortOrder.DescendingOrder)
        if self._filter.strip() and not self.pending:
            if self._search is None:
                self._search = GrainSearch(self._current_table())
            elif self._search_is_old:
                self._search = self._search.with_verdicts_of(self._current_table())
            self._search_is_old = False
            order = order[self._search.matches(self._filter)[order]]
        return order

    def _sorted(self, column: Column, falling: bool) -> NDArray[np.intp]:
        values = pd.Series(self._values[column.keys[0]])
        if values.dtype.kind not in "biuf":
            values = values.fillna("").astype(str).str.casefold().replace("", None)
        rank = values.rank(method="dense", ascending=not falling, na_option="bottom")
        return np.argsort(rank.to_numpy(), kind="stable")

    def _rearrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows = [int(self._order[index.row()]) for index in before]
        self._order = self._arranged()
        place = {int(row): shown for shown, row in enumerate(self._order)}
        after = [
            self.index(place[row], index.column()) if row in place else QModelIndex()
            for row, index in zip(rows, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _all_changed(self) -> None:
        if len(self._order):
            last = self.index(len(self._order) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
