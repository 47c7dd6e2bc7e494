"""What the grain docks of one viewer share: the list, the chosen grain, verdicts and edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from psygnal import Signal

from napari_mineral_anomaly.grains.editing.steps import EditStep
from napari_mineral_anomaly.grains.verdicts.book import History, Verdict, VerdictBook
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer

_boards: PerViewer[GrainBoard] = PerViewer(lambda _: GrainBoard())


def board_of(viewer: Any) -> GrainBoard:
    """The board of a viewer, made when first asked for."""
    return _boards.of(viewer)


class GrainBoard:
    """The list that is shown, the chosen grain, and the verdicts.

    Verdicts belong to pixels of the scan, not to a list. So they stay with their grains when the
    threshold moves or another detector scores the same scan.
    """

    listed = Signal()
    completed = Signal()
    chosen = Signal()
    decided = Signal()
    edited = Signal()  # the list must be made again

    def __init__(self) -> None:
        self.listing: GrainListing | None = None
        self.grain: int | None = None
        self._books: dict[str, History[VerdictBook]] = {}
        self._found: dict[int, Verdict] | None = None
        # A pixel (flat position) of the grain to choose in the next list.
        self._next_choice: int | None = None
        self.cluster_names: dict[str, dict[int, str]] = {}
        # Set by the dock that shows the list, because it orders the rows.
        self.next_grain: Callable[[], None] = nothing

    def set_listing(self, listing: GrainListing | None) -> None:
        """Show another list; the choice stays if its first pixel is still in a grain."""
        kept = None
        if listing is not None and self.listing is not None and self.grain is not None:
            same = self.listing.labels.shape == listing.labels.shape
            kept = listing.grain_at(*self.listing.pixel_of(self.grain)) if same else None
        if listing is not None and self._next_choice is not None:
            kept = int(listing.labels.reshape(-1)[self._next_choice]) or kept
            self._next_choice = None
        self.listing, self.grain, self._found = listing, kept or None, None
        self.listed.emit()
        self.chosen.emit()

    def add_details(self, listing: GrainListing) -> None:
        """Replace the shown list by the same list with its details."""
        self.listing = listing
        self.completed.emit()

    def choose(self, grain: int | None) -> None:
        """Choose another grain."""
        if grain != self.grain:
            self.grain = grain
            self.chosen.emit()

    def book(self, scan_id: str) -> VerdictBook | None:
        """The verdicts on the grains of a scan; None if there are none yet."""
        history = self._books.get(scan_id)
        return None if history is None else history.present

    def history_of(self, scan_id: str) -> History[VerdictBook] | None:
        """The verdicts on a scan with all their steps; None if there are none yet."""
        return self._books.get(scan_id)

    def restore(self, scan_id: str, history: History[VerdictBook]) -> None:
        """Take over the verdicts of a saved project."""
        self._books[scan_id] = history
        self._changed()
        if history.present.edits:
            self.edited.emit()

    def edit(self, step: EditStep) -> None:
        """Take over an edit of the listed grains, with the verdicts that follow it."""
        if self.listing is None:
            return
        history = self._history(self.listing)
        self._next_choice = step.pixel
        self._books[self.listing.scan_id] = history.push(step.book, step.text)
        self._changed()
        self.edited.emit()

    def decide(
        self, grains: Sequence[int], *, status: str | None = None, comment: str | None = None
    ) -> None:
        """Give a verdict on grains of the list; None keeps the status or the comment."""
        if self.listing is None or not grains:
            return
        history = self._history(self.listing)
        known = self._known()
        book = history.present.decide(
            self.listing.labels,
            grains,
            status=status,
            comment=comment,
            known=known,
            # As the worker made them: sorting millions of pixels here would stop the window.
            pixels=self.listing.grains.pixels_by_id,
        )
        what = "comment" if status is None else status
        many = f"{len(grains)} grains" if len(grains) > 1 else "1 grain"
        self._books[self.listing.scan_id] = history.push(book, f"{what}, {many}")
        # A new verdict covers its grain entirely, so it is the one that counts there.
        new = book.verdicts[len(book.verdicts) - len(grains) :]
        self._found = known | dict(zip(grains, new, strict=True))
        self.decided.emit()

    def adopt(self, book: VerdictBook, text: str) -> None:
        """Replace all verdicts, by those of a file for example; this can be undone."""
        if self.listing is not None:
            self.adopt_for(self.listing.scan_id, book, text)

    def adopt_for(self, scan_id: str, book: VerdictBook, text: str) -> None:
        """The same for a scan that may not be listed; edits of grains stay where it has none."""
        history = self._books.get(scan_id)
        if history is None or history.present.shape != book.shape:
            history = History(VerdictBook(book.shape))
        if not book.edits:
            book = replace(book, edits=history.present.edits)
        self._books[scan_id] = history.push(book, text)
        self._changed()
        if book.edits is not history.present.edits:
            self.edited.emit()

    def undo(self) -> None:
        """Undo the last verdict or edit of grains."""
        self._step(History.undo)

    def redo(self) -> None:
        """Redo what was undone."""
        self._step(History.redo)

    @property
    def history(self) -> History[VerdictBook] | None:
        """The verdicts on the listed scan, with undo and redo."""
        return None if self.listing is None else self._books.get(self.listing.scan_id)

    def verdicts(self) -> dict[int, tuple[str, str]]:
        """Status and comment of the listed grains that have a verdict."""
        return {grain: (one.status, one.comment) for grain, one in self._known().items()}

    def _known(self) -> dict[int, Verdict]:
        """The verdict of each listed grain that has one; found once for all docks."""
        history = self.history
        if self.listing is None or history is None:
            return {}
        if self._found is None:
            self._found = history.present.of_grains(self.listing.labels)
        return self._found

    def _changed(self) -> None:
        self._found = None
        self.decided.emit()

    def _history(self, listing: GrainListing) -> History[VerdictBook]:
        history = self._books.get(listing.scan_id)
        if history is None or history.present.shape != listing.labels.shape:
            history = History(VerdictBook(listing.labels.shape))
            self._books[listing.scan_id] = history
        return history

    def _step(self, change: Callable[[History[VerdictBook]], History[VerdictBook]]) -> None:
        history = self.history
        if history is not None and self.listing is not None:
            after = change(history)
            self._books[self.listing.scan_id] = after
            self._changed()
            if after.present.edits is not history.present.edits:
                self.edited.emit()


def nothing() -> None:
    """What `GrainBoard.next_grain` does while no list is shown."""
