"""*Export results*: TIFF files and the table of grains, written in the background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox, QFileDialog, QLineEdit, QPushButton

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.jobs import Executor, Failure, Job, JobHandle
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback, ProgressEvent
from napari_mineral_anomaly.widgets.export_plan import TITLES, available, plan, write_items
from napari_mineral_anomaly.widgets.parts import (
    Dock,
    LayerCombo,
    StatusLine,
    form_layout,
    is_new_score,
    is_score,
    row,
)

_NO_SCORE = "Nothing to export yet: run a detector first, or open a score map."
_NO_FOLDER = "Choose the folder for the files."
_NO_FILE = "Tick at least one line."


class ExportDock(Dock):
    """Choose a folder and what goes there."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._writing: JobHandle[list[Path]] | None = None

        form = form_layout()
        self.score_combo = LayerCombo(
            self, is_score, prefers=is_new_score, empty="no score map yet"
        )
        self.score_combo.setToolTip("The result to export: its score, mask, labels and grains.")
        form.addRow("Result", self.score_combo)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder for the files")
        self.folder.setToolTip("Where the files go; made if it does not exist.")
        self.folder.textChanged.connect(self._refresh)
        choose = QPushButton("Choose…")
        choose.setToolTip("Choose the folder for the files.")
        choose.clicked.connect(self._choose_folder)
        form.addRow("Folder", row(self.folder, choose))
        self.column.addLayout(form)

        self.boxes: dict[str, QCheckBox] = {}
        for file, title in TITLES.items():
            box = QCheckBox(title)
            box.setEnabled(False)  # until there is something to write
            box.toggled.connect(self._refresh)
            self.boxes[file] = box
            self.column.addWidget(box)
        self.overwrite = QCheckBox("Replace files that exist")
        self.overwrite.setToolTip("Without this, nothing is written where a file would be lost.")
        self.column.addWidget(self.overwrite)

        self.export_button = QPushButton("Export")
        self.export_button.setToolTip("Write the ticked files; numbers and µm stay as they are.")
        self.export_button.clicked.connect(self.export)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop after the file that is being written.")
        self.cancel_button.clicked.connect(self._cancel)
        self.column.addLayout(row(self.export_button, self.cancel_button))
        self.status = StatusLine()
        self.column.addWidget(self.status)
        self.column.addStretch()

        self.score_combo.layer_changed.connect(self._on_layers)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_layers)
        self.listen(events.removed, self._on_layers)
        self.listen(self.session.changed, self._on_layers)
        self._on_layers()

    def export(self) -> None:
        """Write the ticked files of the chosen result."""
        score = self.score_combo.layer()
        if score is None:
            return
        folder = Path(self.folder.text().strip()).expanduser()
        overwrite = self.overwrite.isChecked()
        try:
            items = plan(self.viewer, self.session, score, self.chosen())
        except InputError as error:
            self.fail(self.status, Failure(str(error), expected=True))
            return

        def write(on_event: ProgressCallback, cancel: CancelToken) -> list[Path]:
            return write_items(items, folder, overwrite=overwrite, on_event=on_event, cancel=cancel)

        self._writing = JobHandle(
            "Exporting",
            on_events=self._on_events,
            on_done=self._on_written,
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
        )
        self._refresh()
        self.start(Job("Exporting", write), self._writing)

    def chosen(self) -> list[str]:
        """The ticked files."""
        return [file for file, box in self.boxes.items() if box.isEnabled() and box.isChecked()]

    def _cancel(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        self.status.plain(f"Writing {events[-1].message}…")

    def _on_written(self, paths: list[Path]) -> None:
        self._end()
        names = ", ".join(path.name for path in paths)
        self.status.good(f"Wrote {names} to {paths[0].parent.resolve()}.")

    def _on_failed(self, failure: Failure) -> None:
        self._end()
        self.fail(self.status, failure)

    def _on_cancelled(self) -> None:
        self._end()
        self.status.plain("The export was cancelled; files that were complete are there.")

    def _end(self) -> None:
        self._writing = None
        self._refresh()

    def _on_layers(self, event: Any = None) -> None:
        reasons = available(self.viewer, self.session, self.score_combo.layer())
        for file, box in self.boxes.items():
            was_enabled = box.isEnabled()
            box.setEnabled(not reasons[file])
            box.setToolTip(f"Not possible: {reasons[file]}." if reasons[file] else f"As {file}.")
            if reasons[file]:
                box.setChecked(False)
            elif not was_enabled:
                box.setChecked(True)
        self._refresh()

    def _refresh(self, value: Any = None) -> None:
        busy = self._writing is not None
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

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the files", self.folder.text())
        if folder:
            self.folder.setText(folder)
