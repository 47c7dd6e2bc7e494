"""``report``: the report of a project, with the threshold, the brush and the verdicts of the user.

Several projects become one table: which grains, and what recurs in which sections.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer
from napari_mineral_anomaly.printable import shown


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands, "report", "write the report of a project, verdicts and comments included"
    )
    options.add_project(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help="the page to write; default: report.html in the project",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the report of a project."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.io.run_files import REPORT_FILE
    from napari_mineral_anomaly.progress import Task
    from napari_mineral_anomaly.project.load import load_project
    from napari_mineral_anomaly.project.report import write_project_report

    with ProgressPrinter() as progress:
        task = Task(progress)
        project = load_project(arguments.project, maps=arguments.maps, task=task)
        out = arguments.out or arguments.project / REPORT_FILE
        record, decided = write_project_report(project, out, task=task)
    answer(f"Report in {shown(str(out))}.\n{record.findings}\n{decided}")
