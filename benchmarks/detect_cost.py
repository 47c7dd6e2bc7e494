"""Cost of MSFA-Net compared with RX: the whole `detect` command, by the size of the scan.

    OMP_NUM_THREADS=1 python benchmarks/detect_cost.py [--side 346 600 1000 1550]
        [--scene easy hard] [--command rx "msfa --quick" msfa] [--rx-source FOLDER]

All commands read, score and write the same scan of 20 elements, one after the other. Given are the
processor time of each as a multiple of that of RX in the same run, and its peak memory. On *hard*
the counts are so low that noise hides all candidates, and MSFA-Net trains longer. Scans of more
than 600 x 600 pixels are copies of a section side by side. ``--rx-source`` is the folder ``src`` of
an older version of the project, whose RX is then the measure. Rows of docs/measured/detect_cost.md
that a call does not measure stay as they are, so that the sizes can be run one by one.

``--clock`` measures something else: how long a user waits for MSFA-Net, by the clock, with all
processors and nothing else running. It writes docs/measured/detect_clock.md.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from napari_mineral_anomaly.simulate import simulate_section

SECTION_SIDE = 600
COMMANDS = {
    "rx": ["--detector", "rx"],
    "msfa --quick": ["--quick"],
    "msfa": [],
}
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "detect_cost.md"
CLOCK_PAGE = PAGE.with_name("detect_clock.md")
ROW = re.compile(r"\| (\w+) \| ([\d.]+) \| ([^|]+) \| (.*)")


@dataclass(frozen=True)
class Cost:
    """Processor seconds and peak memory (MB) of a command."""

    seconds: float
    megabytes: float


def cost_of(*arguments: str, source: str | None = None) -> Cost:
    """Run the command line, with the package in another folder where one is given."""
    environment = dict(os.environ)
    if source is not None:
        environment["PYTHONPATH"] = source
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_mineral_anomaly", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} ended with status {status}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def wait_of(scan: Path, out: Path) -> float:
    """Seconds by the clock of `msfa` with all processors."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = ["detect", str(scan), "-o", str(out), "--device", "cpu"]
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "napari_mineral_anomaly", *command],
        check=True,
        capture_output=True,
        env=environment,
    )
    return time.perf_counter() - started


def measure_clock(scenes: list[str], sides: list[int]) -> None:
    """The waiting times, and their page."""
    lines = [
        f"Made by `benchmarks/detect_cost.py --clock`: {os.cpu_count()} processors, "
        "reading and writing included.",
        "",
        "| scene | Mpx | `msfa`, seconds by the clock |",
        "|---|---|---|",
    ]
    for scene in scenes:
        for side in sides:
            with tempfile.TemporaryDirectory() as folder:
                scan = Path(folder) / "scan"
                write_scan(scan, scene, side)
                waited = wait_of(scan, Path(folder) / "out")
            lines.append(f"| {scene} | {side**2 / 1e6:.2f} | {waited:.0f} |")
            print(lines[-1], flush=True)
    CLOCK_PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_scan(folder: Path, scene: str, side: int) -> None:
    """A folder of element maps."""
    section = simulate_section(scene, shape=(min(side, SECTION_SIDE),) * 2, seed=40).cube
    copies = -(-side // SECTION_SIDE)
    folder.mkdir()
    for name, plane in zip(section.elements, section.maps, strict=True):
        tifffile.imwrite(folder / f"{name}.tif", np.tile(plane, (copies, copies))[:side, :side])


def measured(scene: str, side: int, commands: list[str], rx_source: str | None) -> dict[str, Cost]:
    """Cost of some of `COMMANDS` on one scan."""
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan"
        write_scan(scan, scene, side)
        return {
            name: cost_of(
                "detect",
                str(scan),
                "-o",
                f"{folder}/{name}",
                "--device",
                "cpu",
                *options,
                source=rx_source if name == "rx" else None,
            )
            for name, options in COMMANDS.items()
            if name in commands
        }


def main() -> None:
    """Simulate, run all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", nargs="*", type=int, default=[346, 600, 1000, 1550])
    parser.add_argument("--scene", nargs="*", default=["easy", "hard"])
    parser.add_argument("--command", nargs="*", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--rx-source")
    parser.add_argument("--clock", action="store_true")
    options = parser.parse_args()
    if options.clock:
        measure_clock(options.scene, options.side)
        return
    rows: dict[tuple[str, str, str], str] = {}
    if PAGE.exists():
        found = (ROW.fullmatch(line) for line in PAGE.read_text(encoding="utf-8").splitlines())
        rows = {match.group(1, 2, 3): match.string for match in found if match}
    for scene in options.scene:
        for side in options.side:
            costs = measured(scene, side, [*options.command, "rx"], options.rx_source)
            size = f"{side**2 / 1e6:.2f}"
            for name, cost in costs.items():
                ratio = cost.seconds / costs["rx"].seconds
                rows[scene, size, name] = (
                    f"| {scene} | {size} | {name} | {ratio:.1f} | {cost.seconds:.0f} | "
                    f"{cost.megabytes:.0f} |"
                )
                print(rows[scene, size, name], flush=True)
    lines = [
        "Made by `benchmarks/detect_cost.py`: `detect` on scans of 20 elements, reading and "
        "writing included, one thread. RX is that of commit 58f3461.",
        "",
        "| scene | Mpx | detector | times rx | processor seconds | peak MB |",
        "|---|---|---|---|---|---|",
        *(rows[key] for key in sorted(rows, key=lambda key: (key[0], float(key[1])))),
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
