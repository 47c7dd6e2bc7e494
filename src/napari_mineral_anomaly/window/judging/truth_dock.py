"""*Ground truth*: brush the real anomalies and read how well the score finds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QButtonGroup, QLabel, QPushButton
from superqt.utils import qdebounced

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.evaluation.brushed_truth import (
    ANOMALY,
    LEAVE_OUT,
    BrushedComparison,
    compare_brushed,
)
from napari_mineral_anomaly.evaluation.metrics import LEAVE_OUT as FILE_LEAVE_OUT
from napari_mineral_anomaly.evaluation.verdict_truth import truth_of_verdicts
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.judging.judged import VERDICTS, truth_now
from napari_mineral_anomaly.window.kit.controls import StatusLine, form_layout, push_button, row
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.kit.layer_combo import LayerCombo, score_combo
from napari_mineral_anomaly.window.kit.layer_watch import LayerWatch
from napari_mineral_anomaly.window.kit.opening import JUDGING
from napari_mineral_anomaly.window.layers.links import Link, role_of, scan_id_of, scan_name_of
from napari_mineral_anomaly.window.layers.make import add, spatial_of, truth_labels, truth_layer
from napari_mineral_anomaly.window.layers.scans import scans_in

_NO_SCAN = "Load element maps or open a score map first: the truth mask lies on their grid."
_NO_TRUTH = "Make a truth mask, then brush the grains that are really anomalous."
_NO_SCORE = "Run a detector or open a score map to compare the truth with."

_COMPARING = "Comparing with the truth"

# Waiting time after the last brush stroke: long enough to go on brushing, short enough to seem
# immediate.
SETTLE_MS = 300

BRUSH_PIXELS = 3


def truth_combo(dock: Dock) -> LayerCombo:
    """The truth masks: ours, and 2-D labels layers that are not one of our results."""
    return LayerCombo(dock, _can_be_truth, prefers=_is_truth, empty="no truth mask yet")


def _can_be_truth(layer: Any) -> bool:
    if role_of(layer) is not None:
        return _is_truth(layer)
    return isinstance(layer, Labels) and layer.ndim == 2 and not layer.multiscale


def _is_truth(layer: Any) -> bool:
    return role_of(layer) == "truth"


class TruthDock(Dock):
    """One click makes the mask; the figures are updated after each brush stroke."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)

        self.make_button = push_button(
            "New truth mask",
            "Make an empty mask on the grid of the scan and take the brush.",
            self.make_truth,
        )
        self.verdicts_button = push_button(
            "From verdicts",
            "Accepted grains are anomalous, rejected ones background; all else is left out.",
            self.make_from_verdicts,
        )
        self.column.addLayout(row(self.make_button, self.verdicts_button))

        form = form_layout()
        self.truth_combo = truth_combo(self)
        self.truth_combo.setToolTip(
            "The mask to brush: 0 is background, 1 is anomaly, 2 is left out."
        )
        form.addRow("Truth", self.truth_combo)
        self.score_combo = score_combo(self)
        self.score_combo.setToolTip("The score map that is compared with the truth.")
        form.addRow("Score", self.score_combo)
        self.column.addLayout(form)

        self._tools = QButtonGroup(self)
        self.anomaly_button = self._tool(
            ANOMALY, "Anomaly", "Brush pixels that are really anomalous (label 1)."
        )
        self.leave_out_button = self._tool(
            LEAVE_OUT,
            "Leave out",
            "Brush pixels that you cannot judge (label 2). They are not counted.",
        )
        self.erase_button = self._tool(0, "Erase", "Set pixels back to background (label 0).")
        self._tools.idClicked.connect(self.take_brush)
        self.column.addLayout(row(self.anomaly_button, self.leave_out_button, self.erase_button))

        form = form_layout()
        self.auc = _figure("Area under the ROC curve: 1 is perfect, 0.5 is chance.")
        form.addRow("AUC", self.auc)
        self.average_precision = _figure(
            "Mean precision over all thresholds. It is stricter than AUC when anomalies are rare."
        )
        form.addRow("Average precision", self.average_precision)
        self.column.addLayout(form)
        self.counts = self.add(StatusLine(tooltip="The pixels that were compared."))
        self.add(self.status)
        self.next_button = self.lab_button(
            "Next: judge", JUDGING, "Open the dock that draws the curves of this comparison."
        )
        self.add(self.next_button)
        self.column.addStretch()

        self._compare_soon = qdebounced(self.compare_now, timeout=SETTLE_MS)
        self._watch = LayerWatch(self._compare_soon)
        self.truth_combo.layer_changed.connect(self._on_truth)
        self.score_combo.layer_changed.connect(self._on_choice)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_layers)
        self.listen(events.removed, self._on_layers)
        self.listen(self.session.changed, self._on_choice)
        self._on_layers()
        self._on_truth()

    def make_truth(self) -> None:
        """Add an empty truth mask on the grid of the score, else of the last scan."""
        score = self.score_combo.layer()
        scans = scans_in(self.viewer)
        if score is not None:
            scan_id, name = scan_id_of(score), scan_name_of(score)
            shape, spatial = score.data.shape, spatial_of(score)
        elif scans:
            scan_id, name = scans[-1].scan_id, scans[-1].name
            shape, spatial = scans[-1].shape, scans[-1].spatial
        else:
            self.status.error(_NO_SCAN)
            return
        add(self.viewer, truth_layer(shape, scan=name, scan_id=scan_id, spatial=spatial))
        self.take_brush(ANOMALY)

    def make_from_verdicts(self) -> None:
        """Add a truth mask made of the verdicts on the grains of the score."""
        score = self.score_combo.layer()
        book = None if score is None else board_of(self.viewer).book(scan_id_of(score))
        if score is None or book is None:
            self.status.error("Accept and reject grains in the step “Decide” first.")
            return
        try:
            truth = truth_of_verdicts(book)
        except InputError as error:
            self.fail(error)
            return
        labels = np.where(truth == FILE_LEAVE_OUT, LEAVE_OUT, truth)
        link = Link(scan_id_of(score), "truth", scan=scan_name_of(score), source=VERDICTS)
        title = f"{scan_name_of(score)} (verdicts)"
        layer = truth_labels(labels, title=title, link=link, spatial=spatial_of(score))
        add(self.viewer, layer)

    def take_brush(self, label: int) -> None:
        """Make the truth mask the active layer and brush with ``label``; 0 erases."""
        truth = self.truth_combo.layer()
        if truth is None:
            self.status.error(_NO_TRUTH)
            return
        self.viewer.layers.selection.active = truth
        truth.visible = True
        if label:
            truth.selected_label = label
        truth.mode = "paint" if label else "erase"
        truth.brush_size = BRUSH_PIXELS
        self._tools.button(label).setChecked(True)

    def compare_now(self) -> None:
        """Compare truth and score in the background; the last comparison counts."""
        self.jobs.cancel(_COMPARING)
        truth, score = self.truth_combo.layer(), self.score_combo.layer()
        if truth is None or score is None:
            self._clear(self._what_is_missing())
            return
        now, scores = truth_now(self.session, truth, score), np.asarray(score.data)
        self.jobs.run(
            _COMPARING,
            lambda task: compare_brushed(scores, now.labels, now.for_files()),
            self._show,
            on_failed=lambda failure: self._clear(failure.sentence),
        )

    def shut_down(self) -> None:
        """Also disconnect from the mask, and drop a comparison that is still due."""
        self._compare_soon.cancel()
        self._watch.watch(None)
        super().shut_down()

    def _tool(self, label: int, text: str, tooltip: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setToolTip(tooltip)
        self._tools.addButton(button, label)
        return button

    def _on_truth(self) -> None:
        self._watch.watch(self.truth_combo.layer())
        for button in self._tools.buttons():
            button.setEnabled(self.truth_combo.layer() is not None)
        self._on_choice()

    def _on_choice(self) -> None:
        if self.truth_combo.layer() is None or self.score_combo.layer() is None:
            self._clear(self._what_is_missing())
        else:
            self._compare_soon()

    def _on_layers(self, event: Any = None) -> None:
        possible = self.score_combo.layer() is not None or bool(scans_in(self.viewer))
        self.make_button.setEnabled(possible)
        if not possible:
            self._clear(_NO_SCAN)
        elif self.status.text() == _NO_SCAN:
            self._clear(self._what_is_missing())

    def _what_is_missing(self) -> str:
        if not self.make_button.isEnabled():
            return _NO_SCAN
        return _NO_TRUTH if self.truth_combo.layer() is None else _NO_SCORE

    def _show(self, compared: BrushedComparison) -> None:
        self.auc.setText(_four_decimals(compared.auc))
        self.average_precision.setText(_four_decimals(compared.average_precision))
        self.counts.plain(
            f"{compared.n_anomaly:,} anomalous, {compared.n_background:,} background, "
            f"{compared.n_left_out:,} left out (pixels)"
        )
        self.status.plain(compared.missing)

    def _clear(self, reason: str) -> None:
        for label in (self.auc, self.average_precision):
            label.setText("–")
        self.counts.plain("")
        self.status.plain(reason)


def _figure(tooltip: str) -> QLabel:
    label = QLabel("–")
    label.setToolTip(tooltip)
    label.setStyleSheet("font-weight: bold;")
    return label


def _four_decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
