"""Kill ``batch`` at random moments and resume it; compare its summary with an undisturbed one.

Usage: python benchmarks/kill_batch.py [--kills 20] [--sections 4] [--workers 2] [--seed 0]
       [--scans SCAN ...] [--keep FOLDER]

Each finished batch is compared; then another is begun, until there were enough kills. ``--scans``
adds scans to the simulated sections. ``--keep`` keeps all batches.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd

from napari_mineral_anomaly.runs.batch.rows import MACHINE_COLUMNS
from napari_mineral_anomaly.runs.batch.summary import SECTIONS_FILE
from napari_mineral_anomaly.simulate import simulate_section, write_section


def batch(sections: list[Path], out: Path, recipe: Path, workers: int) -> list[str]:
    """The command that begins a batch, or goes on with it."""
    command = [sys.executable, "-m", "napari_mineral_anomaly", "batch", *map(str, sections)]
    command += ["-o", str(out), "--recipe", str(recipe), "--workers", str(workers)]
    return [*command, "--resume"]


def summary(out: Path) -> bytes:
    """sections.csv without what belongs to the machine: times, memory, computer."""
    table = pd.read_csv(out / SECTIONS_FILE, dtype=str, keep_default_na=False)
    return table.drop(columns=list(MACHINE_COLUMNS)).to_csv(index=False).encode()


def kill_batch(
    n_kills: int, n_sections: int, scans: list[Path], workers: int, seed: int, place: Path
) -> Counter[str]:
    """Kill the command so often; each batch that is done is compared, and another is begun.

    Returns
    -------
    Counter
        kills, batches finished, batches with an equal summary, hidden folders left in them.
    """
    simulated, recipe = place / "sections", place / "recipe.toml"
    sections = [simulated, *scans]
    for number in range(n_sections):
        section = simulate_section("easy", shape=(40, 44 + 4 * number), seed=number)
        write_section(section, simulated / f"section_{number}")
    (simulated / "broken").mkdir()
    (simulated / "broken" / "Fe.tif").write_text("no TIFF")
    recipe.write_text('detector = "rx"\nthreshold = 3.5\n', encoding="utf-8")
    started = time.monotonic()
    subprocess.run(batch(sections, place / "whole", recipe, workers), **_QUIET)
    seconds = time.monotonic() - started
    expected = summary(place / "whole")
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    while counts["kills"] < n_kills:
        out = place / f"killed_{counts['batches finished']}"
        process = subprocess.Popen(batch(sections, out, recipe, workers), **_QUIET_START)
        try:
            process.wait(rng.uniform(0.1, 0.8) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            counts["kills"] += 1
            print(dict(counts), file=sys.stderr, flush=True)
            if counts["kills"] < n_kills:
                continue
            subprocess.run(batch(sections, out, recipe, workers), **_QUIET)
        counts["batches finished"] += 1
        counts["equal summaries"] += summary(out) == expected
        left = [path for path in out.iterdir() if path.name.startswith(".")]
        counts["hidden folders left"] += len(left) - 1  # .batch holds the locks
    return counts


_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
_QUIET_START = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--sections", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", type=Path, nargs="+", default=[])
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = kill_batch(
            options.kills,
            options.sections,
            options.scans,
            options.workers,
            options.seed,
            options.keep or Path(scratch),
        )
    for name, n in found.items():
        print(f"{n:4d}  {name}")
