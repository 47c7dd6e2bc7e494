"""Does `rx` judge counts better as they are, or stabilised?

    OMP_NUM_THREADS=1 python benchmarks/rx_transform.py [--minerals FOLDER]

Simulated sections of 256 x 256 pixels, seeds 40 to 45 (the choice was made on 30 to 35), and the
scenes of `prepare_minerals.py` where their folder is given. Distances are the Mahalanobis distances
of `rx` before calibration. Writes docs/measured/rx_transform.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube, read_maps
from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.detectors.statistical.mahalanobis import Mahalanobis
from napari_mineral_anomaly.evaluation.metrics import auc_and_ap
from napari_mineral_anomaly.simulate import simulate_section

SCENES = ("easy", "hard", "artefacts", "barren")
SEEDS = range(40, 46)
MINERALS = ("AS14_1", "ME_17_1")
TRANSFORMS = {"none": "counts as they are", "anscombe": "stabilised", "log1p": "logarithm"}
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "rx_transform.md"


def measure(cube: ElementCube, truth: NDArray[np.uint8], transform: str) -> list[float]:
    """AUC, AP, flagged, true among them, median distance of anomalies, extreme background."""
    run = run_detection(cube, "rx", make_config("rx", transform=transform))
    compared = (truth != 255) & cube.valid
    odd = truth[compared] == 1
    state = run.fitted.state()
    distance = Mahalanobis(state.arrays["mean"], state.arrays["whitening"])
    pixels = np.stack(
        [run.fitted.preprocessing.plane(cube, k)[compared] for k in range(len(run.fitted.elements))]
    )
    far = np.sqrt(distance.squared_distance(pixels.T))
    flagged = run.result.mask[compared]
    quality = (np.nan, np.nan)
    if odd.any():
        quality = auc_and_ap(run.result.score[compared][None], odd[None].astype(np.uint8))
    return [
        *quality,
        int(flagged.sum()),
        int((flagged & odd).sum()),
        float(np.median(far[odd])) if odd.any() else np.nan,
        float(np.quantile(far[~odd], 0.9999)),
    ]


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minerals", type=Path)
    folder = parser.parse_args().minerals
    lines = [
        "Made by `benchmarks/rx_transform.py`: `rx`, 256 x 256 pixels, means over seeds "
        f"{SEEDS[0]} to {SEEDS[-1]}, pixels at the default threshold in sum. Distances in sigmas: "
        "median of the anomalies; the background pixel that 1 in 10 000 exceeds.",
        "",
        "| scene | input | AUC | AP | flagged | of them true | anomalies | background |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for scene in SCENES + (MINERALS if folder else ()):
        scans = []
        if scene in MINERALS:
            scans = [(read_maps(folder / scene), tifffile.imread(folder / scene / "truth.tif"))]
        else:
            sections = [simulate_section(scene, (256, 256), seed) for seed in SEEDS]
            scans = [(section.cube, section.truth_with_rim) for section in sections]
        for transform, words in TRANSFORMS.items():
            each = np.array([measure(cube, truth, transform) for cube, truth in scans])
            auc, ap, _, _, odd, rock = each.mean(axis=0)
            flagged, true = each[:, 2:4].sum(axis=0)
            numbers = [f"{auc:.3f}", f"{ap:.3f}", f"{flagged:.0f}", f"{true:.0f}"]
            numbers += [f"{odd:.1f}", f"{rock:.1f}"]
            cells = " | ".join("" if number == "nan" else number for number in numbers)
            lines.append(f"| {scene} | {words} | {cells} |")
            print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
