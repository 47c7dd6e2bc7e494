"""Load a project: the maps, the results, and all that the user has done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.clusters.editing import ClusterMap, cluster_map
from napari_mineral_anomaly.detectors.pipeline import DetectionRun
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.pixels.mask import JudgedScore, judge_score
from napari_mineral_anomaly.grains.verdicts.book import History, VerdictBook
from napari_mineral_anomaly.grains.verdicts.history import load_history
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.project.format import Clusters, ProjectFile, Result
from napari_mineral_anomaly.project.images import found_looks
from napari_mineral_anomaly.project.maps import MapsMovedError, ScanFiles, find_maps
from napari_mineral_anomaly.project.reading import read_project
from napari_mineral_anomaly.project.saving.images import read_layer
from napari_mineral_anomaly.runs.read_run import read_run
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import sizes


@dataclass(frozen=True, eq=False)
class LoadedResult:
    """One result with the settings and strokes of the user.

    Attributes
    ----------
    note : Result
    run : DetectionRun
        With the threshold of the user; its pseudo-labels are those of the detector.
    judged : JudgedScore
        The score judged at that threshold, with the strokes.
    clusters : ClusterMap
        The pseudo-labels as edited, with their names, colours and roles.
    """

    note: Result
    run: DetectionRun
    judged: JudgedScore
    clusters: ClusterMap

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The mask (H, W) with the strokes of the user."""
        return self.judged.shown

    @property
    def result(self) -> AnomalyResult:
        """The result as the user sees it: with the edited pseudo-labels."""
        return replace(self.run.result, pseudo_labels=self.clusters.labels)


@dataclass(frozen=True, eq=False)
class LoadedProject:
    """All of a project.

    Attributes
    ----------
    folder : Path
    file : ProjectFile
    cube : ElementCube or None
        None where the maps were not found; ``why_no_maps`` says why.
    scan : ScanFiles or None
        Where the maps were found; None for a copy inside the project.
    results : mapping of detector to LoadedResult
    valid : (H, W) bool, optional
        The valid area, where it was a layer.
    truths : tuple of (number, name, (H, W) array)
    verdicts : History or None
    """

    folder: Path
    file: ProjectFile
    cube: ElementCube | None
    scan: ScanFiles | None = None
    why_no_maps: str = ""
    results: Mapping[str, LoadedResult] = field(default_factory=dict)
    valid: NDArray[np.bool_] | None = None
    truths: tuple[tuple[int, str, NDArray[Any]], ...] = ()
    verdicts: History[VerdictBook] | None = None

    @property
    def main(self) -> LoadedResult:
        """The result that stands for the project.

        Raises
        ------
        InputError
            When there is none.
        """
        note = self.file.main_result
        if note is None:
            raise InputError(f"The project {self.folder} holds no result yet: run a detector.")
        return self.results[note.detector]

    def with_main(self, detector: str) -> LoadedProject:
        """The project with another result that stands for it.

        Raises
        ------
        InputError
            When it holds none of this detector.
        """
        if detector not in self.results:
            known = ", ".join(self.results) or "none"
            raise InputError(
                f"The project {self.folder} holds no result of {detector!r}; it holds: {known}."
            )
        return replace(self, file=self.file.model_copy(update={"main": detector}))

    def require_cube(self) -> ElementCube:
        """The maps.

        Raises
        ------
        MapsMovedError
            When they were not found.
        """
        if self.cube is None:
            raise MapsMovedError(self.why_no_maps)
        return self.cube


def load_project(
    folder: str | Path,
    *,
    maps: Path | None = None,
    only_main: bool = False,
    task: Task = SILENT,
) -> LoadedProject:
    """Load a project or a folder of results.

    Parameters
    ----------
    folder : path
    maps : Path, optional
        Where the maps are now, if they were moved.
    only_main : bool
        Load only the result that stands for the project.
    task : Task, optional
        Reports progress and can be cancelled.

    Raises
    ------
    InputError
        When the folder is no project, is damaged or of a newer version; when ``maps`` are given and
        are not those of the project.
    CancelledError
        When ``task`` was cancelled.
    """
    place = Path(folder)
    file = read_project(place)
    cube, scan, why_no_maps = None, None, ""
    try:
        cube, scan = _maps(file, place, maps, task)
    except MapsMovedError as moved:
        if maps is not None:
            raise
        why_no_maps = str(moved)
    sources = (place,) if scan is None else scan.sources
    file = file.model_copy(update={"layers": found_looks(file.layers, place, sources)})
    main = file.main_result
    results = {}
    for step, note in enumerate(file.results):
        if only_main and note is not main:
            continue
        task.step("reading the results", step, len(file.results), note.detector)
        results[note.detector] = _result(place, file, note)
    return LoadedProject(
        folder=place,
        file=file,
        cube=cube,
        scan=scan,
        why_no_maps=why_no_maps,
        results=results,
        valid=None if file.valid is None else read_layer(place / file.valid, "valid", file.shape),
        truths=tuple(
            (one.number, one.name, read_layer(place / one.file, "truth", file.shape))
            for one in file.truths
        ),
        verdicts=None if file.verdicts is None else load_history(place / file.verdicts, file.shape),
    )


def _maps(
    file: ProjectFile, folder: Path, at: Path | None, task: Task
) -> tuple[ElementCube, ScanFiles | None]:
    stored = file.maps.stored
    scan: ScanFiles | None
    try:
        scan = find_maps(file.maps, folder, at, task=task)
    except MapsMovedError:
        if stored is None or at is not None or not (folder / stored).exists():
            raise
        scan = None
        cube = read_maps(folder / stored, pixel_size=file.pixel_size_um, task=task)
    else:
        sources = scan.sources
        source = sources[0] if len(sources) == 1 else list(sources)
        cube = read_maps(source, task=task, **vars(scan.options))
    if cube.shape != file.shape:
        raise InputError(
            f"The maps at {cube.source} have {sizes(cube.shape)} pixels, the project "
            f"{sizes(file.shape)}: choose the maps of this project."
        )
    missing = [name for name in file.elements if name not in cube.elements]
    if missing:
        raise InputError(
            f"The maps at {cube.source} lack {', '.join(missing)}, which the project uses: choose "
            "the maps of this project."
        )
    if cube.pixel_size != file.pixel_size_um:
        cube = _with_pixel_size(cube, file.pixel_size_um)
    return cube, scan


def _with_pixel_size(cube: ElementCube, size: tuple[float, float] | None) -> ElementCube:
    """The cube with the pixel size that the user typed."""
    report = cube.report
    if report is not None:
        typed = {"pixel_size_um": size, "pixel_size_source": "typed by the user"}
        report = report.model_copy(update=typed)
    return cube.replace(pixel_size=size, report=report)


def _result(folder: Path, file: ProjectFile, note: Result) -> LoadedResult:
    run = read_run(folder / note.folder)
    result = replace(run.result.with_threshold(note.threshold), pixel_size=file.pixel_size_um)
    if result.score.shape != file.shape:
        raise InputError(
            f"{folder / note.folder} is damaged: its score has {sizes(result.score.shape)} pixels, "
            f"the project {sizes(file.shape)}."
        )
    edits = (
        None if note.strokes is None else read_layer(folder / note.strokes, "strokes", file.shape)
    )
    labels = result.pseudo_labels
    if note.labels is not None:
        labels = read_layer(folder / note.labels, "labels", file.shape)
    return LoadedResult(
        note=note,
        run=DetectionRun(result, run.fitted),
        judged=judge_score(result.score, note.threshold, note.min_grain_px, edits),
        clusters=clusters_from(labels, note.clusters),
    )


def clusters_from(labels: NDArray[Any], note: Clusters | None) -> ClusterMap:
    """The clusters of an image, with the names, colours and roles that were kept."""
    if note is None:
        return cluster_map(labels)
    fresh = cluster_map(labels, names=note.names)
    there = set(fresh.names)
    return replace(
        fresh,
        colours={**fresh.colours, **{k: v for k, v in note.colours.items() if k in there}},
        background=(fresh.background - set(note.names)) | (there & set(note.background)),
    )


def clusters_note(clusters: ClusterMap) -> Clusters:
    """What project.json keeps of clusters beside their image."""
    return Clusters(
        names={int(code): str(name) for code, name in clusters.names.items()},
        colours={int(code): colour for code, colour in clusters.colours.items()},
        background=tuple(sorted(int(code) for code in clusters.background)),
    )
