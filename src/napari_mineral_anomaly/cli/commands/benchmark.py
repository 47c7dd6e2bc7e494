"""``benchmark``: run detectors on scenes with truth, print or write the comparison."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json, say
from napari_mineral_anomaly.printable import shown

if TYPE_CHECKING:
    from napari_mineral_anomaly.evaluation.benchmark.runs import BenchmarkRun


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(
        commands, "benchmark", "compare the results and times of detectors on scenes with truth"
    )
    parser.add_argument(
        "scenes",
        nargs="+",
        metavar="SCENE",
        help="a folder of element maps with truth.tif, a .mat file with data and map, or a "
        "simulated scene with its seed: easy:0, hard:3, artefacts:1",
    )
    parser.add_argument(
        "--detectors", nargs="+", default=["all"], metavar="NAME", help="default: all"
    )
    parser.add_argument(
        "--seeds",
        type=options.from_one,
        default=1,
        metavar="N",
        help="run detectors that use random numbers with the seeds 0 ... N-1 (default 1)",
    )
    options.add_out(
        parser, "folder for the tables and figures (default: print only)", required=False
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Compare detectors on scenes with truth."""
    # Imported here, so that --help does not load pandas, and printing does not load matplotlib.
    from napari_mineral_anomaly.cli.benchmark_text import comparison_text
    from napari_mineral_anomaly.evaluation.benchmark.runs import (
        choose_detectors,
        parse_scenes,
        plan_runs,
        run_benchmark,
    )
    from napari_mineral_anomaly.runs.json_values import as_json

    scenes = parse_scenes(arguments.scenes)
    planned = plan_runs(scenes, choose_detectors(arguments.detectors), arguments.seeds)
    runs = _announced(run_benchmark(planned), len(planned))
    if arguments.out is not None:
        from napari_mineral_anomaly.evaluation.benchmark.files import benchmark_to_folder

        runs = benchmark_to_folder(
            runs,
            arguments.out,
            overwrite=arguments.overwrite,
            inputs=[scene for scene in arguments.scenes if Path(scene).exists()],
        )
    rows = [run.row for run in runs]
    if arguments.json:
        answer_json(as_json(rows))
        return
    answer(comparison_text(rows))
    if arguments.out is not None:
        answer(f"\nTables and figures in {shown(str(arguments.out))}.")


def _announced(runs: Iterable[BenchmarkRun], n_runs: int) -> Iterable[BenchmarkRun]:
    """The same runs; each is printed on stderr when it is finished."""
    for number, run in enumerate(runs, start=1):
        say(f"{number}/{n_runs} {_run_line(run)}")
        yield run


def _run_line(run: BenchmarkRun) -> str:
    row = run.row
    return (
        f"{row['scene']}, {row['detector']}, seed {row['seed']}: AUC {row['auc']:.4f}, "
        f"AP {row['ap']:.4f}, {row['seconds']:.1f} s"
    )
