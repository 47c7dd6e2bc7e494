"""*Decide*: the list of grains below the map, the evidence for the chosen one, the threshold."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.grains.columns import UNSEEN
from napari_mineral_anomaly.window.editing.panel import GrainEditPanel
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.card_panel import GrainCard
from napari_mineral_anomaly.window.grains.table_panel import GrainTable
from napari_mineral_anomaly.window.grains.verdict_map import VerdictMap
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import StatusLine
from napari_mineral_anomaly.window.kit.fold import Fold
from napari_mineral_anomaly.window.layers.views import show_score
from napari_mineral_anomaly.window.state.model import DECIDE, HAND_OVER
from napari_mineral_anomaly.window.teaching.panel import TeachingPanel
from napari_mineral_anomaly.window.threshold.panel import ThresholdPanel
from napari_mineral_anomaly.window.workbench.steps.step import Step
from napari_mineral_anomaly.words import counted


class DecideStep(Step):
    """Arranges the list, the card and the threshold; they share the grain board."""

    NAME, TITLE = DECIDE, "Decide"
    TASK = (
        "Go through the list: A accepts, R rejects, U leaves a grain undecided, O teaches that it "
        "is ordinary."
    )

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self.board = board_of(napari_viewer)
        self.table = GrainTable(napari_viewer, executor)
        self.table.hide_verdict_buttons()
        self.table.add_key("O", self.teach_grain)
        self.below_map = self.table
        self._is_complete = False

    def complete(self) -> None:
        """Make what stands beside the list: the list alone fills a turn."""
        if self._is_complete:
            return
        self._is_complete = True
        napari_viewer, executor = self.viewer, self.jobs.executor
        self.decided = self.add(StatusLine(tooltip="Grains of the list that have a verdict."))
        self.threshold_fold = self.add(
            Fold("Threshold", "From which score on a pixel belongs to a grain.")
        )
        self.threshold = ThresholdPanel(napari_viewer, executor, scrolls=False, with_score=False)
        self.threshold_fold.column.addWidget(self.threshold)
        self.teaching_fold = self.add(
            Fold("Teach what is ordinary", "Ordinary grains leave the list, with all like them.")
        )
        self.teaching = TeachingPanel(napari_viewer, executor)
        self.teaching_fold.column.addWidget(self.teaching)
        self.teaching.before_removal = self._pause
        self.edit_fold = self.add(Fold("Edit grains", "Merge, split or redraw grains of the list."))
        self.editing = GrainEditPanel(
            napari_viewer, executor, selected=self.table.view.selected_grains
        )
        self.edit_fold.column.addWidget(self.editing)
        self.table.view.selectionModel().selectionChanged.connect(self.editing.refresh)
        self.table.add_key("M", self.merge_grains)
        self.card = self.add(GrainCard(napari_viewer, executor, scrolls=False))
        self.next_button = self.step_button(
            "Hand over", HAND_OVER, "Go to the step that writes reports and files."
        )
        self.add(self.next_button)
        self.column.addStretch()

        self.verdict_map = VerdictMap(napari_viewer, self.board, self.jobs, self.listen)
        self.listen(self.board.decided, self._show_decided)
        self.listen(self.board.listed, self._show_decided)
        self._show_decided()

    def entered(self) -> None:
        """The keys A, R, U and N work on the map too."""
        self.table.canvas_keys.bind()
        show_score(self.viewer, self.state.score_id)

    def teach_grain(self) -> None:
        """Teach that the chosen grain is ordinary."""
        self.teaching_fold.open()
        self.teaching.teach_grain()

    def merge_grains(self) -> None:
        """Merge the selected grains."""
        self.edit_fold.open()
        self.editing.merge()

    def left(self) -> None:
        """Give the keys back to napari."""
        self.table.canvas_keys.close()

    def shut_down(self) -> None:
        """Also shut the parts down."""
        super().shut_down()
        self.table.shut_down()
        if self._is_complete:
            for part in (self.card, self.threshold, self.teaching, self.editing):
                part.shut_down()

    def _pause(self, paused: bool) -> None:
        self.table.removed.paused = paused

    def _show_decided(self) -> None:
        listing = self.board.listing
        self.next_button.setVisible(listing is not None)
        if listing is None:
            self.decided.plain("")
            return
        verdicts = self.board.verdicts()
        n = sum(status != UNSEEN for status, _ in verdicts.values())
        of = len(listing.table)
        self.decided.plain(f"{n} of {counted(of, 'grain')} decided." if of else "")
        self.state.set_done(DECIDE, n > 0, listing.scan_id)
