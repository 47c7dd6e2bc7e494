"""How long `read_maps` takes beside `tifffile.imread` of the same files, and its peak memory.

    python benchmarks/read_maps.py [--elements 20] [--size 1500 1600] [--repeats 7]

Both readings run in turn in one process on files that were just written (so both come from the
same cache), and the median ratio is told. The peak is measured in a process of its own, as the
growth of its resident memory over what it had after importing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from napari_mineral_anomaly.io import read_maps

ELEMENTS = [
    *("Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti"),
    *("V", "Cr", "Mn", "Fe", "Ni", "Cu", "Zn", "As", "Sr", "Zr"),
]

# Linux tells the peak since the last reset; writing 5 to clear_refs resets it.
_PEAK = """
import json, sys
from pathlib import Path
from napari_mineral_anomaly.io import read_maps
def kb(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))
read_maps(sys.argv[2])  # imports what is imported late
Path("/proc/self/clear_refs").write_text("5")
before = kb("VmRSS")
cube = read_maps(sys.argv[1])
print(json.dumps({"peak_mb": (kb("VmHWM") - before) / 1024, "cube_mb": cube.maps.nbytes / 2**20}))
"""


def main() -> None:
    """Write the scan, read it both ways, tell the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=20)
    parser.add_argument("--size", type=int, nargs=2, default=(1500, 1600))
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan, small = Path(folder, "scan"), Path(folder, "small")
        write_scan(scan, ELEMENTS[: arguments.elements], tuple(arguments.size))
        write_scan(small, ELEMENTS[:2], (20, 20))
        result = times(scan, arguments.repeats) | memory(scan, small)
    print(json.dumps(result, indent=2))


def write_scan(folder: Path, elements: list[str], shape: tuple[int, int]) -> None:
    """Counts as uint16, one uncompressed TIFF per element."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, element in enumerate(elements):
        tifffile.imwrite(folder / f"{element}.tif", rng.poisson(3 + number, shape).astype("u2"))


def times(scan: Path, repeats: int) -> dict[str, float]:
    """Seconds of both readings, and the median of their ratios."""
    files = sorted(map(str, scan.iterdir()))
    plain, ours = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        tifffile.imread(files)
        middle = time.perf_counter()
        read_maps(scan)
        plain.append(middle - start)
        ours.append(time.perf_counter() - middle)
    return {
        "imread_s": round(statistics.median(plain), 4),
        "read_maps_s": round(statistics.median(ours), 4),
        "ratio": round(statistics.median(o / p for o, p in zip(ours, plain, strict=True)), 2),
    }


def memory(scan: Path, small: Path) -> dict[str, float]:
    """Peak memory of reading as a multiple of the cube; {} where the system does not tell."""
    if not Path("/proc/self/clear_refs").exists():
        return {}
    run = subprocess.run(
        [sys.executable, "-c", _PEAK, str(scan), str(small)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    return {
        "cube_mb": round(found["cube_mb"], 1),
        "peak_mb": round(found["peak_mb"], 1),
        "peak_in_cubes": round(found["peak_mb"] / found["cube_mb"], 2),
    }


if __name__ == "__main__":
    main()
