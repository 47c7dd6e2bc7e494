"""``detect``: from the files of one scan to a folder of results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json
from napari_mineral_anomaly.progress import Task

if TYPE_CHECKING:
    from napari_mineral_anomaly.scan.cube import ElementCube


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands, "detect", "the whole job: read, train, score, threshold, list grains, export"
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help=f"{options.ONE_SCAN}; or a project, whose main result is made again",
    )
    options.add_maps(parser)
    options.add_out(parser, "folder for the results")
    options.add_reading(parser)
    options.add_fitting(parser)
    options.add_taught(parser)
    options.add_judging(parser)
    options.add_csv_dialect(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read, train, score, threshold, list grains and export one scan."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.inputs import (
        detector_config,
        require_nothing_else,
        warn_if_slow,
    )
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import (
        config_file,
        print_reader_notes,
        reading_options,
    )
    from napari_mineral_anomaly.cli.text import run_summary, run_values
    from napari_mineral_anomaly.detectors.registry import DEFAULT_DETECTOR
    from napari_mineral_anomaly.errors import InputError
    from napari_mineral_anomaly.io.spreadsheets import dialect_named
    from napari_mineral_anomaly.project.lock import require_not_open
    from napari_mineral_anomaly.project.new import make_project
    from napari_mineral_anomaly.project.output.repeat import job_of, require_same_elements
    from napari_mineral_anomaly.project.reading import is_project
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder

    dialect = dialect_named(arguments.csv_dialect)
    sources, reading = arguments.inputs, reading_options(arguments)
    detector = arguments.detector or DEFAULT_DETECTOR
    threshold, taught = arguments.threshold, arguments.taught
    min_grain_px = arguments.min_grain_px
    job = None
    if len(sources) == 1 and is_project(sources[0]):
        job = job_of(sources[0], arguments.maps)
        require_nothing_else(arguments)
        sources, reading, detector = job.scan.sources, job.scan.options, job.detector
        config, taught = job.config, taught or job.taught
        threshold = job.threshold if threshold is None else threshold
        min_grain_px = max(min_grain_px, job.min_grain_px)
    elif arguments.maps is not None:
        raise InputError("--maps belongs to a project whose maps were moved: give the project.")
    else:
        config = detector_config(detector, arguments)
    require_not_open(arguments.out)

    def on_read(cube: ElementCube) -> None:
        if job is not None:
            require_same_elements(cube, job)
        warn_if_slow(detector, config, cube)

    with ProgressPrinter() as progress:
        written = scan_to_folder(
            sources,
            arguments.out,
            detector,
            config,
            reading=reading,
            threshold=threshold,
            min_grain_px=min_grain_px,
            taught=taught,
            n_rows=arguments.list,
            csv_dialect=dialect,
            overwrite=arguments.overwrite,
            protected=config_file(arguments),
            on_read=on_read,
            task=Task(progress),
        )
    make_project(written, sources, reading)
    print_reader_notes(written.ingest)
    if arguments.json:
        answer_json(as_json(run_values(written)))
    else:
        answer(run_summary(written))
