"""``inspect``: list what would be read from a scan, and what not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json
from napari_mineral_anomaly.progress import Task


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands, "inspect", "list what would be read from a scan, and what not"
    )
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help=options.ONE_SCAN)
    options.add_reading(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the ingest report of a scan."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.reading import reading_options
    from napari_mineral_anomaly.runs.json_values import as_json
    from napari_mineral_anomaly.runs.read_scan import read_scan
    from napari_mineral_anomaly.scan.quality.checks import report_of_cube
    from napari_mineral_anomaly.scan.report_text import report_lines

    with ProgressPrinter() as progress:
        cube = read_scan(arguments.inputs, reading_options(arguments), task=Task(progress))
    report = cube.report or report_of_cube(cube)
    if arguments.json:
        answer_json(as_json(report.model_dump(mode="json")))
    else:
        answer("\n".join(report_lines(report)))
