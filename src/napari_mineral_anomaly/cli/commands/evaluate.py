"""``evaluate``: compare a score map with a truth mask."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from napari_mineral_anomaly.cli import options
from napari_mineral_anomaly.cli.console import answer, answer_json


def add_parser(commands: Any) -> None:
    """Add the command with its options."""
    parser = options.add_command(commands, "evaluate", "compare a score map with a truth mask")
    parser.add_argument("score", type=Path, metavar="SCORE", help="score map, or a project")
    parser.add_argument(
        "truth",
        type=Path,
        metavar="TRUTH",
        help="image (0 background, 1 anomaly, 255 leave out), a scene folder with truth.tif, "
        "a .mat scene, or a project: its brushed truth mask, else its verdicts",
    )
    parser.add_argument(
        "--valid",
        type=Path,
        metavar="IMAGE",
        help="compare only pixels that are not zero in this image",
    )
    options.add_threshold(
        parser, "for the grain precision; default: the threshold in run.json beside SCORE"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Compare a score map with a truth mask."""
    # Imported here, so that --help does not load numpy, pydantic and the readers.
    from napari_mineral_anomaly.cli.inputs import file_in, threshold_beside, truth_mask
    from napari_mineral_anomaly.cli.text import metrics_summary
    from napari_mineral_anomaly.evaluation.metrics import evaluate
    from napari_mineral_anomaly.evaluation.verdict_truth import judged_truth
    from napari_mineral_anomaly.io import read_image
    from napari_mineral_anomaly.io.run_files import SCORE_FILE, TAUGHT_FILE
    from napari_mineral_anomaly.project.reading import is_project, results_of, threshold_of
    from napari_mineral_anomaly.runs.json_values import as_json

    threshold = arguments.threshold
    if is_project(arguments.score):
        score_path = results_of(arguments.score) / SCORE_FILE
        threshold = threshold_of(arguments.score) if threshold is None else threshold
    else:
        score_path = file_in(arguments.score, SCORE_FILE)
    if threshold is None:
        threshold = threshold_beside(score_path)
    taught = score_path.parent / TAUGHT_FILE
    truth, of_verdicts = truth_mask(arguments.truth)
    if taught.is_file():
        truth = judged_truth(truth, read_image(taught) != 0, of_verdicts=of_verdicts)
    metrics = evaluate(
        read_image(score_path),
        truth,
        valid=None if arguments.valid is None else read_image(arguments.valid),
        threshold=threshold,
    )
    if arguments.json:
        answer_json(as_json(metrics))
    else:
        answer(metrics_summary(metrics, threshold))
