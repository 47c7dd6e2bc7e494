"""The sections of a batch, and how far each is."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_mineral_anomaly.runs.batch.rows import FAILED, SectionRow

_TITLES = ("Section", "State", "Grains", "Minerals, or why not")


class BatchTable(QTreeWidget):
    """One line for each section; the sentence of a failed one is its tooltip too."""

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(_TITLES)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.setMinimumHeight(140)
        self.setToolTip("Double-click a finished section to open it in this window.")
        header = self.header()
        for column in range(3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._rows: dict[str, SectionRow] = {}

    @property
    def chosen(self) -> SectionRow | None:
        """The section of the current line."""
        item = self.currentItem()
        return None if item is None else self._rows.get(item.text(0))

    @property
    def chosen_rows(self) -> list[SectionRow]:
        """The sections of all chosen lines."""
        names = [item.text(0) for item in self.selectedItems()]
        return [self._rows[name] for name in names if name in self._rows]

    def choose(self, section: str) -> None:
        """Make the line of a section the current one."""
        self.setCurrentItem(self._items[section])

    def texts(self) -> list[tuple[str, ...]]:
        """The lines as they are shown."""
        items = [self.topLevelItem(k) for k in range(self.topLevelItemCount())]
        return [tuple(item.text(column) for column in range(len(_TITLES))) for item in items]

    def show_rows(self, rows: Sequence[SectionRow]) -> None:
        """Show these sections."""
        if [row.section for row in rows] != list(self._rows):
            self.clear()
            self._items = {}
        self._rows = {row.section: row for row in rows}
        for row in rows:
            item = self._items.get(row.section)
            if item is None:
                item = self._items[row.section] = QTreeWidgetItem(["", "", "", ""])
                item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight)
                self.addTopLevelItem(item)
            said = row.failure if row.state == FAILED else row.minerals
            grains = "" if row.grains is None else f"{row.grains:,}"
            for column, text in enumerate((row.section, row.state, grains, said)):
                if item.text(column) != text:
                    item.setText(column, text)
            item.setToolTip(0, row.source)
            item.setToolTip(3, said)
