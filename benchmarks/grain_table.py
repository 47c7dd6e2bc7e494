"""Time of the grain table: about 5 000 grains on 2.4 million pixels and 20 elements.

    python benchmarks/grain_table.py

The peer is scikit-image's regionprops_table for the columns that both have: area, centroid, bounds,
peak and mean of the score, and the mean of every contribution. Writes docs/measured/grain_table.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import regionprops_table

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.evidence import evidence_of, prepare_evidence
from napari_mineral_anomaly.grains.pixels.growing import grow_grains
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.grains.table import (
    detail_grains,
    find_grains,
    list_grains,
    signatures_of,
)
from napari_mineral_anomaly.simulate.scenes import ELEMENTS

SHAPE = (1500, 1600)
N_GRAINS = 5_100  # some overlap and become one grain
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "grain_table.md"
REPEATS = 3


def make_scan() -> tuple[ElementCube, AnomalyResult]:
    """Poisson counts with grains of 2 x 3 pixels, each rich in one to three elements."""
    rng = np.random.default_rng(0)
    maps = rng.poisson(20, (len(ELEMENTS), *SHAPE)).astype(np.uint16)
    y, x = (rng.integers(5, size - 5, N_GRAINS) for size in SHAPE)
    score = rng.normal(size=SHAPE).astype(np.float32)
    for _ in range(3):
        element = rng.integers(0, len(ELEMENTS), N_GRAINS)
        for dy in range(2):
            for dx in range(3):
                maps[element, y + dy, x + dx] += 60
                score[y + dy, x + dx] = 8.0
    contributions = (maps.astype(np.float32) - 20) / np.float32(np.sqrt(20))
    labels = np.full(SHAPE, 2, dtype=np.uint16)
    valid = np.ones(SHAPE, dtype=bool)
    cube = ElementCube(maps, ELEMENTS, (20.0, 20.0), valid=valid, quantity="counts")
    return cube, AnomalyResult(score, 6.0, contributions, labels, ELEMENTS, (20.0, 20.0))


def best(run: Callable[[], Any]) -> tuple[float, Any]:
    """Shortest processor time of `REPEATS` calls, and the result."""
    seconds, out = [], None
    for _ in range(REPEATS):
        started = time.process_time()
        out = run()
        seconds.append(time.process_time() - started)
    return min(seconds), out


def main() -> None:
    """Measure and write the page."""
    cube, result = make_scan()
    planes = np.moveaxis(np.concatenate([result.score[None], result.contributions]), 0, -1)
    properties = ("area", "centroid", "bbox", "intensity_max", "intensity_mean")

    def peer() -> dict[str, Any]:
        labels = label_grains(result.mask).astype(np.int32)
        return regionprops_table(labels, planes, properties=properties)

    def grow() -> Any:
        return grow_grains(signatures_of(cube), result.score, result.mask, result.valid)

    peer_seconds, peer_table = best(peer)
    # Only the grains above the threshold: the peer knows no others.
    plain_seconds, plain = best(lambda: find_grains(result, n_rows=0))
    grow_seconds, _ = best(grow)
    full_seconds, full = best(lambda: find_grains(result, n_rows=0, cube=cube))
    grains = list_grains(result, n_rows=0, cube=cube)
    details = detail_grains(cube, result, grains)
    after_seconds, _ = best(lambda: evidence_of(cube, result, grains, details))
    evidence_seconds, source = best(lambda: prepare_evidence(cube, result, n_rows=0))
    one_seconds, _ = best(lambda: source.of(len(full) // 2))
    assert np.array_equal(np.sort(peer_table["area"]), np.sort(plain["area_px"]))
    rows = [
        ("regionprops_table, the columns that both have", peer_seconds),
        ("find_grains without the scan (no hints, no flags)", plain_seconds),
        ("grow_grains, whole grains", grow_seconds),
        ("find_grains, all columns", full_seconds),
        ("prepare_evidence, all grains", evidence_seconds),
        ("evidence_of, after list_grains and detail_grains", after_seconds),
        ("evidence of one grain", one_seconds),
    ]
    lines = [
        f"{len(full)} grains on {SHAPE[0]} x {SHAPE[1]} pixels and {len(ELEMENTS)} elements; "
        f"processor seconds, best of {REPEATS}, one thread.",
        "",
        "| | seconds | times regionprops_table |",
        "|---|---|---|",
        *(f"| {name} | {s:.3f} | {s / peer_seconds:.2f} |" for name, s in rows),
    ]
    print("\n".join(lines))
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
