"""What several commands do with a scan: read it as the arguments say, check it, tell about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from napari_mineral_anomaly.cli.progress import ProgressPrinter
from napari_mineral_anomaly.detectors.pipeline import (
    DetectionRun,
    require_scorable,
)
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.io.remembered import remember_pixel_size
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.scan.cube import ElementCube

Arguments = argparse.Namespace


def read_scan(
    arguments: Arguments, sources: Sequence[Path], progress: ProgressPrinter
) -> ElementCube:
    """The scan that ``sources`` hold, read as the arguments say.

    A pixel size that is typed is kept for the folder; one that was typed earlier is used where
    the files hold none, and the report says so.
    """
    cube = read_maps(
        sources[0] if len(sources) == 1 else list(sources),
        pixel_size=arguments.pixel_size,
        valid=arguments.valid,
        sample=arguments.sample,
        energy=arguments.energy,
        elements=arguments.elements,
        spot_size=arguments.spot_size,
        remembered=True,
        task=Task(progress),
    )
    if arguments.pixel_size is not None and cube.source is not None:
        remember_pixel_size(Path(cube.source), arguments.pixel_size)
    return cube


def all_inputs(arguments: Arguments) -> list[Path]:
    """Every file and folder that the arguments name as input."""
    extra = [getattr(arguments, name, None) for name in ("valid", "config")]
    return [*arguments.inputs, *(path for path in extra if path is not None)]


def judged(run: DetectionRun, threshold: float | None) -> DetectionRun:
    """The run at the threshold of the user, or as it is."""
    if threshold is None:
        return run
    return replace(run, result=run.result.with_threshold(threshold))


def require_one_valid_image(arguments: Arguments) -> None:
    """Refuse ``--valid`` for several scans."""
    if arguments.valid is not None and len(arguments.inputs) > 1:
        raise InputError(
            f"--valid {arguments.valid} fits one scan, but {len(arguments.inputs)} are given: "
            "treat them one by one."
        )


def require_elements(cube: ElementCube, elements: Sequence[str]) -> None:
    """Refuse a scan that lacks elements of the model, or cannot be scored."""
    missing = [element for element in elements if element not in cube.elements]
    if missing:
        raise InputError(
            f"{cube.source} lacks {', '.join(missing)}, which the model was fitted on."
        )
    require_scorable(cube)


def tell_ingest(cube: ElementCube) -> None:
    """What the reader has to say beyond the maps it used: never silent, never on stdout."""
    if cube.report is None:
        return
    for ignored in cube.report.ignored:
        print(f"Not used: {ignored.file} ({ignored.reason})", file=sys.stderr)
    for warning in cube.report.warnings:
        print(f"Note: {warning}", file=sys.stderr)
