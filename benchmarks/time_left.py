"""How well the time left of a run of `msfa` is foretold, at 25, 50 and 75 % of its time.

    OMP_NUM_THREADS=1 python benchmarks/time_left.py [FOLDER ...]

Without folders: the sample section and simulated ones of 0.36 megapixels, of which noise hides what
is odd in one. Writes docs/measured/time_left.md, or prints where folders are given.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path

from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.io import read_maps
from napari_mineral_anomaly.progress import ProgressEvent, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.time_left import TimeLeft

PAGE = Path(__file__).parents[1] / "docs" / "measured" / "time_left.md"
SHARES = (0.25, 0.5, 0.75)
# Scene, rows and columns, seed.
SECTIONS = (("easy", (256, 320), 0), ("easy", (600, 600), 3), ("hard", (600, 600), 10))


def measured(cube: ElementCube, *, quick: bool) -> tuple[float, list[tuple[float, float]]]:
    """Seconds of a run, and what was told: (seconds from its start, seconds left)."""
    clock, told = TimeLeft(), []
    started = time.perf_counter()

    def hear(event: ProgressEvent) -> None:
        now = time.perf_counter() - started
        clock.hear(event, now)
        left = clock.seconds(now)
        if left is not None:
            told.append((now, left))

    run_detection(cube, "msfa", make_config("msfa", quick=quick), task=Task(hear))
    return time.perf_counter() - started, told


def row(name: str, cube: ElementCube, *, quick: bool) -> str:
    """What was told at each share of the time, beside what was true."""
    total, told = measured(cube, quick=quick)
    cells = []
    for share in SHARES:
        before = [left - (share * total - now) for now, left in told if now <= share * total]
        said = f"{max(0.0, before[-1]):.1f}" if before else "–"
        cells.append(f"{said} / {(1 - share) * total:.1f}")
    ends = [now + left for now, left in told]
    jump = max((abs(b - a) for a, b in pairwise(ends)), default=0.0)
    rows, columns = cube.shape
    detector = "`msfa`, quick" if quick else "`msfa`"
    return (
        f"| {name}, {rows} × {columns} | {detector} | {total:.1f} | {' | '.join(cells)} "
        f"| {jump:.1f} |"
    )


def main() -> None:
    """Measure, and write the page."""
    folders = sys.argv[1:]
    if folders:
        scans = [(Path(folder).name, read_maps(folder)) for folder in folders]
    else:
        scans = [
            (f"simulated, {scene}", simulate_section(scene, shape=shape, seed=seed).cube)
            for scene, shape, seed in SECTIONS
        ]
    # Loading torch takes a second, in the first run only.
    measured(scans[0][1].some_rows([slice(0, 40)]), quick=False)
    lines = [
        "Seconds left that were told / that were true, when 25, 50 and 75 % of the time had "
        "passed; and the largest jump of the foretold end from one step to the next.",
        "",
        "| section | detector | seconds | at 25 % | at 50 % | at 75 % | jump |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(name, cube, quick=quick) for name, cube in scans for quick in (False, True)]
    text = "\n".join(lines) + "\n"
    print(text)
    if not folders:
        PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
