"""What saving and opening ask the user; tests give answers of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol
from weakref import ref

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

Closing = Literal["save", "close", "stay"]


class Asker(Protocol):
    """Who answers."""

    def where_are_the_maps(self, sentence: str) -> Path | None:
        """The folder of maps that were moved; None to go on without them."""

    def resume(self, names: str) -> bool:
        """Whether to open the projects of a window that was killed."""

    def before_closing(self, sentence: str) -> Closing:
        """What to do with work that has no place yet."""

    def end_run(self, sentence: str) -> bool:
        """Whether to close the window though a run is not finished."""

    def place_for_project(self, name: str) -> Path | None:
        """The folder to save a project in; None for none."""


class DialogAsker:
    """Asks in dialogs above the window that `attach` was given."""

    def __init__(self) -> None:
        self._window: Callable[[], QWidget | None] = _no_window

    def attach(self, window: QWidget) -> None:
        """Ask above this window; it is not kept alive."""
        self._window = ref(window)

    @property
    def parent(self) -> QWidget | None:
        """The window, while it is there."""
        return self._window()

    def where_are_the_maps(self, sentence: str) -> Path | None:
        """Ask for a folder, after a question whether to look for one."""
        box = QMessageBox(self.parent)
        box.setWindowTitle("Where are the maps?")
        box.setText(sentence)
        choose = box.addButton("Choose their folder…", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Open without maps", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        if box.clickedButton() is not choose:
            return None
        folder = QFileDialog.getExistingDirectory(self.parent, "Folder of the maps")
        return Path(folder) if folder else None

    def resume(self, names: str) -> bool:
        """Ask whether to go on with the work of a window that did not close."""
        text = (
            f"napari ended without closing {names}. Nothing older than a few seconds is lost. "
            "Open it again?"
        )
        yes = QMessageBox.StandardButton.Yes
        answer = QMessageBox.question(
            self.parent, "Go on with the last work?", text, yes | QMessageBox.StandardButton.No
        )
        return bool(answer == yes)

    def before_closing(self, sentence: str) -> Closing:
        """Ask whether to save, to close or to stay."""
        box = QMessageBox(self.parent)
        box.setWindowTitle("Close napari?")
        box.setText(sentence)
        save = box.addButton("Save project as…", QMessageBox.ButtonRole.AcceptRole)
        close = box.addButton("Close", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        chosen = box.clickedButton()
        return "save" if chosen is save else "close" if chosen is close else "stay"

    def end_run(self, sentence: str) -> bool:
        """Ask whether to give a run up."""
        box = QMessageBox(self.parent)
        box.setWindowTitle("Close napari?")
        box.setText(sentence)
        end = box.addButton("Stop it and close", QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton("Stay", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.exec()
        return box.clickedButton() is end

    def place_for_project(self, name: str) -> Path | None:
        """Ask for the name of a new folder."""
        path, _ = QFileDialog.getSaveFileName(
            self.parent, "New folder for the project", f"{name} project", "Project folder (*)"
        )
        return Path(path) if path else None


def _no_window() -> QWidget | None:
    return None
