"""Teaching a result: how long it takes, and which grains fall.

    python benchmarks/teaching.py time [--side 1000]
    python benchmarks/teaching.py grains --seeds 11 12 13 [--scene easy] [--detectors rx msfa-quick]

``time``: seconds of teaching one grain on a simulated section, as a ratio to a bare RX in numpy on
the same array in the same run. ``grains``: for every mineral that has at least two grains above the
threshold, each is taught in turn (its pixels and those that touch it); of the others, how many
grains of the same mineral fall below the threshold, and how many grains of other minerals do.
Seeds 1 to 6 were used to choose the constants of `detectors/teaching`; report others.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.detectors.pipeline import DetectionRun, run_detection, teach_run
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section

TOUCHING = np.ones((3, 3), dtype=bool)


def main() -> None:
    """Run one of the two measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "grains"))
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--scene", default="easy")
    parser.add_argument("--detectors", nargs="+", default=["rx", "msfa-quick"])
    asked = parser.parse_args()
    if asked.what == "time":
        measure_time(asked.side)
    else:
        for detector in asked.detectors:
            count_grains(asked.scene, asked.seeds, detector)


def measure_time(side: int) -> None:
    """Print seconds of teaching, of a bare RX, and their ratio."""
    section = simulate_section("easy", shape=(side, side), seed=11)
    run = run_detection(section.cube, "rx", make_config("rx"))
    labels, _ = ndimage.label(section.truth, TOUCHING)
    taught = ndimage.binary_dilation(labels == 1, TOUCHING)
    seconds, bare = [], []
    for _ in range(3):
        started = time.perf_counter()
        teach_run(section.cube, run, taught)
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        bare_rx(np.asarray(section.cube.maps))
        bare.append(time.perf_counter() - started)
    first, best, reference = seconds[0], min(seconds), min(bare)
    print(
        f"{side} x {side} pixels, {section.cube.n_elements} elements: teaching {best:.2f} s "
        f"(the first time {first:.2f} s), bare RX {reference:.2f} s, ratio {best / reference:.2f}"
    )


def bare_rx(maps: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Mahalanobis distance of every pixel, as short as numpy allows."""
    pixels = 2 * np.sqrt(maps.reshape(len(maps), -1).astype(np.float64) + 0.375)
    pixels -= pixels.mean(axis=1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(pixels)), pixels)
    return np.asarray(np.square(white).sum(axis=0))


def count_grains(scene: str, seeds: list[int], detector: str) -> None:
    """Print how many grains of the taught and of other minerals fall below the threshold."""
    total: Counter[str] = Counter()
    for seed in seeds:
        section = simulate_section(scene, shape=(192, 192), seed=seed)
        name, quick = ("msfa", {"quick": True}) if detector == "msfa-quick" else (detector, {})
        run = run_detection(section.cube, name, make_config(name, **quick))
        total += _taught_one_by_one(section, run)
    print(
        f"{scene}, {detector}, seeds {' '.join(map(str, seeds))}: {total['taught']} grains taught; "
        f"same mineral: {total['same fell']} of {total['same']} fall below the threshold; other "
        f"minerals: {total['other fell']} of {total['other']} do, {total['other lower']} lose more "
        "than a tenth of their score"
    )


def _taught_one_by_one(section: SimulatedSection, run: DetectionRun) -> Counter[str]:
    labels = np.asarray(ndimage.label(section.truth, TOUCHING)[0])
    minerals = _minerals(section, labels)
    threshold = run.result.threshold
    peaks = {one: float(run.result.score[labels == one].max()) for one in minerals}
    seen = {one: name for one, name in minerals.items() if peaks[one] >= threshold}
    total: Counter[str] = Counter()
    for taught, mineral in seen.items():
        same = [one for one, name in seen.items() if name == mineral and one != taught]
        if not same:
            continue
        mask = ndimage.binary_dilation(labels == taught, TOUCHING)
        score = teach_run(section.cube, run, mask).result.score
        after = {one: float(score[labels == one].max()) for one in seen}
        other = [one for one, name in seen.items() if name != mineral]
        total["taught"] += 1
        total["same"] += len(same)
        total["same fell"] += sum(after[one] < threshold for one in same)
        total["other"] += len(other)
        total["other fell"] += sum(after[one] < threshold for one in other)
        total["other lower"] += sum(after[one] < 0.9 * peaks[one] for one in other)
    return total


def _minerals(section: SimulatedSection, labels: NDArray[Any]) -> dict[int, str]:
    """The mineral of each grain of the truth; grains of two minerals that touch are left out."""
    found: dict[int, set[str]] = {}
    height, width = section.truth.shape
    places = section.grains[["centroid_y_px", "centroid_x_px"]].to_numpy()
    for (row, column), mineral in zip(places, section.grains["mineral"], strict=True):
        y = int(np.clip(round(float(row)), 0, height - 1))
        x = int(np.clip(round(float(column)), 0, width - 1))
        label = int(labels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max())
        if label:
            found.setdefault(label, set()).add(str(mineral))
    return {label: next(iter(names)) for label, names in found.items() if len(names) == 1}


if __name__ == "__main__":
    main()
