"""Where `detect` with MSFA-Net spends its time: processor seconds and GFLOP/s of each stage.

    OMP_NUM_THREADS=1 python benchmarks/msfa_stages.py [--side 250 600 1550]

One thread, processor time. Beside the stages stands the bare matrix product of the network's
widest layer, by torch and by numpy, measured in the same run. Operations of the network are those
of its design (`MaskedNetwork.multiply_adds`, two per multiply-add, for every pass), so a stage that
skips work has a higher rate than it computes at. `rx` is its whole fit and score. A large scan is
made of copies of a section of 600 x 600. Training does not grow with the scan; it is timed over
a few steps. Writes docs/measured/msfa_stages.md.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from napari_mineral_anomaly.detectors.heads.answers import answer
from napari_mineral_anomaly.detectors.heads.fit import fit_heads
from napari_mineral_anomaly.detectors.heads.join import join_answers
from napari_mineral_anomaly.detectors.heads.questions import NETWORK
from napari_mineral_anomaly.detectors.networks.msfa.candidates import (
    cluster_background,
    find_candidates,
)
from napari_mineral_anomaly.detectors.networks.msfa.config import MsfaConfig
from napari_mineral_anomaly.detectors.networks.msfa.features import fit_features
from napari_mineral_anomaly.detectors.networks.msfa.network.masked import MaskedNetwork
from napari_mineral_anomaly.detectors.networks.msfa.predicting import (
    hidden_blocks,
    predict_scan,
    predict_with_residual,
)
from napari_mineral_anomaly.detectors.networks.msfa.surroundings import local_surprise, whitening
from napari_mineral_anomaly.detectors.networks.msfa.training import TileTrainer
from napari_mineral_anomaly.detectors.networks.msfa.view import ScanView
from napari_mineral_anomaly.detectors.pipeline import detect
from napari_mineral_anomaly.detectors.results.calibration import background_sigmas
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section

PAGE = Path(__file__).parents[1] / "docs" / "measured" / "msfa_stages.md"
SECTION_SIDE = 600
SMALL_PART = 250
STEPS = 10
CPU = torch.device("cpu")
ValueT = TypeVar("ValueT")


def timed(work: Callable[[], ValueT]) -> tuple[float, ValueT]:
    """Processor seconds and value."""
    started = time.process_time()
    value = work()
    return time.process_time() - started, value


def product_rates() -> dict[str, float]:
    """GFLOP/s of (64, 32) @ (32, pixels) for 16 384 pixels."""
    left = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    right = np.random.default_rng(1).normal(size=(32, 16_384)).astype(np.float32)
    torch_left, torch_right = torch.from_numpy(left), torch.from_numpy(right)
    out, torch_out = left @ right, torch_left @ torch_right
    work = {
        "torch": lambda: torch.mm(torch_left, torch_right, out=torch_out),
        "numpy": lambda: np.matmul(left, right, out=out),
    }
    times = 300
    operations = 2 * 64 * 32 * 16_384 * times / 1e9

    def repeated(once: Callable[[], object]) -> None:
        for _ in range(times):
            once()

    return {name: operations / timed(lambda f=once: repeated(f))[0] for name, once in work.items()}


def scan(side: int) -> ElementCube:
    """A simulated section, or copies of one side by side."""
    section = simulate_section("easy", shape=(min(side, SECTION_SIDE),) * 2, seed=40).cube
    copies = -(-side // SECTION_SIDE)
    maps = np.tile(np.asarray(section.maps), (1, copies, copies))[:, :side, :side]
    return ElementCube(np.ascontiguousarray(maps), section.elements, quantity="counts")


def stages(cube: ElementCube) -> list[tuple[str, float, float]]:
    """Name, processor seconds and operations (0: not counted) of each stage on a scan."""
    config = MsfaConfig(device="cpu")
    rows: list[tuple[str, float, float]] = []

    def stage(name: str, work: Callable[[], ValueT], operations: float = 0.0) -> ValueT:
        seconds, value = timed(work)
        rows.append((name, seconds, operations))
        return value

    features, axes = stage(
        "features", lambda: fit_features(cube, config.transform, config.components)
    )
    view = stage("stabilised values kept", lambda: ScanView(cube, features))
    network = MaskedNetwork(features.n, 2 * features.n, config, features.local)
    network.start_at(axes, features.unit, 0.1)
    trainer = TileTrainer(network, view, config, CPU)
    trainer.run(2, stage=1)
    seconds, _ = timed(lambda: trainer.run(STEPS, stage=1))
    total = config.warm_up_epochs + config.epochs
    pixels = config.batch_size * config.tile**2
    # A backward pass is two products for each one of the forward pass.
    once = 2.0 * network.multiply_adds()
    rows.append((f"training, {total} steps", seconds / STEPS * total, 3 * once * pixels * total))
    trainer.measure()
    n = float(cube.n_valid)
    passes = 1 + min(config.mask_blocks, features.n)
    blocks = hidden_blocks(features.n, config.mask_blocks, config.seed)
    stage("prediction", lambda: predict_scan(network, view, blocks, CPU), once * passes * n)
    with_smoothing, predicted = timed(lambda: predict_with_residual(network, view, config, CPU))
    rows.append(("residual and smoothing", max(0.0, with_smoothing - rows[-1][1]), 0.0))
    candidates = stage(
        "anomaly candidates",
        lambda: find_candidates(
            predicted.residual, cube.valid, anomal_prop=0.01, spectral_angle=0.15, seed=0
        ),
    )
    ordinary = cube.valid & ~candidates.mask
    latent = predicted.latent[:, ordinary].T
    clusters = stage("clusters of the background", lambda: cluster_background(latent, 0.01, 0))
    stage("cluster of each pixel", lambda: clusters.assign(latent))
    part = predicted.residual[:, :SMALL_PART, :SMALL_PART]
    mean, white = whitening(predicted.residual, ordinary)
    valid = cube.valid[:SMALL_PART, :SMALL_PART]
    seconds, _ = timed(lambda: local_surprise(part, valid, mean, white))
    rows.append(("surroundings (noisy scans only)", seconds * n / valid.size, 0.0))
    heads = stage(
        "other questions: what they learn",
        lambda: fit_heads(cube, features, unit_noise=features.unit_noise),
    )
    answers = stage("other questions: answers", lambda: answer(cube, features, heads))
    answers[NETWORK] = np.abs(predicted.residual[0])
    stage("join", lambda: join_answers(answers, cube.valid))
    statistic = np.abs(predicted.residual[0]).astype(np.float64)
    stage("calibration", lambda: background_sigmas(statistic, cube.valid))
    stage("rx, fit and score", lambda: detect(cube, "rx"))
    return rows


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", nargs="*", type=int, default=[250, 600, 1550])
    sides = parser.parse_args().side
    torch.set_num_threads(1)
    tables, rates = [], []
    for side in sides:
        rates.append(product_rates())
        tables.append(stages(scan(side)))
        for name, seconds, operations in tables[-1]:
            rate = f"{operations / seconds / 1e9:.1f} GFLOP/s" if operations else ""
            print(f"{side:5d} {name:34s} {seconds:8.2f} s {rate}", flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(side, {name: round(rate, 1) for name, rate in rates[-1].items()}, f"{peak:.2f} GB")
    names = [name for name, _, _ in tables[0]]
    heads = [f"{side**2 / 1e6:.2f} Mpx, s | GFLOP/s" for side in sides]
    lines = [
        "Made by `benchmarks/msfa_stages.py`: processor seconds of one thread on `easy` sections "
        "of 20 elements.",
        "",
        "| stage | " + " | ".join(heads) + " |",
        "|---" * (1 + 2 * len(sides)) + "|",
    ]
    for number, name in enumerate(names):
        cells = []
        for table in tables:
            _, seconds, operations = table[number]
            cells += [f"{seconds:.2f}", f"{operations / seconds / 1e9:.1f}" if operations else ""]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for library in rates[0]:
        cells = [cell for rate in rates for cell in ("", f"{rate[library]:.1f}")]
        lines.append(f"| bare matrix product, {library} | " + " | ".join(cells) + " |")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
