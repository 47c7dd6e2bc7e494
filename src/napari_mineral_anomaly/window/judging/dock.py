"""*Judging*: compares the score with a truth mask, pixel by pixel and grain by grain."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem
from superqt.utils import qdebounced

from napari_mineral_anomaly.evaluation.against_truth import (
    Confusion,
    Judgement,
    at_threshold,
    compare_with_truth,
)
from napari_mineral_anomaly.evaluation.intervals import Interval
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.judging.judged import TruthNow, truth_now
from napari_mineral_anomaly.window.judging.plots import JudgingFigures
from napari_mineral_anomaly.window.judging.truth_dock import truth_combo
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    StatusLine,
    bold_label,
    form_layout,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.layer_combo import score_combo
from napari_mineral_anomaly.window.kit.layer_watch import LayerWatch
from napari_mineral_anomaly.window.layers.make import threshold_of
from napari_mineral_anomaly.window.layers.session import mask_of
from napari_mineral_anomaly.window.state.model import HAND_OVER

_NO_TRUTH = (
    "Brush a truth mask in “Lab: ground truth”, or open one as a labels layer. Without a "
    "truth, “Lab: sampled truth” asks you about a few grains instead."
)
_NO_SCORE = "Run a detector or open a score map: the truth is compared with it."

_JUDGING = "Judging the score"

# Waiting time after the last brush stroke, and after the last move of the threshold.
SETTLE_MS, THRESHOLD_MS = 800, 150


class JudgingDock(Dock):
    """Compares again when the truth changes; a new threshold moves dots and grain figures only."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.judgement: Judgement | None = None

        form = form_layout()
        self.truth_combo = truth_combo(self)
        self.truth_combo.setToolTip("0 is background, 1 is anomaly; other labels are left out.")
        form.addRow("&Truth", self.truth_combo)
        self.score_combo = score_combo(self)
        self.score_combo.setToolTip("The score map that is compared with the truth.")
        form.addRow("&Score", self.score_combo)
        self.column.addLayout(form)
        self.judge_button = push_button(
            "&Judge again",
            "Compare again. This happens by itself when you stop brushing.",
            self.judge_now,
        )
        self.cancel_button = push_button(
            "Cancel", "Stop comparing; the earlier figures stay.", self.cancel
        )
        self.cancel_button.setEnabled(False)
        self.column.addLayout(row(self.judge_button, self.cancel_button))
        self.progress = self.add(ProgressBar())
        self.add(self.status)

        self.figures = self.add(JudgingFigures())
        self.threshold = self.add(bold_label())
        self.confusion = self.add(_table(("", "truly odd", "background"), 2))
        self.confusion.setToolTip("Pixels that are flagged or not flagged, against the truth.")
        self.grains = self.add(StatusLine())
        self.grains.setToolTip(
            "Grains instead of pixels. Precision: the share of listed grains that touch a true "
            "grain. Recall: the share of true grains that were found. In brackets: the 95 % "
            "interval (bootstrap over the grains)."
        )
        self.table = self.add(_table(("Figure", "Value", "95 %"), 0))
        self.table.setMinimumHeight(150)
        self.table.setToolTip("Hold the mouse over a row to read what it means.")
        self.next_button = self.step_button(
            "Hand over", HAND_OVER, "Go to the step that writes files and tables."
        )
        self.add(self.next_button)
        self.column.addStretch()

        self._judge_soon = qdebounced(self.judge_now, timeout=SETTLE_MS)
        self._move_soon = qdebounced(self.move_threshold, timeout=THRESHOLD_MS)
        self._truth_watch = LayerWatch(self._judge_soon)
        self._mask_watch = LayerWatch(self._move_soon, ("set_data",))
        self.truth_combo.layer_changed.connect(self._on_choice)
        self.score_combo.layer_changed.connect(self._on_choice)
        self.listen(self.session.changed, self._on_choice)
        self.listen(self.viewer.layers.events.inserted, self._on_layers)
        self.colour_by_theme(self.figures)
        self._on_choice()

    def judge_now(self) -> None:
        """Compare score and truth in the background; the last comparison counts."""
        chosen = self._chosen()
        self.jobs.cancel(_JUDGING)
        if chosen is None:
            return
        scores, truth, threshold = chosen
        self._busy(True)
        self.jobs.run(
            _JUDGING,
            lambda task: compare_with_truth(scores, truth.for_files(), threshold, task=task),
            self._on_judged,
            on_events=self.progress.show_events,
            on_end=lambda: self._busy(False),
        )

    def move_threshold(self) -> None:
        """Update what depends on the threshold; the curves stay."""
        chosen = self._chosen()
        if chosen is None or self.judgement is None or self.jobs.is_running(_JUDGING):
            return
        scores, truth, threshold = chosen
        self.jobs.run(
            "Moving the threshold",
            lambda task: at_threshold(scores, truth.for_files(), threshold),
            lambda moved: self._show_threshold(threshold, *moved),
        )

    def cancel(self) -> None:
        """Stop comparing; the earlier figures stay."""
        self.jobs.cancel(_JUDGING)

    def shut_down(self) -> None:
        """Also disconnect from the layers, and drop what is still due."""
        self._judge_soon.cancel()
        self._move_soon.cancel()
        self._truth_watch.watch(None)
        self._mask_watch.watch(None)
        super().shut_down()

    def _chosen(self) -> tuple[Any, TruthNow, float] | None:
        truth, score = self.truth_combo.layer(), self.score_combo.layer()
        if truth is None or score is None:
            return None
        return np.asarray(score.data), truth_now(self.session, truth, score), threshold_of(score)

    def _on_choice(self) -> None:
        truth, score = self.truth_combo.layer(), self.score_combo.layer()
        self._on_layers()
        ready = truth is not None and score is not None
        self.judge_button.setEnabled(ready)
        if ready:
            self._judge_soon()
            return
        self.jobs.cancel(_JUDGING)
        self._show_nothing(_NO_SCORE if score is None else _NO_TRUTH)

    def _on_layers(self, event: Any = None) -> None:
        score = self.score_combo.layer()
        self._truth_watch.watch(self.truth_combo.layer())
        self._mask_watch.watch(None if score is None else mask_of(self.viewer, score))

    def _on_judged(self, judgement: Judgement) -> None:
        self.judgement = judgement
        metrics = judgement.metrics
        self.status.plain(
            f"{metrics['n_anomaly']:,} truly odd and {metrics['n_background']:,} background "
            f"pixels; {metrics['n_excluded']:,} left out."
        )
        self.figures.show_judgement(judgement)
        self._show_table(judgement)
        score = self.score_combo.layer()
        if score is not None:
            self._show_threshold(
                threshold_of(score),
                judgement.confusion,
                judgement.grain_precision,
                judgement.grain_recall,
            )

    def _on_failed(self, failure: Failure) -> None:
        if failure.expected:  # a truth that is not brushed yet needs no notification
            self._show_nothing(failure.sentence)
        else:
            self.fail(failure)

    def _show_threshold(
        self, threshold: float, confusion: Confusion, precision: Interval, recall: Interval
    ) -> None:
        self.threshold.setText(f"At the threshold of {threshold:.2f} sigmas")
        counts = (
            ("flagged", confusion.true_positive, confusion.false_positive),
            ("not flagged", confusion.false_negative, confusion.true_negative),
        )
        for r, (name, odd, background) in enumerate(counts):
            for c, text in enumerate((name, f"{odd:,}", f"{background:,}")):
                self.confusion.setItem(r, c, QTableWidgetItem(text))
        self.confusion.show()
        self.grains.plain(
            f"Grains listed that are true: {interval_text(precision)}\n"
            f"True grains that are listed: {interval_text(recall)}"
        )
        self.figures.show_threshold(confusion)

    def _show_table(self, judgement: Judgement) -> None:
        lines = judgement.table.to_dict("records")
        self.table.setRowCount(len(lines))
        for r, line in enumerate(lines):
            value, low, high = (line[key] for key in ("value", "low", "high"))
            known = _is_number(low) and _is_number(high)
            between = f"{_four_digits(low)} – {_four_digits(high)}" if known else ""
            for c, text in enumerate((str(line["figure"]), _four_digits(value), between)):
                item = QTableWidgetItem(text)
                item.setToolTip(str(line["meaning"]))
                self.table.setItem(r, c, item)

    def _show_nothing(self, reason: str) -> None:
        self.judgement = None
        self.figures.clear_judgement()
        self.threshold.clear()
        self.confusion.hide()
        self.grains.plain("")
        self.table.setRowCount(0)
        self.status.plain(reason)

    def _busy(self, busy: bool) -> None:
        self.progress.setRange(0, 0)
        self.progress.setVisible(busy)
        self.cancel_button.setEnabled(busy)


def interval_text(interval: Interval) -> str:
    """An interval as text: "83 % (70–93 %), 24 of 29"."""
    if interval.value is None:
        return "none to judge"
    text = f"{100 * interval.value:.0f} %"
    if interval.low is not None and interval.high is not None:
        text += f" ({100 * interval.low:.0f}–{100 * interval.high:.0f} %)"
    return f"{text}, {interval.n_true:,} of {interval.n:,}"


def _table(columns: tuple[str, ...], rows: int) -> QTableWidget:
    table = QTableWidget(rows, len(columns))
    table.setHorizontalHeaderLabels(columns)
    table.verticalHeader().hide()
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setTabKeyNavigation(False)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    height = table.fontMetrics().height() + 8
    table.verticalHeader().setDefaultSectionSize(height)
    if rows:
        table.setFixedHeight((rows + 1) * height + 8)
    return table


def _is_number(value: Any) -> bool:
    return value is not None and value == value


def _four_digits(value: Any) -> str:
    return f"{float(value):.4g}".replace("-", "−") if _is_number(value) else "–"
