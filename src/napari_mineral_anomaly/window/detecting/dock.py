"""*Detect anomalies*: choose a scan and a detector, run it; save and apply models."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QMainWindow, QVBoxLayout

from napari_mineral_anomaly.detectors.base import Device
from napari_mineral_anomaly.detectors.cost import slow_sentence
from napari_mineral_anomaly.detectors.pipeline import DetectionRun, apply_detector, run_detection
from napari_mineral_anomaly.detectors.registry import (
    ENTRIES,
    config_class,
    detector_entry,
    make_config,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.mask import JudgedScore
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.detecting.agreement import AgreementBox
from napari_mineral_anomaly.window.detecting.loss_plot import LossPlot
from napari_mineral_anomaly.window.detecting.parameter_form import ParameterForm
from napari_mineral_anomaly.window.detecting.queue import QueuedRun, queue_of
from napari_mineral_anomaly.window.detecting.queue_box import QueueBox
from napari_mineral_anomaly.window.detecting.run_status import RunClock
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    StatusLine,
    fit_width,
    form_layout,
    push_button,
    row,
    spin_box,
)
from napari_mineral_anomaly.window.kit.dock import Dock
from napari_mineral_anomaly.window.layers.links import role_of
from napari_mineral_anomaly.window.layers.results import (
    ShownResult,
    mask_of_result,
    show_result,
)
from napari_mineral_anomaly.window.layers.scans import Scan, cube_from_layers, find_scan, scans_in
from napari_mineral_anomaly.window.project.closing import guard_window
from napari_mineral_anomaly.words import counted

_NO_SCAN = "Load element maps first (dock “Load maps”, or drop their folder onto napari)."
_DETECTING, _MASKING = "Detecting", "Making the mask"


class DetectDock(Dock):
    """One run at a time, further ones wait; earlier results stay until a new one is complete."""

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._clock = RunClock()
        self._queue = queue_of(napari_viewer)
        self._run: QueuedRun | None = None
        # Who gives runs to the queue: not the dock itself, which the queue would keep alive.
        self._owner = object()
        self.destroyed.connect(partial(self._queue.drop, self._owner))
        self.form: ParameterForm

        form = form_layout()
        self.scan_combo = QComboBox()
        fit_width(self.scan_combo)
        self.scan_combo.setPlaceholderText("no scan loaded yet")
        self.scan_combo.setToolTip("The scan to search. The detector uses its element layers.")
        self.scan_combo.currentIndexChanged.connect(self._refresh)
        self.scan_combo.activated.connect(self._on_scan_chosen)
        form.addRow("Scan", self.scan_combo)
        self.detector_combo = QComboBox()
        fit_width(self.detector_combo)
        for entry in ENTRIES.values():
            self.detector_combo.addItem(entry.title, entry.name)
            last = self.detector_combo.count() - 1
            self.detector_combo.setItemData(last, entry.summary, Qt.ItemDataRole.ToolTipRole)
        self.detector_combo.setToolTip("The method that scores each pixel. RX takes seconds.")
        self.detector_combo.currentIndexChanged.connect(self._on_detector)
        form.addRow("Detector", self.detector_combo)
        self.summary = StatusLine()
        form.addRow(self.summary)
        self.slow = StatusLine(
            tooltip="Estimated from the size of the scan and the parameters below."
        )
        form.addRow(self.slow)
        self.column.addLayout(form)

        self._form_place = QVBoxLayout()
        self.column.addLayout(self._form_place)

        shared = form_layout()
        self.device_combo = QComboBox()
        self.device_combo.addItems(get_args(Device))
        self.device_combo.setToolTip(
            "Where a network runs; auto uses a graphics card if there is one."
        )
        shared.addRow("Device", self.device_combo)
        self.seed = spin_box(0, 2**31 - 1)
        self.seed.setToolTip(
            "The same seed gives the same numbers. Try others to see whether a find is stable."
        )
        shared.addRow("Seed", self.seed)
        self.column.addLayout(shared)

        self.run_button = push_button(
            "Run",
            "Learn the background of this scan and score every pixel. While another run works, "
            "this one waits.",
            self.run,
        )
        self.cancel_button = push_button(
            "Cancel", "Cancel this run; an earlier result stays.", self.cancel
        )
        self.column.addLayout(row(self.run_button, self.cancel_button))
        self.progress = self.add(ProgressBar())
        self.add(self.status)
        self.waiting = self.add(QueueBox(self._queue))
        self.loss_plot = self.add(LossPlot())
        self.loss_plot.hide()

        self.save_button = push_button(
            "Save model…",
            "Save what this detector learned, to use it on other sections.",
            self._choose_model_to_save,
        )
        self.apply_button = push_button(
            "Apply saved model…",
            "Score the chosen scan with a saved model.",
            self._choose_model_to_apply,
        )
        self.column.addLayout(row(self.save_button, self.apply_button))
        self.next_button = self.next_step(
            "Next: threshold",
            "Threshold",
            "Open the dock that sets from which score on a pixel is anomalous.",
        )
        self.add(self.next_button).hide()
        self.agreement = self.add(AgreementBox(self))
        self.column.addStretch()

        events = self.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            self.listen(emitter, self._on_layers)
        self.listen(self.session.changed, self._refresh)
        self.listen(self.active.changed, self._on_active)
        self.listen(self.active.renamed, self._on_layers)
        self.listen(self._queue.changed, self._on_queue)
        self.colour_by_theme(self.loss_plot)
        self._on_detector()
        self._on_layers()

    @property
    def scan_id(self) -> str | None:
        """The chosen scan."""
        return self.scan_combo.currentData()

    @property
    def detector(self) -> str:
        """The chosen detector."""
        return str(self.detector_combo.currentData())

    def showEvent(self, event: Any) -> None:
        """Also save every run from now on, and ask before the window closes."""
        super().showEvent(event)
        if isinstance(self.window(), QMainWindow):
            guard_window(self)

    def choose_detector(self, name: str) -> None:
        """Choose a detector by its name."""
        self.detector_combo.setCurrentIndex(self.detector_combo.findData(name))

    def run(self) -> None:
        """Start a run of the chosen detector on the chosen scan; one that waits is not doubled."""
        name = self.detector
        if self._queue.holds(self.scan_id or "", name):
            return
        try:
            config = make_config(
                name,
                seed=self.seed.value(),
                device=self.device_combo.currentText(),
                **self.form.values(),
            )
        except InputError as error:
            self.fail(error)
            return
        self._start(
            detector_entry(name).title,
            lambda cube, task: run_detection(cube, name, config, task=task),
            name,
        )

    def apply_model(self, folder: str | Path) -> None:
        """Score the chosen scan with a saved model."""

        def work(cube: ElementCube, task: Task) -> DetectionRun:
            from napari_mineral_anomaly.detectors.bundle import load_model

            return apply_detector(cube, load_model(folder), task=task)

        self._start("Applying the saved model", work)

    def save_model(self, folder: str | Path) -> None:
        """Save the model of the chosen scan and detector."""
        run = self._current_run()
        if run is None:
            return
        fitted = run.fitted

        def save(task: Task) -> Path:
            from napari_mineral_anomaly.detectors.bundle import save_model

            save_model(fitted, folder)
            return Path(folder)

        self.jobs.run(
            "Saving the model",
            save,
            lambda path: self.status.good(f"The model was saved in {path}."),
            alongside=True,
        )

    def cancel(self) -> None:
        """Cancel the run; a new one can start at once."""
        self.jobs.cancel(_DETECTING, _MASKING)

    @property
    def _running(self) -> bool:
        return self.jobs.is_running(_DETECTING, _MASKING)

    def _start(
        self, name: str, work: Callable[[ElementCube, Task], DetectionRun], detector: str = ""
    ) -> None:
        """Run now, or after the runs that were asked for earlier; with the maps as they are now."""
        scan = self._scan()
        if scan is None:
            return
        try:
            cube = cube_from_layers(self.viewer, scan.scan_id)
        except InputError as error:
            self.fail(error)
            return

        def begin() -> None:
            self._begin(run, scan, cube, work, name)

        run = QueuedRun(
            scan.scan_id, f"{name} · {scan.name}", begin, self.cancel, detector, owner=self._owner
        )
        self._queue.add(run)

    def _begin(
        self,
        queued: QueuedRun,
        scan: Scan,
        cube: ElementCube,
        work: Callable[[ElementCube, Task], DetectionRun],
        name: str,
    ) -> None:
        self._run = queued
        self._clock = RunClock()
        self.loss_plot.clear()
        self.loss_plot.hide()
        self.progress.setRange(0, 0)
        self.progress.show()
        self.status.plain(f"{queued.title}: starting…")
        self.jobs.run(
            _DETECTING,
            lambda task: work(cube, task),
            lambda run: self._on_done(scan, cube, run),
            name=name,
            on_events=self._on_events,
            on_failed=self._on_run_failed,
            on_cancelled=self._on_cancelled,
        )
        self._refresh()

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        losses: dict[str, list[float]] = {}
        for event in events:
            line, percent = self._clock.status(event, time.monotonic())
            if event.loss is not None:
                losses.setdefault(event.phase, []).append(event.loss)
        for phase, values in losses.items():
            self.loss_plot.extend(phase, values)
            self.loss_plot.show()
        self.status.plain(line)
        if percent is None:
            self.progress.setRange(0, 0)
        else:
            self.progress.show_step(percent, 100)

    def _on_done(self, scan: Scan, cube: ElementCube, run: DetectionRun) -> None:
        """Make the mask of the finished run; until it is shown, the user can cancel."""
        self.jobs.run(
            _MASKING,
            mask_of_result(self.viewer, self.session, scan, run),
            lambda judged: self._on_judged(scan, cube, run, judged),
            on_failed=self._on_run_failed,
            on_cancelled=self._on_cancelled,
        )

    def _on_judged(
        self, scan: Scan, cube: ElementCube, run: DetectionRun, judged: JudgedScore
    ) -> None:
        self._end()
        try:
            shown = show_result(self.viewer, self.session, scan, run, judged)
        except InputError as error:
            self.fail(error)
        else:
            self._tell_done(scan, run, shown)
        self._next()

    def _tell_done(self, scan: Scan, run: DetectionRun, shown: ShownResult) -> None:
        counts = self.session.count_mask(shown.score, shown.mask)
        result = run.result
        seconds = sum((result.info.timings or {}).values())
        text = (
            f"Done in {seconds:.1f} s: {counted(counts.pixels, 'pixel')} in "
            f"{counted(counts.grains, 'grain')} at or above {result.threshold:.2f} background "
            "sigmas."
        )
        if not shown.scan_is_there:
            text += f" The element maps of {scan.name} were removed meanwhile; the result is kept."
        self.status.good(text)
        self.next_button.show()

    def _on_run_failed(self, failure: Failure) -> None:
        self._end()
        self.fail(failure)
        self._next()

    def _on_cancelled(self) -> None:
        self._end()
        self.status.plain("The run was cancelled; nothing was changed.")
        self._next()

    def _end(self) -> None:
        self.progress.hide()
        self._refresh()

    def _next(self) -> None:
        """Let the next run begin; the last act of every ending."""
        ended, self._run = self._run, None
        if ended is not None:
            self._queue.end(ended)

    def shut_down(self) -> None:
        """Cancel the runs of this dock, also those that wait."""
        super().shut_down()
        self._run = None
        self._queue.forget(self._owner)

    def _on_queue(self) -> None:
        self.waiting.refresh()
        self._refresh_buttons()

    def _refresh_buttons(self) -> None:
        scan_id, running = self.scan_id, self._running
        is_asked = scan_id is not None and self._queue.holds(scan_id, self.detector)
        self.run_button.setEnabled(scan_id is not None and not is_asked)
        self.run_button.setText("Run next" if self._queue.running is not None else "Run")
        self.apply_button.setEnabled(scan_id is not None)
        self.cancel_button.setEnabled(running)
        self.save_button.setEnabled(self._current_run() is not None)

    def _on_active(self) -> None:
        index = self.scan_combo.findData(self.active.scan_id)
        if index >= 0:
            self.scan_combo.setCurrentIndex(index)

    def _on_scan_chosen(self, index: int) -> None:
        if self.scan_id is not None:
            self.active.activate(self.scan_id)

    def _on_detector(self, index: int = -1) -> None:
        self.summary.plain(detector_entry(self.detector).summary)
        while self._form_place.count():
            old = self._form_place.takeAt(0).widget()
            old.hide()
            old.deleteLater()
        self.form = ParameterForm(config_class(self.detector))
        self.form.changed.connect(self._show_slow)
        self._form_place.addWidget(self.form)
        self._refresh()

    def _on_layers(self, event: Any = None) -> None:
        layer = getattr(event, "value", None)
        if isinstance(layer, Layer) and role_of(layer) != "element":
            return  # the scans did not change
        chosen = self.scan_id
        scans = scans_in(self.viewer)
        self.scan_combo.blockSignals(True)
        self.scan_combo.clear()
        for scan in scans:
            self.scan_combo.addItem(f"{scan.name} ({len(scan.elements)} elements)", scan.scan_id)
        index = self.scan_combo.findData(self.active.scan_id)
        if index < 0:  # it has no maps
            index = self.scan_combo.findData(chosen)
        self.scan_combo.setCurrentIndex(index if index >= 0 else self.scan_combo.count() - 1)
        self.scan_combo.blockSignals(False)
        self._refresh()

    def _refresh(self, index: int = -1) -> None:
        reason = "" if self.scan_id is not None else _NO_SCAN
        if not self._running and (reason or self.status.text() == _NO_SCAN):
            self.status.plain(reason)
        self._refresh_buttons()
        self.agreement.set_scan(self.scan_id)
        self._show_slow()

    def _scan(self) -> Scan | None:
        return None if self.scan_id is None else find_scan(self.viewer, self.scan_id)

    def _show_slow(self) -> None:
        """Warn before the start if a run will take long."""
        scan = self._scan()
        if scan is None:
            self.slow.plain("")
            return
        try:
            config = make_config(self.detector, **self.form.values())
        except InputError as error:
            self.slow.error(str(error))
            return
        # All pixels of the scan: the valid area is not known without reading every map.
        n_pixels = scan.shape[0] * scan.shape[1]
        expected = config.expected_seconds(n_pixels, len(scan.elements))
        title = detector_entry(self.detector).title
        seconds = 0.0 if expected is None else expected.total
        self.slow.warning(slow_sentence(title, seconds, n_pixels))

    def _current_run(self) -> DetectionRun | None:
        if self.scan_id is None:
            return None
        runs = self.session.runs_of_scan(self.scan_id)
        return next((run for run in runs if run.fitted.name == self.detector), None)

    def _choose_model_to_save(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Empty folder for the model")
        if folder:
            self.save_model(folder)

    def _choose_model_to_apply(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of the saved model")
        if folder:
            self.apply_model(folder)
