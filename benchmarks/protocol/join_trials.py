"""How the constants of the joined sigmas trade finds, false pixels and steadiness.

    MINERAL_ANOMALY_DATA=... python benchmarks/protocol/join_trials.py --cache SCORES

Measured on what they were chosen by, so none of it is evidence: the development scenes (``run.py
--part development --detectors msfa --cache SCORES`` keeps the answers of their questions), ten
sections with four seeds and one missing pixel, and twenty barren sections; their answers are added
to ``SCORES``. Writes docs/measured/join_trials.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from leave_one_out import constants
from napari_mineral_anomaly.detectors.heads import join
from napari_mineral_anomaly.detectors.registry import make_config, make_detector
from napari_mineral_anomaly.detectors.results.threshold import default_threshold
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section
from run import answers_of
from scenes import barren_section, plan

sys.path.append(str(Path(__file__).resolve().parents[1]))
from grain_list import beside_rare_minerals
from same_answer import HIGH, HOLE, SHAPE, beyond_the_hole
from tables import markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "join_trials.md"
SECTIONS = [(kind, number) for number in range(60, 65) for kind in ("easy", "hard")]
SEEDS = 4
OLD_BARREN, DRAWN_BARREN = range(200, 210), range(3000, 3010)
# A move that was wanted at most, in sigmas.
STEADY = 0.3
TRIALS: dict[str, dict[str, Any]] = {
    "as committed": {},
    "evidence counts 0.3": {"EVIDENCE_WEIGHT": 0.3},
    "evidence counts 0.5": {"EVIDENCE_WEIGHT": 0.5},
    "at most 5 nats": {"MOST_EVIDENCE": 5.0},
    "no largest evidence": {"MOST_EVIDENCE": np.inf},
    "scale 0.8": {"JOINED_SCALE": 0.8},
    "scale 1.2": {"JOINED_SCALE": 1.2},
    "tail from 2 %": {"JOINED_TAIL": 0.02},
    "trust by one limit": {"EXCESSES": (1.0,)},
}

Answers = dict[str, NDArray[np.float32]]


def kept_answers(path: Path, cube: ElementCube, truth: NDArray[np.uint8], seed: int) -> Answers:
    """The answers of the questions, with truth and valid area, from a file where it is there."""
    if not path.exists():
        fitted = make_detector("msfa", make_config("msfa", seed=seed, device="cpu")).fit(cube)
        answers = {name: one.astype(np.float32) for name, one in answers_of(cube, fitted).items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, truth=truth, valid=cube.valid, **answers)
        print(path.stem, flush=True)
    return loaded(path)


def loaded(path: Path) -> Answers:
    """Answers, truth and valid area of a file."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def scored(kept: Answers) -> NDArray[np.float32]:
    """The joined score (H, W)."""
    answers = {name: one for name, one in kept.items() if name not in ("truth", "valid")}
    return join.join_answers(answers, kept["valid"].astype(bool)).score


def sections(cache: Path) -> Iterator[list[Answers]]:
    """Of each section: the answers of each seed, and those without one pixel."""
    nothing = np.zeros(SHAPE, np.uint8)
    for kind, number in SECTIONS:
        cube = simulate_section(kind, shape=SHAPE, seed=number).cube
        name = f"steady-{kind}-{number}"
        seeds = [
            kept_answers(cache / f"{name}-{seed}.npz", cube, nothing, seed) for seed in range(SEEDS)
        ]
        valid = cube.valid.copy()
        valid[HOLE] = False
        hole = kept_answers(cache / f"{name}-hole.npz", cube.replace(valid=valid), nothing, 0)
        yield [*seeds, hole]


def barren_sections(cache: Path) -> Iterator[Answers]:
    """Twenty sections without odd grains; truth is 255 near minerals below 1 %."""
    for seed in OLD_BARREN:
        made = simulate_section("barren", (256, 256), seed)
        rare = np.where(beside_rare_minerals(made), 255, 0).astype(np.uint8)
        yield kept_answers(cache / f"barren-old-{seed}.npz", made.cube, rare, 0)
    for seed in DRAWN_BARREN:
        yield kept_answers(cache / f"barren-drawn-{seed}.npz", *barren_section(seed), 0)


def moves(steady: list[list[Answers]]) -> tuple[list[float], list[float]]:
    """Largest moves of a score above `HIGH`: by another seed, and by a missing pixel."""
    seeds, holes = [], []
    for section in steady:
        first, *others, hole = map(scored, section)
        for other in others:
            seeds.append(largest(first, other, np.ones(SHAPE, dtype=bool)))
        holes.append(largest(first, hole, beyond_the_hole()))
    return seeds, holes


def largest(
    first: NDArray[np.float32], other: NDArray[np.float32], where: NDArray[np.bool_]
) -> float:
    """Largest move of a score above `HIGH`."""
    high = (np.fmax(first, other) > HIGH) & where
    return float(np.abs(first - other)[high].max(initial=0.0))


def finds(kept: Answers) -> dict[str, float]:
    """Average precision, and pixels at the default threshold, right and wrong."""
    score, truth, valid = scored(kept), kept["truth"], kept["valid"].astype(bool)
    flagged = valid & (score >= default_threshold(int(valid.sum())))
    row: dict[str, float] = {
        "found": np.count_nonzero(flagged & (truth == 1)),
        "false": np.count_nonzero(flagged & (truth == 0)),
    }
    judged = valid & (truth != 255)
    if (truth == 1).any():
        row["ap"] = average_precision_score(truth[judged] == 1, score[judged])
    return row


def main() -> None:
    """Measure all trials and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    cache = parser.parse_args().cache
    steady, calm = list(sections(cache)), list(barren_sections(cache))
    scenes = [
        (scene.family, loaded(cache / scene.name / "msfa__0__answers.npz"))
        for scene in plan("development")
    ]
    rows = []
    for name, values in TRIALS.items():
        with constants(values):
            by_seed, by_hole = moves(steady)
            false = [finds(kept)["false"] for kept in calm]
            frame = pd.DataFrame([{"family": family, **finds(kept)} for family, kept in scenes])
        row = {
            "rule": name,
            f"seeds above {STEADY}": f"{sum(x > STEADY for x in by_seed)} of {len(by_seed)}",
            "most": f"{max(by_seed):.2f}",
            "missing pixel, most": f"{max(by_hole):.2f}",
            "barren, false pixels": f"{sum(false)} ({len(false)} promised)",
        }
        for family, part in frame.groupby("family", sort=False):
            row[f"{family}: AP"] = f"{part['ap'].mean():.3f}"
            row[f"{family}: found / false"] = f"{part['found'].sum()} / {part['false'].sum()}"
        rows.append(row)
        print(row, flush=True)
    table = "\n".join(markdown(pd.DataFrame(rows), {}))
    PAGE.write_text(
        "Made by `benchmarks/protocol/join_trials.py`, on the sections by which the constants were "
        f"chosen: {len(steady)} with {SEEDS} seeds each, {len(calm)} barren ones, and the "
        f"development scenes.\n\n{table}\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
