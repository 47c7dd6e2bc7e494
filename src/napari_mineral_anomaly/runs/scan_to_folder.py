"""The whole job: from the files of one scan to a folder of results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_mineral_anomaly.detectors.base import DetectorConfig, FittedDetector
from napari_mineral_anomaly.detectors.pipeline import (
    DetectionRun,
    apply_detector,
    require_scorable,
    run_detection,
    teach_run,
)
from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR, make_config
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS
from napari_mineral_anomaly.io import read_image
from napari_mineral_anomaly.io.run_files import (
    GRAINS_FILES,
    JOINED_FILES,
    RUN_FILES,
    UNTAUGHT_FOLDER,
)
from napari_mineral_anomaly.io.spreadsheets import PLAIN, Dialect
from napari_mineral_anomaly.io.writing.atomic import require_free_folder
from napari_mineral_anomaly.out_of_memory import memory_told
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.runs.folder import WrittenRun, write_run
from napari_mineral_anomaly.runs.read_scan import AS_FOUND, ReadingOptions, read_scan
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.words import sizes


def scan_to_folder(
    sources: Sequence[str | Path],
    out: str | Path,
    detector: str | FittedDetector = DEFAULT_DETECTOR,
    config: DetectorConfig | None = None,
    *,
    reading: ReadingOptions = AS_FOUND,
    threshold: float | None = None,
    min_grain_px: int = 1,
    n_rows: int = DEFAULT_ROWS,
    csv_dialect: Dialect = PLAIN,
    overwrite: bool = False,
    protected: Iterable[str | Path] = (),
    taught: Path | None = None,
    on_read: Callable[[ElementCube], None] | None = None,
    task: Task = SILENT,
) -> WrittenRun:
    """Read one scan, fit and score (or only score), apply the threshold, list grains, write.

    Parameters
    ----------
    sources : paths
        The folder or the files of one scan.
    out : path
        The folder of results; appears complete or not at all.
    detector : str or FittedDetector
        The name of a detector, which is fitted on this scan, or a detector that is already fitted.
    config : DetectorConfig, optional
        Parameters of a detector given by name; default: its own defaults.
    reading : ReadingOptions
    threshold : float, optional
        Background sigmas from which a pixel is anomalous; default: that of the detector.
    min_grain_px : int
        Smaller grains are left out of the list.
    n_rows : int
        Grains wanted in the list, see `grains.table.find_grains`.
    csv_dialect : Dialect
        Write the grains in this dialect too, see `folder.write_run`.
    overwrite : bool
        Replace earlier results, once the new ones are complete.
    protected : paths
        Further files and folders that are read: ``out`` may not hold them.
    taught : Path, optional
        An image whose non-zero pixels are ordinary (`detectors.teaching`). The taught result is
        written into ``out``, the untouched one into ``out / run_files.UNTAUGHT_FOLDER``.
    on_read : callable, optional
        Called with the scan before the detector starts.
    task : Task, optional
        Reports progress and can be cancelled.

    Raises
    ------
    InputError
        When ``out`` is not free; when the scan cannot be read or scored, or lacks elements that a
        fitted detector needs; when the results cannot be written.
    CancelledError
        When ``task`` was cancelled.
    """
    inputs = [*reading.inputs(sources), *protected, *([] if taught is None else [taught])]
    ours = (*RUN_FILES, *JOINED_FILES, *GRAINS_FILES)
    require_free_folder(out, overwrite=overwrite, ours=ours, inputs=inputs, task=task)
    started = time.perf_counter()
    ordinary = None if taught is None else np.asarray(read_image(taught)) != 0
    cube = read_scan(sources, reading, task=task)
    if ordinary is not None and ordinary.shape != cube.shape:
        raise InputError(
            f"{taught} has {sizes(ordinary.shape)} pixels, the scan {sizes(cube.shape)}: the mask "
            "of ordinary pixels must be of the same scan."
        )
    timings = {"read": time.perf_counter() - started}
    if not isinstance(detector, str):
        require_elements(cube, detector)
    if on_read is not None:
        on_read(cube)
    if isinstance(detector, str):
        run = run_detection(cube, detector, config or make_config(detector), task=task)
    else:
        run = apply_detector(cube, detector, task=task)
    if threshold is not None:
        run = replace(run, result=run.result.with_threshold(threshold))

    def write(folder: Path, of: DetectionRun, *, overwrite: bool) -> WrittenRun:
        return write_run(
            folder,
            cube,
            of,
            overwrite=overwrite,
            min_grain_px=min_grain_px,
            n_rows=n_rows,
            csv_dialect=csv_dialect,
            timings=timings,
            inputs=inputs,
            task=task,
        )

    with memory_told(cube.shape, cube.n_elements):
        if ordinary is None:
            return write(Path(out), run, overwrite=overwrite)
        written = write(Path(out), teach_run(cube, run, ordinary, task=task), overwrite=overwrite)
        beside = Path(out) / UNTAUGHT_FOLDER
        beside.parent.mkdir(exist_ok=True)
        write(beside, run, overwrite=True)
        return written


def require_elements(cube: ElementCube, fitted: FittedDetector) -> None:
    """Refuse a scan that lacks elements of the fitted detector, or that cannot be scored.

    Raises
    ------
    InputError
    """
    missing = [element for element in fitted.elements if element not in cube.elements]
    if missing:
        raise InputError(
            f"{cube.source} lacks {', '.join(missing)}, which the model was fitted on."
        )
    require_scorable(cube)
