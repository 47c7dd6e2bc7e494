"""*Find*: search the section with a quick or a thorough detector, or with any of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection
from napari_mineral_anomaly.detectors.registry import detector_entry, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.window.clusters.renewal import Renewal
from napari_mineral_anomaly.window.detecting.expected import of_both_searches, slow_warning
from napari_mineral_anomaly.window.detecting.expert import ExpertFields
from napari_mineral_anomaly.window.detecting.loss_plot import LossPlot
from napari_mineral_anomaly.window.detecting.model_row import ModelRow, applying, saving
from napari_mineral_anomaly.window.detecting.queue import QueuedRun, queue_of
from napari_mineral_anomaly.window.detecting.queue_box import QueueBox
from napari_mineral_anomaly.window.detecting.run_status import RunClock, done_words
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.controls import (
    ProgressBar,
    StatusLine,
    add_parts,
    make_primary,
    primary_button,
    push_button,
    row,
)
from napari_mineral_anomaly.window.kit.destroyed import when_destroyed
from napari_mineral_anomaly.window.kit.opening import AGREEMENT
from napari_mineral_anomaly.window.kit.showing import ResultTurns
from napari_mineral_anomaly.window.layers.coming.arrivals import arrivals_of
from napari_mineral_anomaly.window.layers.results import ReadyRun, ShownResult, ready_run
from napari_mineral_anomaly.window.layers.scans import Scan, cube_from_layers, find_scan
from napari_mineral_anomaly.window.state.model import DECIDE, FIND
from napari_mineral_anomaly.window.workbench.steps.step import Step

QUICK, THOROUGH = "rx", "msfa"

_NO_SCAN = "Open element maps first (step “Open”, or drop their folder onto napari)."
_ARRIVING = "The maps of this section are still being added."
_DETECTING, _MASKING = "Detecting", "Making the mask"


class FindStep(Step):
    """One run at a time, further ones wait; earlier results stay until a new one is complete."""

    NAME, TITLE = FIND, "Find"
    TASK = "Search the section for odd grains: first quickly, then thoroughly."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
        self._clock = RunClock()
        self._queue = queue_of(napari_viewer)
        self._showing = ResultTurns(self)
        self._arrivals = arrivals_of(napari_viewer)
        self._run: QueuedRun | None = None
        # Who gives runs to the queue: not the step itself, which the queue would keep alive.
        self._owner = object()
        when_destroyed(self, self._queue.drop, self._owner)

        self.quick_button = primary_button(
            "Quick look", f"{detector_entry(QUICK).title}: an answer in seconds.", self.quick_look
        )
        self.thorough_button = push_button(
            "Thorough",
            f"{detector_entry(THOROUGH).title}: a small network learns the ordinary rock of this "
            "section and scores what it cannot predict. Takes minutes.",
            self.search_thoroughly,
        )
        self.column.addLayout(row(self.quick_button, self.thorough_button))
        self.times = self.add(
            StatusLine(tooltip="Estimated from the size of the section, for one processor core.")
        )
        self.cancel_button = push_button(
            "Cancel", "Cancel this run; an earlier result stays.", self.cancel
        )
        self.progress = ProgressBar()
        bar = row(self.progress, self.cancel_button)
        bar.setStretch(0, 1)
        self.column.addLayout(bar)
        self.add(self.status)
        self.waiting = self.add(QueueBox(self._queue))
        self.loss_plot = self.add(LossPlot())
        self.loss_plot.hide()
        self.next_button = self.step_button(
            "Decide about the grains", DECIDE, "Go to the list of the grains that were found."
        )
        self.add(self.next_button)
        self._on_found()

        self.expert = self.add(ExpertFields())
        self.slow = StatusLine(
            tooltip="Estimated from the size of the section and the parameters above."
        )
        self.run_button = push_button(
            "Search with this detector",
            "Learn the background of this section and score every pixel. While another run works, "
            "this one waits.",
            self.run,
        )
        self.models = ModelRow(self.save_model, self.apply_model)
        self.compare_button = self.lab_button(
            "Compare detectors…",
            AGREEMENT,
            "Show where the detectors that you ran on this section agree.",
        )
        parts = (self.slow, self.run_button, self.models, self.compare_button)
        add_parts(self.expert.place, *parts)
        self.column.addStretch()

        self.expert.changed.connect(self._refresh)
        self.listen(self.state.events.scan_id, self._on_section)
        self.listen(self.state.events.done, self._on_found)
        self.listen(self.session.changed, self._refresh)
        self.listen(self._queue.changed, self._on_queue)
        self.listen(self._arrivals.changed, self._refresh)
        events = self.viewer.layers.events
        self.listen(events.inserted, self._on_elements)
        self.listen(events.removed, self._on_elements)
        self.colour_by_theme(self.loss_plot)
        self._refresh()

    @property
    def scan_id(self) -> str | None:
        """The section that is searched."""
        return self.state.scan_id

    @property
    def form(self) -> Any:
        """The parameters of the chosen detector."""
        return self.expert.form

    def choose_detector(self, name: str) -> None:
        """Choose a detector of *Expert* by its name."""
        self.expert.choose_detector(name)

    def quick_look(self) -> None:
        """Search with the quick detector and its defaults."""
        self._run_detector(QUICK)

    def search_thoroughly(self) -> None:
        """Search with the thorough detector and its defaults."""
        self._run_detector(THOROUGH)

    def run(self) -> None:
        """Search with the chosen detector and its parameters."""
        self._run_detector(self.expert.detector, **self.expert.parameters())

    def _run_detector(self, name: str, **parameters: Any) -> None:
        if self._queue.holds(self.scan_id or "", name):
            return
        shared = {"seed": self.expert.seed.value(), "device": self.expert.device}
        try:
            config = make_config(name, **shared, **parameters)
        except InputError as error:
            self.fail(error)
            return
        self._start(
            detector_entry(name).title,
            lambda cube, task: run_detection(cube, name, config, task=task),
            name,
        )

    def apply_model(self, folder: str | Path) -> None:
        """Score the section with a saved model."""
        self._start("Applying the saved model", applying(folder))

    def save_model(self, folder: str | Path) -> None:
        """Save the model of the section and the chosen detector."""
        run = self._current_run()
        if run is None:
            return
        self.jobs.run(
            "Saving the model",
            saving(run.fitted, folder),
            lambda path: self.status.good(f"The model was saved in {path}."),
            alongside=True,
        )

    def cancel(self) -> None:
        """Cancel the run; a new one can start at once."""
        self.jobs.cancel(_DETECTING, _MASKING)

    @property
    def _can_cancel(self) -> bool:
        return self.jobs.is_running(_DETECTING, _MASKING)

    @property
    def _running(self) -> bool:
        return self._can_cancel or self._showing.pending

    def _start(
        self, name: str, work: Callable[[ElementCube, Task], DetectionRun], detector: str = ""
    ) -> None:
        """Run now, or after the runs that were asked for earlier; with the maps as they are now."""
        scan = self._scan()
        if scan is None or self._why_not(scan):
            self._refresh()
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
        self.report(f"{queued.title}: starting…", is_run=True)
        self.jobs.run(
            _DETECTING,
            lambda task: work(cube, task),
            lambda run: self._on_done(scan, run),
            name=name,
            on_events=self._on_events,
            on_failed=self._on_run_failed,
            on_cancelled=self._on_cancelled,
        )
        self._refresh()

    def _on_events(self, events: Sequence[ProgressEvent]) -> None:
        for event in events:
            line, percent = self._clock.status(event, time.monotonic())
        self.loss_plot.extend_by(events)
        if not line:
            return
        self.status.plain(line)
        self.report(line, percent, is_run=True)
        if percent is None:
            self.progress.setRange(0, 0)
        else:
            self.progress.show_step(percent, 100)

    def _on_done(self, scan: Scan, run: DetectionRun) -> None:
        """Make the mask of the finished run; until it is shown, the user can cancel."""
        self.jobs.run(
            _MASKING,
            ready_run(self.viewer, self.session, scan, run),
            lambda ready: self._on_ready(scan, run, ready),
            on_failed=self._on_run_failed,
            on_cancelled=self._on_cancelled,
        )

    def _on_ready(self, scan: Scan, run: DetectionRun, ready: ReadyRun) -> None:
        renewal = Renewal(self.viewer)

        def on_shown(shown: ShownResult | None) -> None:
            self._end()
            if shown is not None:
                self._tell_done(scan, run, shown, renewal.lost)
            self._next()

        self.cancel_button.hide()
        self._showing.show(
            scan, run, ready, on_shown, self._on_run_failed, before_labels=renewal.begin
        )

    def _tell_done(self, scan: Scan, run: DetectionRun, shown: ShownResult, lost: str) -> None:
        counts = self.session.count_mask(shown.score, shown.mask)
        text = done_words(run.result, counts)
        if not shown.scan_is_there:
            text += f" The element maps of {scan.name} were removed meanwhile; the result is kept."
        elif scan.scan_id != self.scan_id:
            text += f" The result belongs to {scan.name}."
        if not counts.grains:
            text += " The list holds the oddest places below it."
        self.status.good(text + lost)
        self._on_found()

    def _on_found(self, value: Any = None) -> None:
        """Where there is a result, the next button to press goes to its grains."""
        shown = self.state.is_done(FIND)
        self.next_button.setVisible(shown)
        make_primary(self.next_button, shown)
        make_primary(self.quick_button, not shown)

    def _on_run_failed(self, failure: Failure | InputError) -> None:
        self._end()
        self.fail(failure)
        self._next()

    def _on_cancelled(self) -> None:
        self._end()
        self.status.plain("The run was cancelled; nothing was changed.")
        self._next()

    def _end(self) -> None:
        self.progress.hide()
        self.report(None)
        self._refresh()

    def _next(self) -> None:
        """Let the next run begin; the last act of every ending."""
        ended, self._run = self._run, None
        if ended is not None:
            self._queue.end(ended)

    def shut_down(self) -> None:
        """Cancel the runs of this step, also those that wait."""
        self._showing.stop()
        super().shut_down()
        self._run = None
        self._queue.forget(self._owner)

    def _on_queue(self) -> None:
        self.waiting.refresh()
        self._refresh_buttons()

    def _on_section(self, scan_id: str | None) -> None:
        if not self._running:
            self.status.plain("")
            self.loss_plot.hide()
            self._on_found()
        self._refresh()

    def _on_elements(self, event: Any = None) -> None:
        if not self._running:
            self._refresh()

    def _refresh(self) -> None:
        self._refresh_buttons()
        scan = self._scan()
        reason = "" if self._running else self._why_not(scan)
        if reason:
            self.status.plain(reason)
        elif self.status.text() in (_NO_SCAN, _ARRIVING):
            self.status.plain("")
        self._show_times(scan)

    def _refresh_buttons(self) -> None:
        scan = self._scan()
        may_start = not self._why_not(scan)
        asked = {
            self.quick_button: QUICK,
            self.thorough_button: THOROUGH,
            self.run_button: self.expert.detector,
        }
        for button, detector in asked.items():
            is_asked = scan is not None and self._queue.holds(scan.scan_id, detector)
            button.setEnabled(may_start and not is_asked)
        self.models.apply_button.setEnabled(may_start)
        self.cancel_button.setVisible(self._can_cancel)
        self.models.save_button.setEnabled(self._current_run() is not None)

    def _why_not(self, scan: Scan | None) -> str:
        """Why no run can start; "" where one can."""
        if scan is None:
            return _NO_SCAN
        return _ARRIVING if self._arrivals.holds(scan.scan_id) else ""

    def _scan(self) -> Scan | None:
        return None if self.scan_id is None else find_scan(self.viewer, self.scan_id)

    def _show_times(self, scan: Scan | None) -> None:
        """Say before the start how long a run will take."""
        if scan is None:
            self.times.plain("")
            self.slow.plain("")
            return
        self.times.plain(of_both_searches(scan, THOROUGH))
        try:
            words = slow_warning(scan, self.expert.detector, self.expert.parameters())
        except InputError as error:
            self.slow.error(str(error))
        else:
            self.slow.warning(words)

    def _current_run(self) -> DetectionRun | None:
        if self.scan_id is None:
            return None
        runs = self.session.runs_of_scan(self.scan_id)
        return next((run for run in runs if run.fitted.name == self.expert.detector), None)
