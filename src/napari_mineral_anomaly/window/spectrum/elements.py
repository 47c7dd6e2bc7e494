"""The list of elements in the dock *Spectrum*: tick, add, remove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCompleter,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QWidget,
)

from napari_mineral_anomaly.scan.names.map_names import parse_names
from napari_mineral_anomaly.scan.names.periodic_table import SYMBOLS
from napari_mineral_anomaly.window.kit.controls import add_parts, column_of, push_button, row
from napari_mineral_anomaly.window.spectrum.plots import colour_of

_NAME = Qt.ItemDataRole.UserRole


class ElementList(QWidget):
    """Elements with check boxes. Lines of ticked elements are drawn; their maps can be made."""

    changed = Signal()
    chosen = Signal()
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setMinimumHeight(120)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.list.setToolTip(
            "Ticked elements are marked in the plot and become maps. Click a name to see all "
            "lines of that element."
        )
        self.list.itemChanged.connect(self._on_item)
        self.list.currentItemChanged.connect(lambda *_: self.chosen.emit())
        self.entry = QLineEdit()
        self.entry.setPlaceholderText("symbol, e.g. Zr or Pb La")
        self.entry.setToolTip("An element to add. You can name its line, too: Pb Ma.")
        completer = QCompleter(list(SYMBOLS))
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.entry.setCompleter(completer)
        self.entry.returnPressed.connect(self.add_typed)
        self.add_button = push_button("Add", "Add the element to the list.", self.add_typed)
        self.remove_button = push_button(
            "Remove", "Remove the chosen element from the list.", self.remove_chosen
        )
        buttons = row(self.entry, self.add_button, self.remove_button)
        add_parts(column_of(self), self.list, buttons)

    @property
    def names(self) -> list[str]:
        """All elements of the list."""
        return [str(item.data(_NAME)) for item in self._items()]

    @property
    def ticked(self) -> list[str]:
        """The ticked elements, in the order of the list."""
        ticked = (item for item in self._items() if item.checkState() == Qt.CheckState.Checked)
        return [str(item.data(_NAME)) for item in ticked]

    @property
    def current(self) -> str | None:
        """The element that was clicked."""
        item = self.list.currentItem()
        return None if item is None else str(item.data(_NAME))

    def fill(self, names: Sequence[str], ticked: Iterable[str]) -> None:
        """Show these elements."""
        on = set(ticked)
        with QSignalBlocker(self.list):
            self.list.clear()
            for name in names:
                self._append(name, name in on)
        self.changed.emit()

    def annotate(self, notes: Mapping[str, str]) -> None:
        """Write a note behind each name."""
        with QSignalBlocker(self.list):
            for item in self._items():
                name = str(item.data(_NAME))
                item.setText(f"{name}   {notes.get(name, '')}".rstrip())

    def tick(self, name: str, on: bool = True) -> None:
        """Tick or untick an element."""
        for item in self._items():
            if item.data(_NAME) == name:
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def follow(self, mapped: Sequence[str], before: Sequence[str]) -> None:
        """Tick elements that now have maps, untick those whose maps were removed.

        ``mapped`` are the elements of the scan now, ``before`` those it had earlier.
        """
        ticked = self.ticked
        symbols = {name.split()[0] for name in ticked}
        names = self.names
        # "Pb Ma" of the list gives a map called "Pb": the same element.
        new = [name for name in mapped if name not in before and name not in symbols]
        gone = [name for name in before if name not in mapped]
        if new or any(name in ticked for name in gone):
            names += [name for name in new if name not in names]
            self.fill(names, [*(name for name in ticked if name not in gone), *new])

    def add_typed(self) -> None:
        """Add what was typed, if it is an element."""
        typed = " ".join(self.entry.text().split())
        if not typed:
            return
        name = typed[:1].upper() + typed[1:]
        [parsed] = parse_names([name])
        if parsed.element is None or parsed.oxide is not None or name.split()[0] not in SYMBOLS:
            self.refused.emit(f"“{typed}” is not a chemical element: type a symbol such as Zr.")
            return
        self.entry.clear()
        if name in self.names:
            self.tick(name)
            return
        with QSignalBlocker(self.list):
            self._append(name, True)
        self.list.setCurrentRow(self.list.count() - 1)
        self.changed.emit()

    def remove_chosen(self) -> None:
        """Remove the clicked element from the list."""
        at = self.list.currentRow()
        if at >= 0:
            self.list.takeItem(at)
            self.changed.emit()

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(i) for i in range(self.list.count())]

    def _append(self, name: str, ticked: bool) -> None:
        item = QListWidgetItem(name)
        item.setData(_NAME, name)
        item.setForeground(QColor(colour_of(name)))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.list.addItem(item)

    def _on_item(self, item: QListWidgetItem) -> None:
        self.changed.emit()
