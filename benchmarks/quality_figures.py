"""The figures of benchmarks/quality.py, from the scores that it has saved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from napari_mineral_anomaly.evaluation.benchmark.figures import (
    SceneScores,
    draw_grain_recall,
    draw_roc,
    draw_score_maps,
    draw_separability,
)
from napari_mineral_anomaly.evaluation.benchmark.files import grain_recall_table
from napari_mineral_anomaly.evaluation.benchmark.runs import BenchmarkRun, SceneSource
from napari_mineral_anomaly.runs.report.drawing import figure_png

SHOWN = ("msfa", "rx", "robust-rx", "local-rx", "pca", "knn")
# Detectors whose recall is shown: those that ran on every section; networks with one seed.
RECALLED = ("msfa", "msfa untrained", *SHOWN[1:], "crd", "iforest")


def draw_comparisons(folder: Path, scores: Path) -> list[str]:
    """Draw ROC, separability and maps of the main detectors; returns the names of the files."""
    shown_scenes: dict[str, SceneScores] = {}
    for scene in ("abu-airport-1", "abu-urban-1", "AS14_1", "ME_17_1", "easy-0", "hard-0"):
        found = {label: scores / f"{label}__{scene}.npz" for label in SHOWN}
        loaded = {label: np.load(path) for label, path in found.items() if path.exists()}
        if loaded:
            truth = next(iter(loaded.values()))["truth"]
            shown_scenes[scene] = SceneScores(
                truth,
                {label: file["score"] for label, file in loaded.items()},
                {label: float(file["threshold"]) for label, file in loaded.items()},
            )
    if not shown_scenes:
        return []
    # Real scenes appear as curves and boxes only; maps show the simulated section alone.
    maps = {name: scene for name, scene in shown_scenes.items() if name == "hard-0"}
    names = []
    for name, draw, shown in (
        ("benchmark_roc.png", draw_roc, shown_scenes),
        ("benchmark_separability.png", draw_separability, shown_scenes),
        ("benchmark_maps.png", draw_score_maps, maps),
    ):
        if shown:
            (folder / name).write_bytes(figure_png(draw(shown)))
            names.append(name)
    return names


def recall_of_saved(scores: Path, sections: Iterable[SceneSource]) -> pd.DataFrame:
    """Grains found by the share of a pixel that they fill, per kind of section and detector.

    Returns
    -------
    DataFrame
        kind, and the columns of `benchmark.files.grain_recall_table`; empty without saved scores.
    """
    runs: dict[str, list[BenchmarkRun]] = {}
    for scene in sections:
        loaded = scene.load()
        kind = scene.name.rpartition("-")[0]
        for label in RECALLED:
            path = scores / f"{label}__{scene.name}.npz"
            if not path.exists():
                continue
            kept = np.load(path)
            threshold = float(kept["threshold"])
            run = BenchmarkRun(
                {"detector": label}, kept["score"], threshold, kept["truth"], loaded.grains
            )
            runs.setdefault(kind, []).append(run)
    tables = [grain_recall_table(of_kind).assign(kind=kind) for kind, of_kind in runs.items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def draw_recall(folder: Path, recall: pd.DataFrame) -> list[str]:
    """Draw one figure per kind of section; returns the names of the files."""
    names = []
    if not recall.empty:
        for kind, part in recall.groupby("kind", sort=False):
            names.append(f"benchmark_recall_{kind}.png")
            (folder / names[-1]).write_bytes(figure_png(draw_grain_recall(part)))
    return names
