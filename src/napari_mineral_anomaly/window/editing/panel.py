"""Edit grains: merge the selected rows, split or redraw the chosen grain, undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QMenu, QPushButton

from napari_mineral_anomaly.grains.editing.steps import EditStep, merge, redraw, split
from napari_mineral_anomaly.grains.verdicts.book import VerdictBook
from napari_mineral_anomaly.window.editing.brush import (
    grain_brush,
    put_grain_brush_away,
    take_grain_brush,
)
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import (
    flow,
    primary_button,
    push_button,
)
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.links import layer_by_id

Drawing = Literal["line", "part", "redraw"]

_HINT = (
    "Select two or more rows (Ctrl or Shift) to merge them; split or redraw the chosen grain. "
    "Undo takes each step back."
)
_TASKS: dict[Drawing, str] = {
    "line": "Draw a line right across grain {}, from outside to outside, then press “Apply”.",
    "part": "Paint the part of grain {} that is a grain of its own, then press “Apply”.",
    "redraw": "Paint what belongs to grain {}, erase what does not, then press “Apply”.",
}
_WIDTHS: dict[Drawing, int] = {"line": 1, "part": 2, "redraw": 1}
_GAP = 3  # pixels between the buttons
_EDITING = "Editing grains"
_ONE_GRAIN = "Choose one grain first: click its row, or the grain on the map."
_GONE = "The grain is not in the list any more: choose it again."


@dataclass(frozen=True)
class _Drawn:
    """What is being drawn: on which score, for the grain that holds a pixel.

    ``active_before`` is the layer that was active, which is active again afterwards.
    """

    kind: Drawing
    score_id: str
    pixel: tuple[int, int]
    active_before: str | None = None


class GrainEditPanel(Panel):
    """Every edit is one step of the verdicts' history, so that one undo serves both.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    executor : Executor, optional
    selected : callable
        The ids of the selected rows.
    """

    def __init__(
        self, viewer: Any, executor: Executor | None = None, *, selected: Callable[[], list[int]]
    ) -> None:
        super().__init__(viewer, executor, scrolls=False)
        self.board = board_of(viewer)
        self._selected = selected
        self._drawn: _Drawn | None = None
        self.merge_button = push_button(
            "Merge selected grains",
            "Make one grain of the selected rows. It keeps the id of the oddest. (M)",
            self.merge,
        )
        self.split_button = QPushButton("Split")
        self.split_button.setToolTip("Make several grains of the chosen one.")
        menu = QMenu(self)
        for text, tooltip, action in (
            ("At its neck", "Cut it where it is narrow.", self.split_at_neck),
            (
                "By composition",
                "Part its pixels into two compositions.",
                self.split_by_composition,
            ),
            ("Along a line…", "Draw a line across it.", lambda: self.draw("line")),
            ("Brush a part…", "Paint the part that is another grain.", lambda: self.draw("part")),
        ):
            entry = menu.addAction(text)
            entry.setToolTip(tooltip)
            entry.triggered.connect(lambda checked=False, action=action: action())
        menu.setToolTipsVisible(True)
        self.split_button.setMenu(menu)
        self.redraw_button = push_button(
            "Redraw", "Brush the pixels of the chosen grain anew.", lambda: self.draw("redraw")
        )
        self.apply_button = primary_button(
            "Apply", "Take over what is drawn.", self.apply, large=False
        )
        self.cancel_button = push_button("Cancel", "Leave the grain as it is.", self.cancel)
        self.undo_button = push_button("Undo", "", self.board.undo)
        self.redo_button = push_button("Redo", "", self.board.redo)
        self.column.addLayout(
            flow(
                self.merge_button,
                self.split_button,
                self.redraw_button,
                self.apply_button,
                self.cancel_button,
                self.undo_button,
                self.redo_button,
                gap=_GAP,
            )
        )
        self.add(self.status)
        self.status.plain(_HINT)
        self.listen(self.board.chosen, self.refresh)
        self.listen(self.board.decided, self.refresh)
        self.listen(self.board.listed, self._on_listed)
        self.listen(self.viewer.layers.events.removed, self._on_removed)
        self.refresh()

    # What the user does

    def merge(self) -> None:
        """Merge the grains of the selected rows."""
        ids = self._selected()
        if self._ready() is None:
            return
        if len(ids) < 2:
            self.status.plain("Select two or more rows first: hold Ctrl or Shift and click.")
            return
        self._run(lambda now, book, listing: merge(now, book, ids))

    def split_at_neck(self) -> None:
        """Cut the chosen grain where it is narrow."""
        self._split(_parts_at_neck)

    def split_by_composition(self) -> None:
        """Cut the chosen grain into two compositions."""
        self._split(_parts_by_composition)

    def draw(self, kind: Drawing) -> None:
        """Take the brush for a line, a part, or the whole of the chosen grain."""
        listing, grain = self._ready(), self._grain()
        score = None if listing is None else layer_by_id(self.viewer, listing.score_id)
        if listing is None or score is None:
            return
        if grain is None:
            self.status.plain(_ONE_GRAIN)
            return
        own = listing.labels == grain
        self._drawn = None  # the brush of an earlier drawing goes
        active = self.viewer.layers.selection.active
        shown = own if kind == "redraw" else np.zeros_like(own)
        take_grain_brush(self.viewer, score, shown, width=_WIDTHS[kind])
        before = None if active is None else str(active.unique_id)
        self._drawn = _Drawn(kind, listing.score_id, listing.pixel_of(grain), before)
        self.status.plain(_TASKS[kind].format(grain))
        self.refresh()

    def apply(self) -> None:
        """Take over what is drawn."""
        listing, drawn, layer = self._ready(), self._drawn, grain_brush(self.viewer)
        if listing is None or drawn is None or layer is None:
            return
        grain = listing.grain_at(*drawn.pixel)
        if not grain:
            self.status.plain(_GONE)
            return
        painted = np.array(layer.data) != 0
        if drawn.kind == "redraw":
            self._run(lambda now, book, listing: redraw(now, book, grain, painted))
        elif drawn.kind == "part":
            self._run(lambda now, book, listing: split(now, book, grain, painted))
        else:
            self._run(
                lambda now, book, listing: split(
                    now, book, grain, _parts_along(listing, grain, painted)
                )
            )

    def cancel(self) -> None:
        """Put the brush away; the grain stays as it is."""
        self._put_away()
        self.status.plain(_HINT)

    def shut_down(self) -> None:
        """Also remove the brush."""
        super().shut_down()
        self._put_away()

    # What happens then

    def _split(self, parts: Callable[[GrainListing, int], NDArray[Any]]) -> None:
        grain = self._grain()
        if self._ready() is None:
            return
        if grain is None:
            self.status.plain(_ONE_GRAIN)
            return
        self._run(lambda now, book, listing: split(now, book, grain, parts(listing, grain)))

    def _run(self, edit: Callable[[Any, VerdictBook, GrainListing], EditStep]) -> None:
        listing = self.board.listing
        if listing is None:
            return
        book = self.board.book(listing.scan_id)
        if book is None or book.shape != listing.labels.shape:
            height, width = listing.labels.shape
            book = VerdictBook((height, width))
        given = book

        def done(step: EditStep) -> None:
            if self.board.book(listing.scan_id) not in (None, given):
                self.status.plain("A verdict was given meanwhile: try again.")
                return
            self._put_away()
            self.board.edit(step)
            self.status.good(step.sentence)

        self.jobs.run(_EDITING, lambda task: edit(listing.for_editing(), given, listing), done)

    def _ready(self) -> GrainListing | None:
        """The list; None, with a word, while there is none."""
        listing = self.board.listing
        if listing is None:
            self.status.plain("There is no list of grains yet: run a detector first.")
        return listing

    def _grain(self) -> int | None:
        """The one grain that is meant."""
        selected = self._selected()
        if len(selected) > 1:
            return None
        return selected[0] if selected else self.board.grain

    def _put_away(self) -> None:
        drawn, self._drawn = self._drawn, None
        put_grain_brush_away(self.viewer)
        before = None if drawn is None else layer_by_id(self.viewer, drawn.active_before)
        if before is not None:
            self.viewer.layers.selection.active = before
        self.refresh()

    def _on_listed(self) -> None:
        listing, drawn = self.board.listing, self._drawn
        if drawn is not None and (listing is None or listing.score_id != drawn.score_id):
            self.cancel()
        self.refresh()

    def _on_removed(self, event: Any = None) -> None:
        if self._drawn is not None and grain_brush(self.viewer) is None:
            self._drawn = None
            self.status.plain(_HINT)
            self.refresh()

    def refresh(self, *_: Any) -> None:
        """Show what can be done now."""
        selected, drawing = self._selected(), self._drawn is not None
        listed = self.board.listing is not None
        one = listed and (len(selected) == 1 or (not selected and self.board.grain is not None))
        self.merge_button.setEnabled(listed and not drawing and len(selected) > 1)
        self.split_button.setEnabled(one and not drawing)
        self.redraw_button.setEnabled(one and not drawing)
        # Greyed, not hidden: a hidden button comes out lower than those beside it, because Qt
        # measures it without the style of the window.
        self.apply_button.setEnabled(drawing)
        self.cancel_button.setEnabled(drawing)
        history = self.board.history
        undo, redo = ("", "") if history is None else (history.undo_text, history.redo_text)
        self.undo_button.setEnabled(bool(undo))
        self.redo_button.setEnabled(bool(redo))
        self.undo_button.setToolTip(f"Undo: {undo} (Ctrl+Z)" if undo else "There is no step yet.")
        self.redo_button.setToolTip(f"Redo: {redo} (Ctrl+Shift+Z)" if redo else "Nothing to redo.")


# The functions that cut are imported by the worker: scikit-image takes a while.


def _parts_at_neck(listing: GrainListing, grain: int) -> NDArray[Any]:
    from napari_mineral_anomaly.grains.editing.splitting import cut_at_necks

    top, bottom, left, right = listing.box(grain)
    box = np.s_[top : bottom + 1, left : right + 1]
    parts = np.zeros(listing.labels.shape, dtype=np.int32)
    parts[box] = cut_at_necks(listing.labels[box] == grain)
    return parts


def _parts_by_composition(listing: GrainListing, grain: int) -> NDArray[Any]:
    from napari_mineral_anomaly.errors import InputError
    from napari_mineral_anomaly.grains.editing.splitting import cut_by_composition
    from napari_mineral_anomaly.grains.table import signatures_of

    if listing.cube is None:
        raise InputError("The element maps of this score are not open: draw a line instead.")
    free = listing.result.valid & (listing.labels == 0)
    return cut_by_composition(listing.labels == grain, free, signatures_of(listing.cube))


def _parts_along(listing: GrainListing, grain: int, line: NDArray[np.bool_]) -> NDArray[Any]:
    from napari_mineral_anomaly.grains.editing.splitting import cut_along

    return cut_along(listing.labels == grain, line)
