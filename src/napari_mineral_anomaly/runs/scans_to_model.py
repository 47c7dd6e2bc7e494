"""From the files of one or several scans to a saved model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from napari_mineral_anomaly.detectors.base import DetectorConfig, FittedDetector
from napari_mineral_anomaly.detectors.bundle import save_model
from napari_mineral_anomaly.detectors.pipeline import require_scorable
from napari_mineral_anomaly.detectors.registry import make_detector
from napari_mineral_anomaly.io.run_files import MODEL_FILES
from napari_mineral_anomaly.io.writing.atomic import require_free_folder, staged_folder
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.runs.read_scan import AS_FOUND, ReadingOptions, read_scan
from napari_mineral_anomaly.runs.record import input_hashes, source_name
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.stacking import stack_sections


def scans_to_model(
    sources: Sequence[str | Path],
    out: str | Path,
    detector: str,
    config: DetectorConfig,
    *,
    reading: ReadingOptions = AS_FOUND,
    overwrite: bool = False,
    protected: Iterable[str | Path] = (),
    task: Task = SILENT,
) -> tuple[FittedDetector, tuple[ElementCube, ...]]:
    """Read scans, fit one detector on all of them as if they were parts of one, save the model.

    Parameters
    ----------
    sources : paths
        One folder or file per scan; all scans hold the same elements.
    out : path
        The folder of the model; appears complete or not at all.
    detector : str
    config : DetectorConfig
        Parameters of the detector.
    reading : ReadingOptions
    overwrite : bool
        Replace an earlier model, once the new one is complete.
    protected : paths
        Further files and folders that are read: ``out`` may not hold them.
    task : Task, optional
        Reports progress and can be cancelled.

    Returns
    -------
    fitted : FittedDetector
    scans : tuple of ElementCube
        The scans that it was fitted on.

    Raises
    ------
    InputError
        When ``out`` is not free; when a scan cannot be read or scored; when the scans hold
        different elements; when the model cannot be written.
    CancelledError
        When ``task`` was cancelled.
    """
    inputs = [*reading.inputs(sources), *protected]
    require_free_folder(out, overwrite=overwrite, ours=MODEL_FILES, inputs=inputs, task=task)
    scans = tuple(read_scan([source], reading, task=task) for source in sources)
    for scan in scans:
        require_scorable(scan)
    fitted = make_detector(detector, config).fit(stack_sections(scans), task=task)
    with staged_folder(out, overwrite=overwrite, ours=MODEL_FILES, inputs=inputs) as folder:
        origins = [{"source": source_name(s), "input_hashes": input_hashes(s)} for s in scans]
        save_model(fitted, folder, provenance={"scans": origins})
    return fitted, scans
