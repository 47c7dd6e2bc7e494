"""``report``: the report of a project, with the threshold, the brush and the verdicts of the user.

Several projects become one table: which grains, and what recurs in which sections.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.printable import shown


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands,
        "report",
        "write the report of a project, verdicts and comments included; several projects are "
        "compared with each other",
    )
    parser.add_argument(
        "projects", nargs="+", type=Path, metavar="PROJECT", help=options.PROJECT_HELP
    )
    options.add_maps(parser)
    options.add_result(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="OUT",
        help="the page to write, HTML or with the ending .pdf a PDF (default: report.html in the "
        "project); for several projects a folder for grains.csv, recurring.csv and index.html",
    )
    parser.add_argument(
        "--pdf",
        action="store_true",
        help="write a PDF too, beside the page (of one project)",
    )
    options.add_overwrite(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the report of a project, or compare several."""
    if len(arguments.projects) > 1:
        _compare(arguments)
        return
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.io.run_files import REPORT_FILE
    from napari_mineral_anomaly.progress import Task
    from napari_mineral_anomaly.project.load import load_project
    from napari_mineral_anomaly.project.output.report import write_project_report

    (place,) = arguments.projects
    out = arguments.out or place / REPORT_FILE
    pages = list(dict.fromkeys([out, out.with_suffix(".pdf")] if arguments.pdf else [out]))
    for page in pages:
        # The report of the project itself is made again; what the user named is not replaced.
        own = arguments.out is None and page.parent == place
        if page.is_dir():
            raise InputError(f"{page} is a folder: give the name of a file for the report.")
        if page.exists() and not own and not arguments.overwrite:
            raise InputError(f"{page} is already there: choose another name, or give --overwrite.")
    with ProgressPrinter() as progress:
        task = Task(progress)
        project = load_project(place, maps=arguments.maps, task=task)
        if arguments.detector is not None:
            project = project.with_main(arguments.detector)
        record, decided = write_project_report(project, *pages, task=task)
    names = " and ".join(shown(str(page)) for page in pages)
    answer(f"Report in {names}.\n{record.findings}\n{decided}")


def _compare(arguments: argparse.Namespace) -> None:
    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.io.writing.atomic import require_free_folder
    from napari_mineral_anomaly.progress import Task
    from napari_mineral_anomaly.project.output.compare import compare_projects, write_comparison

    if arguments.out is None:
        raise InputError("Give a folder for the comparison of several projects: -o OUT.")
    if arguments.pdf:
        raise InputError("--pdf is for one project.")
    if arguments.detector is not None:
        raise InputError("--detector is for one project.")
    if arguments.maps is not None:
        raise InputError("--maps is for one project: open each project whose maps moved once.")
    projects = arguments.projects
    require_free_folder(arguments.out, overwrite=arguments.overwrite, inputs=projects)
    with ProgressPrinter() as progress:
        comparison = compare_projects(projects, task=Task(progress))
    write_comparison(comparison, arguments.out, overwrite=arguments.overwrite)
    recurring = comparison.recurring
    many = recurring[recurring["sections"] > 1]
    pairs = zip(many["name"], many["sections"], strict=True)
    names = [f"{name} in {n}" for name, n in pairs]
    answer(
        f"{len(projects)} sections compared in {shown(str(arguments.out))} (open index.html there)."
        + (f"\nIn several sections: {', '.join(names)}." if names else "\nNothing recurs.")
    )
