"""*Grain table*: every anomalous grain in a row; look at it, decide about it, go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QProgressBar,
    QPushButton,
)
from superqt import QFlowLayout
from superqt.utils import qdebounced

from napari_mineral_anomaly.grain_outline import pixel_outlines
from napari_mineral_anomaly.jobs import Executor, Failure, Job, JobHandle
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback, ProgressEvent
from napari_mineral_anomaly.widgets.grain_board import board_of, nothing
from napari_mineral_anomaly.widgets.grain_canvas import (
    CanvasClicks,
    CanvasKeys,
    bring_to_top,
    draw_outline,
    fly_to,
    outline_layer,
)
from napari_mineral_anomaly.widgets.grain_files import GrainFiles
from napari_mineral_anomaly.widgets.grain_listing import (
    GrainListing,
    plan_listing,
    pseudo_labels_of,
    scan_id_of,
)
from napari_mineral_anomaly.widgets.grain_model import GrainTableModel
from napari_mineral_anomaly.widgets.grain_view import GrainView
from napari_mineral_anomaly.widgets.links import layer_by_id, link_of, linked_layers
from napari_mineral_anomaly.widgets.parts import (
    Dock,
    LayerCombo,
    StatusLine,
    is_new_score,
    is_score,
    put_below_the_map,
    show_step,
)
from napari_mineral_anomaly.widgets.session import mask_of
from napari_mineral_anomaly.widgets.themes import inks_of
from napari_mineral_anomaly.widgets.words import counted

_NO_SCORE = "Run a detector first (dock “Detect anomalies”), or open a score map."
_READY = "Click a row, or a grain on the map."
_NONE_FITS = "No grain fits the words in “Show only”."
_NO_GRAIN = "No pixel reaches the threshold: lower it in the dock “Threshold”."

# The list follows the mask once brush and threshold rest.
SETTLE_MS = 500
SEARCH_MS = 150

# Beside napari's own docks a laptop's screen of 768 lines has no more to give.
_HEIGHT, _MIN_HEIGHT = 230, 150


class GrainTableDock(Dock):
    """Lists the grains of a score's mask; lists again when mask or threshold changed."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.board = board_of(napari_viewer)
        self._listing: JobHandle[GrainListing] | None = None
        self._outlining: JobHandle[list[NDArray[np.float64]]] | None = None
        self._watched: str | None = None

        self.column.setContentsMargins(6, 2, 6, 2)
        self.column.setSpacing(3)
        self.model = GrainTableModel(self)
        self.model.edited.connect(self._on_edited)
        self.view = GrainView(self.model)
        self.view.grain_chosen.connect(self._on_row)
        self._build_controls()
        self.column.addWidget(self.view, 1)
        foot = QHBoxLayout()
        self.status = StatusLine()
        foot.addWidget(self.status, 1)
        self.progress = QProgressBar()
        self.progress.setMaximumWidth(180)
        self.progress.hide()
        foot.addWidget(self.progress)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop listing; the earlier list stays.")
        self.cancel_button.clicked.connect(self.cancel)
        self.cancel_button.hide()
        foot.addWidget(self.cancel_button)
        self.column.addLayout(foot)

        self._list_soon = qdebounced(self.list_grains, timeout=SETTLE_MS)
        self._search_soon = qdebounced(self._search, timeout=SEARCH_MS)
        self.filter.textChanged.connect(self._search_soon)
        self.score_combo.layer_changed.connect(self._on_score)
        viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._clicks = CanvasClicks(viewer, self._on_pixel)
        actions = {"A": self.accept, "R": self.reject, "N": self.next_grain}
        self._keys = CanvasKeys(viewer, actions)
        self._bind_keys({**actions, "Ctrl+Z": self.board.undo, "Ctrl+Shift+Z": self.board.redo})
        self.listen(self.board.listed, self._on_listed)
        self.listen(self.board.chosen, self._on_chosen)
        self.listen(self.board.decided, self._on_decided)
        self.listen(self.session.changed, self._on_score)
        self.listen(self.viewer.layers.events.inserted, self._on_layer)
        if hasattr(self.viewer.events, "theme"):
            self.listen(self.viewer.events.theme, self._on_theme)
        self.board.next_grain = self.next_grain
        self._on_theme()
        self._on_listed()
        self._on_score()

    def _join_our_docks(self) -> None:
        """Below the map, not beside it: rows are wide, and the map needs its height less."""
        own, window = self.parent(), self.window()
        if isinstance(own, QDockWidget) and isinstance(window, QMainWindow):
            put_below_the_map(window, own)
            window.resizeDocks([own], [self.sizeHint().height()], Qt.Orientation.Vertical)

    def sizeHint(self) -> QSize:
        """Some rows, and room for the map."""
        return QSize(super().sizeHint().width(), _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Low: below the map every line of the table costs the map one."""
        return QSize(super().minimumSizeHint().width(), _MIN_HEIGHT)

    def _build_controls(self) -> None:
        self.score_combo = LayerCombo(
            self, is_score, prefers=is_new_score, empty="no score map yet"
        )
        self.score_combo.setToolTip("The score map whose grains are listed.")
        self.score_combo.setMinimumWidth(190)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Show only: As, accept, no flags, peak>10 …")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(250)
        self.filter.setToolTip(
            "Words that must all fit: an element among the drivers (As, As+, As-), a status, a "
            "mineral, a flag, “no flags”, or numbers: peak>10, area<=4."
        )
        self.count = QLabel()
        self.accept_button = _button("&Accept", "A", "This grain is what it seems.", self.accept)
        self.reject_button = _button("&Reject", "R", "This is no grain of interest.", self.reject)
        self.next_button = _button("&Next", "N", "Go to the next row.", self.next_grain)
        self.undo_button = _button("Undo", "Ctrl+Z", "Take back.", self.board.undo)
        self.redo_button = _button("Redo", "Ctrl+Shift+Z", "Decide again.", self.board.redo)
        self.columns_button = QPushButton("Columns")
        self.columns_button.setToolTip("Choose the columns; drag their heads to move them.")
        self.columns_button.clicked.connect(self._choose_columns)
        self.copy_button = _button(
            "&Copy", "Ctrl+C", "Copy the selected rows, for a spreadsheet.", self.copy
        )
        self.files = GrainFiles(self)
        # The controls flow: one line in a wide dock, several in a narrow one.
        controls = QFlowLayout()
        controls.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self.score_combo,
            self.filter,
            self.count,
            self.accept_button,
            self.reject_button,
            self.next_button,
            self.undo_button,
            self.redo_button,
            self.columns_button,
            self.copy_button,
            self.files,
        ):
            controls.addWidget(widget)
        self.column.addLayout(controls)

    def _bind_keys(self, actions: dict[str, Any]) -> None:
        # Keys of the dock; a line that is being written in takes letters before these do.
        for key, action in actions.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(action)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.view)
        copy.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        copy.activated.connect(self.copy)

    # What the user does

    def accept(self) -> None:
        """Accept the selected grains."""
        self._decide("accept")

    def reject(self) -> None:
        """Reject the selected grains."""
        self._decide("reject")

    def next_grain(self) -> None:
        """Choose the next row."""
        self.view.go(1)

    def copy(self) -> None:
        """Copy the selected rows (all where none is), as spreadsheets take them."""
        rows, columns = self.view.rows_to_copy(), self.view.shown_columns()

        def work(on_event: ProgressCallback, cancel: CancelToken) -> str:
            return self.model.as_text(rows, columns)

        def put(text: str) -> None:
            QApplication.clipboard().setText(text)
            self.status.plain(f"Copied {counted(len(rows), 'grain')}.")

        handle: JobHandle[str] = JobHandle(
            "Copying", on_done=put, on_failed=lambda failure: self.fail(self.status, failure)
        )
        self.start(Job("Copying", work), handle)

    def list_grains(self) -> None:
        """List the grains of the chosen score in the background; the latest list counts."""
        score = self.score_combo.layer()
        if self._listing is not None:
            self._listing.cancel()
        if score is None:
            self.board.show(None)
            self.status.plain(_NO_SCORE)
            return
        clusters = pseudo_labels_of(self.viewer, score)
        names = None if clusters is None else self.board.cluster_names.get(str(clusters.unique_id))
        work = plan_listing(
            self.viewer, self.session, score, self.board.book(scan_id_of(score)), names
        )
        self._listing = JobHandle(
            "Listing the grains",
            on_events=self._on_events,
            on_done=self._on_list,
            on_failed=self._on_failed,
            on_cancelled=lambda: self._busy(False),
        )
        self._busy(True)
        self.start(Job("Listing the grains", work), self._listing)

    def cancel(self) -> None:
        """Stop listing; the earlier list stays."""
        if self._listing is not None:
            self._listing.cancel()
            self.status.plain("Listing was stopped; the list may not fit the mask.")

    def shut_down(self) -> None:
        """Also give keys and clicks back to napari, and take the outline away."""
        self._list_soon.cancel()
        self._search_soon.cancel()
        self._keys.close()
        self._clicks.close()
        self._watch(None)
        self.board.next_grain = nothing
        super().shut_down()
        # The list holds maps and labels of the scan; without this dock nobody keeps it true.
        self.board.show(None)
        for layer, _ in list(linked_layers(self.viewer, role="outline")):
            self.viewer.layers.remove(layer)

    # What happens then

    def _decide(self, status: str) -> None:
        grains = self.view.selected_grains()
        if not grains and self.board.grain is not None:
            grains = [self.board.grain]
        if grains:
            self.board.decide(grains, status=status)
        else:
            self.status.plain("Select a row or click a grain first.")

    def _on_edited(self, grain: int, key: str, text: str) -> None:
        self.board.decide([grain], **{key: text})

    def _on_row(self, grain: int) -> None:
        self.board.choose(grain)
        listing, score = self.board.listing, self.score_combo.layer()
        if listing is not None and score is not None:
            row = listing.row(grain)
            keys = ("row_min", "row_max", "col_min", "col_max")
            top, bottom, left, right = (float(row[key]) for key in keys)
            fly_to(self.viewer, score, (top, bottom, left, right))

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
            self._outline(listing, grain)
        else:
            for layer, _ in linked_layers(self.viewer, role="outline"):
                draw_outline(layer, [])
        self._refresh()

    def _outline(self, listing: GrainListing, grain: int) -> None:
        if self._outlining is not None:
            self._outlining.cancel()
        row = listing.row(grain)
        top, left = int(row["row_min"]), int(row["col_min"])
        box = np.s_[top : int(row["row_max"]) + 1, left : int(row["col_max"]) + 1]

        def work(on_event: ProgressCallback, cancel: CancelToken) -> list[NDArray[np.float64]]:
            return pixel_outlines(listing.labels[box] == grain, offset=(top, left))

        self._outlining = JobHandle(
            "Outlining the grain",
            on_done=self._draw,
            on_failed=lambda failure: self.fail(self.status, failure),
        )
        self.start(Job("Outlining the grain", work), self._outlining)

    def _draw(self, rings: list[NDArray[np.float64]]) -> None:
        score = self.score_combo.layer()
        if score is not None:
            link = link_of(score)
            title = score.name if link is None else link.scan
            layer = outline_layer(self.viewer, score, title, scan_id_of(score))
            draw_outline(layer, rings)
            bring_to_top(self.viewer, layer)

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        last = events[-1]
        show_step(self.progress, last.step, last.total)

    def _on_list(self, listing: GrainListing) -> None:
        self._busy(False)
        self.board.show(listing)

    def _on_failed(self, failure: Failure) -> None:
        self._busy(False)
        self.fail(self.status, failure)

    def _on_listed(self) -> None:
        listing = self.board.listing
        if listing is None:
            return self._refresh()
        self.model.set_table(listing.table, listing.search)
        # Verdicts may have come while the grains were being listed.
        self.model.show_verdicts(self.board.verdicts())
        self._clicks.layer_id = listing.score_id
        n, shown = len(listing.table), self.model.rowCount()
        self.status.plain(_NO_GRAIN if n == 0 else _READY if shown else _NONE_FITS)
        return self._refresh()

    def _on_decided(self) -> None:
        verdicts = self.board.verdicts()
        listing = self.board.listing
        if listing is not None:
            # What was undone is unseen again.
            seen = listing.table["id"].tolist()
            blank = dict.fromkeys(seen, ("unseen", ""))
            self.model.show_verdicts(blank | verdicts)
        self._refresh()

    def _on_score(self) -> None:
        score = self.score_combo.layer()
        if score is None or (
            self.board.listing is not None and self.board.listing.score_id != str(score.unique_id)
        ):
            self.board.show(None)
            self.model.set_table(self.model.shown_table().iloc[:0])
        self._on_layer()
        if score is None:
            self.status.plain(_NO_SCORE)
        self._list_soon()

    def _on_layer(self, event: Any = None) -> None:
        score = self.score_combo.layer()
        mask = None if score is None else mask_of(self.viewer, score)
        if self._watch(mask) and mask is not None:
            self._list_soon()

    def _watch(self, mask: Any | None) -> bool:
        """Follow another mask; False where it is the same one."""
        watched = None if mask is None else str(mask.unique_id)
        if watched == self._watched:
            return False
        old = layer_by_id(self.viewer, self._watched)
        # Brush and fill tell only `paint`; undo, redo and a new threshold only `set_data`.
        if old is not None:
            old.events.paint.disconnect(self._on_mask)
            old.events.set_data.disconnect(self._on_mask)
        self._watched = watched
        if mask is not None:
            mask.events.paint.connect(self._on_mask)
            mask.events.set_data.connect(self._on_mask)
        return True

    def _on_mask(self, event: Any = None) -> None:
        self._list_soon()

    def _search(self) -> None:
        self.model.set_filter(self.filter.text())
        self.view.show_grain(self.board.grain)
        if self.model.n_all and self.model.rowCount() == 0:
            self.status.plain(_NONE_FITS)
        elif self.status.text() == _NONE_FITS:
            self.status.plain(_READY)
        self._refresh()

    def _on_theme(self, event: Any = None) -> None:
        self.model.set_inks(inks_of(self.viewer))

    def _busy(self, busy: bool) -> None:
        self.progress.setRange(0, 0)
        self.progress.setVisible(busy)
        self.cancel_button.setVisible(busy)
        if busy:
            self.status.plain("Listing the grains…")

    def _refresh(self) -> None:
        n, shown = self.model.n_all, self.model.rowCount()
        self.count.setText(counted(n, "grain") if shown == n else f"{shown:,} of {n:,} grains")
        some, chosen = n > 0, self.board.grain is not None
        for button in (self.next_button, self.copy_button, self.files, self.columns_button):
            button.setEnabled(some)
        for button in (self.accept_button, self.reject_button):
            button.setEnabled(some and (chosen or bool(self.view.selected_grains())))
        history = self.board.history
        can_undo = history is not None and history.can_undo
        can_redo = history is not None and history.can_redo
        self.undo_button.setEnabled(can_undo)
        self.redo_button.setEnabled(can_redo)
        self.undo_button.setToolTip(
            f"Take back: {history.undo_text} (Ctrl+Z)" if history and can_undo else "Take back."
        )
        self.redo_button.setToolTip(
            f"Again: {history.redo_text} (Ctrl+Shift+Z)" if history and can_redo else "Again."
        )

    def _choose_columns(self) -> None:
        below = self.columns_button.mapToGlobal(self.columns_button.rect().bottomLeft())
        self.view.columns_menu().exec(below)


def _button(text: str, key: str, tooltip: str, action: Any) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(f"{tooltip} ({key})")
    button.clicked.connect(lambda checked=False: action())
    return button
