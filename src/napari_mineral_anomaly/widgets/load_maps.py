"""*Load maps*: from a folder or files to layers, the ingest report first."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QTextBrowser,
    QWidget,
)

from napari_mineral_anomaly.cube import ElementCube
from napari_mineral_anomaly.jobs import Executor, Failure, Job, JobHandle
from napari_mineral_anomaly.progress import CancelToken, ProgressCallback, ProgressEvent
from napari_mineral_anomaly.widgets.layers import (
    LayerData,
    add,
    element_layers,
    new_scan_id,
    show_scale_bar,
)
from napari_mineral_anomaly.widgets.maps_reading import (
    MapsRead,
    WhichSample,
    read_or_ask,
    scan_name,
)
from napari_mineral_anomaly.widgets.parts import Dock, StatusLine, form_layout, row
from napari_mineral_anomaly.widgets.remembered import remember_pixel_size, remembered_pixel_size
from napari_mineral_anomaly.widgets.words import headline, pixel_size_text, report_html

FILE_FILTER = (
    "Element maps (*.tif *.tiff *.txt *.csv *.asc *.dat *.gz *.mat *.TIF *.TIFF *.CSV *.TXT);;"
    "All files (*)"
)

_WELCOME = "Choose the folder that holds one map per element, or the files themselves."


class LoadMapsDock(Dock):
    """Choose, read, look at the report, set the pixel size, add the layers."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._sources: list[Path] = []
        self._sample: str | None = None
        self._cube: ElementCube | None = None
        self._waiting: deque[LayerData] = deque()
        self._added = 0
        self._reading: JobHandle[MapsRead | WhichSample] | None = None

        self.path = QLineEdit()
        self.path.setPlaceholderText("folder or file with element maps")
        self.path.setToolTip(
            "The folder of one scan (one file per element), a multi-page TIFF or a .mat scene. "
            "Type a path and press Enter, or use the buttons below."
        )
        self.path.returnPressed.connect(self._read_typed_path)
        self.column.addWidget(self.path)

        choose_folder = QPushButton("Folder…")
        choose_folder.setToolTip("The folder with one map per element: TIFF or text files.")
        choose_folder.clicked.connect(self._choose_folder)
        choose_files = QPushButton("Files…")
        choose_files.setToolTip("Some files of one scan, or one file that holds all its elements.")
        choose_files.clicked.connect(self._choose_files)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop reading.")
        self.cancel_button.clicked.connect(self._cancel)
        self.column.addLayout(row(choose_folder, choose_files, self.cancel_button))

        self.status = StatusLine(_WELCOME)
        self.column.addWidget(self.status)

        self.sample_combo = QComboBox()
        self.sample_combo.setToolTip("These maps are of several samples: choose one of them.")
        self.sample_combo.activated.connect(self._on_sample)
        self.column.addWidget(self.sample_combo)

        self.found = QWidget()
        form = form_layout()
        self.found.setLayout(form)
        self.summary = StatusLine()
        form.addRow(self.summary)
        self.report = QTextBrowser()
        self.report.setMinimumHeight(220)
        self.report.setToolTip("Which files were used, which were not and why: read before adding.")
        form.addRow(self.report)
        self.pixel_size_note = StatusLine()
        form.addRow(self.pixel_size_note)
        self.pixel_x = _micrometres("Distance between neighbouring pixels of a row, in µm.")
        self.pixel_x.valueChanged.connect(self._on_pixel_size)
        form.addRow("Pixel size", self.pixel_x)
        self.pixel_y = _micrometres("Distance between neighbouring rows, in µm.")
        self.row_label = QLabel("Row distance")
        form.addRow(self.row_label, self.pixel_y)
        self.add_button = QPushButton("Add layers")
        self.add_button.setToolTip("Show the maps in napari, one layer per element.")
        self.add_button.clicked.connect(self.add_layers)
        form.addRow(self.add_button)
        self.column.addWidget(self.found, 1)

        self.next_button = self.next_step(
            "Next: detect anomalies", "Detect anomalies", "Open the dock that scores the scan."
        )
        self.column.addWidget(self.next_button)
        self.column.addStretch()
        self.next_button.hide()
        self._forget()

    def load(self, sources: Sequence[str | Path], sample: str | None = None) -> None:
        """Read maps in the background; the report appears when they are there."""
        self._cancel()
        self._waiting.clear()
        self._forget()
        self.next_button.hide()
        self._sources = [Path(source).expanduser() for source in sources]
        self._sample = sample
        self.path.setText("; ".join(str(source) for source in self._sources))
        paths = list(self._sources)

        def read(on_event: ProgressCallback, cancel: CancelToken) -> MapsRead | WhichSample:
            return read_or_ask(paths, sample, on_event=on_event, cancel=cancel)

        self.status.plain("Reading…")
        self.cancel_button.setEnabled(True)
        self._reading = JobHandle(
            "Reading maps",
            on_events=self._on_events,
            on_done=self._on_read,
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
        )
        self.start(Job("Reading maps", read), self._reading)

    def add_layers(self) -> None:
        """Put the maps that were read into the viewer."""
        if self._cube is None:
            return
        pixel_size = self._chosen_pixel_size()
        cube = self._cube.replace(pixel_size=pixel_size)
        if pixel_size is not None and self._cube.pixel_size != pixel_size:
            remember_pixel_size(self._folder(), pixel_size)
        self._cube = None
        self.add_button.setEnabled(False)
        self.status.plain("Preparing layers…")
        scan = scan_name(self._sources, self._sample)

        def prepare(on_event: ProgressCallback, cancel: CancelToken) -> list[LayerData]:
            return element_layers(cube, scan=scan, scan_id=new_scan_id())

        handle: JobHandle[list[LayerData]] = JobHandle(
            "Preparing layers", on_done=self._on_prepared, on_failed=self._on_failed
        )
        self.start(Job("Preparing layers", prepare), handle)

    def _on_prepared(self, layers: list[LayerData]) -> None:
        self.found.hide()
        self._added = 0
        self._waiting = deque(layers)
        self._add_next()

    def _add_next(self) -> None:
        """Add one layer per turn of the event loop: napari takes its time for each."""
        if not self._waiting:
            return
        add(self.viewer, self._waiting.popleft())
        self._added += 1
        if self._waiting:
            self.status.plain(f"Adding layer {self._added + 1}…")
            QTimer.singleShot(0, self._add_next)
        else:
            QTimer.singleShot(0, self._all_added)

    def _all_added(self) -> None:
        self.viewer.reset_view()
        show_scale_bar(self.viewer)
        self.status.good(
            f"Added {self._added} layers of {scan_name(self._sources, self._sample)}. Delete a "
            "layer to leave its element out of the analysis."
        )
        self.next_button.show()

    def shut_down(self) -> None:
        """Also add no further layers."""
        self._waiting.clear()
        super().shut_down()

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of element maps", self.path.text())
        if folder:
            self.load([folder])

    def _choose_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Element maps", self.path.text(), FILE_FILTER)
        if files:
            self.load(files)

    def _read_typed_path(self) -> None:
        typed = [part.strip() for part in self.path.text().split(";") if part.strip()]
        if typed:
            self.load(typed)

    def _cancel(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        last = events[-1]
        counted = f" {last.step} of {last.total}" if last.total else ""
        self.status.plain(f"Reading{counted}… {last.message}".rstrip())

    def _on_read(self, read: MapsRead | WhichSample) -> None:
        self.cancel_button.setEnabled(False)
        if isinstance(read, WhichSample):
            self.sample_combo.clear()
            self.sample_combo.addItems(["choose a sample…", *read.samples])
            self.sample_combo.show()
            self.status.plain(
                f"These maps are of {len(read.samples)} samples: choose the one to load."
            )
            return
        self._cube = read.cube
        self.status.plain("Look through the report, then add the layers.")
        self.summary.plain(f"<b>{headline(read.cube)}</b>")
        self.report.setHtml(report_html(read.report))
        self._offer_pixel_size(read.cube.pixel_size, read.report.pixel_size_source)
        self.add_button.setEnabled(True)
        self.found.show()

    def _on_sample(self, index: int) -> None:
        if index > 0:
            self.load(self._sources, self.sample_combo.itemText(index))

    def _offer_pixel_size(self, known: tuple[float, float] | None, source: str) -> None:
        size = known or remembered_pixel_size(self._folder())
        if known is not None:
            note = f"Pixel size {pixel_size_text(known)}, from {source}."
        elif size is not None:
            note = "The files do not tell the pixel size; this is what you typed last time."
        else:
            note = "The files do not tell the pixel size: please type it (step of the scan)."
        self.pixel_size_note.plain(note)
        y, x = size or (0.0, 0.0)
        self.pixel_x.setValue(x)
        self.pixel_y.setValue(y)
        self._show_row_distance(y != x)
        self._offered = (self.pixel_y.value(), self.pixel_x.value())

    def _on_pixel_size(self, value: float) -> None:
        if self._square:
            self.pixel_y.setValue(value)

    def _show_row_distance(self, show: bool) -> None:
        self._square = not show
        self.row_label.setVisible(show)
        self.pixel_y.setVisible(show)

    def _chosen_pixel_size(self) -> tuple[float, float] | None:
        y, x = self.pixel_y.value(), self.pixel_x.value()
        if self._offered == (y, x) and self._cube is not None and self._cube.pixel_size:
            return self._cube.pixel_size  # untouched: keep the digits that the box does not show
        return (y, x) if y > 0 and x > 0 else None

    def _on_failed(self, failure: Failure) -> None:
        self._forget()
        self.fail(self.status, failure)

    def _on_cancelled(self) -> None:
        self._forget()
        self.status.plain("Reading was cancelled. " + _WELCOME)

    def _forget(self) -> None:
        self._cube = None
        self._square = True
        self._offered = (0.0, 0.0)
        self.found.hide()
        self.sample_combo.hide()
        self.add_button.setEnabled(False)
        self.cancel_button.setEnabled(False)

    def _folder(self) -> Path:
        first = self._sources[0]
        return first if first.is_dir() else first.parent


def _micrometres(tooltip: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(0.0, 100_000.0)
    spin.setDecimals(3)
    spin.setSuffix(" µm")
    spin.setSpecialValueText("unknown (scale in pixels)")
    spin.setToolTip(tooltip)
    return spin
