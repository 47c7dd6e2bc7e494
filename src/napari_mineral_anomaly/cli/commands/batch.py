"""``batch``: many sections, a run folder each, and a summary."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json, say
from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task

SOME_FAILED = 1


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands, "batch", "many sections: results in OUT/<name>/, a summary in OUT/index.html"
    )
    parser.add_argument(
        "inputs",
        nargs="*",
        type=Path,
        metavar="INPUT",
        help="one scan each, or a folder that holds scans; may be left out with --resume",
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="folder of the batch"
    )
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="TOML",
        help="file with the options of detect, and a table of parameters named after the detector",
    )
    parser.add_argument(
        "--model", type=Path, metavar="MODEL", help="apply this saved model instead of fitting"
    )
    parser.add_argument(
        "--workers",
        type=options.from_one,
        default=1,
        metavar="N",
        help="sections at a time on this computer, each in a process of its own (default 1)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the batch in OUT: finished sections are not repeated, failed ones are",
    )
    parser.add_argument(
        "--task",
        type=_share,
        metavar="I/N",
        help="work on the I-th of N shares (I from 1), for arrays of jobs such as those of SLURM",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--scheduler", metavar="ADDRESS", help="Dask cluster, such as tcp://10.0.0.1:8786"
    )
    place.add_argument(
        "--scheduler-file", metavar="F", help="file that the Dask scheduler wrote its address to"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Work on many sections; 1 when some of them failed, else 0."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from dataclasses import asdict

    from napari_mineral_anomaly.cli.progress import ProgressPrinter
    from napari_mineral_anomaly.cli.text import batch_summary
    from napari_mineral_anomaly.project.new import keep_as_project
    from napari_mineral_anomaly.runs.batch.cluster import Cluster
    from napari_mineral_anomaly.runs.batch.recipe import read_recipe
    from napari_mineral_anomaly.runs.batch.rows import FAILED, SectionRow
    from napari_mineral_anomaly.runs.batch.run import Share, run_batch
    from napari_mineral_anomaly.runs.json_values import as_json

    if not arguments.inputs and not arguments.resume:
        raise InputError("Give the sections: folders or files of scans, or --resume.")
    recipe = None if arguments.recipe is None else read_recipe(arguments.recipe)
    if recipe is not None and recipe.detector is not None and arguments.model is not None:
        raise InputError(
            f"{arguments.recipe} names the detector {recipe.detector}, and --model gives one that "
            "is already fitted: leave one out."
        )
    has_cluster = arguments.scheduler or arguments.scheduler_file
    cluster = Cluster(arguments.scheduler, arguments.scheduler_file) if has_cluster else None

    def tell(row: SectionRow) -> None:
        found = row.failure or f"{row.grains} grains, {row.seconds:.1f} s"
        say(f"{row.section}: {row.state}, {found}")

    with ProgressPrinter() as progress:
        rows = run_batch(
            arguments.inputs,
            arguments.out,
            recipe,
            model=arguments.model,
            workers=arguments.workers,
            resume=arguments.resume,
            share=None if arguments.task is None else Share(*arguments.task),
            cluster=cluster,
            on_row=tell,
            keep=keep_as_project,
            task=Task(progress),
        )
    if arguments.json:
        answer_json(as_json([asdict(row) for row in rows]))
    else:
        answer(batch_summary(rows, arguments.out))
    return SOME_FAILED if any(row.state == FAILED for row in rows) else 0


def _share(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    index, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError(
            f"must be a share such as 2/8 (the second of eight), not {text!r}"
        )
    return index, count
