"""*Sampled truth*: without a truth mask, check a random sample of the listed grains one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.sampled_truth import (
    SampledTruth,
    draw_sample,
    load_sample,
    save_sample,
)
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.canvas import CanvasKeys, fly_to
from napari_mineral_anomaly.window.grains.listing import GrainListing
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.judging.dock import interval_text
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    bind_keys,
    bold_label,
    form_layout,
    push_button,
    row,
    spin_box,
)
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.saving import choose_and_save
from napari_mineral_anomaly.window.layers.links import layer_by_id
from napari_mineral_anomaly.window.state.model import DECIDE
from napari_mineral_anomaly.words import counted

_NO_LIST = "Go to the step “Decide” first: the grains are drawn from its list."
_NO_GRAIN = "The list holds no grain to draw: lower the threshold."
_NO_DRAW = (
    "Draw some grains: some from the top of the list, some from its middle, some from anywhere. "
    "Then look at each grain on the map and in the evidence beside it, and decide what it is."
)
_STALE = (
    "The list changed since this draw. The verdicts are about the old list. Draw again to judge "
    "the new one."
)


class SampledTruthDock(Dock):
    """Draw, look, decide by key; the result is the precision of the list with its interval."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.board = board_of(napari_viewer)
        self.sample: SampledTruth | None = None
        self.grain: int | None = None
        self._drawn_from: GrainListing | None = None

        self.table_button = self.step_button(
            "List the grains", DECIDE, "Go to the step that lists the grains."
        )
        self.add(self.table_button)
        form = form_layout()
        precise = "30 grains give the precision to about ±17 per cent."
        self.n = spin_box(3, 1000, 30, tooltip=precise)
        form.addRow("&Grains", self.n)
        self.seed = spin_box(0, 2**31 - 1, tooltip="The same seed draws the same grains.")
        form.addRow("&Seed", self.seed)
        self.column.addLayout(form)
        self.draw_button = push_button(
            "&Draw", "Choose the grains to check. This replaces an earlier draw.", self.draw
        )
        self.open_button = push_button("Open…", "Go on with a saved draw.", self._choose_open)
        self.save_button = push_button(
            "Save…", "Save the draw and your verdicts, to go on another day.", self._choose_save
        )
        self.column.addLayout(row(self.draw_button, self.open_button, self.save_button))

        self.progress = self.add(ProgressBar())
        self.progress.setFormat("%v of %m checked")
        self.progress.setToolTip("Drawn grains that you decided about.")
        self.current = self.add(bold_label())
        self.true_button = push_button(
            "&True (T)", "This is really an anomalous grain.", lambda: self.answer("true")
        )
        self.false_button = push_button(
            "&Wrong (W)", "There is nothing, or an artefact.", lambda: self.answer("false")
        )
        self.unsure_button = push_button(
            "&Unsure (U)",
            "You cannot decide. The grain is not counted.",
            lambda: self.answer("unsure"),
        )
        self._verdict_buttons = (self.true_button, self.false_button, self.unsure_button)
        self.column.addLayout(row(*self._verdict_buttons))
        self.back_button = push_button(
            "Take back", "Remove the last verdict of this draw.", self.back
        )
        self.skip_button = push_button(
            "Show again", "Move the map to the grain again.", self.show_grain
        )
        self.column.addLayout(row(self.back_button, self.skip_button))
        self.estimate = self.add(QLabel())
        self.estimate.setWordWrap(True)
        self.estimate.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.add(self.status)
        self.column.addStretch()

        self._answered: list[int] = []
        keys: dict[str, Callable[[], None]] = {
            "T": partial(self.answer, "true"),
            "W": partial(self.answer, "false"),
            "U": partial(self.answer, "unsure"),
        }
        self._keys = CanvasKeys(self.viewer, keys)
        bind_keys(self, keys)
        self.listen(self.board.listed, self._refresh)
        self._refresh()

    def draw(self) -> None:
        """Draw grains from the list and show the first."""
        listing = self.board.listing
        if listing is None or listing.table.empty:
            return
        n = min(self.n.value(), len(listing.table))
        self._take(draw_sample(listing.table, n=n, seed=self.seed.value()), listing)

    def answer(self, verdict: str) -> None:
        """Give the verdict on the shown grain and show the next."""
        if self.sample is None or self.grain is None or self._is_stale():
            return
        self._answered.append(self.grain)
        self.sample = self.sample.answer(self.grain, verdict)
        self._go(self.sample.next_unanswered())

    def back(self) -> None:
        """Remove the last verdict and show its grain again."""
        if self.sample is not None and self._answered:
            grain = self._answered.pop()
            self.sample = self.sample.answer(grain, "")
            self._go(grain)

    def show_grain(self) -> None:
        """Choose the grain and move the map to it."""
        listing = self.board.listing
        if listing is None or self.grain is None or self._is_stale():
            return
        self.board.choose(self.grain)
        score = layer_by_id(self.viewer, listing.score_id)
        if score is not None:
            fly_to(self.viewer, score, listing.box(self.grain))

    def save(self, path: str | Path) -> None:
        """Save the draw and the verdicts."""
        if self.sample is None:
            return
        try:
            save_sample(Path(path), self.sample)
        except (InputError, OSError) as error:
            self.fail(error)
            return
        self.status.good(f"Saved in {path}.")

    def open(self, path: str | Path) -> None:
        """Go on with a saved draw; it must come from the list that is shown."""
        listing = self.board.listing
        if listing is None:
            return
        try:
            sample = load_sample(Path(path))
        except InputError as error:
            self.fail(error)
            return
        now = listing.table.set_index("id")["peak_score"]
        drawn = sample.table.set_index("id")["peak_score"]
        if not drawn.index.isin(now.index).all() or (abs(now[drawn.index] - drawn) > 1e-3).any():
            self.fail(InputError(f"{path} was drawn from another list of grains."))
            return
        self._take(sample, listing)

    def shut_down(self) -> None:
        """Also give the keys back to napari."""
        self._keys.close()
        super().shut_down()

    def _take(self, sample: SampledTruth, listing: GrainListing) -> None:
        self.sample, self._drawn_from, self._answered = sample, listing, []
        self._go(sample.next_unanswered())

    def _is_stale(self) -> bool:
        """Whether the list has changed since the draw, so that ids mean other grains."""
        now, then = self.board.listing, self._drawn_from
        if now is None or then is None or now is then:
            return now is not then
        columns = ["id", "peak_score", "area_px"]
        if not now.table[columns].equals(then.table[columns]):
            return True
        self._drawn_from = now
        return False

    def _go(self, grain: int | None) -> None:
        self.grain = grain
        self.show_grain()
        self._refresh()

    def _refresh(self) -> None:
        listing = self.board.listing
        some = listing is not None and not listing.table.empty
        sample, stale = self.sample, self._is_stale()
        self.table_button.setVisible(listing is None)
        self.draw_button.setEnabled(some)
        self.open_button.setEnabled(some)
        self.save_button.setEnabled(sample is not None)
        asking = sample is not None and self.grain is not None and not stale
        for button in (*self._verdict_buttons, self.skip_button):
            button.setEnabled(asking)
        self.back_button.setEnabled(bool(self._answered) and not stale)
        self.progress.setVisible(sample is not None)
        if listing is None:
            self.status.plain(_NO_LIST)
        elif not some:
            self.status.plain(_NO_GRAIN)
        elif sample is None:
            self.status.plain(_NO_DRAW)
        else:
            self.status.plain(_STALE if stale else "")
        if sample is None:
            self.current.clear()
            self.estimate.clear()
            return
        self.progress.show_step(sample.n_answered, len(sample.table))
        if self.grain is None:
            self.current.setText("All drawn grains are checked.")
        else:
            line = sample.table.loc[sample.table["id"] == self.grain].iloc[0]
            self.current.setText(
                f"Grain of rank {line['rank']}, {line['peak_score']:.1f} sigmas: what is it?"
            )
        self._show_estimate(sample)

    def _show_estimate(self, sample: SampledTruth) -> None:
        if sample.n_answered == 0:
            self.estimate.clear()
            return
        estimate = sample.estimate()
        strata = "".join(
            f"<tr><td>{line['stratum']}&nbsp;&nbsp;</td><td align='right'>{line['n_true']:,} of "
            f"{line['n_checked']:,}&nbsp;&nbsp;</td><td align='right'>"
            f"{counted(int(line['n_grains']), 'grain')} listed</td></tr>"
            for line in estimate.per_stratum.to_dict("records")
        )
        self.estimate.setText(
            f"<b>Share of the list that is true: {interval_text(estimate.precision)}</b>"
            f"<table cellspacing='2'>{strata}</table><p>{estimate.caveat}</p>"
        )

    def _choose_save(self) -> None:
        choose_and_save(self, "Save the draw", "sampled_truth.json", "JSON (*.json)", self.save)

    def _choose_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a draw", "", "JSON (*.json)")
        if path:
            self.open(path)
