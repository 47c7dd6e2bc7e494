"""Write a project so that a kill at any moment leaves the state before or the state after.

Images and runs of a new state get new names. project.json, which names them, is replaced last and
at once. Only then are the files of the state before removed.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from napari_mineral_anomaly import __version__
from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.detectors.registry import TAUGHT_SUFFIX
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.verdicts.book import now
from napari_mineral_anomaly.grains.verdicts.history import save_history
from napari_mineral_anomaly.io.writing.atomic import atomic_path
from napari_mineral_anomaly.io.writing.tiff import write_ome
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.project.fiducials import fiducial_fields
from napari_mineral_anomaly.project.format import Maps, ProjectFile, Result, Truth
from napari_mineral_anomaly.project.images import with_places
from napari_mineral_anomaly.project.log import add_to_log
from napari_mineral_anomaly.project.maps import describe_maps
from napari_mineral_anomaly.project.names import (
    LAYERS_FOLDER,
    LOCK_FILE,
    MAPS_FILE,
    PROJECT_FILE,
    RESULTS_FOLDER,
    VERDICTS_FILE,
    number_in,
    numbered_name,
)
from napari_mineral_anomaly.project.saving.images import write_layer
from napari_mineral_anomaly.project.saving.quick_run import write_quick_run
from napari_mineral_anomaly.project.saving.state import (
    VALID,
    ResultState,
    SectionState,
    image_key,
)
from napari_mineral_anomaly.runs.folder import write_run
from napari_mineral_anomaly.runs.record import input_hashes
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.quality.checks import report_of_cube

# Names of files that a killed process was still writing (`io.writing.atomic`).
_HALF_WRITTEN = re.compile(r"^\.([0-9a-f]{8}-)?\d+-\d+(\.|$)")


class ProjectStore:
    """Writes the states of one project.

    `save` is called by one thread at a time. `write_run`, which takes long, may be called by
    another thread meanwhile; the next state names the folder that it has made.

    Parameters
    ----------
    folder : Path
        An existing folder.
    file : ProjectFile, optional
        Its present content; None for a new project.
    keep_maps : bool
        Whether a copy of the maps is kept in the project, also where they are in files.
    """

    def __init__(
        self, folder: Path, file: ProjectFile | None = None, *, keep_maps: bool = False
    ) -> None:
        self.folder = folder
        self.keep_maps = keep_maps
        self._file = file
        self._numbers = itertools.count(self._last_number() + 1)
        self._not_named_yet: set[str] = set()

    @property
    def file(self) -> ProjectFile | None:
        """The content of project.json as last written; None before."""
        return self._file

    @property
    def wants_maps(self) -> bool:
        """Whether the next state needs the maps: to describe them, or to keep a copy."""
        maps = None if self._file is None else self._file.maps
        if maps is None or not (maps.sources or maps.stored):
            return True
        return self.keep_maps and maps.stored is None

    def write_run(
        self, cube: ElementCube, run: DetectionRun, *, quick: bool = False, task: Task = SILENT
    ) -> str:
        """Write the folder of a run; its name below the project, for `SectionState.folders`.

        Parameters
        ----------
        cube, run
            The scan and its result.
        quick : bool
            Write only what cannot be made again (`quick_run`).
        task : Task, optional
            Reports progress and can be cancelled.

        Raises
        ------
        InputError
            When it cannot be written.
        CancelledError
            When ``task`` was cancelled.
        """
        self._require_folder()
        name = f"{RESULTS_FOLDER}/{numbered_name(run.fitted.name, next(self._numbers))}"
        self._not_named_yet.add(name)
        try:
            (self.folder / RESULTS_FOLDER).mkdir(exist_ok=True)
            if quick:
                write_quick_run(self.folder / name, cube, run)
            else:
                write_run(self.folder / name, cube, run, task=task)
        except OSError as error:
            raise InputError(f"Cannot write the project {self.folder}: {error}.") from error
        return name

    def save(self, state: SectionState) -> ProjectFile:
        """Write a state.

        Raises
        ------
        InputError
            When it cannot be written, as on a full disk or after the folder was removed; the state
            before stays.
        """
        self._require_folder()
        number = next(self._numbers)
        try:
            file = self._write(state, number)
        except OSError as error:
            raise InputError(f"Cannot write the project {self.folder}: {error}.") from error
        finally:
            # The files of the state before, or those of a state that could not be completed.
            self._remove_older()
        add_to_log(self.folder, state.log)
        return file

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise InputError(f"The project folder {self.folder} is not there any more.")

    def _write(self, state: SectionState, number: int) -> ProjectFile:
        before = self._file
        images = dict(_images_of(before))
        images |= self._write_images(state, number)
        maps = self._maps(state)
        verdicts = None if before is None else before.verdicts
        if state.verdicts is not None:
            save_history(self.folder / VERDICTS_FILE, state.verdicts)
            verdicts = VERDICTS_FILE
        results = _results(state, images, before)
        detectors = [one.detector for one in results]
        main = state.main or (None if before is None else before.main)
        file = ProjectFile(
            **_further(before),
            package_version=__version__,
            created=now() if before is None else before.created,
            saved=now(),
            name=state.name,
            shape=state.shape,
            pixel_size_um=state.pixel_size,
            elements=state.elements or (() if before is None else before.elements),
            maps=maps,
            main=main if main in detectors else next(iter(detectors), None),
            results=results,
            valid=images.get(VALID) if state.has_valid else None,
            truths=tuple(
                Truth(number=number, name=name, file=images[image_key("truth", str(number))])
                for number, name in state.truths
                if image_key("truth", str(number)) in images
            ),
            verdicts=verdicts,
            layers=with_places(state.layers, self.folder),
            view=state.view,
            **fiducial_fields(before, state.fiducials),
        )
        write_project_file(self.folder, file)
        self._file = file
        return file

    def tidy(self) -> None:
        """Remove what a killed process was still writing; only for who holds the lock."""
        for place in (self.folder, self.folder / LAYERS_FOLDER, self.folder / RESULTS_FOLDER):
            for path in _entries(place):
                lock_of_another = path.name.startswith(f".{LOCK_FILE}.")
                staged = place.name == RESULTS_FOLDER and path.name.startswith(".")
                if _HALF_WRITTEN.match(path.name) or lock_of_another or staged:
                    _remove(path)
        if self._file is not None:
            self._remove_older()

    def _write_images(self, state: SectionState, number: int) -> dict[str, str]:
        """Write the images that changed; their names, "" for those that there are no more."""
        names: dict[str, str] = {}
        for key, image in state.images.items():
            pixels = image.make()
            if pixels is None:
                names[key] = ""
                continue
            (self.folder / LAYERS_FOLDER).mkdir(exist_ok=True)
            stem = re.sub(r"[^\w-]+", "_", key)
            name = f"{LAYERS_FOLDER}/{numbered_name(stem, number, '.tif')}"
            write_layer(self.folder / name, pixels, image.kind, state.pixel_size)
            names[key] = name
        return names

    def _maps(self, state: SectionState) -> Maps:
        """How the maps are found again; a copy is made where they are in no file."""
        known = Maps() if self._file is None else self._file.maps
        if state.cube is None or not self.wants_maps:
            return known
        cube = state.cube()
        maps = known
        if state.scan is not None and not known.sources:
            report = cube.report or report_of_cube(cube)
            maps = describe_maps(state.scan, report, input_hashes(cube), self.folder)
        if self.keep_maps or not maps.sources:
            maps = maps.model_copy(update={"stored": self._copy_of(cube)})
        return maps

    def _copy_of(self, cube: ElementCube) -> str:
        write_ome(self.folder / MAPS_FILE, cube.maps, list(cube.elements), cube.pixel_size)
        return MAPS_FILE

    def _remove_older(self) -> None:
        """Remove numbered files and folders that the present state does not need."""
        needed = set() if self._file is None else self._file.files()
        self._not_named_yet -= needed
        needed |= self._not_named_yet
        for place in (LAYERS_FOLDER, RESULTS_FOLDER):
            for path in _entries(self.folder / place):
                if number_in(path.name) and f"{place}/{path.name}" not in needed:
                    _remove(path)

    def _last_number(self) -> int:
        places = (self.folder / LAYERS_FOLDER, self.folder / RESULTS_FOLDER)
        return max(
            (number_in(path.name) for place in places for path in _entries(place)), default=0
        )


def write_project_file(folder: Path, file: ProjectFile) -> None:
    """Replace project.json.

    Raises
    ------
    InputError
        When it cannot be written; the file before stays.
    """
    with atomic_path(folder / PROJECT_FILE) as temporary:
        # File names may hold bytes that are no letters. In ASCII they are kept as escapes.
        temporary.write_text(json.dumps(file.model_dump(mode="json"), indent=1))


def _images_of(file: ProjectFile | None) -> Iterable[tuple[str, str]]:
    """The images of a state: key and name."""
    if file is None:
        return
    if file.valid:
        yield VALID, file.valid
    for truth in file.truths:
        yield image_key("truth", str(truth.number)), truth.file
    for one in file.results:
        for kind, name in (
            ("strokes", one.strokes),
            ("mask", one.mask),
            ("grains", one.grain_labels),
            ("labels", one.labels),
        ):
            if name:
                yield image_key(kind, one.detector), name


def _results(
    state: SectionState, images: Mapping[str, str], before: ProjectFile | None
) -> tuple[Result, ...]:
    """The entries of all results; one whose layers were removed stays as it was.

    Only a taught result of which nothing is taught any more is dropped.
    """
    known = {} if before is None else {one.detector: one for one in before.results}
    folders = {name: one.folder for name, one in known.items()} | dict(state.folders)
    shown = {one.detector: one for one in state.results if one.detector in folders}
    return tuple(
        _result(shown[name], folders[name], images) if name in shown else known[name]
        for name in dict.fromkeys((*known, *shown))
        if not (state.forgets_taught and name.endswith(TAUGHT_SUFFIX))
    )


def _result(state: ResultState, folder: str, images: Mapping[str, str]) -> Result:

    def image(kind: str) -> str | None:
        return images.get(image_key(kind, state.detector)) or None

    return Result(
        detector=state.detector,
        folder=folder,
        threshold=state.threshold,
        min_grain_px=state.min_grain_px,
        strokes=image("strokes"),
        mask=image("mask"),
        grain_labels=image("grains"),
        labels=image("labels"),
        clusters=state.clusters,
    )


def _further(before: ProjectFile | None) -> dict[str, object]:
    """Keys that this version does not know; they stay in the file."""
    return {} if before is None else dict(before.model_extra or {})


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
