"""Time the slow detectors on small scans: the measurements behind detectors/cost.py.

    OMP_NUM_THREADS=1 python benchmarks/detector_costs.py

Prints the CPU seconds that were measured and those that `DetectorConfig.expected_seconds` expects.
CPU time, because it depends little on how busy the machine is.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from napari_mineral_anomaly.detectors.registry import make_config, make_detector
from napari_mineral_anomaly.scan.cube import ElementCube

# Detector, parameters, rows and columns, elements.
RUNS: tuple[tuple[str, dict[str, Any], tuple[int, int], int], ...] = (
    ("local-rx", {}, (150, 150), 8),
    ("local-rx", {}, (150, 150), 16),
    ("local-rx", {}, (80, 80), 30),
    ("crd", {}, (80, 80), 8),
    ("crd", {}, (80, 80), 16),
    ("crd", {}, (40, 40), 40),
    ("crd", {}, (16, 16), 150),
    ("knn", {}, (150, 150), 8),
    ("knn", {}, (150, 150), 40),
    ("knn", {"sample": 2500}, (150, 150), 20),
    ("iforest", {}, (150, 150), 8),
    ("iforest", {}, (150, 150), 40),
    ("inne", {}, (150, 150), 8),
    ("inne", {}, (150, 150), 40),
    ("inne", {"spheres": 64}, (150, 150), 20),
    ("mcd", {}, (150, 150), 8),
    ("mcd", {}, (150, 150), 20),
    ("mcd", {}, (150, 150), 40),
    ("mcd", {"sample": 5000}, (150, 150), 100),
    ("consensus", {}, (150, 150), 8),
    ("consensus", {}, (150, 150), 16),
    ("auto-ad", {"epochs": 6, "channels": 16}, (128, 128), 16),
    ("auto-ad", {"epochs": 6, "channels": 32}, (128, 128), 16),
    ("auto-ad", {"epochs": 4, "channels": 64}, (128, 128), 16),
    ("auto-ad", {"epochs": 2, "channels": 128}, (128, 128), 16),
    ("dfan", {"pre_epochs": 20, "epochs": 0}, (150, 150), 8),
    ("dfan", {"pre_epochs": 20, "epochs": 0}, (150, 150), 16),
    ("dfan", {"pre_epochs": 10, "epochs": 0}, (80, 80), 150),
    ("dfan", {"pre_epochs": 0, "epochs": 1}, (80, 80), 16),
    ("dfan", {"pre_epochs": 0, "epochs": 1}, (150, 150), 16),
    ("msfa", {"quick": True}, (250, 250), 8),
    ("msfa", {"quick": True}, (250, 250), 20),
    ("msfa", {"quick": True}, (250, 250), 40),
    ("msfa", {"epochs": 20}, (150, 150), 8),
    ("msfa", {"epochs": 20}, (250, 250), 20),
    ("msfa-paper", {"pre_epochs": 20, "epochs": 0}, (80, 80), 20),
    ("msfa-paper", {"pre_epochs": 10, "epochs": 0}, (150, 150), 8),
    ("msfa-paper", {"pre_epochs": 0, "epochs": 4, "refresh": 2}, (150, 150), 20),
)


def main() -> None:
    """Run and print."""
    print("| detector | parameters | pixels | elements | measured, s | expected, s |")
    print("|---|---|---|---|---|---|")
    # The first run of each detector also loads torch, so it is done once more before the others.
    kinds = list(dict.fromkeys(run[0] for run in RUNS))
    warm_up = [next(run for run in RUNS if run[0] == kind) for kind in kinds]
    for position, (name, parameters, (height, width), n_elements) in enumerate([*warm_up, *RUNS]):
        # Three kinds of rock, so that clusters are what they are in a scan.
        rng = np.random.default_rng(0)
        rates = rng.gamma(1.0, 40.0, (3, n_elements))
        kind = np.broadcast_to(3 * np.arange(width) // width, (height, width))
        maps = rng.poisson(rates[kind]).astype(np.uint16).transpose(2, 0, 1)
        cube = ElementCube(maps, [f"e{k}" for k in range(n_elements)])
        config = make_config(name, **parameters)
        started = time.process_time()
        make_detector(name, config).fit(cube).score(cube)
        measured = time.process_time() - started
        if position < len(warm_up):
            continue
        expected = config.expected_seconds(height * width, n_elements)
        assert expected is not None
        print(
            f"| {name} | {parameters or 'defaults'} | {height * width} | {n_elements} "
            f"| {measured:.2f} | {expected.total:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
