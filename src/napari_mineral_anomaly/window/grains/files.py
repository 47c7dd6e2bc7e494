"""The files of the grain table: the list as CSV, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton

from napari_mineral_anomaly.grains.verdicts.book import VerdictBook
from napari_mineral_anomaly.grains.verdicts.files import load_verdicts, save_verdicts
from napari_mineral_anomaly.grains.verdicts.returned import (
    holds_returned_verdicts,
    read_returned_verdicts,
    with_returned,
)
from napari_mineral_anomaly.io.spreadsheets import DIALECTS, PLAIN, Dialect
from napari_mineral_anomaly.io.writing.tables import write_table
from napari_mineral_anomaly.window.grains.board import GrainBoard
from napari_mineral_anomaly.window.grains.model import GrainTableModel
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.words import counted

T = TypeVar("T")


def _verdicts_in(
    path: Path, labels: NDArray[Any], present: VerdictBook | None
) -> tuple[VerdictBook, str]:
    """The verdicts of a file, in words too; a list of the SEM adds to those that there are."""
    height, width = labels.shape
    if holds_returned_verdicts(path):
        returned = read_returned_verdicts(path, labels)
        book = VerdictBook((height, width)) if present is None else present
        return with_returned(book, returned, labels), returned.sentence
    book = load_verdicts(path, (height, width))
    return book, f"{counted(len(book.verdicts), 'verdict')} taken over."


_VERDICT_FILES = "Verdicts (*.json *.csv)"


class GrainFiles(QPushButton):
    """A button with a menu: save the rows, save the verdicts, open saved verdicts."""

    def __init__(
        self,
        panel: Panel,
        board: GrainBoard,
        model: GrainTableModel,
        is_complete: Callable[[], bool],
    ) -> None:
        super().__init__("&Files")
        self._panel, self._board, self._model = panel, board, model
        self._is_complete = is_complete
        self.setToolTip("Save the list or your verdicts; open saved verdicts.")
        menu = QMenu(self)
        for text, tooltip, action in (
            (
                "Save the list as CSV…",
                "The rows that are shown, with all columns.",
                self._choose_csv,
            ),
            (
                "Save verdicts…",
                "Statuses and comments, with the pixels of their grains.",
                self._choose_save,
            ),
            (
                "Open verdicts…",
                "Go on with your own verdicts, or those of somebody else.",
                self._choose_open,
            ),
        ):
            entry = menu.addAction(text)
            entry.setToolTip(tooltip)
            entry.triggered.connect(action)
        menu.setToolTipsVisible(True)
        self.setMenu(menu)

    def save_csv(self, path: str | Path, dialect: Dialect = PLAIN) -> None:
        """Save the shown rows, in their order, with all columns of the table."""
        if not self._is_complete():
            return
        table = self._model.shown_table()

        def save() -> str:
            write_table(path, table, dialect)
            return f"{counted(len(table), 'grain')} in {path}."

        self._run("Saving the list", save, self._panel.status.good)

    def save_verdicts(self, path: str | Path) -> None:
        """Save all verdicts on the scan, also those on grains that are not listed now."""
        history, listing = self._board.history, self._board.listing
        if history is None or listing is None:
            self._panel.status.plain("There is no verdict to save yet.")
            return
        book, pixel_size = history.present, listing.result.pixel_size

        def save() -> str:
            save_verdicts(path, book, pixel_size)
            return f"{counted(len(book.verdicts), 'verdict')} in {path}."

        self._run("Saving the verdicts", save, self._panel.status.good)

    def open_verdicts(self, path: str | Path) -> None:
        """Replace the verdicts by those of a file; this can be undone."""
        listing = self._board.listing
        if listing is None:
            return
        labels, history = listing.labels, self._board.history
        present = None if history is None else history.present
        work = partial(_verdicts_in, Path(path), labels, present)
        self._run("Opening the verdicts", work, self._take)

    def _take(self, found: tuple[VerdictBook, str]) -> None:
        self._board.adopt(found[0], "open verdicts")
        self._panel.status.good(found[1])

    def _run(self, name: str, work: Callable[[], T], on_done: Callable[[T], None]) -> None:
        self._panel.jobs.run(name, lambda task: work(), on_done, alongside=True)

    def _choose_csv(self) -> None:
        if not self._is_complete():
            return
        filters = {f"CSV for {dialect.title} (*.csv)": dialect for dialect in DIALECTS.values()}
        path, chosen = QFileDialog.getSaveFileName(
            self, "Save the list", "grains.csv", ";;".join(filters)
        )
        if path:
            self.save_csv(path, filters.get(chosen, PLAIN))

    def _choose_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the verdicts", "verdicts.json", _VERDICT_FILES
        )
        if path:
            self.save_verdicts(path)

    def _choose_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open verdicts", "", "Verdicts (*.json *.csv *.xlsx)"
        )
        if path:
            self.open_verdicts(path)
