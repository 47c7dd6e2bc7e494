"""*Open*: read a folder or files, show what was read, then show the section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLineEdit,
    QTextBrowser,
    QWidget,
)

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import READ_ENDINGS
from napari_mineral_anomaly.io.formats.shared.axes import Channels, open_axis
from napari_mineral_anomaly.io.reading.sizes.pixel_size import (
    TYPED_EARLIER,
    checked_pixel_size,
    checked_spot_size,
)
from napari_mineral_anomaly.io.remembered import remember_pixel_size, remembered_pixel_size
from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.controls import (
    StatusLine,
    add_parts,
    column_of,
    make_primary,
    primary_button,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.opening import SPECTRUM
from napari_mineral_anomaly.window.layers.adding import LayersInTurns
from napari_mineral_anomaly.window.layers.make import LayerData, new_scan_id, show_scale_bar
from napari_mineral_anomaly.window.layers.scan_layers import folder_of, scan_layers, scan_name
from napari_mineral_anomaly.window.loading.names import NameFields, unnamed_planes
from napari_mineral_anomaly.window.loading.options import (
    BesideTheMaps,
    PixelSizeFields,
    SpectraFields,
)
from napari_mineral_anomaly.window.loading.reading import (
    Answers,
    MapsRead,
    Reading,
    WhichElements,
    WhichEnergy,
    WhichSample,
    read_or_ask,
)
from napari_mineral_anomaly.window.loading.remembered import remember_energy, remembered_energy
from napari_mineral_anomaly.window.loading.report_html import headline, report_html
from napari_mineral_anomaly.window.loading.report_panel import IngestPanel
from napari_mineral_anomaly.window.state.model import LOOK, OPEN
from napari_mineral_anomaly.window.workbench.steps.first_minutes import FirstMinutes
from napari_mineral_anomaly.window.workbench.steps.step import Step

_PATTERNS = " ".join(f"*{ending} *{ending.upper()}" for ending in READ_ENDINGS)
FILE_FILTER = f"Element maps and spectrum images ({_PATTERNS});;All files (*)"

_READING = "Reading maps"


class OpenStep(Step):
    """Choose a scan, read it, check the report, set the pixel size, show the section."""

    NAME, TITLE = OPEN, "Open"
    TASK = "Open the folder that holds one map per element, or drop it onto the map."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._sources: list[Path] = []
        self._answers = Answers()
        self._cube: ElementCube | None = None
        self._report: IngestReport | None = None
        self._panel: IngestPanel | None = None
        self._other_axis: Channels | None = None
        self._adding = LayersInTurns(self.viewer, self._on_next_layer, self._all_added)

        self.folder_button = primary_button(
            "Open folder…",
            "The folder with one map per element: TIFF or text files.",
            self._choose_folder,
        )
        choose_files = push_button(
            "Files…",
            "Some files of one scan, or one file that holds all its elements or its spectra.",
            self._choose_files,
        )
        buttons = row(self.folder_button, choose_files)
        buttons.setStretch(0, 1)
        self.path = QLineEdit()
        self.path.setPlaceholderText("or type a path and press Enter")
        self.path.setToolTip(
            "The folder of one scan (one file per element), or a file: a TIFF stack, a long table, "
            "HDF5, a spectrum image … Separate several files by “;”. Name an array in a file like "
            "this: scan.h5::/entry/maps."
        )
        self.path.returnPressed.connect(self._read_typed_path)
        self.cancel_button = push_button("Cancel", "Stop reading.", self._cancel)
        self.status.plain("")

        self.sample_combo = QComboBox()
        self.sample_combo.setToolTip("The files hold maps of several samples: choose one sample.")
        self.sample_combo.activated.connect(self._on_sample)
        self.spectra_fields = SpectraFields()
        self.spectra_fields.wanted.connect(self._on_spectra_answers)
        self.name_fields = NameFields()
        self.name_fields.wanted.connect(self._on_names)
        self.axis_button = push_button(
            "",
            "The file does not say which of its axes counts the elements. The report says which "
            "one was taken; this reads the scan again with the other.",
            self._on_other_axis,
        )
        self.start = FirstMinutes(self.viewer)
        self.add(buttons, self.path, self.status, self.cancel_button, self.start)
        self.add(self.sample_combo, self.spectra_fields, self.name_fields, self.axis_button)

        self.summary = StatusLine()
        self.report_text = QTextBrowser()
        self.report_text.setMinimumHeight(160)
        self.report_text.setToolTip(
            "Which files were used, which were not, and why. Read this before you add layers."
        )
        self.size = PixelSizeFields()
        self.beside = BesideTheMaps()
        self.add_button = primary_button(
            "Show the section", "Show the maps in napari, one layer per element.", self.add_layers
        )
        self.found = QWidget()
        found = column_of(self.found)
        add_parts(found, self.summary, self.report_text, self.size, self.beside, self.add_button)
        found.setStretchFactor(self.report_text, 1)
        self.column.addWidget(self.found, 1)
        self.report_button = push_button(
            "Full report…",
            "Open a window with every map and its lowest and highest number, everything to check, "
            "and every file that was not used. You can copy or save this report.",
            self.show_report,
        )
        self.next_button = self.step_button(
            "Look at the elements", LOOK, "Go to the step that shows the element maps."
        )
        self.spectrum_button = self.lab_button(
            "Look at the spectra", SPECTRUM, "Open the dock that shows spectra and elements."
        )
        self.add(self.report_button, self.next_button, self.spectrum_button)
        self.column.addStretch()
        self.next_button.hide()
        self._forget()

    def load(
        self,
        sources: Sequence[str | Path],
        sample: str | None = None,
        *,
        energy: tuple[float, float] | None = None,
        elements: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
        beam_energy: float | None = None,
        per_second: bool = False,
        channels: Channels | None = None,
    ) -> None:
        """Read maps in a worker; then show the report.

        ``energy`` (offset and gain in keV), ``elements``, ``beam_energy`` (keV) and ``per_second``
        are for spectrum images only (`read_maps`); ``names`` are the elements of files whose names
        do not say them; ``channels`` is the axis that counts them, where a file does not say it.
        """
        self._cancel()
        self._adding.stop()
        self._forget()
        self.next_button.hide()
        self._sources = [Path(source).expanduser() for source in sources]
        self._answers = Answers(
            sample, energy, tuple(elements), dict(names or {}), beam_energy, per_second, channels
        )
        self.path.setText("; ".join(str(source) for source in self._sources))
        paths, answers = list(self._sources), self._answers
        self._busy("Reading…")
        self.jobs.run(
            _READING,
            lambda task: read_or_ask(paths, answers, task=task),
            self._on_read,
            on_events=self._on_events,
            on_cancelled=self._on_cancelled,
        )

    def add_layers(self) -> None:
        """Put the maps that were read into the viewer."""
        if self._cube is None or self._report is None:
            return
        try:
            pixel_size = checked_pixel_size(self.size.pixel_size)
            spot_size = checked_spot_size(self.size.spot_size)
        except InputError as error:
            self.status.error(str(error))
            return
        changes: dict[str, Any] = {"spot_size_um": spot_size}
        if pixel_size != self._cube.pixel_size:
            changes |= {"pixel_size_um": pixel_size, "pixel_size_source": "typed by the user"}
            if pixel_size is not None:
                remember_pixel_size(folder_of(self._sources), pixel_size)
        self._report = self._report.model_copy(update=changes)
        cube = self._cube.replace(pixel_size=pixel_size, report=self._report)
        self._cube = None
        self.add_button.setEnabled(False)
        self.status.plain("Preparing layers…")
        scan = scan_name(self._sources, self._answers.sample)
        wanted: dict[str, Any] = {"scan": scan, "scan_id": new_scan_id()}
        wanted |= {"context": self.beside.context, "with_valid": self.beside.with_valid}
        wanted["files"] = self._answers.files(self._sources, pixel_size, spot_size)
        self.jobs.run(
            "Preparing layers",
            lambda task: scan_layers(cube, **wanted),
            self._on_prepared,
            alongside=True,
        )

    def show_report(self) -> None:
        """Open the report in a separate window."""
        if self._report is None:
            return
        self._close_panel()
        title = scan_name(self._sources, self._answers.sample)
        self._panel = IngestPanel(self._report, title, self.window())
        self._panel.show()

    def shut_down(self) -> None:
        """Also add no further layers, and close the window of the report."""
        self._adding.stop()
        self.spectra_fields.energy_fields.let_go()
        self._close_panel()
        super().shut_down()

    def _close_panel(self) -> None:
        if self._panel is not None:
            self._panel.close()
            self._panel.deleteLater()
            self._panel = None

    def _on_prepared(self, layers: list[LayerData]) -> None:
        self.found.hide()
        self.spectra_fields.hide()
        self.name_fields.hide()
        self.axis_button.hide()
        self._adding.start(layers)

    def _on_next_layer(self, added: int) -> None:
        self.status.plain(f"Adding layer {added + 1}…")

    def _all_added(self, added: int) -> None:
        self.active.fit()
        show_scale_bar(self.viewer)
        scan = scan_name(self._sources, self._answers.sample)
        self.status.good(
            f"Added {added} layers of {scan}. Delete a layer to leave its element out of the "
            "analysis."
        )
        self.next_button.show()
        self.spectrum_button.setVisible(self._report is not None and bool(self._report.spectra))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of element maps", self.path.text())
        if folder:
            self.load([folder])

    def _choose_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(
            self, "Element maps or a spectrum image", self.path.text(), FILE_FILTER
        )
        if files:
            self.load(files)

    def _read_typed_path(self) -> None:
        typed = [part.strip() for part in self.path.text().split(";") if part.strip()]
        if typed:
            self.load(typed)

    def _cancel(self) -> None:
        self.jobs.cancel(_READING)

    def _busy(self, doing: str | None) -> None:
        self.cancel_button.setVisible(doing is not None)
        self.start.setVisible(doing is None and self._cube is None)
        self.report(doing)
        if doing is not None:
            self.status.plain(doing)

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        last = events[-1]
        counted = f" {last.step} of {last.total}" if last.total else ""
        phase = last.phase.capitalize()
        line = f"{phase}{counted}… {last.message}".rstrip()
        self.status.plain(line)
        self.report(line, 100 * last.step // last.total if last.total else None)

    def _on_read(self, read: Reading) -> None:
        self._busy(None)
        if isinstance(read, WhichSample):
            self.sample_combo.clear()
            self.sample_combo.addItems(["choose a sample…", *read.samples])
            self.sample_combo.show()
            self.status.plain(
                f"The files hold maps of {len(read.samples)} samples: choose the one to load."
            )
        elif isinstance(read, WhichEnergy):
            self.spectra_fields.ask(read.n_channels, remembered_energy(folder_of(self._sources)))
            self.spectra_fields.show()
            self.status.plain("The energy calibration is missing.")
        elif isinstance(read, WhichElements):
            self.name_fields.offer(read.to_decide, {})
            self.name_fields.show()
            self.status.plain("No name says an element: type the elements, then read.")
        else:
            self._show_maps(read)

    def _show_maps(self, read: MapsRead) -> None:
        self._cube, self._report = read.cube, read.report
        self.start.hide()
        if self._answers.energy is not None:
            remember_energy(folder_of(self._sources), self._answers.energy)
        self.status.plain("Check what was read, then show the section.")
        self.summary.plain(f"<b>{headline(read.cube)}</b>")
        self.report_text.setHtml(report_html(read.report))
        to_decide = read.report.to_decide
        if read.cube.quantity != "reflectance":  # bands of light are no elements
            to_decide += unnamed_planes(read.report.used)
        if to_decide or read.told:
            self.name_fields.offer(to_decide, read.told)
            self.name_fields.show()
        self._other_axis = open_axis(read.report.warnings)
        self.axis_button.setText(f"The {self._other_axis} axis counts the elements: read again")
        self.axis_button.setVisible(self._other_axis is not None)
        is_kept = read.report.pixel_size_source == TYPED_EARLIER
        self.size.offer(
            None if is_kept else read.cube.pixel_size,
            read.report.pixel_size_source,
            remembered_pixel_size(folder_of(self._sources)),
        )
        self.beside.offer(read.cube)
        if read.cube.spectra is not None:
            self.spectra_fields.show_spectra(read.cube.spectra, read.cube.elements)
            self.spectra_fields.show()
        self.add_button.setEnabled(True)
        make_primary(self.folder_button, False)  # what comes next is another button
        self.found.show()
        self.report_button.show()

    def _on_sample(self, index: int) -> None:
        if index > 0:
            self.load(self._sources, self.sample_combo.itemText(index))

    def _on_spectra_answers(self) -> None:
        fields = self.spectra_fields
        if fields.energy is None:
            self.status.error("The calibration is unknown: type the width of a channel first.")
            return
        self.load(
            self._sources,
            energy=fields.energy,
            elements=fields.elements,
            beam_energy=fields.beam_energy,
            per_second=fields.per_second,
        )

    def _on_other_axis(self) -> None:
        self.load(self._sources, channels=self._other_axis)

    def _on_names(self) -> None:
        names = {**self._answers.names, **self.name_fields.names}
        if names:
            self.load(self._sources, self._answers.sample, names=names)

    def _on_failed(self, failure: Failure) -> None:
        answers = self._answers
        self._forget()
        # Keep the fields with a typing error, so that the user can correct it.
        self.spectra_fields.setVisible(answers.energy is not None)
        self.name_fields.setVisible(bool(answers.names))
        self.fail(failure)

    def _on_cancelled(self) -> None:
        self._forget()
        self.status.plain("Reading was cancelled.")

    def _forget(self) -> None:
        self._cube = self._report = None
        make_primary(self.folder_button, True)
        for part in (self.found, self.sample_combo, self.spectra_fields, self.report_button):
            part.hide()
        self.name_fields.hide()
        self.axis_button.hide()
        self.spectrum_button.hide()
        self.add_button.setEnabled(False)
        self._busy(None)
