"""*Threshold*: the histogram of the score with a line to drag, and the mask for that threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QDoubleSpinBox, QLabel, QSpinBox
from superqt.utils import qthrottled

from napari_mineral_anomaly.detectors.results.threshold import (
    DEFAULT_IN_WORDS,
    default_threshold,
    expected_false_pixels,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.large import Spare
from napari_mineral_anomaly.grains.pixels.mask import (
    JudgedScore,
    MaskCounts,
    count_grains,
    judge_score,
)
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import form_layout, push_button, row
from napari_mineral_anomaly.window.kit.layer_combo import score_combo
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.links import Link, layer_by_id, link_of, relink
from napari_mineral_anomaly.window.layers.make import min_grain_of, pixel_size_of, threshold_of
from napari_mineral_anomaly.window.layers.results import add_mask
from napari_mineral_anomaly.window.layers.session import mask_of
from napari_mineral_anomaly.window.threshold.histogram import ScoreBins, score_bins
from napari_mineral_anomaly.window.threshold.histogram_plot import HistogramPlot
from napari_mineral_anomaly.words import counted

_NO_SCORE = "Run a detector first, or open a score map (a 2-D image of decimal numbers)."
_COUNTING, _MASKING = "Counting scores", "Making the mask"
_COUNTING_GRAINS = "Counting the grains"

# How often the mask is computed while the line is dragged; the eye does not see more.
MASK_UPDATE_MS = 100


class ThresholdPanel(Panel):
    """Sets from which score on a pixel is anomalous, and shows how many false pixels to expect."""

    def __init__(
        self,
        napari_viewer: Any,
        executor: Executor | None = None,
        *,
        scrolls: bool = True,
        with_score: bool = True,
    ) -> None:
        super().__init__(napari_viewer, executor, scrolls=scrolls)
        self._n_valid = 0
        self._due = False
        self._counted: str | None = None

        self.score_combo = score_combo(self)
        self.score_combo.setToolTip("The score map; any image of decimal numbers will do.")
        form = form_layout()
        if with_score:
            form.addRow("Score", self.score_combo)
        else:  # another list of the window shows the choice
            self.score_combo.setParent(self)
            self.score_combo.hide()
        self.plot = HistogramPlot()
        self.add(form, self.plot)

        form = form_layout()
        self.threshold = QDoubleSpinBox()
        self.threshold.setRange(-1e6, 1e6)
        self.threshold.setDecimals(2)
        self.threshold.setSingleStep(0.1)
        self.threshold.setSuffix(" sigmas")
        self.threshold.setToolTip(
            "Pixels at or above this score are flagged; 5 background sigmas are about one false "
            "pixel in three million."
        )
        self.threshold.valueChanged.connect(self._on_value)
        self.plot.threshold_dragged.connect(self.threshold.setValue)
        form.addRow("Threshold", self.threshold)
        self.min_grain = QSpinBox()
        self.min_grain.setRange(1, 1_000_000)
        self.min_grain.setSuffix(" px")
        self.min_grain.setToolTip(
            "Smaller grains are left out of the mask. 1 keeps single pixels: with a coarse step, a "
            "single pixel can be a real grain."
        )
        self.min_grain.valueChanged.connect(self._on_value)
        form.addRow("Smallest grain", self.min_grain)
        self.expected, self.flagged, self.area = QLabel(), QLabel(), QLabel()
        self.expected.setToolTip(
            "Pixels that would reach this score in a scan of this size in which nothing is odd. "
            "What is flagged beyond this number is not chance."
        )
        self.flagged.setToolTip(
            "Pixels in the mask, and grains (pixels that touch at sides or corners)."
        )
        self.area.setToolTip("The area of the flagged pixels.")
        form.addRow("By chance", self.expected)
        form.addRow("In this scan", self.flagged)
        form.addRow("Area", self.area)

        self.mask_button = push_button(
            "Make mask",
            "Make a labels layer that follows the threshold. You can brush in it.",
            self.make_mask,
        )
        self.default_button = push_button(
            "Default threshold", f"Back to the default: {DEFAULT_IN_WORDS}.", self.reset_threshold
        )
        buttons = row(self.mask_button, self.default_button)
        self.add(form, buttons, self.status)
        self.column.addStretch()

        self._update_mask_soon = qthrottled(self.update_mask, timeout=MASK_UPDATE_MS)
        self.score_combo.layer_changed.connect(self._on_score)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_layers)
        self.listen(events.removed, self._on_layers)
        self.listen(self.session.changed, self._on_score)
        self.colour_by_theme(self.plot)
        self._on_score()

    def make_mask(self) -> None:
        """Add the mask layer of the chosen score, if it has none."""
        score = self.score_combo.layer()
        if score is not None and mask_of(self.viewer, score) is None:
            self._compute_mask(score)

    def update_mask(self) -> None:
        """Recompute the mask with the threshold that is set; brush strokes stay."""
        score = self.score_combo.layer()
        if score is not None and mask_of(self.viewer, score) is not None:
            self._compute_mask(score)

    def _compute_mask(self, score: Any) -> None:
        """Compute the mask in the background, one job at a time; the last request counts.

        A running job is not cancelled: with a cancel at every step of a drag, the mask of a large
        scan would not change until the drag ends.
        """
        if self.jobs.is_running(_MASKING):
            self._due = True
            return
        self._due = False
        mask = mask_of(self.viewer, score)
        edits = None if mask is None else self.session.strokes_on(mask, score)
        data, score_id = np.asarray(score.data), str(score.unique_id)
        threshold, min_grain_px = self.threshold.value(), self.min_grain.value()
        self.jobs.run(
            _MASKING,
            lambda task: _judged(data, threshold, min_grain_px, edits),
            lambda judged: self._on_mask(score_id, *judged),
        )

    def _on_mask(self, score_id: str, judged: JudgedScore, numbers: Spare) -> None:
        score = layer_by_id(self.viewer, score_id)
        # If a run ended meanwhile, its score and its mask are there already.
        if score is not None and np.asarray(score.data) is judged.score:
            counts = self._put_mask(score, judged, numbers)
            if score is self.score_combo.layer():
                self._show_counts(counts)
        chosen = self.score_combo.layer()
        if self._due and chosen is not None:
            self._compute_mask(chosen)

    def _put_mask(self, score: Any, judged: JudgedScore, numbers: Spare) -> MaskCounts:
        mask = mask_of(self.viewer, score)
        if mask is None:
            link = link_of(score)
            if link is None:
                # With its first mask, the user's own image gets a note and counts as our score.
                link = Link(str(score.unique_id), "score", scan=score.name)
                score.metadata.update(link.metadata())
            relink(score, threshold=judged.threshold, min_grain_px=judged.min_grain_px)
            title = link.scan or score.name
            mask = add_mask(self.viewer, self.session, score, judged, link=link, title=title)
        return self.session.show_judged(score, mask, judged, numbers)

    def reset_threshold(self) -> None:
        """Back to the default threshold for this many pixels."""
        if self._n_valid:
            self.threshold.setValue(default_threshold(self._n_valid))

    def shut_down(self) -> None:
        """Also drop an update that is still due."""
        self._update_mask_soon.cancel()
        super().shut_down()

    def _on_score(self) -> None:
        self.jobs.cancel(_COUNTING, _COUNTING_GRAINS)
        self._due = False  # the request was for the score shown until now
        score = self.score_combo.layer()
        self._counted = None
        for control in (self.plot, self.threshold, self.min_grain, self.default_button):
            control.setEnabled(score is not None)
        self._n_valid = 0
        if score is None:
            self.plot.clear()
            for label in (self.expected, self.flagged, self.area):
                label.clear()
            self.status.plain(_NO_SCORE)
            self._on_layers()
            return
        data, threshold = np.asarray(score.data), threshold_of(score)
        self._show_values(threshold, min_grain_of(score))
        self.status.plain("")
        self._on_layers()
        self.jobs.run(_COUNTING, lambda task: score_bins(data, threshold), self._on_counted)

    def _on_counted(self, histogram: ScoreBins) -> None:
        self._n_valid = histogram.n_valid
        if histogram.n_valid == 0:
            self.fail(InputError("This layer holds no number: every pixel is NaN."))
            return
        self.plot.show_histogram(histogram)
        self.plot.set_threshold(self.threshold.value())
        self._show_expected()

    def _on_layers(self, event: Any = None) -> None:
        score = self.score_combo.layer()
        mask = None if score is None else mask_of(self.viewer, score)
        self.mask_button.setEnabled(score is not None and mask is None)
        shown = None if mask is None else str(mask.unique_id)
        if shown == self._counted and shown is not None:
            return  # another layer came or went
        self._counted = shown
        if score is not None and mask is not None:
            self._count(score, mask)
        elif score is not None:
            self.flagged.setText("make a mask to count")
            self.area.clear()

    def _count(self, score: Any, mask: Any) -> None:
        """Show the counts; a worker counts the grains of a mask that was brushed."""
        counts = self.session.known_counts(score, mask)
        if counts is not None:
            self._show_counts(counts)
            return
        shown, mask_id = self.session.mask_parts(mask, score).shown, str(mask.unique_id)
        self.flagged.setText("counting…")
        self.jobs.run(
            _COUNTING_GRAINS,
            lambda task: count_grains(shown),
            lambda grains: self._on_grains(mask_id, shown, grains),
        )

    def _on_grains(self, mask_id: str, shown: NDArray[np.bool_], grains: int) -> None:
        score, mask = self.score_combo.layer(), layer_by_id(self.viewer, mask_id)
        if score is not None and mask is not None and mask is mask_of(self.viewer, score):
            self.session.take_grains(score, mask, shown, grains)
            self._count(score, mask)  # again, where it was brushed meanwhile

    def _on_value(self, value: float) -> None:
        self.plot.set_threshold(self.threshold.value())
        self._show_expected()
        self.make_mask()
        self._update_mask_soon()

    def _show_values(self, threshold: float, min_grain_px: int) -> None:
        with QSignalBlocker(self.threshold), QSignalBlocker(self.min_grain):
            self.threshold.setValue(threshold)
            self.min_grain.setValue(min_grain_px)
        self.plot.set_threshold(threshold)

    def _show_expected(self) -> None:
        expected = expected_false_pixels(self.threshold.value(), self._n_valid)
        self.expected.setText(f"{expected:,.3g} of {self._n_valid:,} pixels")

    def _show_counts(self, counts: MaskCounts) -> None:
        self.flagged.setText(
            f"{counted(counts.pixels, 'pixel')} in {counted(counts.grains, 'grain')}"
        )
        score = self.score_combo.layer()
        size = None if score is None else pixel_size_of(score)
        area = None if size is None else f"{counts.pixels * size[0] * size[1] / 1e6:.4g} mm²"
        self.area.setText(area or "unknown (no pixel size)")
        self.status.plain(
            f"Your brush changed {counted(counts.brushed, 'pixel')}." if counts.brushed else ""
        )


def _judged(
    score: NDArray[Any], threshold: float, min_grain_px: int, edits: NDArray[np.int8] | None
) -> tuple[JudgedScore, Spare]:
    """A score judged, and its mask for the layer; for a worker."""
    judged = judge_score(score, threshold, min_grain_px, edits)
    return judged, Spare(judged.shown, np.uint8)
