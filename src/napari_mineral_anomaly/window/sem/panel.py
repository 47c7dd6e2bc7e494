"""*SEM list*: click fiducials, type their readings, see how well they fit; load verdicts back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.sem.fiducials import FEWEST, MODELS, require_model
from napari_mineral_anomaly.grains.sem.fit import SemFit
from napari_mineral_anomaly.grains.sem.visits import Which
from napari_mineral_anomaly.grains.verdicts.book import VerdictBook
from napari_mineral_anomaly.grains.verdicts.returned import read_returned_verdicts, with_returned
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import plan_rows
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    make_primary,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.panel import Panel
from napari_mineral_anomaly.window.layers.links import link_of, scan_id_of, scan_name_of
from napari_mineral_anomaly.window.layers.make import spatial_of
from napari_mineral_anomaly.window.sem.points import sem_points_of
from napari_mineral_anomaly.window.sem.table import FiducialTable, X
from napari_mineral_anomaly.words import counted

if TYPE_CHECKING:
    from napari.layers import Layer

_MODELS = {
    "similarity": "similarity",
    "affine": "affine",
}
_WHICH: dict[Which, str] = {"accepted": "accepted grains", "all": "all listed grains"}
_HOW_TO = "Click three or more points on the map that you find again under the SEM."
_TYPE = "Type what the stage of the SEM shows at each point, in mm."
_LOADING = "Loading verdicts"


class FiducialPanel(Panel):
    """The fiducials of the active section.

    Attributes
    ----------
    fit : SemFit or None
    problem : str
        Why there is no fit; "" where there is one.
    """

    changed = Signal()

    def __init__(self, viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(viewer, executor, scrolls=False)
        self._points = sem_points_of(viewer)
        self._score: Layer | None = None
        self.fit: SemFit | None = None
        self.problem = _HOW_TO
        self.add_button = push_button(
            "Add points", "Click points on the map; click here again to stop.", self._toggle_adding
        )
        self.add_button.setCheckable(True)
        self.remove_button = push_button(
            "Remove", "Remove the selected points.", self._remove_selected
        )
        self.back_button = push_button(
            "Bring the points back", "Undo the deletion of their layer.", self._bring_back
        )
        self.table = FiducialTable()
        self.table.typed.connect(self._on_typed)
        self.table.renamed.connect(self._on_renamed)
        self.table.refused.connect(self._on_refused)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.fit_line = StatusLine()
        self.model = QComboBox()
        self.model.setAccessibleName("Transform")
        self.model.setToolTip(
            "The transform. Similarity: rotation, one scale, shift. Affine: also stretch and "
            "shear; it needs more points to show an error. Both find a mirror by themselves."
        )
        for model in MODELS:
            self.model.addItem(_MODELS[model], model)
        self.model.currentIndexChanged.connect(self._on_model)
        self.which = QComboBox()
        self.which.setAccessibleName("Grains to list")
        self.which.setToolTip("Which grains the list holds.")
        for which, words in _WHICH.items():
            self.which.addItem(words, which)
        self.load_button = push_button(
            "Load verdicts…",
            "Take over the column “verdict” of a list that was filled in at the SEM.",
            self._choose_verdicts,
        )
        # Few lines, so that “Write” is in sight on a laptop.
        self.add(row(self.add_button, self.remove_button, self.load_button))
        self.add(self.back_button)
        self.add(self.table, self.fit_line, row(self.model, self.which), self.status)
        self.listen(self._points.changed, self._on_points)

    def show_score(self, score: Layer | None) -> None:
        """Show the fiducials of the section of a score."""
        self._score = score
        self.refresh()

    def stop_adding(self) -> None:
        """Clicks on the map move the map again."""
        self.add_button.setChecked(False)
        layer = None if self._score is None else self._points.layer(scan_id_of(self._score))
        if layer is not None and str(layer.mode) == "add":
            layer.mode = "pan_zoom"

    def refresh(self) -> None:
        """Show points, residuals and what is missing."""
        score = self._score
        self.setEnabled(score is not None)
        fiducials = self._points.fiducials("" if score is None else scan_id_of(score))
        n_deleted = 0 if score is None else self._points.n_deleted(scan_id_of(score))
        self.back_button.setVisible(n_deleted > 0)
        self.back_button.setText(f"Bring {counted(n_deleted, 'deleted point')} back")
        self.fit, self.problem = None, _HOW_TO
        residuals: dict[str, float] = {}
        worst = ""
        if score is not None and len(fiducials.points) >= FEWEST:
            try:
                self.fit = self._points.fit(scan_id_of(score))
                self.problem = ""
            except InputError as error:
                self.problem = str(error) if len(fiducials.read) >= FEWEST else _TYPE
        if self.fit is not None:
            names = [point.name for point in self.fit.fiducials]
            residuals = dict(zip(names, self.fit.residuals_um, strict=True))
            worst = max(residuals, key=lambda name: residuals[name]) if self.fit.warnings else ""
            if self.fit.warnings:
                self.fit_line.warning("\n".join([self.fit.sentence, *self.fit.warnings]))
            else:
                self.fit_line.good(self.fit.sentence)
        else:
            self.fit_line.plain(self.problem)
        self.table.show_points(fiducials.points, residuals, worst)
        self.remove_button.setEnabled(bool(fiducials.points))
        make_primary(self.add_button, len(fiducials.points) < FEWEST)
        self.model.blockSignals(True)
        self.model.setCurrentIndex(self.model.findData(fiducials.model))
        self.model.blockSignals(False)
        self.model.setEnabled(bool(fiducials.points))
        self.changed.emit()

    def load_verdicts(self, path: str | Path) -> None:
        """Take over the verdicts of a table by the ids of grains; this can be undone."""
        score = self._score
        if score is None:
            return
        scan_id, board, path = scan_id_of(score), board_of(self.viewer), Path(path)
        book = board.book(scan_id)
        rows = plan_rows(self.viewer, self.session, score, book, board.cluster_names)

        def work(task: Task) -> tuple[VerdictBook, str]:
            labels = rows(task).labels
            height, width = labels.shape
            returned = read_returned_verdicts(path, labels)
            before = VerdictBook((height, width)) if book is None else book
            return with_returned(before, returned, labels), returned.sentence

        def take(found: tuple[VerdictBook, str]) -> None:
            board.adopt_for(scan_id, found[0], f"verdicts of {path.name}")
            self.status.good(found[1])

        self.status.plain("Loading verdicts…")
        self.jobs.run(_LOADING, work, take)

    def _on_points(self, scan_id: str) -> None:
        if self._score is not None and scan_id == scan_id_of(self._score):
            self.status.plain("")
            self.refresh()

    def _toggle_adding(self) -> None:
        score = self._score
        if not self.add_button.isChecked() or score is None:
            self.stop_adding()
            return
        link = link_of(score)
        title = scan_name_of(score) if link is None or not link.scan else link.scan
        layer = self._points.start(scan_id_of(score), title, spatial_of(score))
        layer.visible = True
        if not len(layer.data):  # the view may still be at the last grain
            self.active.fit()
        self.viewer.layers.selection.active = layer
        layer.selected_data = set()
        layer.mode = "add"

    def _remove_selected(self) -> None:
        if self._score is not None:
            rows = self.table.rows()
            if not rows:
                self.status.plain("Select the points to remove in the table.")
                return
            self._points.remove(scan_id_of(self._score), rows)

    def _on_typed(self, row: int, column: int, value: float | None) -> None:
        if self._score is not None:
            key = "sem_x_mm" if column == X else "sem_y_mm"
            self._points.write(scan_id_of(self._score), row, **{key: value})

    def _on_renamed(self, row: int, name: str) -> None:
        if self._score is None:
            return
        scan_id = scan_id_of(self._score)
        others = [p.name for k, p in enumerate(self._points.fiducials(scan_id).points) if k != row]
        if not name or name in others:
            self._on_refused("Each point needs a name of its own.")
        else:
            self._points.write(scan_id, row, name=name)

    def _on_refused(self, sentence: str) -> None:
        self.refresh()  # what was there before
        self.status.error(sentence)

    def _on_selected(self) -> None:
        layer = None if self._score is None else self._points.layer(scan_id_of(self._score))
        if layer is not None and str(layer.mode) != "add":
            layer.selected_data = set(self.table.rows())

    def _bring_back(self) -> None:
        if self._score is not None:
            self._points.bring_back(scan_id_of(self._score))

    def _on_model(self, index: int) -> None:
        if self._score is not None:
            self._points.set_model(
                scan_id_of(self._score), require_model(self.model.itemData(index))
            )

    def _choose_verdicts(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Load verdicts of the SEM", "", "Tables (*.csv *.xlsx)"
        )
        if path:
            self.load_verdicts(path)
