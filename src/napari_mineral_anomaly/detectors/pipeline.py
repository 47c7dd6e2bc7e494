"""From a cube to a result: fit a detector and score. Window and command line both call this."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.base import DetectorConfig, FittedDetector
from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR, make_config, make_detector
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.detectors.results.threshold import checked_threshold
from napari_mineral_anomaly.detectors.teaching.detector import is_taught, teach
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.out_of_memory import memory_told
from napari_mineral_anomaly.progress import SILENT, CancelToken, ProgressCallback, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import listed


@dataclass(frozen=True, eq=False)
class DetectionRun:
    """A result together with the fitted detector that made it."""

    result: AnomalyResult
    fitted: FittedDetector


def detect(
    cube: ElementCube,
    detector: str = DEFAULT_DETECTOR,
    *,
    seed: int = 0,
    device: str = "auto",
    threshold: float | None = None,
    task: Task | None = None,
    on_event: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    **parameters: Any,
) -> AnomalyResult:
    """Fit a detector on a scan and score the same scan.

    Parameters
    ----------
    cube : ElementCube
        The scan; its ``valid`` area is used as given and never altered.
    detector : str
        A name from `detectors.registry.detector_names`.
    seed : int
        Seed of every random draw.
    device : {"auto", "cpu", "cuda", "mps"}
    threshold : float, optional
        Background sigmas from which a pixel is anomalous; default:
        `results.threshold.default_threshold`.
    task : Task, optional
        Reports progress and can cancel the run.
    on_event, cancel
        Deprecated: give ``task=Task(on_event, cancel)``.
    **parameters
        The detector's own parameters, for example ``epochs=50``.

    Returns
    -------
    AnomalyResult

    Raises
    ------
    InputError
        For an unknown detector or parameter and for a scan that cannot be scored.
    CancelledError
        When ``task`` was cancelled.
    """
    task = _one_task(task, on_event, cancel)
    # Before minutes are spent.
    limit = None if threshold is None else checked_threshold(threshold)
    config = make_config(detector, seed=seed, device=device, **parameters)
    run = run_detection(cube, detector, config, task=task)
    return run.result if limit is None else run.result.with_threshold(limit)


def _one_task(
    task: Task | None, on_event: ProgressCallback | None, cancel: CancelToken | None
) -> Task:
    """The task of `detect`, which may come as the two old arguments."""
    if on_event is None and cancel is None:
        return task or SILENT
    if task is not None:
        raise TypeError("detect() takes task, or the old on_event and cancel, but not both.")
    warnings.warn(
        "on_event and cancel of detect() are deprecated: use task=Task(on_event, cancel), "
        "with Task from napari_mineral_anomaly.progress.",
        DeprecationWarning,
        stacklevel=3,
    )
    return Task(on_event, cancel)


def run_detection(
    cube: ElementCube, detector: str, config: DetectorConfig, *, task: Task = SILENT
) -> DetectionRun:
    """Fit and score, and keep the fitted detector; ``result.info`` gets the time of each phase."""
    started = time.perf_counter()
    _require_cube(cube)
    with memory_told(cube.shape, cube.n_elements):
        require_scorable(cube)
        after = config.scoring_parts(cube.n_valid, cube.n_elements)
        fitted = make_detector(detector, config).fit(cube, task=task.before(*after))
    fit_seconds = time.perf_counter() - started
    run = apply_detector(cube, fitted, task=task)
    timings = {"fit": fit_seconds, **run.result.info["timings"]}
    return DetectionRun(run.result.with_info(timings=timings), fitted)


def apply_detector(
    cube: ElementCube, fitted: FittedDetector, *, task: Task = SILENT
) -> DetectionRun:
    """Score a scan with a detector fitted before, on this scan or on another."""
    started = time.perf_counter()
    _require_cube(cube)
    with memory_told(cube.shape, cube.n_elements):
        require_scorable(cube)
        result = fitted.score(cube, task=task)
    seconds = time.perf_counter() - started
    result = result.with_info(
        detector=fitted.name,
        seed=fitted.config.seed,
        device=result.info.device or fitted.config.device,
        parameters=fitted.config.model_dump(mode="json"),
        quantity=cube.quantity,
        timings={"score": seconds},
    )
    return DetectionRun(result, fitted)


def teach_run(
    cube: ElementCube, run: DetectionRun, taught: NDArray[np.bool_], *, task: Task = SILENT
) -> DetectionRun:
    """A run whose brushed pixels were moved into the background, see `teaching.detector.teach`.

    ``run`` stays as it is; a run that was taught before is refused, because it is the untouched
    one that is taught.
    """
    if is_taught(run.fitted.name):
        raise InputError("This result was taught already: teach the untouched result.")
    result, fitted = teach(cube, run.result, run.fitted, taught, task=task)
    return DetectionRun(result, fitted)


def require_scorable(cube: ElementCube) -> None:
    """Refuse a scan that no detector can score.

    Raises
    ------
    InputError
        When it is no cube, or fewer than two pixels are valid.
    """
    _require_cube(cube)
    if cube.n_valid < 2:
        raise InputError(
            f"{cube.source or 'The scan'} has {cube.n_valid} valid pixel"
            f"{'' if cube.n_valid == 1 else 's'}: {_why_not_valid(cube)}, so there is nothing to "
            "score."
        )


def _require_cube(cube: ElementCube) -> None:
    if not isinstance(cube, ElementCube):
        raise InputError(
            f"A detector needs an ElementCube, not {type(cube).__name__}: read files with "
            "read_maps(path), or wrap an array as ElementCube(array, names)."
        )


def _why_not_valid(cube: ElementCube) -> str:
    if cube.valid.size < 2:
        return "it is a single pixel"
    if cube.valid_area.origin == "given":
        return "the given valid area leaves out every other pixel"
    empty = [
        name
        for c, name in enumerate(cube.elements)
        if not np.isfinite(cube.as_measured(c, cube.plane(c))).any()
    ]
    if empty and len(empty) < cube.n_elements:
        return f"{listed(empty)} {'is' if len(empty) == 1 else 'are'} missing everywhere"
    return "every other pixel is missing or zero in all elements"
