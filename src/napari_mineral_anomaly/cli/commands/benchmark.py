"""``benchmark``: run detectors on scenes with truth, print or write the comparison."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.cli.options import add_command, add_json, add_out, from_one

if TYPE_CHECKING:
    from napari_mineral_anomaly.evaluation.benchmark.runs import BenchmarkRun, SceneSource


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = add_command(
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
        type=from_one,
        default=1,
        metavar="N",
        help="run detectors that use random numbers with the seeds 0 ... N-1 (default 1)",
    )
    add_out(parser, "folder for the tables and figures (default: print only)", required=False)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Compare detectors on scenes with truth."""
    # Imported here, so that --help does not load pandas, and printing does not load matplotlib.
    from napari_mineral_anomaly.cli.benchmark_text import comparison_text
    from napari_mineral_anomaly.evaluation.benchmark.runs import (
        choose_detectors,
        parse_scenes,
        plan_runs,
    )
    from napari_mineral_anomaly.runs.json_values import as_json

    scenes = parse_scenes(arguments.scenes)
    planned = plan_runs(scenes, choose_detectors(arguments.detectors), arguments.seeds)
    if arguments.out is None:
        rows = [run.row for run in _all_runs(planned)]
    else:
        rows = _runs_into(arguments, planned)
    if arguments.json:
        print(as_json(rows))
        return
    print(comparison_text(rows))
    if arguments.out is not None:
        print(f"\nTables and figures in {arguments.out}.")


def _runs_into(
    arguments: argparse.Namespace, planned: Sequence[tuple[SceneSource, str, int]]
) -> list[dict[str, Any]]:
    """Check the output folder first, so that no hours are spent on results that cannot be kept."""
    # Imported here, so that --help does not load pandas, and printing does not load matplotlib.
    from napari_mineral_anomaly.evaluation.benchmark.files import BENCHMARK_FILES, write_benchmark
    from napari_mineral_anomaly.io.writing.atomic import staged_folder

    inputs = [scene for scene in arguments.scenes if Path(scene).exists()]
    with staged_folder(
        arguments.out, overwrite=arguments.overwrite, ours=BENCHMARK_FILES, inputs=inputs
    ) as folder:
        runs = list(_all_runs(planned))
        write_benchmark(folder, runs)
    return [run.row for run in runs]


def _all_runs(planned: Sequence[tuple[SceneSource, str, int]]) -> Iterator[BenchmarkRun]:
    # Imported here, so that --help does not load pandas, and printing does not load matplotlib.
    from napari_mineral_anomaly.evaluation.benchmark.runs import run_benchmark

    for number, run in enumerate(run_benchmark(planned), start=1):
        print(f"{number}/{len(planned)} {_run_line(run)}", file=sys.stderr, flush=True)
        yield run


def _run_line(run: BenchmarkRun) -> str:
    row = run.row
    return (
        f"{row['scene']}, {row['detector']}, seed {row['seed']}: AUC {row['auc']:.4f}, "
        f"AP {row['ap']:.4f}, {row['seconds']:.1f} s"
    )
