"""The list of clusters: colour, name, role and size of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qtpy.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_mineral_anomaly.window.clusters.figures import Rgba, qcolor

_COLUMNS = ("", "Cluster", "Role", "Pixels", "Share")
COLOUR, NAME, ROLE = 0, 1, 2


class ClusterTable(QTableWidget):
    """A few dozen rows; the user edits the names in their cells."""

    renamed = Signal(int, str)  # code, name

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.setHorizontalHeaderLabels(_COLUMNS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setToolTip(
            "Double-click a name to type the phase, and a colour or a role to change it. The "
            "detector learns from background clusters only."
        )
        self.verticalHeader().hide()
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(150)
        head = self.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.itemChanged.connect(self._on_item)

    def show_clusters(
        self, lines: Sequence[Mapping[str, Any]], colours: Mapping[int, Rgba]
    ) -> None:
        """Fill the table without a signal; the selection stays on its clusters.

        Parameters
        ----------
        lines : sequence of mapping
            The rows of `cluster_signatures`.
        colours : mapping of int to (r, g, b, a)
        """
        chosen = self.selected_codes()
        self.blockSignals(True)
        self.setRowCount(len(lines))
        for r, line in enumerate(lines):
            code = int(line["code"])
            cells = (
                "",
                str(line["name"]),
                "background" if line["is_background"] else "anomaly",
                f"{line['n_px']:,}",
                _percent(float(line["share"])),
            )
            for c, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, code)
                if c != NAME:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                if c == COLOUR:
                    item.setBackground(qcolor(colours[code]))
                self.setItem(r, c, item)
        self.select_codes(chosen)
        self.blockSignals(False)

    def code(self, row: int) -> int:
        """The code of the cluster in a row."""
        return int(self.item(row, COLOUR).data(Qt.ItemDataRole.UserRole))

    def selected_codes(self) -> list[int]:
        """Codes of the selected clusters."""
        return [self.code(r) for r in sorted(i.row() for i in self.selectionModel().selectedRows())]

    def select_codes(self, codes: Iterable[int]) -> None:
        """Select clusters by their codes, with one signal for all."""
        wanted = set(codes)
        chosen = QItemSelection()
        for row in range(self.rowCount()):
            if self.code(row) in wanted:
                first, last = (self.model().index(row, c) for c in (0, len(_COLUMNS) - 1))
                chosen.select(first, last)
        replace = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().select(chosen, replace)

    def _on_item(self, item: QTableWidgetItem) -> None:
        name = item.text().strip()
        if item.column() == NAME and name:
            self.renamed.emit(int(item.data(Qt.ItemDataRole.UserRole)), name)


def _percent(share: float) -> str:
    """Two digits are enough, and leave room for the name: "27 %", "8.6 %", "0.024 %"."""
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"
