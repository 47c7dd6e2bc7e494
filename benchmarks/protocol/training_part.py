"""Whether `msfa` loses by training on a part of a large scan.

    OMP_NUM_THREADS=1 python benchmarks/protocol/training_part.py [--side 1000] [--seeds 70 71]

Sections of the simulator, larger than `TRAINED_PIXELS`. Each is scored twice with each seed of the
network: by a network of the whole scan, and by one of a part of it, as `msfa` does. Given are AUC,
average precision and processor seconds of both, and the largest move of a score above three sigmas:
from whole to part, and from the first seed to this one with both trained on the whole scan, which
is what chance alone does. Writes docs/measured/training_part.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from napari_mineral_anomaly.detectors.networks.msfa import training
from napari_mineral_anomaly.detectors.networks.msfa.training_part import training_part
from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.evaluation.metrics import evaluate
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

PAGE = Path(__file__).parents[2] / "docs" / "measured" / "training_part.md"
HIGH = 3.0


def scored(cube: ElementCube, most: int | None, seed: int) -> tuple[AnomalyResult, float]:
    """Result and processor seconds of a network of at most so many pixels; None: as `msfa` does."""
    if most is None:
        training.training_part = training_part
    else:
        training.training_part = lambda scan: training_part(scan, most)
    started = time.process_time()
    return detect(cube, device="cpu", seed=seed), time.process_time() - started


def largest_move(first: AnomalyResult, second: AnomalyResult) -> float:
    """Largest difference of two score maps where the first is above `HIGH`, in sigmas."""
    high = first.score > HIGH
    return float(np.abs(second.score - first.score)[high].max()) if high.any() else 0.0


def write_page(side: int, rows: list[str]) -> None:
    """The table, after each section."""
    lines = [
        f"Made by `benchmarks/protocol/training_part.py`: sections of {side} x {side} pixels.",
        "",
        "| section | network seed | whole: AUC | AP | s | part: AUC | AP | s "
        "| largest move, whole to part | whole to whole of the first seed |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Simulate, score, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[70, 71])
    parser.add_argument("--scene", nargs="*", default=["easy", "hard"])
    parser.add_argument("--network-seeds", type=int, nargs="*", default=[0, 1, 2])
    options = parser.parse_args()
    rows: list[str] = []
    for scene in options.scene:
        for seed in options.seeds:
            section = simulate_section(scene, shape=(options.side,) * 2, seed=seed)
            before: AnomalyResult | None = None
            for network_seed in options.network_seeds:
                whole, seconds = scored(section.cube, options.side**2, network_seed)
                part, part_seconds = scored(section.cube, None, network_seed)
                cells = [str(network_seed)]
                for result, spent in ((whole, seconds), (part, part_seconds)):
                    found = evaluate(result.score, section.truth, threshold=result.threshold)
                    cells += [f"{found['auc']:.3f}", f"{found['ap']:.3f}", f"{spent:.0f}"]
                cells.append(f"{largest_move(whole, part):.2f}")
                cells.append("" if before is None else f"{largest_move(before, whole):.2f}")
                before = before or whole
                rows.append(f"| {scene} {seed} | {' | '.join(cells)} |")
                print(rows[-1], flush=True)
                write_page(options.side, rows)


if __name__ == "__main__":
    main()
