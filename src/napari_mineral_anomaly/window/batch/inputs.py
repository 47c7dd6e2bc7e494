"""The list of scans and folders that a batch gets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QListWidget


class InputList(QListWidget):
    """Paths of scans, and of folders that hold scans; files and folders may be dropped on it."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setMinimumHeight(60)
        self.setMaximumHeight(84)
        self.setToolTip(
            "Scans, and folders that hold scans: each scan is a section. Drop folders and files "
            "here."
        )

    @property
    def paths(self) -> list[Path]:
        """The paths, in their order."""
        return [Path(self.item(k).text()) for k in range(self.count())]

    def add(self, paths: Iterable[Path]) -> None:
        """Add paths that are not in the list yet."""
        known = set(self.paths)
        new = [path for path in dict.fromkeys(paths) if path not in known]
        self.addItems([str(path) for path in new])
        if new:
            self.changed.emit()

    def remove_chosen(self) -> None:
        """Take the chosen paths out of the list."""
        for item in self.selectedItems():
            self.takeItem(self.row(item))
        self.changed.emit()

    def dragEnterEvent(self, event: Any) -> None:
        """Take files."""
        self._take(event)

    def dragMoveEvent(self, event: Any) -> None:
        """Take files."""
        self._take(event)

    def dropEvent(self, event: Any) -> None:
        """Add what was dropped."""
        urls = event.mimeData().urls()
        self.add([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
        event.acceptProposedAction()

    def _take(self, event: Any) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
        else:
            event.ignore()
