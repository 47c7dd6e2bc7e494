"""*Hand over*: choose what to hand over, see the list of files, write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QFileDialog, QLineEdit, QRadioButton

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.runs.export import PlannedFile, existing, plan_files, write_files
from napari_mineral_anomaly.window.exporting.dialect_choice import DialectChoice
from napari_mineral_anomaly.window.exporting.format_grid import FormatGrid
from napari_mineral_anomaly.window.exporting.plan import (
    Choice,
    available,
    chosen_products,
    opened_files,
)
from napari_mineral_anomaly.window.exporting.presets import (
    FIDUCIALS_FILE,
    GIS,
    GIS_CHOICES,
    MORE,
    PDF_FILE,
    PRESETS,
    PROJECT,
    REPORT,
    REPORT_FILE,
    SEM,
    SEM_FILE,
    Writing,
    copy_of,
    files_in_words,
    report_of,
    sem_list_of,
)
from napari_mineral_anomaly.window.grains.board import board_of
from napari_mineral_anomaly.window.grains.listing import plan_rows
from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    form_layout,
    make_primary,
    primary_button,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.fold import Fold
from napari_mineral_anomaly.window.kit.layer_combo import score_combo
from napari_mineral_anomaly.window.layers.links import link_of, scan_id_of
from napari_mineral_anomaly.window.project.projects import projects_of
from napari_mineral_anomaly.window.sem.panel import FiducialPanel
from napari_mineral_anomaly.window.state.model import HAND_OVER
from napari_mineral_anomaly.window.workbench.steps.step import Step

_NO_SCORE = "Nothing to hand over yet: run a detector first, or open a score map."
_NO_FOLDER = "“Write…” asks for the folder."
_NO_FILE = "Tick at least one box."
_NO_PROJECT = "This needs a run of this window, or an open project."
_READ_ONLY = "The project is open read-only: choose “Save as…” in the menu of the header first."
_NO_FIT = "The list needs three points with their readings of the SEM."
_REASONS = (_NO_SCORE, _NO_FOLDER, _NO_FILE, _NO_PROJECT, _READ_ONLY, _NO_FIT)
_EXPORTING = "Exporting"


class HandOverStep(Step):
    """Choose what to hand over and a folder; write the files."""

    NAME, TITLE = HAND_OVER, "Hand over"
    TASK = "Choose what to hand over and where, then write it."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._reasons: dict[str, str] | None = None
        self._projects = projects_of(napari_viewer)
        self._written: Path | None = None
        self._has_news = False  # the status tells what was written; no plan below it

        form = form_layout()
        self.score_combo = score_combo(self)
        self.score_combo.setToolTip(
            "The result to hand over, with its score, mask, labels and grains."
        )
        form.addRow("Result", self.score_combo)
        self.column.addLayout(form)
        self.presets: dict[str, QRadioButton] = {}
        self._group = QButtonGroup(self)
        for preset in PRESETS:
            button = QRadioButton(preset.title)
            button.setToolTip(preset.words)
            button.toggled.connect(self._on_choice)
            self._group.addButton(button)
            self.presets[preset.key] = self.add(button)
        self.words = self.add(StatusLine())
        self.sem = self.add(FiducialPanel(napari_viewer, executor))
        self.sem.changed.connect(self._refresh)

        self.csv = self.add(DialectChoice())
        self.csv.changed.connect(self._on_choice)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder for the files")
        self.folder.setToolTip("Folder for the files. It is made if it does not exist.")
        self.folder.textChanged.connect(self._on_choice)
        choose = push_button("Choose…", "Choose the folder for the files.", self._choose_folder)
        self.column.addLayout(row(self.folder, choose))
        self.overwrite = QCheckBox("Replace files that exist")
        self.overwrite.setToolTip(
            "If this is not ticked, nothing is written where a file exists. Files that were opened "
            "in this window are never replaced."
        )
        self.overwrite.toggled.connect(self._on_choice)
        self.export_button = primary_button(
            "Write", "Write the files listed below. Numbers and µm do not change.", self.export
        )
        self.cancel_button = push_button(
            "Cancel",
            "Stop. Files that are complete stay.",
            lambda: self.jobs.cancel(_EXPORTING),
        )
        self.open_button = push_button(
            "Open folder", "Show the files in the file manager.", self._open_folder
        )
        self.open_button.hide()
        self.plan_text = StatusLine()
        self.plan_text.setToolTip("The files that will be written.")
        self.add(self.overwrite, row(self.export_button, self.cancel_button))
        self.add(self.status, self.open_button, self.plan_text)
        self.more = self.add(Fold("More", "Every result in every format."))
        self._build_more()
        self.presets[MORE].toggled.connect(self.more.open)
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
        self.listen(self._projects.changed, self._plan_later)
        self.choose_preset(REPORT)
        self._on_layers()
        self._refresh()

    def _build_more(self) -> None:
        self.grid = FormatGrid()
        self.grid.changed.connect(self._on_ticked)
        self.world_files = QCheckBox("World files for QGIS beside the TIFFs")
        self.world_files.setToolTip(
            "A file of six lines (.tfw) beside each TIFF. It places the TIFF in µm: x to the "
            "right, y downwards as minus µm. Stacks get a .vrt, which QGIS opens with all names."
        )
        self.world_files.toggled.connect(self._on_choice)
        self.more.column.addWidget(self.grid)
        self.more.column.addWidget(self.world_files)

    @property
    def boxes(self) -> dict[Choice, QCheckBox]:
        """The boxes of every result in every format."""
        return self.grid.boxes

    @property
    def preset(self) -> str:
        """What is to be handed over, one of `PRESETS`."""
        return next((key for key, button in self.presets.items() if button.isChecked()), REPORT)

    def choose_preset(self, key: str) -> None:
        """Choose what to hand over."""
        self.presets[key].setChecked(True)

    def export(self) -> None:
        """Write what is chosen; ask for the folder where none is typed."""
        if not self.folder.text().strip():
            self._choose_folder()
        if not self.folder.text().strip():
            return
        folder = Path(self.folder.text().strip()).expanduser()
        try:
            work = self._work(folder)
        except InputError as error:
            self.fail(error)
            return
        if work is None:
            return
        self._forget_news()
        self.report("Writing files…")
        self.jobs.run(
            _EXPORTING,
            work,
            self._on_written,
            on_events=self._on_events,
            on_cancelled=self._on_cancelled,
            on_end=self._on_end,
        )
        self._refresh()

    def chosen(self) -> list[Choice]:
        """The results and formats that are written as files of their own."""
        if self.preset == MORE:
            return self.grid.chosen()
        return self.grid.possible(GIS_CHOICES) if self.preset == GIS else []

    def _work(self, folder: Path) -> Writing | None:
        """What a worker does; it holds no layer."""
        score, keeper = self.score_combo.layer(), self._keeper
        overwrite = self.overwrite.isChecked()
        if score is None:
            return None
        if self.preset in (REPORT, PROJECT):
            if keeper is None or keeper.folder is None:
                raise InputError(self._why_no_project)
            if not keeper.save_now():
                raise InputError(keeper.problem or "The project is still being saved: try again.")
            if self.preset == PROJECT:
                return copy_of(keeper.folder, folder, keeper.name)
            return report_of(keeper.folder, link_of(score), folder, overwrite=overwrite)
        if self.preset == SEM:
            board = board_of(self.viewer)
            book = board.book(scan_id_of(score))
            rows = plan_rows(self.viewer, self.session, score, book, board.cluster_names)
            if self.sem.fit is None:
                raise InputError(self.sem.problem)
            which, fit = self.sem.which.currentData(), self.sem.fit
            return sem_list_of(rows, fit, which, folder, self.csv.dialect, overwrite=overwrite)
        files, inputs = self._planned(copy=True), opened_files(self.viewer)
        world_files = self._wants_world_files
        return lambda task: write_files(
            files,
            folder,
            overwrite=overwrite,
            world_files=world_files,
            inputs=inputs,
            task=task,
        )

    @property
    def _wants_world_files(self) -> bool:
        return self.preset == GIS or self.world_files.isChecked()

    @property
    def _keeper(self) -> Any:
        return self._projects.keepers.get(str(self.state.scan_id))

    @property
    def _why_no_project(self) -> str:
        """Why no project can be read; "" where one can."""
        keeper = self._keeper
        return _NO_PROJECT if keeper is None else _READ_ONLY if keeper.is_read_only else ""

    def _planned(self, *, copy: bool) -> list[PlannedFile]:
        score = self.score_combo.layer()
        if score is None:
            return []
        products = chosen_products(self.chosen(), self.viewer, self.session, score, copy=copy)
        return plan_files(products, self.csv.dialect)

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        doing = events[-1].message or events[-1].phase
        self.status.plain(f"Writing {doing}…")
        self.report(f"Writing {doing}…")

    def _on_end(self) -> None:
        self.report(None)
        self._refresh()

    def _on_written(self, paths: list[Path]) -> None:
        self._written = paths[0].parent.resolve()
        self.status.good(f"Wrote {files_in_words(paths)} to {self._written}.")
        self._show_news(True)
        self.plan_text.plain("")
        self.state.set_done(HAND_OVER)

    def _on_cancelled(self) -> None:
        self.status.plain("The export was cancelled. Files that were complete are there.")

    def _on_ticked(self) -> None:
        self.choose_preset(MORE)
        self._on_choice()

    def _on_layers(self, event: Any = None) -> None:
        reasons = available(self.viewer, self.session, self.score_combo.layer())
        if reasons != self._reasons:  # most added or removed layers change nothing here
            self._reasons = reasons
            self.grid.offer(reasons)
        self.sem.show_score(self.score_combo.layer())
        self._plan_later()

    def entered(self) -> None:
        """Show the fiducials as they are now."""
        self.sem.refresh()

    def left(self) -> None:
        """Clicks on the map add no points any more."""
        self.sem.stop_adding()

    def shut_down(self) -> None:
        """Also the fiducials."""
        self.sem.shut_down()
        super().shut_down()

    def _plan_later(self) -> None:
        self._plan_soon.start(0)

    def _on_choice(self, value: Any = None) -> None:
        """Something else is to be written: what was written is old news."""
        self._forget_news()
        self._refresh()

    def _forget_news(self) -> None:
        if self._has_news:
            self._show_news(False)
            self.status.plain("")

    def _show_news(self, shown: bool) -> None:
        """After files were written, the next button to press opens their folder."""
        self._has_news = shown
        self.open_button.setVisible(shown)
        make_primary(self.open_button, shown)
        make_primary(self.export_button, not shown)

    def _refresh(self, value: Any = None) -> None:
        busy = self.jobs.is_running(_EXPORTING)
        self.words.plain(next(one.words for one in PRESETS if one.key == self.preset))
        self.words.setVisible(self.preset != SEM)  # the fiducials say what to do
        self.sem.setVisible(self.preset == SEM)
        self.csv.setVisible(self.preset in (SEM, GIS, MORE))
        if self.preset != SEM:
            self.sem.stop_adding()
        reason = ""
        if self.score_combo.layer() is None:
            reason = _NO_SCORE
        elif self.preset in (REPORT, PROJECT) and self._why_no_project:
            reason = self._why_no_project
        elif self.preset == SEM and self.sem.fit is None:
            reason = _NO_FIT
        elif self.preset in (GIS, MORE) and not self.chosen():
            reason = _NO_FILE
        self.export_button.setEnabled(not busy and not reason)
        has_folder = bool(self.folder.text().strip())
        self.export_button.setText("Write" if has_folder else "Write…")
        if not reason and not has_folder:
            reason = _NO_FOLDER
        self.cancel_button.setVisible(busy)
        if reason and not busy:
            self.status.plain(reason)
        elif self.status.text() in _REASONS:
            self.status.plain("")
        if not busy and not self._has_news:
            self._show_plan()

    def _show_plan(self) -> None:
        """List the files to write, their size, and files that already exist."""
        if self.preset in (REPORT, SEM, PROJECT):
            dialect = self.csv.dialect
            single = {
                REPORT: f"{REPORT_FILE} and {PDF_FILE}",
                SEM: f"{dialect.file_name(SEM_FILE)} and {dialect.file_name(FIDUCIALS_FILE)}",
                PROJECT: "the folder of the project",
            }
            self.plan_text.plain(f"Will write {single[self.preset]}.")
            return
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
        world_files = self._wants_world_files
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

    def _open_folder(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))
