"""*Hand over*: choose what to hand over, see the list of files, write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QGridLayout, QLabel, QLineEdit

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.spreadsheets import DIALECTS
from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.runs.export import (
    FORMATS,
    Format,
    PlannedFile,
    existing,
    plan_files,
    write_files,
)
from napari_mineral_anomaly.window.exporting.plan import (
    DEFAULTS,
    ROWS,
    Choice,
    available,
    chosen_products,
    opened_files,
)
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    form_layout,
    primary_button,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.layer_combo import score_combo
from napari_mineral_anomaly.window.state.model import HAND_OVER
from napari_mineral_anomaly.window.workbench.steps.step import Step

_NO_SCORE = "Nothing to export yet: run a detector first, or open a score map."
_NO_FOLDER = "Choose the folder for the files."
_NO_FILE = "Tick at least one box."
_EXPORTING = "Exporting"

_HEADINGS: dict[Format, str] = {
    "ome": "OME",
    "imagej": "Fiji",
    "folder": "each",
    "png": "PNG",
    "csv": "CSV",
    "zarr": "Zarr",
}


class HandOverStep(Step):
    """Choose a folder, results and formats; write the files."""

    NAME, TITLE = HAND_OVER, "Hand over"
    TASK = "Choose a folder, tick what you need, and write it."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._reasons: dict[str, str] | None = None

        form = form_layout()
        self.score_combo = score_combo(self)
        self.score_combo.setToolTip(
            "The result to export, with its score, mask, labels and grains."
        )
        form.addRow("Result", self.score_combo)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder for the files")
        self.folder.setToolTip("Folder for the files. It is made if it does not exist.")
        self.folder.textChanged.connect(self._refresh)
        choose = push_button("Choose…", "Choose the folder for the files.", self._choose_folder)
        form.addRow("Folder", row(self.folder, choose))
        self.boxes: dict[Choice, QCheckBox] = {}
        grid = self._grid_of_boxes()
        self.dialect = QComboBox()
        self.dialect.setToolTip(
            "How CSV files are written. A spreadsheet reads numbers right only in the form of its "
            "own language."
        )
        for dialect in DIALECTS.values():
            self.dialect.addItem(dialect.title, dialect.name)
        self.dialect.currentIndexChanged.connect(self._refresh)
        csv_form = form_layout()
        csv_form.addRow("CSV for", self.dialect)
        self.world_files = QCheckBox("World files for QGIS beside the TIFFs")
        self.world_files.setToolTip(
            "A file of six lines (.tfw) beside each TIFF. It places the TIFF in µm: x to the "
            "right, y downwards as minus µm. Stacks get a .vrt, which QGIS opens with all names."
        )
        self.world_files.toggled.connect(self._refresh)
        self.overwrite = QCheckBox("Replace files that exist")
        self.overwrite.setToolTip(
            "If this is not ticked, nothing is written where a file exists. Files that were opened "
            "in this window are never replaced."
        )
        self.overwrite.toggled.connect(self._refresh)
        self.plan_text = StatusLine()
        self.plan_text.setToolTip("The files that will be written.")
        self.export_button = primary_button(
            "Export", "Write the files listed above. Numbers and µm do not change.", self.export
        )
        self.cancel_button = push_button(
            "Cancel",
            "Stop. Files that are complete stay.",
            lambda: self.jobs.cancel(_EXPORTING),
        )
        buttons = row(self.export_button, self.cancel_button)
        self.add(form, grid, csv_form, self.world_files, self.overwrite)
        self.add(self.plan_text, buttons, self.status)
        self.column.addStretch()

        # A result adds several layers: plan once, after the last of them.
        self._plan_soon = QTimer(self)
        self._plan_soon.setSingleShot(True)
        self._plan_soon.timeout.connect(self._refresh)
        self.score_combo.layer_changed.connect(self._on_layers)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_layers)
        self.listen(events.removed, self._on_layers)
        self.listen(self.session.changed, self._on_layers)
        self._on_layers()
        self._refresh()

    def _grid_of_boxes(self) -> QGridLayout:
        """Check boxes: a row per result, a column per format."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(2)
        grid.setVerticalSpacing(2)
        for column, (form, words) in enumerate(FORMATS.items(), start=1):
            heading = QLabel(_HEADINGS[form])
            heading.setToolTip(words)
            grid.addWidget(heading, 0, column, Qt.AlignmentFlag.AlignHCenter)
        for line, (key, result) in enumerate(ROWS.items(), start=1):
            title = QLabel(result.title)
            title.setMinimumWidth(title.fontMetrics().horizontalAdvance(result.title) + 8)
            grid.addWidget(title, line, 0)
            for form in result.formats:
                box = QCheckBox()
                box.setAccessibleName(f"{result.title} as {_HEADINGS[form]}")
                box.setEnabled(False)  # until its result exists
                box.toggled.connect(self._refresh)
                self.boxes[key, form] = box
                column = 1 + list(FORMATS).index(form)
                grid.addWidget(box, line, column, Qt.AlignmentFlag.AlignHCenter)
        grid.setColumnStretch(0, 1)
        return grid

    def export(self) -> None:
        """Write the ticked files of the chosen result."""
        score = self.score_combo.layer()
        if score is None:
            return
        folder = Path(self.folder.text().strip()).expanduser()
        overwrite, world_files = self.overwrite.isChecked(), self.world_files.isChecked()
        try:
            files = self._planned(copy=True)
        except InputError as error:
            self.fail(error)
            return
        inputs = opened_files(self.viewer)
        self.jobs.run(
            _EXPORTING,
            lambda task: write_files(
                files,
                folder,
                overwrite=overwrite,
                world_files=world_files,
                inputs=inputs,
                task=task,
            ),
            self._on_written,
            on_events=self._on_events,
            on_cancelled=self._on_cancelled,
            on_end=self._refresh,
        )
        self._refresh()

    def chosen(self) -> list[Choice]:
        """The ticked boxes: (result, format)."""
        return [key for key, box in self.boxes.items() if box.isEnabled() and box.isChecked()]

    def _planned(self, *, copy: bool) -> list[PlannedFile]:
        score = self.score_combo.layer()
        if score is None:
            return []
        products = chosen_products(self.chosen(), self.viewer, self.session, score, copy=copy)
        return plan_files(products, DIALECTS[self.dialect.currentData()])

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        self.status.plain(f"Writing {events[-1].message}…")

    def _on_written(self, paths: list[Path]) -> None:
        names = ", ".join(path.name for path in paths)
        self.status.good(f"Wrote {names} to {paths[0].parent.resolve()}.")

    def _on_cancelled(self) -> None:
        self.status.plain("The export was cancelled. Files that were complete are there.")

    def _on_layers(self, event: Any = None) -> None:
        reasons = available(self.viewer, self.session, self.score_combo.layer())
        if reasons != self._reasons:  # most added or removed layers change nothing here
            self._reasons = reasons
            self._offer(reasons)
        self._plan_soon.start(0)

    def _offer(self, reasons: dict[str, str]) -> None:
        """Enable the boxes of results that can be written; say why the others cannot."""
        for choice, box in self.boxes.items():
            key, form = choice
            was_enabled = box.isEnabled()
            box.blockSignals(True)
            box.setEnabled(not reasons[key])
            if reasons[key]:
                box.setChecked(False)
                box.setToolTip(f"Not possible: {reasons[key]}.")
            else:
                box.setToolTip(f"{ROWS[key].title}. {FORMATS[form]}.")
                if not was_enabled:
                    box.setChecked(choice in DEFAULTS)
            box.blockSignals(False)

    def _refresh(self, value: Any = None) -> None:
        busy = self.jobs.is_running(_EXPORTING)
        reason = ""
        if self.score_combo.layer() is None:
            reason = _NO_SCORE
        elif not self.folder.text().strip():
            reason = _NO_FOLDER
        elif not self.chosen():
            reason = _NO_FILE
        self.export_button.setEnabled(not busy and not reason)
        self.cancel_button.setEnabled(busy)
        if reason and not busy:
            self.status.plain(reason)
        elif self.status.text() in (_NO_SCORE, _NO_FOLDER, _NO_FILE):
            self.status.plain("")
        if not busy:
            self._show_plan()

    def _show_plan(self) -> None:
        """List the files to write, their size, and files that already exist."""
        try:
            files = self._planned(copy=False)
        except InputError as error:
            self.plan_text.plain(str(error))
            return
        if not files:
            self.plan_text.plain("")
            return
        lines = [f"{file.name}{f' ({file.note})' if file.note else ''}" for file in files]
        size = sum(file.n_bytes for file in files) / 1e6
        text = f"Will write about {max(size, 0.1):,.1f} MB:\n" + "\n".join(lines)
        folder = self.folder.text().strip()
        world_files = self.world_files.isChecked()
        if world_files and all(file.product.pixel_size is None for file in files):
            text += "\nNo world files: the pixel size is unknown."
        there = existing(files, Path(folder).expanduser(), world_files) if folder else []
        if there:
            what = "Replaced" if self.overwrite.isChecked() else "Already there"
            text += f"\n{what}: {', '.join(there)}."
        self.plan_text.plain(text)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the files", self.folder.text())
        if folder:
            self.folder.setText(folder)
