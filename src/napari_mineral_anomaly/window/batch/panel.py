"""Choose scans and a recipe, run a batch, watch it, cancel it, open any of its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QComboBox, QFileDialog, QLineEdit, QWidget

from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR, ENTRIES
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.project.new import keep_as_project
from napari_mineral_anomaly.runs.batch.recipe import Recipe, read_recipe
from napari_mineral_anomaly.runs.batch.rows import DONE, FAILED, SectionRow, section_rows
from napari_mineral_anomaly.runs.batch.run import run_batch
from napari_mineral_anomaly.runs.batch.state import BATCH_FILE, known_batch
from napari_mineral_anomaly.runs.batch.summary import INDEX_FILE
from napari_mineral_anomaly.runs.batch.watch import BatchWatch
from napari_mineral_anomaly.window.batch.inputs import InputList
from napari_mineral_anomaly.window.batch.table import BatchTable
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    StatusLine,
    column_of,
    fit_width,
    flow,
    form_layout,
    make_primary,
    primary_button,
    push_button,
    row,
    spin_box,
)
from napari_mineral_anomaly.window.kit.destroyed import when_destroyed
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs, abandon
from napari_mineral_anomaly.window.project.comparing import compare
from napari_mineral_anomaly.words import counted

_RUNNING, _LOOKING = "Working on the sections", "Looking at the batch"
_NO_INPUT = "Add the sections: a folder for each, or a folder that holds them."
_NO_OUT = "Choose the folder for the results."
_LOOK_AGAIN_MS = 500
COMPARISON_FOLDER = "comparison"


class BatchPanel(QWidget):
    """A batch in the window; each section is worked on in a process of its own.

    It needs no dock: whoever shows it calls `shut_down` before it goes.

    Parameters
    ----------
    open_project : callable
        Opens the folder of a section.
    executor : Executor, optional
        Who starts the batch; default: a worker thread.

    Attributes
    ----------
    told : Signal
        How far a batch is: a line, and the share that is done in percent or None; "" and None at
        its end.
    """

    told = Signal(str, object)

    def __init__(
        self, open_project: Callable[[Path], None], executor: Executor | None = None
    ) -> None:
        super().__init__()
        self._open_project = open_project
        self.jobs = DockJobs(executor or QtExecutor(), self._on_failed)
        when_destroyed(self, abandon, self.jobs.handles)
        self._watch = BatchWatch()
        self._recipe: Recipe | None = None
        self._shown_out: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_AGAIN_MS)
        self._timer.timeout.connect(self._look)

        column = column_of(self)
        self.inputs = InputList()
        self.inputs.changed.connect(self._refresh)
        column.addWidget(self.inputs)
        column.addLayout(
            flow(
                push_button("&Add folder…", "A scan, or a folder of scans.", self._add_folder),
                push_button("Add &files…", "Files of which each is a scan.", self._add_files),
                push_button("Remo&ve", "Take the chosen lines out.", self.inputs.remove_chosen),
                gap=6,
            )
        )
        form = form_layout()
        self.out = self._path_field("The folder of the batch: a project for each section.")
        self.out.editingFinished.connect(self._on_out)
        form.addRow("Results in", self._with_button(self.out, self._choose_out))
        self.recipe = self._path_field(
            "TOML file with everything that a run can be told; see the page “Many sections” of the "
            "documentation. Without one, the detector below runs as it is."
        )
        self.recipe.textChanged.connect(self._refresh)
        form.addRow("Recipe", self._with_button(self.recipe, self._choose_recipe))
        self.detector = QComboBox()
        fit_width(self.detector)
        for entry in ENTRIES.values():
            self.detector.addItem(entry.title, entry.name)
        self.detector.setCurrentIndex(self.detector.findData(DEFAULT_DETECTOR))
        self.detector.setToolTip("The method for every section, with its usual parameters.")
        form.addRow("Detector", self.detector)
        self.workers = spin_box(1, 64, 1, tooltip="Sections at a time on this computer.")
        form.addRow("At a time", self.workers)
        column.addLayout(form)
        self.run_button = primary_button(
            "&Run", "Work on all sections that are not finished.", self.run, large=False
        )
        self.cancel_button = push_button(
            "&Cancel", "Stop. Finished sections stay; a later run goes on.", self.cancel
        )
        column.addLayout(row(self.run_button, self.cancel_button))
        self.progress = ProgressBar()
        column.addWidget(self.progress)
        self.status = StatusLine()
        column.addWidget(self.status)
        self.table = BatchTable()
        self.table.itemDoubleClicked.connect(lambda item, at: self.open_chosen())
        self.table.itemSelectionChanged.connect(self._refresh)
        column.addWidget(self.table)
        self.open_button = push_button(
            "&Open section", "Open the chosen section in this window.", self.open_chosen
        )
        self.page_button = push_button(
            "Summary &page", "Open index.html of the batch in the web browser.", self._open_page
        )
        self.compare_button = push_button(
            "Co&mpare",
            "List the grains of the finished sections in one table, and which elements and "
            "minerals recur; of the chosen lines, where you choose several.",
            self.compare,
        )
        column.addLayout(row(self.open_button, self.page_button, self.compare_button))
        self._refresh()

    @property
    def out_folder(self) -> Path | None:
        """The folder of the batch."""
        text = self.out.text().strip()
        return Path(text).expanduser().absolute() if text else None

    @property
    def is_running(self) -> bool:
        """Whether sections are worked on."""
        return self.jobs.is_running(_RUNNING)

    def choose_out(self, folder: Path) -> None:
        """Choose the folder of the batch; one that holds a batch is shown."""
        self.out.setText(str(folder))
        self._on_out()

    def run(self) -> None:
        """Begin the batch, or go on with the one that the folder holds."""
        out = self.out_folder
        if out is None or self.is_running:
            return
        try:
            recipe = self._wanted_recipe()
        except InputError as error:
            self.status.error(str(error))
            return
        inputs, workers, goes_on = self.inputs.paths, self.workers.value(), _holds_batch(out)
        watch = self._watch = BatchWatch()

        def work(task: Task) -> list[SectionRow]:
            return run_batch(
                inputs,
                out,
                recipe,
                workers=workers,
                resume=goes_on,
                watch=watch,
                keep=keep_as_project,
                task=task,
            )

        self.progress.setRange(0, 0)
        self.progress.show()
        self.status.plain("Looking for the sections…")
        self.told.emit("Batch: looking for the sections…", None)
        self._timer.start()
        self.jobs.run(
            _RUNNING,
            work,
            self._on_done,
            on_events=self._on_events,
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
            on_end=self._on_end,
        )
        self._refresh()

    def cancel(self) -> None:
        """Stop the batch; sections that are not finished leave nothing."""
        self.jobs.cancel(_RUNNING)

    def open_chosen(self) -> None:
        """Open the chosen section, if it is finished."""
        chosen, out = self.table.chosen, self.out_folder
        if chosen is not None and out is not None and chosen.state == DONE:
            self._open_project(out / chosen.section)

    def compare(self) -> None:
        """Compare the chosen finished sections, or all, in a folder beside them."""
        out, sections = self.out_folder, self._to_compare()
        if out is not None and len(sections) > 1:
            projects = [out / section for section in sections]
            compare(self.jobs, self.status, projects, out / COMPARISON_FOLDER)

    def _to_compare(self) -> list[str]:
        rows = self.table.chosen_rows
        rows = rows if len(rows) > 1 else self._watch.rows()
        return [row.section for row in rows if row.state == DONE]

    def shut_down(self) -> None:
        """Stop the batch and follow nothing any more."""
        self._timer.stop()
        abandon(self.jobs.handles)

    def _wanted_recipe(self) -> Recipe:
        path = self.recipe.text().strip()
        if path:
            return read_recipe(Path(path).expanduser())
        return self._recipe or Recipe(detector=str(self.detector.currentData()))

    def _on_out(self) -> None:
        """Show the batch that the folder holds, if it holds one."""
        out = self.out_folder
        self._recipe = None
        if out is not None and _holds_batch(out) and not self.is_running:

            def work(task: Task) -> tuple[Recipe, list[SectionRow]]:
                batch = known_batch(out)
                return batch.recipe, section_rows(batch)

            self.jobs.run(_LOOKING, work, lambda found: self._on_known(*found))
        elif out != self._shown_out and not self.is_running:  # what is shown is of another folder
            self._watch = BatchWatch()
            self.status.plain("")
            self._look()
        if not self.is_running:
            self._shown_out = out
        self._refresh()

    def _on_known(self, recipe: Recipe, rows: list[SectionRow]) -> None:
        self._recipe = recipe
        self.detector.setCurrentIndex(self.detector.findData(recipe.detector_name))
        self._watch = BatchWatch()
        self._watch.found(rows)
        self.table.show_rows(rows)
        self.status.plain(
            f"This folder holds a batch: {_summary(rows)}. “Go on” works on the rest."
        )
        self._refresh()

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        sections = [event for event in events if event.phase == "sections"]
        if sections:
            self.progress.show_events(sections)
            done, total = sections[-1].step, sections[-1].total
            line = f"{done} of {counted(total, 'section')} worked on"
            self.status.plain(f"{line}.")
            self.told.emit(f"Batch: {line}", 100 * done // total if total else None)
        self._look()

    def _look(self) -> None:
        self.table.show_rows(self._watch.rows())

    def _on_end(self) -> None:
        self._timer.stop()
        self.told.emit("", None)
        self.progress.hide()
        self._look()
        self._refresh()

    def _on_done(self, rows: list[SectionRow]) -> None:
        self.table.show_rows(rows)
        failed = any(one.state == FAILED for one in rows)
        (self.status.warning if failed else self.status.good)(f"Done: {_summary(rows)}.")
        self._refresh()

    def _on_cancelled(self) -> None:
        self._watch.stopped()
        self._look()
        self.status.plain(f"Cancelled: {_summary(self._watch.rows())}. “Go on” works on the rest.")

    def _on_failed(self, failure: Failure) -> None:
        self.status.error(failure.sentence)

    def _refresh(self) -> None:
        out = self.out_folder
        knows = out is not None and _holds_batch(out)
        can_run = out is not None and (knows or self.inputs.count() > 0)
        self.run_button.setText("&Go on" if knows else "&Run")
        self.run_button.setEnabled(can_run and not self.is_running)
        rows = self._watch.rows()
        is_done = bool(rows) and all(one.state == DONE for one in rows)
        make_primary(self.run_button, not is_done, large=False)
        self.cancel_button.setEnabled(self.is_running)
        self._say_what_is_missing(needs_input=not knows and self.inputs.count() == 0)
        self.detector.setEnabled(self._recipe is None and not self.recipe.text().strip())
        chosen = self.table.chosen
        self.open_button.setEnabled(chosen is not None and chosen.state == DONE)
        self.compare_button.setEnabled(len(self._to_compare()) > 1 and not self.is_running)
        self.page_button.setEnabled(out is not None and (out / INDEX_FILE).is_file())

    def _say_what_is_missing(self, *, needs_input: bool) -> None:
        """Say why a batch cannot run, unless the line tells something else."""
        missing = ""
        if not self.is_running:
            missing = _NO_INPUT if needs_input else _NO_OUT if self.out_folder is None else ""
        if self.status.text() in ("", _NO_INPUT, _NO_OUT):
            self.status.plain(missing)

    def _path_field(self, tooltip: str) -> QLineEdit:
        field = QLineEdit()
        field.setToolTip(tooltip)
        return field

    def _with_button(self, field: QLineEdit, choose: Callable[[], None]) -> QWidget:
        both = QWidget()
        layout = row(field, push_button("…", "Choose.", choose))
        layout.setContentsMargins(0, 0, 0, 0)
        both.setLayout(layout)
        return both

    def _add_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A scan, or a folder of scans")
        if folder:
            self.inputs.add([Path(folder)])

    def _add_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Files of which each is a scan")
        self.inputs.add([Path(file) for file in files])

    def _choose_out(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of the batch")
        if folder:
            self.choose_out(Path(folder))

    def _choose_recipe(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Recipe", "", "Recipe (*.toml)")
        if file:
            self.recipe.setText(file)

    def _open_page(self) -> None:
        out = self.out_folder
        if out is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(out / INDEX_FILE)))


def _holds_batch(folder: Path) -> bool:
    return (folder / BATCH_FILE).is_file()


def _summary(rows: Sequence[SectionRow]) -> str:
    done = sum(one.state == DONE for one in rows)
    failed = sum(one.state == FAILED for one in rows)
    grains = sum(one.grains or 0 for one in rows)
    parts = [f"{done} of {counted(len(rows), 'section')} finished"]
    if failed:
        parts.append(f"{failed} failed")
    return ", ".join([*parts, counted(grains, "grain")])
