"""``detect``: the whole job, from the files of one scan to a folder of results."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli.options import (
    ONE_SCAN,
    add_command,
    add_fitting,
    add_json,
    add_judging,
    add_out,
    add_reading,
)
from napari_mineral_anomaly.progress import Task


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = add_command(
        commands, "detect", "the whole job: read, train, score, threshold, list grains, export"
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=ONE_SCAN)
    add_out(parser, "folder for the results")
    add_reading(parser)
    add_fitting(parser)
    add_judging(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read, train, score, threshold, list grains and export one scan."""
    # Here, so that --help does not wait for numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli import text
    from napari_mineral_anomaly.cli.inputs import detector_config, tell_if_slow
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import all_inputs, judged, read_scan, tell_ingest
    from napari_mineral_anomaly.detectors.pipeline import run_detection
    from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder
    from napari_mineral_anomaly.runs.folder import write_run

    detector = arguments.detector or DEFAULT_DETECTOR
    config = detector_config(detector, arguments)
    inputs = all_inputs(arguments)
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=inputs)
    with ProgressPrinter() as progress:
        started = time.perf_counter()
        cube = read_scan(arguments, arguments.inputs, progress)
        timings = {"read": time.perf_counter() - started}
        tell_if_slow(detector, config, cube)
        run = run_detection(cube, detector, config, task=Task(progress))
        written = write_run(
            arguments.out,
            cube,
            judged(run, arguments.threshold),
            overwrite=arguments.overwrite,
            min_grain_px=arguments.min_grain_px,
            timings=timings,
            inputs=inputs,
            task=Task(progress),
        )
    tell_ingest(cube)
    print(text.run_json(written) if arguments.json else text.run_summary(written))
