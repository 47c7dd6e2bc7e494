"""Time of `rx` compared with a bare RX in numpy on the same array.

    OMP_NUM_THREADS=1 python benchmarks/rx_cost.py

The bare RX takes mean, covariance and Mahalanobis distance in float32 blocks of the raw counts, and
nothing else: no transform, no check for missing values, no calibration, no contributions of the
elements. `rx` works in double precision: elements may be duplicates or sums of others, and their
covariance is then nearly singular. The result is the ratio of the processor times, the median of
several runs. Two more references: bare RX in double precision, and RX in the three lines that one
finds everywhere. Writes docs/measured/rx_cost.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.preprocess import fit_preprocessing
from napari_mineral_anomaly.detectors.results.calibration import background_sigmas
from napari_mineral_anomaly.detectors.results.contributions import element_contributions
from napari_mineral_anomaly.detectors.statistical.mahalanobis import BLOCK_PIXELS
from napari_mineral_anomaly.detectors.statistical.rx import RxDetector

SIDE, N_ELEMENTS, RUNS = 1000, 20, 7
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "rx_cost.md"


def bare_rx(maps: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Squared Mahalanobis distance of every pixel, (H, W)."""
    flat = maps.reshape(len(maps), -1)
    n = flat.shape[1]
    starts = range(0, n, BLOCK_PIXELS)

    def block(start: int) -> NDArray[np.float32]:
        return flat[:, start : start + BLOCK_PIXELS].astype(np.float32)

    total = sum(block(start).sum(axis=1, dtype=np.float64) for start in starts)
    mean = np.asarray(total / n, dtype=np.float32)[:, None]
    scatter = np.zeros((len(maps), len(maps)))
    for start in starts:
        off = block(start) - mean
        scatter += off @ off.T
    inverse = np.linalg.inv(scatter / (n - 1)).astype(np.float32)
    out = np.empty(n, dtype=np.float32)
    for start in starts:
        off = block(start) - mean
        out[start : start + BLOCK_PIXELS] = np.einsum("ij,ij->j", off, inverse @ off)
    return out.reshape(maps.shape[1:])


def double_rx(maps: NDArray[np.uint16]) -> NDArray[np.float64]:
    """The same in double precision, the whole scan at once, (H, W)."""
    pixels = maps.reshape(len(maps), -1).astype(np.float64)
    pixels -= pixels.mean(axis=1, keepdims=True)
    inverse = np.linalg.inv(pixels @ pixels.T / (pixels.shape[1] - 1))
    return np.einsum("ij,ij->j", pixels, inverse @ pixels).reshape(maps.shape[1:])


def usual_rx(maps: NDArray[np.uint16]) -> NDArray[np.float64]:
    """RX in three lines, (H, W)."""
    pixels = maps.reshape(len(maps), -1).T.astype(np.float64)
    pixels -= pixels.mean(axis=0)
    inverse = np.linalg.inv(np.cov(pixels.T))
    return np.einsum("ij,jk,ik->i", pixels, inverse, pixels).reshape(maps.shape[1:])


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call, s."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Measure and write the page."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(1.0, 40.0, (3, N_ELEMENTS))
    kind = np.broadcast_to(3 * np.arange(SIDE) // SIDE, (SIDE, SIDE))
    maps = rng.poisson(rates[kind]).astype(np.uint16).transpose(2, 0, 1)
    maps = np.ascontiguousarray(maps)
    valid = np.ones((SIDE, SIDE), dtype=bool)
    cube = ElementCube(maps, [f"e{k}" for k in range(N_ELEMENTS)], valid=valid, quantity="counts")
    preprocessing = fit_preprocessing(cube)
    statistic = bare_rx(maps)
    works: dict[str, Callable[[], object]] = {
        "bare RX in numpy": lambda: bare_rx(maps),
        "the same in double precision": lambda: double_rx(maps),
        "RX in three lines, double precision": lambda: usual_rx(maps),
        "`rx`, the whole": lambda: detect(cube, "rx"),
        "of it: range and median of the elements": lambda: fit_preprocessing(cube),
        "of it: that, mean and covariance": lambda: RxDetector().fit(cube),
        "of it: calibration": lambda: background_sigmas(statistic, valid),
        "of it: centre and sigma of the elements": lambda: element_contributions(
            cube, preprocessing
        ),
        "`rx` without the transform": lambda: detect(cube, "rx", transform="none"),
        "contributions, where somebody looks at all": lambda: np.asarray(
            element_contributions(cube, preprocessing)
        ),
    }
    taken = {name: [seconds(work) for _ in range(RUNS)] for name, work in works.items()}
    bare = float(np.median(taken["bare RX in numpy"]))
    lines = [
        f"Made by `benchmarks/rx_cost.py`: {SIDE} x {SIDE} pixels, {N_ELEMENTS} elements, 1 core.",
        "",
        "| part | times the bare RX |",
        "|---|---|",
        *(f"| {name} | {float(np.median(each)) / bare:.2f} |" for name, each in taken.items()),
    ]
    print("\n".join(lines))
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
