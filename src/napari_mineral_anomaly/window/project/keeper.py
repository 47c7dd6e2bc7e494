"""Autosave of one section: every change is on the disk within seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QCoreApplication, QEventLoop, QTimer

from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.project.format import ProjectFile
from napari_mineral_anomaly.project.lock import ProjectLock, open_lock
from napari_mineral_anomaly.project.log import LogEntry
from napari_mineral_anomaly.project.recent import is_unsaved, new_unsaved_folder, remember_project
from napari_mineral_anomaly.project.saving.state import SectionState
from napari_mineral_anomaly.project.saving.store import ProjectStore
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs, abandon
from napari_mineral_anomaly.window.layers.scans import cube_from_layers
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.snapshot import (
    MAPS,
    VERDICTS,
    Changes,
    section_state,
    truth_layers,
)
from napari_mineral_anomaly.window.project.watch import SectionWatch

# From a change to the start of its saving: short against the promised five seconds, and long enough
# that a stroke or a drag of the threshold is written once.
SAVE_AFTER_MS = 800
# After a failure, or while nothing can be written.
TRY_AGAIN_MS = 5000

_SAVING, _RUN = "Saving the project", "Saving the result"


class SectionKeeper:
    """Saves one section into its project.

    Parameters
    ----------
    viewer, scan_id
    executor : Executor
        Who writes.
    store : ProjectStore or None
        None for a section that was opened read-only.
    lock : ProjectLock or None
    why_not : str
        Why it is read-only.
    runs : mapping, optional
        The runs that the project holds already, by detector.
    truth_numbers : mapping, optional
        Of the truth masks that the project holds already.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(
        self,
        viewer: Any,
        scan_id: str,
        executor: Executor,
        store: ProjectStore | None,
        lock: ProjectLock | None,
        *,
        name: str,
        why_not: str = "",
        runs: dict[str, DetectionRun] | None = None,
        truth_numbers: dict[str, int] | None = None,
    ) -> None:
        self.viewer, self.scan_id, self.name, self.why_not = viewer, scan_id, name, why_not
        self._store, self._lock = store, lock
        self._jobs = DockJobs(executor, self._on_failed)
        self._runs = dict(runs or {})
        self._folders: dict[str, str] = {}
        self._truths = dict(truth_numbers or {})
        self._changes = Changes()
        self._being_saved = Changes()
        self._has_leaving_state = False
        self._before: ProjectFile | None = None if store is None else store.file
        self._problem = ""
        self._saved_at = ""
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer)
        self._watch = SectionWatch(viewer, scan_id, self.touch, self._before_removal)

    # What others ask

    @property
    def folder(self) -> Path | None:
        """The project folder; None for a section that was opened read-only."""
        return None if self._store is None else self._store.folder

    @property
    def is_read_only(self) -> bool:
        """Whether nothing is saved."""
        return self._store is None

    @property
    def has_unsaved_work(self) -> bool:
        """Whether something is not on the disk yet."""
        return bool(self._changes) or bool(self._being_saved) or self._is_writing

    @property
    def has_changes(self) -> bool:
        """Whether something changed that is not being saved yet."""
        return bool(self._changes)

    @property
    def has_own_place(self) -> bool:
        """Whether the user chose the folder."""
        return self.folder is not None and not is_unsaved(self.folder)

    @property
    def problem(self) -> str:
        """Why the last saving failed; "" where it did not."""
        return self._problem

    @property
    def status(self) -> str:
        """One line for people."""
        if self.is_read_only:
            return f"Read-only: {self.why_not} Changes are not saved."
        if self._problem:
            return self._problem
        if self.has_unsaved_work:
            return f"Saving into {self.folder}…"
        return (
            f"Saved at {self._saved_at} in {self.folder}."
            if self._saved_at
            else (f"Opened from {self.folder}.")
        )

    # What happens to the section

    def touch(self, kind: str) -> None:
        """Note a change; it is saved soon."""
        self._changes.kinds.add(kind)
        self._save_soon()

    def touch_all(self) -> None:
        """Note that nothing is saved yet."""
        self._changes.all = True
        self._save_soon()

    def take_runs(self, runs: dict[str, DetectionRun]) -> None:
        """Save runs that the project does not hold yet."""
        for detector, run in runs.items():
            if self._runs.get(detector) is not run:
                self._runs[detector] = run
                self._write_run(detector, run)

    def keep_maps(self) -> None:
        """Keep a copy of the maps in the project too."""
        if self._store is not None:
            self._store.keep_maps = True
            self.touch(MAPS)

    def save_now(self, seconds: float = 60.0) -> bool:
        """Save what is not saved yet before this returns; whether everything is on the disk."""
        if self._store is None:
            return False
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._problem:
            if not self._is_writing:
                if not self._changes:
                    return True
                self._save()
            flags = QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents
            QCoreApplication.processEvents(flags, 50)
        return not self.has_unsaved_work

    def move_to(self, store: ProjectStore, lock: ProjectLock) -> None:
        """Save into another folder from now on; the present state is there already."""
        self._timer.stop()
        if self._lock is not None:
            self._lock.release()
        self._store, self._lock, self._before = store, lock, store.file
        self._problem, self.why_not = "", ""
        if store.file is not None:
            self._saved_at = _clock()
            remember_project(store.folder, self.name)
        self._start_again_if_new()
        self.changed.emit()

    def close(self) -> None:
        """Save nothing any more and give the project free."""
        self._timer.stop()
        self._watch.close()
        abandon(self._jobs.handles)
        if self._lock is not None:
            self._lock.release()

    # How it is saved

    @property
    def _is_writing(self) -> bool:
        return self._jobs.is_running(_SAVING, _RUN)

    def _save_soon(self) -> None:
        if self._store is None:
            self.changed.emit()
            return
        if not self._timer.isActive():
            self._timer.start(TRY_AGAIN_MS if self._problem else SAVE_AFTER_MS)
            self.changed.emit()

    def _start_again_if_new(self) -> None:
        """A project that holds nothing yet gets everything."""
        if self._store is not None and self._store.file is None:
            self._folders.clear()
            self._runs.clear()
            self._changes.all = True
            self.take_runs(self._present_runs())
        if self._changes:
            self._save_soon()

    def _present_runs(self) -> dict[str, DetectionRun]:
        runs = session_of(self.viewer).runs()
        return {name: run for (scan_id, name), run in runs.items() if scan_id == self.scan_id}

    def _on_timer(self) -> None:
        self.take_runs(self._present_runs())  # again, those whose writing failed
        self._save()

    def _before_removal(self) -> None:
        """A layer is about to go, perhaps with the whole window: save while all are there."""
        if self._has_leaving_state:
            return
        self._has_leaving_state = True
        QTimer.singleShot(0, self._forget_leaving)
        self._save()

    def _forget_leaving(self) -> None:
        self._has_leaving_state = False

    def _save(self) -> None:
        store = self._store
        if store is None or not self._changes:
            return
        if self._jobs.is_running(_SAVING):
            self._timer.start(SAVE_AFTER_MS)
            return
        state = self._state(store)
        if state is None:
            return
        self._being_saved, self._changes = self._changes, Changes()
        self._folders = {}
        self._jobs.run(
            _SAVING,
            _saving(store, state),
            self._on_saved,
            on_failed=lambda failure: self._on_not_saved(failure, state),
        )

    def _state(self, store: ProjectStore) -> SectionState | None:
        file = store.file
        for layer, _ in truth_layers(self.viewer, self.scan_id):
            number = max(self._truths.values(), default=0) + 1
            self._truths.setdefault(str(layer.unique_id), number)
        state = section_state(
            self.viewer,
            self.scan_id,
            self._changes,
            truth_numbers=self._truths,
            folders=self._folders,
            saved=frozenset(() if file is None else (one.detector for one in file.results)),
            with_maps=store.wants_maps,
        )
        return None if state is None else replace(state, log=_log(state, file, self._changes))

    def _write_run(self, detector: str, run: DetectionRun) -> None:
        """Write a run: first what must be safe at once, then the whole folder."""
        store = self._store
        if store is None:
            return
        try:
            cube = cube_from_layers(self.viewer, self.scan_id)
        except InputError as error:
            self._problem = f"The result of {detector} cannot be saved: {error}"
            self.changed.emit()
            return
        self._changes.kinds.add(f"run {detector}")

        def written(folder: str, *, quick: bool) -> None:
            if store is self._store and self._runs.get(detector) is run:
                self._take_folder(detector, folder)
                if quick:
                    write(quick=False)

        def write(*, quick: bool) -> None:
            self._jobs.run(
                _RUN,
                lambda task: store.write_run(cube, run, quick=quick, task=task),
                lambda folder: written(folder, quick=quick),
                on_failed=lambda failure: self._on_run_not_written(detector, failure),
                alongside=True,
                patient=not quick,  # the list of grains comes first
            )

        write(quick=True)
        self._save_soon()

    def _take_folder(self, detector: str, folder: str) -> None:
        self._folders[detector] = folder
        # Its layers changed before there was a place for them.
        self._changes.all = True
        self._timer.stop()
        self._save()
        if self._changes:
            self._save_soon()

    def _on_run_not_written(self, detector: str, failure: Failure) -> None:
        self._runs.pop(detector, None)
        self._on_failed(failure)

    def _on_saved(self, file: ProjectFile) -> None:
        first = self._before is None
        self._before, self._being_saved = file, Changes()
        self._problem, self._saved_at = "", _clock()
        if first and self.folder is not None:
            remember_project(self.folder, self.name)
        if self._changes:
            self._save_soon()
        self.changed.emit()

    def _on_not_saved(self, failure: Failure, state: SectionState) -> None:
        self._changes.add(self._being_saved)
        self._being_saved = Changes()
        self._folders = {**state.folders, **self._folders}
        self._on_failed(failure)

    def _on_failed(self, failure: Failure) -> None:
        """Say it, and go on in a folder of our own."""
        lost = self.folder
        problem = failure.sentence
        # In our own folder another place would not help, unless somebody removed it.
        if lost is not None and (self.has_own_place or not lost.is_dir()):
            try:
                spare = new_unsaved_folder(self.name)
                attempt = open_lock(spare)
            except InputError:
                attempt = None
            if attempt is not None and attempt.lock is not None:
                if self._lock is not None:
                    self._lock.release()
                self._store, self._lock = ProjectStore(spare), attempt.lock
                self._before = None
                problem = f"{failure.sentence} Your work is kept in {spare} from now on."
                self._problem = problem
                self._start_again_if_new()
                self.failed.emit(problem)
                self.changed.emit()
                return
        is_new = problem != self._problem
        self._problem = problem
        self._save_soon()
        if is_new:
            self.failed.emit(problem)
        self.changed.emit()


def _saving(store: ProjectStore, state: SectionState) -> Callable[[Any], ProjectFile]:
    return lambda task: store.save(state)


def _log(state: SectionState, before: ProjectFile | None, changes: Changes) -> tuple[LogEntry, ...]:
    """What was done, from the difference of two states."""
    texts = [f"ran {detector}" for detector in state.folders]
    for one in state.results:
        known = None if before is None else before.result_of(one.detector)
        if known is not None and known.threshold != one.threshold:
            texts.append(f"threshold of {one.detector}: {one.threshold:.2f}")
    if changes.has(VERDICTS) and state.verdicts is not None:
        texts += _last_step(state.verdicts)
    brushed = sorted(key for key in state.images if key.split(" ")[0] in ("truth", "valid"))
    texts += [f"changed {key}" for key in brushed]
    if any(key.startswith("strokes ") for key in state.images):
        texts.append("changed the mask")
    if before is None:
        texts.insert(0, "started the project")
    return tuple(map(LogEntry, texts))


def _last_step(history: History[VerdictBook]) -> list[str]:
    """The last verdict or edit of grains, or what was taken back."""
    if history.future:
        return [f"undid: {history.redo_text}"]
    if not history.past:
        return []
    text, before = history.past[-1]
    is_edit = before.edits is not history.present.edits
    return [f"{'grains' if is_edit else 'verdict'}: {text}"]


def _clock() -> str:
    return f"{datetime.now():%H:%M:%S}"
