"""Compare all detectors, and MSFA-Net without single parts, on scenes with truth.

    python benchmarks/prepare_minerals.py MINERALS
    MINERAL_ANOMALY_DATA=... python benchmarks/quality.py MINERALS --rows ROWS.jsonl [--minutes M]

Runs the code of `mineral-anomaly benchmark`, one process at a time. Every finished run is added to
ROWS.jsonl at once: a second start continues where the first stopped, and ``--minutes`` sets when a
start ends. ``--only NAME...`` runs some detectors or variants, ``--scenes NAME...`` some scenes.
``--page`` runs nothing and writes docs/measured/quality.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_mineral_anomaly.evaluation.benchmark.runs import SceneSource, parse_scenes, run_one
from napari_mineral_anomaly.process import ProcessDiedError, call_in_own_process
from napari_mineral_anomaly.runs.json_values import plain
from quality_figures import draw_comparisons, draw_recall, recall_of_saved
from quality_page import write_page

AIRBORNE = ("abu-airport-1", "abu-beach-1", "abu-beach-4", "abu-urban-1", "hydice-urban")
MINERALS = ("AS14_1", "ME_17_1")
SIMULATED = ("easy", "hard", "artefacts")
SIMULATED_SEEDS = 5
NETWORK_SEEDS = 3


@dataclass(frozen=True)
class Contender:
    """A detector with its defaults, or MSFA-Net with one part changed.

    ``scarce``: run only on the first section of each kind, because it is slow or because it is a
    part of the ablation.
    """

    label: str
    detector: str
    parameters: dict[str, Any]
    seeds: int = 1
    scarce: bool = False


UNTRAINED = {"epochs": 0, "pre_epochs": 0}
RANDOM = {"no_linear_path": True}
CONTENDERS = (
    Contender("rx", "rx", {}),
    Contender("robust-rx", "robust-rx", {}),
    Contender("mcd", "mcd", {}),
    Contender("ddc", "ddc", {}),
    Contender("local-rx", "local-rx", {}),
    Contender("pca", "pca", {}),
    Contender("msfa", "msfa", {}, seeds=NETWORK_SEEDS),
    Contender("msfa untrained", "msfa", UNTRAINED, seeds=NETWORK_SEEDS),
    Contender("iforest", "iforest", {}, seeds=NETWORK_SEEDS),
    Contender("knn", "knn", {}),
    Contender("inne", "inne", {}, seeds=NETWORK_SEEDS),
    Contender("crd", "crd", {}),
    Contender("consensus", "consensus", {}),
    Contender("msfa-paper", "msfa-paper", {}, scarce=True),
    Contender("msfa no_attention", "msfa", {"no_attention": True}, scarce=True),
    Contender("msfa no_pseudo_labels", "msfa", {"no_pseudo_labels": True}, scarce=True),
    Contender("msfa no_masking", "msfa", {"no_masking": True}, scarce=True),
    Contender("msfa no_context", "msfa", {"no_context": True}, scarce=True),
    Contender("msfa no_groups", "msfa", {"no_groups": True}, scarce=True),
    Contender("msfa no_orthogonal", "msfa", {"no_orthogonal": True}, scarce=True),
    Contender("msfa no_linear_path", "msfa", RANDOM, scarce=True),
    Contender("msfa untrained no_linear_path", "msfa", RANDOM | UNTRAINED, scarce=True),
    Contender("msfa paper_up", "msfa", {"weight_mode": "paper_up"}, scarce=True),
    Contender("dfan", "dfan", {}, scarce=True),
    Contender("auto-ad", "auto-ad", {}, scarce=True),
)


def scenes_of(data: Path, minerals: Path) -> list[SceneSource]:
    """The scenes of the three families, the first section of each kind first."""
    texts = [str(data / "hsi" / f"{name}.mat") for name in AIRBORNE]
    texts += [str(minerals / name) for name in MINERALS]
    texts += [f"{kind}:{seed}" for seed in range(SIMULATED_SEEDS) for kind in SIMULATED]
    return parse_scenes(texts)


def planned(
    scenes: list[SceneSource], only: list[str], names: list[str]
) -> list[tuple[Contender, SceneSource, int]]:
    """All runs: those of the first seed, then those of further seeds."""
    scenes = [scene for scene in scenes if not names or scene.name in names]
    runs = []
    for contender in CONTENDERS:
        if only and contender.label not in only:
            continue
        for scene in scenes:
            late_section = scene.simulated is not None and scene.simulated[1] > 0
            if contender.scarce and late_section:
                continue
            runs += [(contender, scene, seed) for seed in range(contender.seeds)]
    return sorted(runs, key=lambda run: run[2])


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of earlier runs."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run_missing(
    runs: list[tuple[Contender, SceneSource, int]], rows_file: Path, minutes: float
) -> list[dict[str, Any]]:
    """Do missing runs for about ``minutes``, and return the rows of all finished runs."""
    rows = read_rows(rows_file)
    done = {(row["detector"], row["scene"], row["seed"]) for row in rows}
    started = time.monotonic()
    for contender, scene, seed in runs:
        if (contender.label, scene.name, seed) in done:
            continue
        if time.monotonic() - started > 60 * minutes:
            print("time is up; start again to go on", flush=True)
            break
        try:
            run = call_in_own_process(
                run_one, scene, contender.detector, seed, contender.parameters
            )
        except ProcessDiedError as error:
            raise SystemExit(f"{contender.label} on {scene.name} was ended: {error}") from error
        row = plain(run.row) | {"detector": contender.label}
        if seed == 0:
            scores = rows_file.with_suffix("")
            scores.mkdir(exist_ok=True)
            np.savez_compressed(
                scores / f"{contender.label}__{scene.name}.npz",
                score=run.score,
                truth=run.truth,
                threshold=run.threshold,
            )
        rows.append(row)
        with rows_file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        print(
            f"{scene.name} {contender.label} {seed}: auc {row['auc']:.3f} ap {row['ap']:.3f} "
            f"{row['seconds']:.0f} s",
            flush=True,
        )
    return rows


def main() -> None:
    """Run what is missing, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minerals", type=Path, help="folder that prepare_minerals.py made")
    parser.add_argument("--rows", type=Path, default=Path("quality_rows.jsonl"))
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--scenes", nargs="*", default=[])
    parser.add_argument("--page", action="store_true", help="run nothing, write the page")
    arguments = parser.parse_args()
    data = os.environ.get("MINERAL_ANOMALY_DATA")
    if not data:
        raise SystemExit("MINERAL_ANOMALY_DATA is not set: it names the folder of the real scans.")
    runs = planned(scenes_of(Path(data), arguments.minerals), arguments.only, arguments.scenes)
    if arguments.page:
        rows = read_rows(arguments.rows)
        docs = Path(__file__).parents[1] / "docs"
        scores = arguments.rows.with_suffix("")
        figures = draw_comparisons(docs / "images", scores)
        sections = [scene for _, scene, _ in runs if scene.simulated is not None]
        recall = recall_of_saved(scores, dict.fromkeys(sections))
        figures += draw_recall(docs / "images", recall)
        write_page(docs / "measured" / "quality.md", pd.DataFrame(rows), recall, figures)
    else:
        run_missing(runs, arguments.rows, arguments.minutes)


if __name__ == "__main__":
    main()
