"""Time of MSFA-Net compared with RX: the whole `detect` command on 0.36 Mpx x 20 elements.

    python benchmarks/detect_cost.py

Both commands read, score and write the same simulated scan, one after the other; the result is the
ratio of their wall times. On *hard* the counts are so low that noise hides all candidates, and
MSFA-Net trains longer. Writes docs/measured/detect_cost.md.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHAPE = ("600", "600")
SCENES = ("easy", "hard")
DETECTORS = ("rx", "msfa")
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "detect_cost.md"


def command(*arguments: str) -> float:
    """Wall time of one run of the command line, s."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "napari_mineral_anomaly", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def main() -> None:
    """Simulate, run both, write the page."""
    lines = [
        f"Made by `benchmarks/detect_cost.py`: `detect` on {SHAPE[0]} x {SHAPE[1]} pixels, 20 "
        "elements, reading and writing included.",
        "",
        "| scene | detector | times rx |",
        "|---|---|---|",
    ]
    for scene in SCENES:
        with tempfile.TemporaryDirectory() as folder:
            scan = str(Path(folder) / "scan")
            command("sample", scan, "--scene", scene, "--size", *SHAPE)
            seconds = {
                name: command("detect", scan, "-o", f"{folder}/{name}", "--detector", name)
                for name in DETECTORS
            }
        print(scene, {name: round(value, 1) for name, value in seconds.items()}, flush=True)
        lines += [
            f"| {scene} | {name} | {value / seconds['rx']:.1f} |" for name, value in seconds.items()
        ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
