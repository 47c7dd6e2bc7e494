"""The files of a benchmark: rows, summary, figures, recall of simulated grains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from napari_mineral_anomaly.evaluation.benchmark.figures import (
    SceneScores,
    draw_grain_recall,
    draw_roc,
    draw_score_maps,
    draw_separability,
)
from napari_mineral_anomaly.evaluation.benchmark.grain_recall import (
    FALSE_ALARM_RATE,
    grain_recall_by_fraction,
    threshold_at_false_alarm_rate,
    with_recall,
)
from napari_mineral_anomaly.evaluation.benchmark.runs import BenchmarkRun, summarise
from napari_mineral_anomaly.io.writing.atomic import staged_folder
from napari_mineral_anomaly.runs.json_values import as_json
from napari_mineral_anomaly.runs.report.drawing import figure_png

ROWS_FILE = "rows.json"
SUMMARY_FILE = "summary.csv"
ROC_FILE = "roc.png"
SEPARABILITY_FILE = "separability.png"
MAPS_FILE = "maps.png"
RECALL_TABLE, RECALL_FIGURE = "grain_recall.csv", "grain_recall.png"
BENCHMARK_FILES = (
    ROWS_FILE,
    SUMMARY_FILE,
    ROC_FILE,
    SEPARABILITY_FILE,
    MAPS_FILE,
    RECALL_TABLE,
    RECALL_FIGURE,
)

DEFAULT_CRITERION = "default"
RATE_CRITERION = f"{FALSE_ALARM_RATE:g} of the background"


def benchmark_to_folder(
    runs: Iterable[BenchmarkRun],
    out: str | Path,
    *,
    overwrite: bool = False,
    inputs: Iterable[str | Path] = (),
) -> list[BenchmarkRun]:
    """Do the runs and write their tables and figures, complete or not at all.

    The folder is checked before the first run, so that no hours are spent on results that cannot
    be written.

    Parameters
    ----------
    runs : iterable of BenchmarkRun
        As `runs.run_benchmark` yields them.
    out : path
    overwrite : bool
        Replace the results of an earlier benchmark; other files in ``out`` are kept.
    inputs : paths
        Files and folders that are read; ``out`` may not hold them.

    Raises
    ------
    InputError
        When ``out`` is not free or cannot be written, and as the runs raise it.
    """
    with staged_folder(out, overwrite=overwrite, ours=BENCHMARK_FILES, inputs=inputs) as folder:
        finished = list(runs)
        _write_files(folder, finished)
    return finished


def scores_by_scene(runs: Sequence[BenchmarkRun]) -> dict[str, SceneScores]:
    """The score maps of each scene, of the first seed of every detector."""
    scenes: dict[str, SceneScores] = {}
    for run in runs:
        scene = scenes.setdefault(run.row["scene"], SceneScores(run.truth, {}, {}))
        scene.scores.setdefault(run.row["detector"], run.score)
        scene.thresholds.setdefault(run.row["detector"], run.threshold)
    return scenes


def grain_recall_table(runs: Sequence[BenchmarkRun]) -> pd.DataFrame:
    """Recall of simulated grains, binned by the share of a pixel that they fill, over all scenes.

    Grains are pooled over scenes and seeds, because one section has few grains of each size.

    Returns
    -------
    DataFrame
        Columns detector, criterion ("default" threshold, or the score that 1e-4 of the background
        pixels exceed), fraction_from, fraction_to, n_grains, n_found, recall. No rows without
        simulated scenes.
    """
    parts = []
    for run in runs:
        if run.grains is None:
            continue
        thresholds = {
            DEFAULT_CRITERION: run.threshold,
            RATE_CRITERION: threshold_at_false_alarm_rate(run.score, run.truth),
        }
        for criterion, threshold in thresholds.items():
            part = grain_recall_by_fraction(run.score, run.truth, run.grains, threshold)
            parts.append(part.assign(detector=run.row["detector"], criterion=criterion))
    if not parts:
        return pd.DataFrame()
    keys = ["detector", "criterion", "fraction_from", "fraction_to"]
    pooled = pd.concat(parts).groupby(keys, sort=False)[["n_grains", "n_found"]].sum()
    return with_recall(pooled.reset_index())


def _write_files(folder: Path, runs: Sequence[BenchmarkRun]) -> None:
    """Write `BENCHMARK_FILES` into an existing folder.

    The figures show the first seed of every detector; the tables hold all seeds. The two files on
    grain recall are written only when there is a simulated scene.
    """
    rows = [run.row for run in runs]
    (folder / ROWS_FILE).write_text(as_json(rows), encoding="utf-8")
    summarise(rows).to_csv(folder / SUMMARY_FILE, index=False, encoding="utf-8")
    scenes = scores_by_scene(runs)
    for name, draw in (
        (ROC_FILE, draw_roc),
        (SEPARABILITY_FILE, draw_separability),
        (MAPS_FILE, draw_score_maps),
    ):
        (folder / name).write_bytes(figure_png(draw(scenes)))
    recall = grain_recall_table(runs)
    if not recall.empty:
        recall.to_csv(folder / RECALL_TABLE, index=False, encoding="utf-8")
        (folder / RECALL_FIGURE).write_bytes(figure_png(draw_grain_recall(recall)))
