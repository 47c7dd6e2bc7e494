"""The table of the step *Open* in which the user tells the elements of maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_mineral_anomaly.scan.names.typed import typed_name
from napari_mineral_anomaly.scan.report import UndecidedMap, UsedMap
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    add_parts,
    column_of,
    push_button,
)
from napari_mineral_anomaly.words import counted, sizes

_FILE, _ELEMENT = 0, 1
_MOST_ROWS_SEEN = 6


def unnamed_planes(used: Sequence[UsedMap]) -> tuple[UndecidedMap, ...]:
    """The planes of a stack that are read under their number or another name than an element."""
    return tuple(
        UndecidedMap(
            file=f"{one.file}#{one.page}",
            shape=one.shape,
            dtype=one.dtype,
            why=f"read as {one.element}",
        )
        for one in used
        if one.page is not None and typed_name(one.element) is None
    )


class NameFields(QWidget):
    """A row per map without an element, and an empty one for any other file."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.note = StatusLine()
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["map", "element"])
        self.table.setToolTip(
            "Type the element: Fe, with its line Fe Ka, or an oxide SiO2. Type - to leave a map "
            "out, and auto to go back to the file's own name. In the last row you can type any "
            "other file whose name is wrong; a plane of a file is stack.tif#3."
        )
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(_FILE, QHeaderView.ResizeMode.Stretch)
        self.again_button = push_button(
            "Read with these names",
            "Read the scan again with these elements. They are kept for this folder.",
            self.wanted.emit,
        )
        add_parts(column_of(self), self.note, self.table, self.again_button)

    @property
    def names(self) -> dict[str, str]:
        """The typed elements by file; rows that are not complete are left out."""
        pairs = (
            (self._text(row, _FILE), self._text(row, _ELEMENT))
            for row in range(self.table.rowCount())
        )
        return {file: element for file, element in pairs if file and element}

    def offer(self, to_decide: Sequence[UndecidedMap], told: Mapping[str, str]) -> None:
        """Show the maps to decide about, and what was told before."""
        open_files = [one for one in to_decide if one.file not in told]
        rows = [(one.file, "", f"{sizes(one.shape)} pixels, {one.dtype}") for one in open_files]
        rows += [(file, element, "told by you") for file, element in told.items()]
        self.table.setRowCount(len(rows) + 1)
        for row, (file, element, tip) in enumerate([*rows, ("", "", "any other file")]):
            name = QTableWidgetItem(file)
            name.setToolTip(tip)
            if file:
                name.setFlags(name.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.table.setItem(row, _FILE, name)
            self.table.setItem(row, _ELEMENT, QTableWidgetItem(element))
        height = self.table.verticalHeader().defaultSectionSize()
        shown = min(self.table.rowCount(), _MOST_ROWS_SEEN) + 1
        self.table.setFixedHeight(shown * height + 8)
        self.note.plain(
            f"{counted(len(open_files), 'map')} without an element in the name: type it here."
            if open_files
            else "The elements that you told."
        )

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return "" if item is None else " ".join(item.text().split())
