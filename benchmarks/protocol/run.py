"""Run detectors on the scenes of the protocol; each run is a row, each score map a file.

    MINERAL_ANOMALY_DATA=... python benchmarks/protocol/run.py --part development \
        --detectors rx knn msfa --seeds 1 --out ROWS.jsonl --cache SCORES

A second start continues where the first stopped; ``--minutes`` sets when a start ends.
``--variant LABEL DETECTOR JSON`` adds a detector with other parameters. In ``--cache`` each scene
gets a folder with truth.npy (uint8, 255 = left out) and a score map LABEL__SEED.npy (float16,
background sigmas, NaN outside the valid area) for each run; for `msfa` also the answers of its
questions, LABEL__SEED__answers.npz.

The test part runs only when the code is committed; every row carries the commit.

``--join-again`` fits nothing: it joins the answers that an earlier run kept in ``--cache``, for a
change of the joining rule alone. Its rows have no times.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.detectors.base import FittedDetector
from napari_mineral_anomaly.detectors.heads.join import join_answers
from napari_mineral_anomaly.detectors.networks.msfa.detector import FittedMsfa
from napari_mineral_anomaly.detectors.pipeline import apply_detector
from napari_mineral_anomaly.detectors.registry import detector_entry, make_config, make_detector
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    flagged,
    promised_false_pixels,
)
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.runs.json_values import plain
from scenes import FAMILIES, PARTS, Loaded, PlannedScene, barren, plan

FLOAT16_MAX = float(np.finfo(np.float16).max)
SOURCE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Contender:
    """A detector with its defaults, or with some parameters changed."""

    label: str
    detector: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def is_random(self) -> bool:
        """Whether the seed changes the numbers."""
        return detector_entry(self.detector).random


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of earlier runs."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run_scene(
    planned: PlannedScene, loaded: Loaded, contender: Contender, seed: int, cache: Path | None
) -> list[dict[str, Any]]:
    """One detector on one scene: its row and those of its parts; maps go into ``cache``."""
    cube, truth = loaded
    config = make_config(contender.detector, seed=seed, **contender.parameters)
    detector = make_detector(contender.detector, config)  # imports before the clock starts
    started, cpu = time.perf_counter(), time.process_time()
    fitted = detector.fit(cube)
    fit_seconds, fit_cpu = time.perf_counter() - started, time.process_time() - cpu
    answers = answers_of(cube, fitted)
    parts = part_rows(cube.valid, truth, answers, seed)
    started, cpu = time.perf_counter(), time.process_time()
    result = apply_detector(cube, fitted).result
    row: dict[str, Any] = {
        "scene": planned.name,
        "family": planned.family,
        "detector": contender.label,
        "seed": seed,
        "seconds": fit_seconds + time.perf_counter() - started,
        "cpu_seconds": fit_cpu + time.process_time() - cpu,
        "flagged": int(np.count_nonzero(result.mask)),
        "flagged_left_out": int(np.count_nonzero(result.mask & (truth == 255))),
        "promised": result.info.promised_false_pixels,
    }
    if (truth == 1).any():
        row |= evaluate(result.score, truth, threshold=result.threshold)
    if cache is not None:
        folder = cache / planned.name
        keep_score(folder, contender.label, seed, truth, result.score)
        if answers:
            kept = {name: image.astype(np.float32) for name, image in answers.items()}
            path = folder / f"{contender.label}__{seed}__answers.npz"
            np.savez_compressed(path, truth=truth, valid=cube.valid, **kept)
    return with_parts(row, contender, parts)


def run_join(
    planned: PlannedScene, contender: Contender, seed: int, cache: Path
) -> list[dict[str, Any]]:
    """The rows of `run_scene` from answers that an earlier run kept."""
    folder = cache / planned.name
    with np.load(folder / f"{contender.label}__{seed}__answers.npz") as file:
        answers = {name: file[name] for name in file.files}
    truth, valid = answers.pop("truth"), answers.pop("valid").astype(bool)
    joined = join_answers(answers, valid)
    n_valid = int(valid.sum())
    threshold = default_threshold(n_valid)
    mask = flagged(joined.score, threshold)
    row: dict[str, Any] = {
        "scene": planned.name,
        "family": planned.family,
        "detector": contender.label,
        "seed": seed,
        "seconds": None,
        "cpu_seconds": None,
        "flagged": int(np.count_nonzero(mask)),
        "flagged_left_out": int(np.count_nonzero(mask & (truth == 255))),
        "promised": promised_false_pixels(n_valid),
    }
    if (truth == 1).any():
        row |= evaluate(joined.score, truth, threshold=threshold)
    keep_score(folder, contender.label, seed, truth, joined.score)
    return with_parts(row, contender, part_rows(valid, truth, answers, seed))


def keep_score(
    folder: Path, label: str, seed: int, truth: NDArray[np.uint8], score: NDArray[np.floating]
) -> None:
    """Write truth and score map of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "truth.npy", truth)
    clipped = np.clip(score, -FLOAT16_MAX, FLOAT16_MAX).astype(np.float16)
    np.save(folder / f"{label}__{seed}.npy", clipped)


def with_parts(
    row: dict[str, Any], contender: Contender, parts: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row and those of its parts."""
    common = {name: row[name] for name in ("scene", "family", "seed")}
    others = [
        {**common, "detector": f"{contender.label}, {part}", **measures}
        for part, measures in parts.items()
    ]
    return [dict(plain(each)) for each in (row, *others)]


def answers_of(cube: ElementCube, fitted: FittedDetector) -> dict[str, NDArray[np.floating]]:
    """What each question says; empty for other detectors."""
    if not isinstance(fitted, FittedMsfa) or fitted.heads is None:
        return {}
    return fitted.answers(cube)


def part_rows(
    valid: NDArray[np.bool_],
    truth: NDArray[np.uint8],
    answers: dict[str, NDArray[np.floating]],
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Measures of each question alone, and of the join without it."""
    if not answers or not (truth == 1).any():
        return {}
    maps = {f"only {name}": image for name, image in answers.items()}
    if seed == 0:
        for name in answers:
            others = {key: image for key, image in answers.items() if key != name}
            maps[f"without {name}"] = join_answers(others, valid).statistic
    return {
        part: evaluate(np.where(valid, image, np.nan).astype(np.float32), truth)
        for part, image in maps.items()
    }


def run_missing(
    planned: list[PlannedScene], contenders: list[Contender], seeds: int, arguments: Any
) -> None:
    """Do the runs that have no row yet, scene by scene."""
    done = {(row["scene"], row["detector"], row["seed"]) for row in read_rows(arguments.out)}
    commit = committed(required=arguments.part == "test")
    started = time.monotonic()
    for scene in planned:
        missing = [
            (contender, seed)
            for contender in contenders
            for seed in range(seeds if contender.is_random else 1)
            if (scene.name, contender.label, seed) not in done
        ]
        loaded = scene.load() if missing and not arguments.join_again else None
        for contender, seed in missing:
            if time.monotonic() - started > 60 * arguments.minutes:
                print("time is up; start again to go on", flush=True)
                return
            if loaded is None:
                rows = run_join(scene, contender, seed, arguments.cache)
            else:
                rows = run_scene(scene, loaded, contender, seed, arguments.cache)
            with arguments.out.open("a", encoding="utf-8") as stream:
                for each in rows:
                    stream.write(json.dumps({**each, "commit": commit}) + "\n")
            row = rows[0]
            quality = f"auc {row['auc']:.3f} ap {row['ap']:.3f}" if "auc" in row else "barren"
            print(
                f"{scene.name} {contender.label} {seed}: {quality} flagged {row['flagged']} "
                f"{row['seconds'] or 0:.1f} s",
                flush=True,
            )


def committed(*, required: bool) -> str:
    """The commit of the code, with "+" where files of the package differ from it.

    Raises
    ------
    SystemExit
        When ``required`` and something differs: the test part measures a committed design.
    """
    changed = _git("status", "--porcelain", "--", "src", "benchmarks/protocol")
    if changed and required:
        raise SystemExit(
            "The test part is scored on a committed design; commit or undo:\n" + changed
        )
    return _git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(SOURCE), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=(*PARTS, "barren"), required=True)
    parser.add_argument("--detectors", nargs="*", default=[])
    parser.add_argument(
        "--variant", nargs=3, action="append", default=[], metavar=("LABEL", "DETECTOR", "JSON")
    )
    parser.add_argument("--seeds", type=int, default=1, help="seeds of detectors that draw")
    parser.add_argument("--out", type=Path, required=True, help="rows, one JSON object a line")
    parser.add_argument("--cache", type=Path, help="folder for score maps")
    parser.add_argument("--join-again", action="store_true", help="join the kept answers anew")
    parser.add_argument("--families", nargs="*", choices=FAMILIES, default=[])
    parser.add_argument("--scenes", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=1e9)
    arguments = parser.parse_args()
    planned = barren() if arguments.part == "barren" else plan(arguments.part)
    planned = [
        scene
        for scene in planned
        if (not arguments.families or scene.family in arguments.families)
        and (not arguments.scenes or scene.name in arguments.scenes)
    ]
    contenders = [Contender(name, name) for name in arguments.detectors]
    contenders += [
        Contender(label, name, json.loads(text)) for label, name, text in arguments.variant
    ]
    run_missing(planned, contenders, arguments.seeds, arguments)


if __name__ == "__main__":
    main()
