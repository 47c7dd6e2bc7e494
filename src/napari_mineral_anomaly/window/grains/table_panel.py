"""The list of grains: one row per anomalous grain; look at it, give a verdict, go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QSize
from qtpy.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QSpinBox,
)
from superqt.utils import qdebounced

from napari_mineral_anomaly.grains.table import DEFAULT_ROWS
from napari_mineral_anomaly.window.grains.board import board_of, nothing
from napari_mineral_anomaly.window.grains.canvas import (
    CanvasClicks,
    CanvasKeys,
    fly_to,
)
from napari_mineral_anomaly.window.grains.files import GrainFiles
from napari_mineral_anomaly.window.grains.listing import (
    GrainListing,
    KeptCube,
    RowsPlan,
    plan_rows,
)
from napari_mineral_anomaly.window.grains.mark import GrainMark
from napari_mineral_anomaly.window.grains.model import GrainTableModel
from napari_mineral_anomaly.window.grains.view import GrainView
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    bind_keys,
    flow,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.layer_combo import score_combo
from napari_mineral_anomaly.window.kit.layer_watch import LayerWatch
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.coming.bring_back import removed_score_of
from napari_mineral_anomaly.window.layers.links import scan_id_of
from napari_mineral_anomaly.window.layers.session import mask_of
from napari_mineral_anomaly.words import counted

_NO_SCORE = "Run a detector first (step “Find”), or open a score map."
_READY = "Click a row, or a grain on the map."
_NONE_FITS = "No grain fits the words in “Show only”."
_ROWS_READY = f"{_READY} Minerals and flags follow…"
_STOPPED = (
    "The search for minerals and flags was stopped, so they are not known. “Files” and “Copy” "
    "start it again."
)
_NOT_YET = "The search for minerals and flags is not finished: try again when it is."
_FILTER_WAITS = "“Show only” waits until minerals and flags are known."
# The two jobs of a list, in their order.
_LISTING, _LOOKING = "Listing the grains", "Looking for minerals and artefacts"
_NO_GRAIN = "No pixel of this scan is odder than another."

# The list is made again when brush and threshold have rested this long; that of another score in
# the next turn of the event loop, because nobody is drawing then.
SETTLE_MS, NEXT_MS = 500, 0
SEARCH_MS = 150

# A laptop screen of 768 lines has no more room beside napari's own docks.
_HEIGHT, _MIN_HEIGHT = 230, 150
_MOST_ROWS = 500


class GrainTable(Panel):
    """Lists the grains of a score's mask, again after each change of mask or threshold."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.board = board_of(napari_viewer)
        self._kept = KeptCube()
        # What the list that is shown, or being made, is made from.
        self._plan: RowsPlan | None = None

        self.column.setContentsMargins(6, 2, 6, 2)
        self.column.setSpacing(3)
        self.model = GrainTableModel(self)
        self.model.edited.connect(self._on_edited)
        self.view = GrainView(self.model)
        self.view.grain_chosen.connect(self._on_row)
        self._build_controls()
        self.column.addWidget(self.view, 1)
        self.progress = ProgressBar()
        self.progress.setMaximumWidth(180)
        self.cancel_button = push_button(
            "Cancel", "Stop listing; the earlier list stays.", self.cancel
        )
        self.cancel_button.hide()
        self.removed = removed_score_of(napari_viewer)
        self.back_button = push_button(
            "Bring the score back", "Undo the deletion of the score.", self.removed.bring_back
        )
        self.back_button.hide()
        foot = row(self.status, self.back_button, self.progress, self.cancel_button)
        foot.setStretch(0, 1)
        self.column.addLayout(foot)

        self._list_soon = qdebounced(self._list_if_new, timeout=SETTLE_MS)
        self._list_next = qdebounced(self._list_if_new, timeout=NEXT_MS)
        self._search_soon = qdebounced(self._search, timeout=SEARCH_MS)
        self._watch = LayerWatch(self._list_soon)
        self.filter.textChanged.connect(self._search_soon)
        self.score_combo.layer_changed.connect(self._on_score)
        self._mark = GrainMark(self.viewer, self.jobs, self.score_combo.layer)
        self._clicks = CanvasClicks(self.viewer, self._on_pixel)
        self._actions = {
            "A": self.accept,
            "R": self.reject,
            "U": self.leave_undecided,
            "N": self.next_grain,
        }
        self.canvas_keys = CanvasKeys(self.viewer, self._actions)
        bind_keys(
            self, {**self._actions, "Ctrl+Z": self.board.undo, "Ctrl+Shift+Z": self.board.redo}
        )
        bind_keys(self.view, {"Ctrl+C": self.copy})
        self.listen(self.board.listed, self._on_listed)
        self.listen(self.board.completed, self._on_completed)
        self.listen(self.board.chosen, self._on_chosen)
        self.listen(self.board.decided, self._on_decided)
        self.listen(self.board.edited, self.list_grains)
        self.listen(self.session.changed, self._on_score)
        self.listen(self.viewer.layers.events.inserted, self._on_layer)
        self.listen(self.removed.changed, self._show_removed)
        self.board.next_grain = self.next_grain
        self.colour_by_theme(self.model)
        self._on_listed()
        self._on_score()
        self._show_removed()

    def sizeHint(self) -> QSize:
        """High enough for some rows, low enough to leave room for the map."""
        return QSize(super().sizeHint().width(), _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Low: every line of the table takes one from the map above it."""
        return QSize(super().minimumSizeHint().width(), _MIN_HEIGHT)

    def _build_controls(self) -> None:
        self.score_combo = score_combo(self)
        self.score_combo.setToolTip("The score map whose grains are listed.")
        self.score_combo.setMinimumWidth(240)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Show only: As, accept, no flags, peak>10 …")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(250)
        self.filter.setToolTip(
            "Show only grains that fit all these words: an element among the drivers (As, As+, "
            "As-), a status, a mineral, a flag, “no flags”, or numbers: peak>10, area<=4."
        )
        self.rows = QSpinBox()
        self.rows.setRange(0, _MOST_ROWS)
        self.rows.setValue(DEFAULT_ROWS)
        self.rows.setPrefix("List ")
        self.rows.setKeyboardTracking(False)
        self.rows.setToolTip(
            "Where fewer grains reach the threshold, the oddest others below it fill the list up "
            "to this number."
        )
        self.rows.valueChanged.connect(lambda _: self._list_soon())
        self.count = QLabel()
        self.count.setMinimumHeight(self.rows.sizeHint().height())  # beside fields of this height
        self.count.setContentsMargins(4, 0, 6, 0)
        self.accept_button = push_button("&Accept", "This grain is what it seems. (A)", self.accept)
        self.reject_button = push_button(
            "&Reject", "This is no grain of interest. (R)", self.reject
        )
        self.undecided_button = push_button(
            "&Undecided", "The maps do not tell what this grain is. (U)", self.leave_undecided
        )
        self.next_button = push_button("&Next", "Go to the next row. (N)", self.next_grain)
        self.undo_button = push_button(
            "Undo", "Undo the last verdict or edit. (Ctrl+Z)", self.board.undo
        )
        self.redo_button = push_button(
            "Redo", "Redo what was undone. (Ctrl+Shift+Z)", self.board.redo
        )
        self.columns_button = push_button(
            "Columns", "Choose the columns. Drag a header to move its column.", self._choose_columns
        )
        self.copy_button = push_button(
            "&Copy", "Copy the selected rows, for a spreadsheet. (Ctrl+C)", self.copy
        )
        self.files = GrainFiles(self, self.board, self.model, self.is_complete)
        fields = (self.score_combo, self.filter, self.rows, self.count)
        verdicts = (self.accept_button, self.reject_button, self.undecided_button, self.next_button)
        steps = (self.undo_button, self.redo_button)
        rest = (self.columns_button, self.copy_button, self.files)
        self.column.addLayout(flow(*fields, *verdicts, *steps, *rest))

    # What the user does

    def accept(self) -> None:
        """Accept the selected grains."""
        self._decide("accept")

    def reject(self) -> None:
        """Reject the selected grains."""
        self._decide("reject")

    def leave_undecided(self) -> None:
        """Say that the selected grains cannot be decided from the maps."""
        self._decide("undecided")

    def hide_verdict_buttons(self) -> None:
        """Leave the buttons to the card beside the map; the keys stay."""
        for button in (self.accept_button, self.reject_button, self.undecided_button):
            button.hide()
        self.next_button.hide()

    def add_key(self, key: str, action: Callable[[], None]) -> None:
        """Bind one more key, in the list and on the map."""
        self._actions[key] = action
        bind_keys(self, {key: action})
        self.canvas_keys.add(key, action)

    def next_grain(self) -> None:
        """Choose the next row."""
        self.view.choose_next()

    def copy(self) -> None:
        """Copy the selected rows (all if none is selected) in a form for spreadsheets."""
        if not self.is_complete():
            return
        rows = self.view.rows_to_copy()
        cells = self.model.copied_cells(rows, self.view.shown_columns())

        def put(text: str) -> None:
            QApplication.clipboard().setText(text)
            self.status.plain(f"Copied {counted(len(rows), 'grain')}.")

        self.jobs.run("Copying", lambda task: cells.as_text(), put)

    def list_grains(self, *, only_if_new: bool = False) -> None:
        """List the grains of the chosen score in the background; the last list counts."""
        for due in (self._list_soon, self._list_next):
            due.cancel()  # this list shows what they are waiting for
        score = self.score_combo.layer()
        if score is None:
            self._forget_list()
            self._kept.forget()
            self.board.set_listing(None)
            self.status.plain(_NO_SCORE)
            return
        names, book = self.board.cluster_names, self.board.book(scan_id_of(score))
        plan = plan_rows(
            self.viewer, self.session, score, book, names, self._kept, self.rows.value()
        )
        there = self.board.listing is not None or self.jobs.is_running(_LISTING, _LOOKING)
        known = self._plan if only_if_new and there else None
        if known is not None and plan.gives_the_same_as(known):
            return
        self._plan = plan
        self.jobs.cancel(_LISTING, _LOOKING)
        self._busy(_LISTING)
        self.jobs.run(_LISTING, plan, self._on_rows, on_events=self.progress.show_events)

    def _list_if_new(self) -> None:
        """List the grains unless that list is shown already, or being made."""
        self.list_grains(only_if_new=True)

    def _forget_list(self) -> None:
        """Give up the list that is being made; the next one is made in any case."""
        self._plan = None
        self.jobs.cancel(_LISTING, _LOOKING)
        self._busy(None)

    def look_at_maps(self, listing: GrainListing) -> None:
        """Look for minerals and artefacts in the background; meanwhile the rows can be used."""
        self._busy(_LOOKING)
        self.jobs.run(
            _LOOKING,
            listing.with_maps,
            self._on_details,
            on_events=self.progress.show_events,
        )

    def cancel(self) -> None:
        """Stop listing; the earlier list stays."""
        if self.jobs.is_running(_LISTING):
            self._forget_list()
            self.status.plain("Listing was stopped; the list may not fit the mask.")
        elif self.jobs.is_running(_LOOKING):
            self.jobs.cancel(_LOOKING)
            self._busy(None)
            self.status.plain(_STOPPED)

    def is_complete(self) -> bool:
        """Whether the details are known; if not, say so and start the search for them."""
        listing = self.board.listing
        if listing is None or not self.model.pending:
            return True
        if not self.jobs.is_running(_LOOKING):
            self.look_at_maps(listing)
        self.status.plain(_NOT_YET)
        return False

    def shut_down(self) -> None:
        """Also give keys and clicks back to napari, and remove the outline."""
        self._list_soon.cancel()
        self._list_next.cancel()
        self._search_soon.cancel()
        self.canvas_keys.close()
        self._clicks.close()
        self._watch.watch(None)
        self.board.next_grain = nothing
        self._kept.forget()
        self.removed.forget()
        super().shut_down()
        # The list holds maps and labels of the scan; without this dock nothing keeps it up to date.
        self.board.set_listing(None)
        self._mark.remove()

    # What happens then

    def _decide(self, status: str) -> None:
        grains = self.view.selected_grains()
        if not grains and self.board.grain is not None:
            grains = [self.board.grain]
        if grains:
            self.board.decide(grains, status=status)
            if len(grains) == 1:
                self.next_grain()
        else:
            self.status.plain("Select a row or click a grain first.")

    def _on_edited(self, grain: int, key: str, text: str) -> None:
        self.board.decide([grain], **{key: text})

    def _on_row(self, grain: int) -> None:
        self.board.choose(grain)
        listing, score = self.board.listing, self.score_combo.layer()
        if listing is not None and score is not None:
            fly_to(self.viewer, score, listing.box(grain))

    def _on_pixel(self, y: int, x: int) -> None:
        listing = self.board.listing
        grain = 0 if listing is None else listing.grain_at(y, x)
        if grain:
            self.board.choose(grain)

    def _on_chosen(self) -> None:
        grain, listing = self.board.grain, self.board.listing
        shown = self.view.show_grain(grain)
        if grain is not None and listing is not None:
            if not shown and self.filter.text():
                self.status.plain("That grain is hidden by the words in “Show only”.")
            self._mark.show(listing, grain)
        else:
            self._mark.hide()
        self._refresh()

    def _on_rows(self, listing: GrainListing) -> None:
        if not listing.pending:
            self._busy(None)
            self.board.set_listing(listing)
            return
        # Words in “Show only” may name a mineral or a flag: then the list waits for the details.
        if not self.filter.text().strip():
            self.board.set_listing(listing)
        self.look_at_maps(listing)

    def _on_details(self, listing: GrainListing) -> None:
        self._busy(None)
        shown = self.board.listing
        if shown is not None and shown.grains is listing.grains:
            self.board.add_details(listing)
        else:
            self.board.set_listing(listing)

    def _on_completed(self) -> None:
        listing = self.board.listing
        if listing is not None:
            self.model.fill_details(listing.table, listing.search, listing.cells)
            if self.board.grain is not None:  # a selection of several rows stays
                self.view.show_grain(self.board.grain)
            self._show_hint()
            self._refresh()

    def _on_failed(self, failure: Failure) -> None:
        if not self.jobs.is_running(_LISTING, _LOOKING):
            self._forget_list()
        self.fail(failure)

    def _on_listed(self) -> None:
        listing = self.board.listing
        if listing is None:
            return self._refresh()
        self.model.set_table(listing.table, listing.search, listing.cells, pending=listing.pending)
        # Verdicts may have come while the grains were being listed.
        self.model.show_verdicts(self.board.verdicts())
        self._clicks.layer_id = listing.score_id
        self._show_hint()
        return self._refresh()

    def _show_hint(self) -> None:
        n, shown = self.model.n_all, self.model.rowCount()
        hint = _NO_GRAIN if n == 0 else _READY if shown else _NONE_FITS
        edited = 0 if self.board.listing is None else self.board.listing.n_edited
        if edited and shown:
            stay = "stays as you drew it" if edited == 1 else "stay as you drew them"
            hint += f" {counted(edited, 'edited grain')} {stay}, whatever the threshold."
        self.status.plain(hint)

    def _on_decided(self) -> None:
        listing = self.board.listing
        if listing is not None:
            # Grains whose verdict was undone are unseen again.
            blank = dict.fromkeys(listing.table["id"].tolist(), ("unseen", ""))
            self.model.show_verdicts(blank | self.board.verdicts())
        self._refresh()

    def _on_score(self) -> None:
        score = self.score_combo.layer()
        if score is None or (
            self.board.listing is not None and self.board.listing.score_id != str(score.unique_id)
        ):
            self._forget_list()
            self.board.set_listing(None)
            self.model.clear()
        self._on_layer()
        if score is None:
            self._kept.forget()
            self.status.plain(_NO_SCORE)
        self._list_next()

    def _on_layer(self, event: Any = None) -> None:
        score = self.score_combo.layer()
        mask = None if score is None else mask_of(self.viewer, score)
        if self._watch.watch(mask) and mask is not None:
            self._list_next()

    def _show_removed(self) -> None:
        name = self.removed.name
        self.back_button.setVisible(bool(name))
        self.back_button.setToolTip(f"“{name}” was deleted: put it back.")

    def _search(self) -> None:
        self.model.set_filter(self.filter.text())
        self.view.show_grain(self.board.grain)
        if self.model.pending and self.filter.text().strip():
            self.status.plain(_FILTER_WAITS)
        elif self.model.n_all and self.model.rowCount() == 0:
            self.status.plain(_NONE_FITS)
        elif self.status.text() == _NONE_FITS:
            self.status.plain(_READY)
        self._refresh()

    def _busy(self, doing: str | None) -> None:
        # The bar stays from one job to the next: hiding and showing it makes Qt lay out the dock.
        if doing is None:
            self.progress.hide()
            self.cancel_button.hide()
            return
        if self.progress.isHidden():
            self.progress.show_step(0, 0)
        self.progress.show()
        self.cancel_button.show()
        ready = doing == _LOOKING and self.model.pending and self.model.n_all > 0
        self.status.plain(_ROWS_READY if ready else f"{doing}…")

    def _refresh(self) -> None:
        n, shown = self.model.n_all, self.model.rowCount()
        self.count.setText(counted(n, "grain") if shown == n else f"{shown:,} of {n:,} grains")
        some, chosen = n > 0, self.board.grain is not None
        for button in (self.next_button, self.copy_button, self.files, self.columns_button):
            button.setEnabled(some)
        for button in (self.accept_button, self.reject_button, self.undecided_button):
            button.setEnabled(some and (chosen or bool(self.view.selected_grains())))
        history = self.board.history
        undo, redo = ("", "") if history is None else (history.undo_text, history.redo_text)
        self.undo_button.setEnabled(bool(undo))
        self.redo_button.setEnabled(bool(redo))
        self.undo_button.setToolTip(
            f"Undo: {undo} (Ctrl+Z)" if undo else "Undo the last verdict or edit."
        )
        self.redo_button.setToolTip(
            f"Redo: {redo} (Ctrl+Shift+Z)" if redo else "Redo what was undone."
        )

    def _choose_columns(self) -> None:
        below = self.columns_button.mapToGlobal(self.columns_button.rect().bottomLeft())
        self.view.columns_menu().exec(below)
