"""The projects of one viewer: started with the first run, opened, saved elsewhere, closed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from weakref import ref

from napari.utils.notifications import show_error, show_info, show_warning
from psygnal import Signal
from qtpy.QtCore import QCoreApplication, QEventLoop, QTimer

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.project.copying import copy_project
from napari_mineral_anomaly.project.load import load_project
from napari_mineral_anomaly.project.lock import LockAttempt, open_lock
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.recent import (
    killed_projects,
    new_unsaved_folder,
    remember_project,
)
from napari_mineral_anomaly.project.saving.quick_run import is_complete
from napari_mineral_anomaly.project.saving.store import ProjectStore
from napari_mineral_anomaly.window.jobs import Executor, Failure
from napari_mineral_anomaly.window.jobs.qt import QtExecutor
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs
from napari_mineral_anomaly.window.layers.active import active_of
from napari_mineral_anomaly.window.layers.links import linked_layers, unwrapped
from napari_mineral_anomaly.window.layers.make import new_scan_id
from napari_mineral_anomaly.window.layers.per_viewer import PerViewer
from napari_mineral_anomaly.window.layers.session import session_of
from napari_mineral_anomaly.window.project.asking import Asker, DialogAsker
from napari_mineral_anomaly.window.project.keeper import SectionKeeper
from napari_mineral_anomaly.window.project.show import PreparedProject, ProjectInTurns, prepare
from napari_mineral_anomaly.window.state.model import DECIDE, LOOK, Activity
from napari_mineral_anomaly.window.state.of_viewer import state_of
from napari_mineral_anomaly.words import listed

_projects: PerViewer[Projects] = PerViewer(lambda viewer: Projects(viewer))

_OPENING, _COPYING = "Opening the project", "Copying the project"


def projects_of(viewer: Any) -> Projects:
    """The projects of a viewer; from the first call on, every run is saved."""
    return _projects.of(viewer)


class Projects:
    """One keeper for each section that has a run or was opened as a project.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    executor : Executor, optional
        Who reads and writes; default: worker threads.
    asker : Asker, optional
        Who answers questions; default: the user, in dialogs.
    """

    changed = Signal()

    def __init__(
        self, viewer: Any, executor: Executor | None = None, asker: Asker | None = None
    ) -> None:
        # Weak: with a strong reference here, the viewer would never be freed.
        self._viewer_ref = ref(unwrapped(viewer))
        self._executor = executor or QtExecutor()
        self._jobs = DockJobs(self._executor, self._on_failed)
        self.asker: Asker = asker or DialogAsker()
        self.keepers: dict[str, SectionKeeper] = {}
        self._opening: dict[str, Any] = {}
        self._has_offered = False
        session_of(viewer).changed.connect(self._on_session)
        self._viewer.layers.events.removed.connect(self._on_removed)
        self._on_session()

    @property
    def _viewer(self) -> Any:
        viewer = self._viewer_ref()
        assert viewer is not None, "the viewer of these projects is gone"
        return viewer

    @property
    def status(self) -> str:
        """One line for each section, for people."""
        if self._opening:
            return "Opening a project…"
        lines = [f"{keeper.name}: {keeper.status}" for keeper in self.keepers.values()]
        return "\n".join(lines) or "Nothing to save yet: a project starts with the first run."

    # Open

    def open(self, folder: str | Path, maps: Path | None = None) -> None:
        """Open a project or a folder of results in new layers, in the background."""
        place = Path(folder).resolve()
        for scan_id, keeper in self.keepers.items():
            if keeper.folder == place:
                show_info(f"{place.name} is open in this window already.")
                active_of(self._viewer).activate(scan_id)
                return
        try:
            read_project(place)
        except InputError as error:
            self._say(str(error))
            return
        attempt = open_lock(place)
        scan_id = new_scan_id()
        self._opening[scan_id] = attempt
        self._tell(place)
        self._load(place, scan_id, attempt, maps)
        self.changed.emit()

    def _tell(self, folder: Path, event: ProgressEvent | None = None) -> None:
        """Show in the header how far the opening of a project is."""
        percent = 100 * event.step // event.total if event is not None and event.total else None
        doing = Activity(f"Opening {folder.name}…", percent)
        state_of(self._viewer).report(_OPENING, doing)

    def _load(self, folder: Path, scan_id: str, attempt: LockAttempt, maps: Path | None) -> None:
        is_ours = attempt.lock is not None

        def work(task: Task) -> tuple[PreparedProject, ProjectStore | None]:
            loaded = load_project(folder, maps=maps, task=task)
            store = ProjectStore(loaded.folder, loaded.file) if is_ours else None
            if store is not None:
                store.tidy()  # older results are large: to remove them takes a while
            return prepare(loaded, scan_id), store

        self._jobs.run(
            _OPENING,
            work,
            lambda done: self._on_loaded(scan_id, attempt, *done),
            on_events=lambda events: self._tell(folder, events[-1]),
            on_failed=lambda failure: self._on_not_loaded(folder, scan_id, attempt, maps, failure),
            alongside=True,
        )

    def _on_loaded(
        self,
        scan_id: str,
        attempt: LockAttempt,
        prepared: PreparedProject,
        store: ProjectStore | None,
    ) -> None:
        loaded = prepared.loaded
        if loaded.cube is None:
            maps = self.asker.where_are_the_maps(loaded.why_no_maps)
            if maps is not None:
                self._load(loaded.folder, scan_id, attempt, maps)
                return
        self._opening[scan_id] = ProjectInTurns(
            self._viewer,
            scan_id,
            prepared,
            lambda truths: self._on_shown(scan_id, attempt, prepared, store, truths),
        )

    def _on_not_loaded(
        self, folder: Path, scan_id: str, attempt: LockAttempt, maps: Path | None, failure: Failure
    ) -> None:
        if maps is not None and failure.expected:
            again = self.asker.where_are_the_maps(failure.sentence)
            self._load(folder, scan_id, attempt, again)
            return
        self._opening.pop(scan_id, None)
        state_of(self._viewer).report(_OPENING, None)
        if attempt.lock is not None:
            attempt.lock.release()
        self._on_failed(failure)
        self.changed.emit()

    def _on_shown(
        self,
        scan_id: str,
        attempt: LockAttempt,
        prepared: PreparedProject,
        store: ProjectStore | None,
        truths: dict[str, int],
    ) -> None:
        loaded, state = prepared.loaded, state_of(self._viewer)
        self._opening.pop(scan_id, None)
        state.report(_OPENING, None)
        # The work goes on where it was left: with the grains, where some were found.
        state.step = DECIDE if loaded.results else LOOK
        self._keep(
            SectionKeeper(
                self._viewer,
                scan_id,
                self._executor,
                store,
                attempt.lock,
                name=loaded.file.name,
                why_not=attempt.why_not,
                runs={
                    name: one.run
                    for name, one in loaded.results.items()
                    if is_complete(loaded.folder / one.note.folder)
                },
                truth_numbers=truths,
            )
        )
        self._on_session()  # runs whose folder is not complete are written again
        remember_project(loaded.folder, loaded.file.name)
        for problem in prepared.problems:
            self._say(problem)
        if attempt.lock is None:
            self._say(f"{attempt.why_not} It is open read-only here: changes are not saved.")

    # Save

    def save_as(self, scan_id: str, target: str | Path) -> None:
        """Copy the project of a section to another folder, and save there from now on."""
        keeper, place = self.keepers[scan_id], Path(target).expanduser().absolute()
        source = keeper.folder
        if source is None or keeper.problem:
            self._start_at(keeper, place)
            return
        if not keeper.save_now():
            self._say(keeper.problem or "The project is still being saved: try again.")
            return
        remove = not keeper.has_own_place

        def work(task: Task) -> ProjectStore:
            copy_project(source, place)
            return ProjectStore(place, read_project(place))

        def moved(store: ProjectStore) -> None:
            attempt = open_lock(place)
            if attempt.lock is None:
                self._say(attempt.why_not)
                return
            keeper.move_to(store, attempt.lock)
            if remove:
                self._jobs.run("Removing the copy", lambda task: _remove(source), alongside=True)
            show_info(f"The project is in {place} from now on.")

        self._jobs.run(_COPYING, work, moved, alongside=True)

    def _start_at(self, keeper: SectionKeeper, place: Path) -> None:
        """Save a section that cannot be copied, read-only ones for example, into a new folder."""
        try:
            if place.exists() and any(place.iterdir()):
                raise InputError(f"{place} is not empty: choose an empty folder or a new name.")
            place.mkdir(exist_ok=True)
        except OSError as error:
            self._say(f"Cannot make the folder {place}: {error.strerror or error}.")
            return
        except InputError as error:
            self._say(str(error))
            return
        attempt = open_lock(place)
        if attempt.lock is None:
            self._say(attempt.why_not)
            return
        keeper.move_to(ProjectStore(place), attempt.lock)

    # Close

    def may_close(self, only: str | None = None) -> bool:
        """Save, and ask about work that has no place yet; False to stay.

        Parameters
        ----------
        only : str, optional
            The one scan that is to be closed; default: all.
        """
        for scan_id, keeper in list(self.keepers.items()):
            if only not in (None, scan_id):
                continue
            if not keeper.is_read_only:
                keeper.save_now()
            sentence = _before_closing(keeper)
            if not sentence:
                continue
            answer = self.asker.before_closing(sentence)
            if answer == "stay":
                return False
            if answer == "save":
                place = self.asker.place_for_project(keeper.name)
                if place is None:
                    return False
                self.save_as(scan_id, place)
                if not self._wait_for_copy(keeper, place.expanduser().absolute()):
                    return False
        return True

    def close(self) -> None:
        """Save nothing any more, and give all projects free."""
        for keeper in self.keepers.values():
            keeper.close()
        self.keepers.clear()

    def _wait_for_copy(self, keeper: SectionKeeper, place: Path) -> bool:
        flags = QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents
        while self._jobs.is_running(_COPYING):
            QCoreApplication.processEvents(flags, 50)
        QCoreApplication.processEvents(flags, 50)
        return keeper.folder == place and keeper.save_now()

    # Go on after a kill

    def offer_to_resume(self) -> None:
        """Ask once whether to open the projects of a window that was killed."""
        if self._has_offered or self._viewer_ref() is None:
            return
        self._has_offered = True
        killed = killed_projects()
        if killed and self.asker.resume(listed([one.name for one in killed])):
            for one in killed:
                self.open(one.folder)

    def offer_soon(self) -> None:
        """As `offer_to_resume`, once the window is there."""
        QTimer.singleShot(300, self.offer_to_resume)

    # What happens in the window

    def _on_session(self) -> None:
        runs = session_of(self._viewer).runs()
        for scan_id in dict.fromkeys(scan for scan, _ in runs):
            if scan_id in self._opening:
                continue
            keeper = self.keepers.get(scan_id) or self._start(scan_id)
            if keeper is not None:
                keeper.take_runs(
                    {name: run for (scan, name), run in runs.items() if scan == scan_id}
                )

    def _start(self, scan_id: str) -> SectionKeeper | None:
        """A new project for a section that has its first run."""
        link = next((link for _, link in linked_layers(self._viewer, scan_id)), None)
        name = link.scan if link is not None and link.scan else "section"
        try:
            folder = new_unsaved_folder(name)
            attempt = open_lock(folder)
        except InputError as error:
            self._say(f"The work is not saved: {error}")
            return None
        if attempt.lock is None:
            self._say(f"The work is not saved: {attempt.why_not}")
            return None
        store = ProjectStore(folder)
        keeper = SectionKeeper(
            self._viewer, scan_id, self._executor, store, attempt.lock, name=name
        )
        self._keep(keeper)
        keeper.touch_all()
        return keeper

    def _keep(self, keeper: SectionKeeper) -> None:
        self.keepers[keeper.scan_id] = keeper
        keeper.changed.connect(self.changed.emit)
        keeper.failed.connect(self._say)
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        for scan_id, keeper in list(self.keepers.items()):
            if next(linked_layers(self._viewer, scan_id), None) is None:
                keeper.close()
                del self.keepers[scan_id]
                self.changed.emit()

    def _say(self, sentence: str) -> None:
        show_warning(sentence)
        self.changed.emit()

    def _on_failed(self, failure: Failure) -> None:
        (show_warning if failure.expected else show_error)(failure.sentence)


def _before_closing(keeper: SectionKeeper) -> str:
    """What to say before a section is closed; "" where everything is in its place."""
    if keeper.is_read_only:
        if keeper.has_changes:
            return f"{keeper.name} is open read-only: what you changed here is not saved."
        return ""
    if keeper.problem or keeper.has_unsaved_work:
        return f"{keeper.name} is not saved: {keeper.problem or 'it is still being written.'}"
    if not keeper.has_own_place:
        return (
            f"The work on {keeper.name} has no folder of its own yet. It stays in {keeper.folder} "
            "and in the list of recent projects."
        )
    return ""


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
