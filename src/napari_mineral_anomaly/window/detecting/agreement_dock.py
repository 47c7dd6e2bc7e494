"""*Agreement*: where the results of a section agree, and the results side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtWidgets import QDoubleSpinBox, QPushButton

from napari_mineral_anomaly.detectors.results.agreement import Agreement, agree
from napari_mineral_anomaly.detectors.results.threshold import promised_false_pixels
from napari_mineral_anomaly.window.detecting.agreement_layers import (
    legend_html,
    results_of,
    show_agreement,
)
from napari_mineral_anomaly.window.detecting.side_by_side import SideBySide
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import StatusLine, form_layout, push_button, row
from napari_mineral_anomaly.window.kit.docks.dock import Dock
from napari_mineral_anomaly.window.layers.links import linked_layers
from napari_mineral_anomaly.window.state.of_viewer import state_of

_NEEDS_TWO = "Run a second detector on this section to compare (step “Find”)."


class AgreementDock(Dock):
    """How many detectors flag a pixel, if each may flag the same number of false pixels."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._state = state_of(napari_viewer)
        self._scan_id: str | None = None
        self._has_default = False
        self._side_by_side = SideBySide(self.viewer)
        form = form_layout()
        self.false_pixels = QDoubleSpinBox()
        self.false_pixels.setRange(0.01, 1e6)
        self.false_pixels.setToolTip(
            "Each detector gets the threshold at which it flags this number of background pixels "
            "of this scan by chance. Thresholds that you moved have no effect here."
        )
        form.addRow("False pixels each", self.false_pixels)
        self.column.addLayout(form)
        self.agree_button = push_button(
            "Agreement",
            "Make or update the layer that shows how many detectors flag each pixel.",
            self.show_agreement,
        )
        self.grid_button = QPushButton("Side by side")
        self.grid_button.setCheckable(True)
        self.grid_button.setToolTip(
            "Show the score maps of this scan side by side; press again to go back."
        )
        self.grid_button.toggled.connect(self._on_grid)
        self.column.addLayout(row(self.agree_button, self.grid_button))
        self.legend = self.add(StatusLine())
        self.column.addStretch()
        self.listen(self.session.changed, self._refresh)
        self.listen(self.active.leaving, lambda: self.grid_button.setChecked(False))
        self.listen(self._state.events.scan_id, self._on_section)
        self._on_section(self._state.scan_id)

    def shut_down(self) -> None:
        """Also leave the view side by side."""
        self.grid_button.setChecked(False)
        super().shut_down()

    def _on_section(self, scan_id: str | None) -> None:
        if scan_id != self._scan_id:
            self._scan_id = scan_id
            self.grid_button.setChecked(False)
            self.legend.plain("")
            self._has_default = False
        self._refresh()

    def show_agreement(self) -> None:
        """Make or update the agreement layer of the scan."""
        scan_id = self._scan_id
        results = {} if scan_id is None else results_of(self.session, scan_id)
        if scan_id is None or len(results) < 2:
            return
        false_pixels = self.false_pixels.value()
        self.jobs.run(
            "Comparing detectors",
            lambda task: agree(results, false_pixels=false_pixels),
            lambda agreement: self._on_agreement(scan_id, agreement, false_pixels),
            on_failed=lambda failure: self.fail(failure, self.legend),
            alongside=True,
        )

    def _on_agreement(self, scan_id: str, agreement: Agreement, false_pixels: float) -> None:
        layer = show_agreement(self.viewer, scan_id, agreement)
        if layer is not None and scan_id == self._scan_id:
            self.legend.plain(legend_html(agreement, false_pixels))
            if self._side_by_side.is_on:
                self._show_side_by_side()

    def _on_grid(self, wanted: bool) -> None:
        if wanted:
            self._show_side_by_side()
        else:
            self._side_by_side.back()

    def _show_side_by_side(self) -> None:
        if self._scan_id is None:
            return
        viewer = self.viewer
        scores = linked_layers(viewer, self._scan_id, "score")
        by_detector = {link.detector: layer for layer, link in scores if link.detector is not None}
        agreements = [layer for layer, _ in linked_layers(viewer, self._scan_id, "agreement")]
        self._side_by_side.show([*by_detector.values(), *agreements])

    def _refresh(self) -> None:
        results = {} if self._scan_id is None else results_of(self.session, self._scan_id)
        enough = len(results) > 1
        for control in (self.agree_button, self.grid_button, self.false_pixels):
            control.setEnabled(enough)
        if results and not self._has_default:
            # The number of false pixels that the default threshold of this scan allows.
            n_valid = int(np.count_nonzero(next(iter(results.values())).valid))
            self.false_pixels.setValue(promised_false_pixels(n_valid))
            self._has_default = True
        if not enough:
            self.grid_button.setChecked(False)
            self.legend.plain(_NEEDS_TWO)
        else:
            if self.legend.text() == _NEEDS_TWO:
                self.legend.plain("")
            if self._side_by_side.is_on:  # another result came
                self._show_side_by_side()
