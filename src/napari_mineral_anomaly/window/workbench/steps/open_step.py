"""*Open*: read a folder or files, show what was read, then show the section."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QFileDialog, QLineEdit
from superqt.utils import qdebounced

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io.formats.lookup import READ_ENDINGS
from napari_mineral_anomaly.io.formats.shared.axes import Channels
from napari_mineral_anomaly.io.reading.sizes.pixel_size import (
    TYPED_EARLIER,
    checked_pixel_size,
    checked_spot_size,
)
from napari_mineral_anomaly.io.remembered import remember_pixel_size, remembered_pixel_size
from napari_mineral_anomaly.progress import ProgressEvent
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.controls import (
    make_primary,
    primary_button,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.opening import SPECTRUM
from napari_mineral_anomaly.window.layers.coming.adding import LayersInTurns
from napari_mineral_anomaly.window.layers.make import LayerData, new_scan_id, show_scale_bar
from napari_mineral_anomaly.window.layers.scan_layers import folder_of, scan_layers, scan_name
from napari_mineral_anomaly.window.loading.found import FoundScan
from napari_mineral_anomaly.window.loading.options import SpectraFields
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
from napari_mineral_anomaly.window.loading.report_panel import ReportButton
from napari_mineral_anomaly.window.loading.simulated import simulated_layers, simulated_name
from napari_mineral_anomaly.window.state.model import LOOK, OPEN
from napari_mineral_anomaly.window.workbench.steps.first_minutes import FirstMinutes
from napari_mineral_anomaly.window.workbench.steps.step import Step

_PATTERNS = " ".join(f"*{ending} *{ending.upper()}" for ending in READ_ENDINGS)
FILE_FILTER = f"Element maps and spectrum images ({_PATTERNS});;All files (*)"

_READING = "Reading maps"
_TYPED = "typed by the user"
# From a choice in the table of files until the scan is read again.
_AGAIN_MS = 300


class OpenStep(Step):
    """Choose a scan, read it, check the report, set the pixel size, show the section."""

    NAME, TITLE = OPEN, "Open"
    TASK = "Open the folder that holds one map per element, or drop it onto the map."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._sources: list[Path] = []
        self._answers = Answers()
        # The sections that are being added, in their order.
        self._coming: deque[str] = deque()
        # What was read, and the answers with which it was read.
        self._read: MapsRead | None = None
        self._read_with = Answers()
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
        self.start = FirstMinutes(self.viewer, partial(self.load_simulated, "easy"))
        self.found = FoundScan(
            self.add_layers,
            lambda channels: self.load(self._sources, channels=channels),
        )
        self._again_soon = qdebounced(self._read_again, timeout=_AGAIN_MS)
        self.found.files.changed.connect(self._again_soon)
        self.report_button = ReportButton()
        self.next_button = self.step_button(
            "Look at the elements", LOOK, "Go to the step that shows the element maps."
        )
        self.spectrum_button = self.lab_button(
            "Look at the spectra", SPECTRUM, "Open the dock that shows spectra and elements."
        )
        self.add(buttons, self.path, self.status, self.cancel_button, self.start)
        self.add(self.sample_combo, self.spectra_fields, self.found)
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
        valid: Path | None = None,
    ) -> None:
        """Read maps in a worker; then show the report.

        ``energy`` (offset and gain in keV), ``elements``, ``beam_energy`` (keV) and ``per_second``
        are for spectrum images only (`read_maps`); ``names`` are the elements of files whose names
        do not say them; ``channels`` is the axis that counts them, where a file does not say it;
        ``valid`` is the image of the sample area.
        """
        self._make_way()
        self._sources = [Path(source).expanduser() for source in sources]
        self.path.setText("; ".join(str(source) for source in self._sources))
        self._start_reading(
            Answers(
                *(sample, energy, tuple(elements), dict(names or {}), beam_energy),
                *(per_second, channels, valid),
            )
        )

    def load_simulated(self, scene: str) -> None:
        """Make a simulated section in a worker, then show it."""
        self._make_way()
        self.path.clear()
        name, scan_id = simulated_name(scene), new_scan_id()
        self._busy("Simulating a thin section…")
        self.jobs.run(
            _READING,
            lambda task: simulated_layers(scene, scan_id, task=task),
            partial(self._on_prepared, name),
            on_events=self._on_events,
            on_cancelled=self._on_cancelled,
            on_end=lambda: self._busy(None),
        )

    def add_layers(self) -> None:
        """Put the maps that were read into the viewer."""
        if self._read is None:
            return
        try:
            pixel_size = checked_pixel_size(self.found.size.pixel_size)
            spot_size = checked_spot_size(self.found.size.spot_size)
        except InputError as error:
            self.status.error(str(error))
            return
        read, self._read = self._read, None
        changes: dict[str, Any] = {"spot_size_um": spot_size}
        if pixel_size != read.cube.pixel_size:
            changes |= {"pixel_size_um": pixel_size, "pixel_size_source": _TYPED}
            if pixel_size is not None:
                remember_pixel_size(folder_of(self._sources), pixel_size)
        report = read.report.model_copy(update=changes)
        cube = read.cube.replace(pixel_size=pixel_size, report=report)
        self.found.add_button.setEnabled(False)
        self.status.plain("Preparing layers…")
        name = scan_name(self._sources, self._answers.sample)
        shown = self.found.files.context
        # A size that the files tell is no size that the user typed.
        is_typed = report.pixel_size_source in (_TYPED, TYPED_EARLIER)
        typed = pixel_size if is_typed else None
        wanted: dict[str, Any] = {
            "scan": name,
            "scan_id": new_scan_id(),
            "context": [str(one.file) for one in cube.context if _is_in(one.file, shown)],
            "with_valid": self.found.area.with_layer,
            "files": self._answers.files(self._sources, typed, spot_size),
        }
        self.report_button.offer(report, name)
        self.spectrum_button.setVisible(bool(report.spectra))
        self.jobs.run(
            "Preparing layers",
            lambda task: scan_layers(cube, **wanted),
            partial(self._on_prepared, name),
            alongside=True,
        )

    def shut_down(self) -> None:
        """Also complete a section that is being added, and close the window of the report."""
        self._adding.finish()
        self._again_soon.cancel()
        self.spectra_fields.energy_fields.let_go()
        self.report_button.close_report()
        super().shut_down()

    # Layers

    def _on_prepared(self, name: str, layers: list[LayerData]) -> None:
        if self._read is None:  # else the next scan is there to be checked
            self.found.hide()
            self.spectra_fields.hide()
        self._coming.append(name)
        self._adding.start(layers)

    def _on_next_layer(self, added: int) -> None:
        self.status.plain(f"Adding layer {added + 1}…")

    def _all_added(self, added: int) -> None:
        self.active.fit()
        show_scale_bar(self.viewer)
        name = self._coming.popleft()
        if self._adding.is_adding or self._read is not None or self.jobs.is_running(_READING):
            return  # the next scan comes
        self.status.good(
            f"Added {added} layers of {name}. Delete a layer to leave its element out of the "
            "analysis."
        )
        self._busy(None)
        self.next_button.show()
        if self.state.step == OPEN:
            self.state.step = LOOK

    # Choosing

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

    # Reading

    def _make_way(self) -> None:
        """Give up what is being read. A section that is being added is completed."""
        self._cancel()
        self._again_soon.cancel()
        self._forget()
        self.next_button.hide()
        self.spectrum_button.hide()

    def _start_reading(self, answers: Answers) -> None:
        self._answers, paths = answers, list(self._sources)
        self._busy("Reading…")
        self.jobs.run(
            _READING,
            lambda task: read_or_ask(paths, answers, task=task),
            self._on_read,
            on_events=self._on_events,
            on_cancelled=self._on_cancelled,
        )

    def _read_again(self) -> None:
        """Read the same files with what was chosen in the table."""
        table = self.found.files
        told = {} if self._read is None else self._read.told
        names = {file: text for file, text in table.names.items() if told.get(file) != text}
        valid = folder_of(self._sources) / table.mask if table.mask else None
        self.found.add_button.setEnabled(False)
        names = {**self._answers.names, **names}
        self._start_reading(replace(self._answers, names=names, valid=valid))

    def _cancel(self) -> None:
        self.jobs.cancel(_READING)

    def _busy(self, doing: str | None) -> None:
        self.cancel_button.setVisible(doing is not None)
        self.start.setVisible(doing is None and self.found.isHidden())
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
            self.found.ask(read.to_decide)
            self.status.plain("No name says an element: type the elements.")
        else:
            self._show_maps(read)
        self._busy(None)

    def _show_maps(self, read: MapsRead) -> None:
        again = self._read is not None
        self._read, self._read_with = read, self._answers
        if self._answers.energy is not None:
            remember_energy(folder_of(self._sources), self._answers.energy)
        self.status.plain("Check what was read, then show the section.")
        self.report_button.offer(read.report, scan_name(self._sources, self._answers.sample))
        kept_size = remembered_pixel_size(folder_of(self._sources))
        self.found.show_maps(read, kept_size, self._answers.valid, again=again)
        if read.cube.spectra is not None:
            self.spectra_fields.show_spectra(read.cube.spectra, read.cube.elements)
            self.spectra_fields.show()
        make_primary(self.folder_button, False)  # what comes next is another button

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

    def _on_failed(self, failure: Failure) -> None:
        answers, read = self._answers, self._read
        if read is not None:  # a choice in the table that cannot be: back to what was read
            self._answers = self._read_with
            self.found.show_maps(read, None, self._answers.valid, again=True)
            self._busy(None)
        elif answers.names and not self.found.isHidden():
            self._busy(None)
        else:
            self._forget()
            # Keep the fields with a typing error, so that the user can correct it.
            self.spectra_fields.setVisible(answers.energy is not None)
        self.fail(failure)

    def _on_cancelled(self) -> None:
        self._forget()
        self.status.plain("Reading was cancelled.")

    def _forget(self) -> None:
        self._read = None
        self.report_button.offer(None)
        self.found.files.forget()
        make_primary(self.folder_button, True)
        for part in (self.found, self.sample_combo, self.spectra_fields):
            part.hide()
        self.spectrum_button.hide()
        self.found.add_button.setEnabled(False)
        self._busy(None)


def _is_in(file: Path, names: Sequence[str]) -> bool:
    """Whether a file is one of those that the report calls by these names."""
    return any(file.as_posix().endswith(name.removeprefix("..")) for name in names)
