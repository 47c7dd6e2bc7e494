"""Time of `read_maps` compared with `tifffile.imread` of the same files, and its peak memory.

    python benchmarks/read_maps.py [--elements 20] [--size 1500 1600] [--repeats 9] [--no-page]

Both readings run in turn in one process on files that were just written, so both read from the same
cache. The page gives the medians of the ratios, by the clock and by processor time. The peak is
measured in a process of its own, as the growth of its resident memory after the imports. A Zarr
store of 12 million pixels is measured in the same way: it is opened and its first layer is read.
Writes docs/measured/read_maps.md; needs 1.3 GB of disk while it runs (in TMPDIR).
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
from typing import Any

import numpy as np
import tifffile
import zarr

from napari_mineral_anomaly.io import read_maps

PAGE = Path(__file__).parents[1] / "docs" / "measured" / "read_maps.md"
ELEMENTS = [
    *("Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti"),
    *("V", "Cr", "Mn", "Fe", "Ni", "Cu", "Zn", "As", "Sr", "Zr"),
]
LARGE = (3000, 4000)

# Linux reports the peak since the last reset; writing 5 to clear_refs resets it.
_PEAK = """
import json, sys, time
from pathlib import Path
import numpy as np
from napari_mineral_anomaly.io import read_maps
def kb(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))
read_maps(sys.argv[2])  # loads the modules that are imported late
Path("/proc/self/clear_refs").write_text("5")
before = kb("VmRSS")
started = time.process_time()
cube = read_maps(sys.argv[1])
opened = time.process_time() - started
if sys.argv[3] == "lazy":
    np.asarray(cube.plane(0))
    layer = time.process_time() - started
print(json.dumps({
    "peak_mb": (kb("VmHWM") - before) / 1024,
    "cube_mb": cube.maps.nbytes / 2**20,
    "open_cpu_s": opened,
    "layer_cpu_s": layer if sys.argv[3] == "lazy" else None,
}))
"""


def main() -> None:
    """Write the scans, read them, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elements", type=int, default=20)
    parser.add_argument("--size", type=int, nargs=2, default=(1500, 1600))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--no-page", action="store_true", help="only print")
    arguments = parser.parse_args()
    size, elements = tuple(arguments.size), ELEMENTS[: arguments.elements]
    with tempfile.TemporaryDirectory() as folder:
        scan, small = Path(folder, "scan"), Path(folder, "small")
        write_scan(scan, elements, size)
        write_scan(small, ELEMENTS[:2], (20, 20))
        found = times(scan, arguments.repeats) | memory(scan, small, "whole")
        large, small_store = Path(folder, "large.zarr"), Path(folder, "small.zarr")
        write_store(small_store, ELEMENTS[:2], (20, 20))
        write_store(large, elements, LARGE)
        lazy = memory(large, small_store, "lazy")
    text = page(found, lazy, size, len(elements))
    print(text)
    if not arguments.no_page:
        PAGE.write_text(text, encoding="utf-8")


def page(
    found: dict[str, float], lazy: dict[str, float], size: tuple[int, int], n_elements: int
) -> str:
    """The text of the page."""
    lines = [
        f"Made by `benchmarks/read_maps.py`: {n_elements} uncompressed uint16 TIFFs of "
        f"{size[0]} x {size[1]} pixels ({found['cube_mb']:.0f} MB).",
        "",
        "| | measured | bar |",
        "|---|---:|---:|",
        f"| `read_maps` ÷ `tifffile.imread` of the same files, processor time | "
        f"{found['cpu_ratio']:.2f} | 1.5 |",
        f"| the same by the clock | {found['ratio']:.2f} | 1.5 |",
        f"| peak memory of `read_maps` ÷ the maps | {found['peak_in_cubes']:.2f} | 2.5 |",
        f"| a Zarr store of {LARGE[0]} x {LARGE[1]} x {n_elements} ({lazy['cube_mb']:.0f} MB), "
        f"opened, first layer read: peak memory ÷ the maps | {lazy['peak_in_cubes']:.2f} | |",
        "",
        f"`read_maps` took {found['read_maps_cpu_s']:.2f} s of processor time, `imread` "
        f"{found['imread_cpu_s']:.2f} s; opening the store and reading its first layer "
        f"{lazy['layer_cpu_s']:.2f} s. Medians of the ratios of readings in turn.",
    ]
    return "\n".join(lines) + "\n"


def write_scan(folder: Path, elements: list[str], shape: tuple[int, int]) -> None:
    """Counts as uint16, one uncompressed TIFF per element."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, element in enumerate(elements):
        tifffile.imwrite(folder / f"{element}.tif", rng.poisson(3 + number, shape).astype("u2"))


def write_store(path: Path, elements: list[str], shape: tuple[int, int]) -> None:
    """The same as a Zarr store, a map at a time."""
    array = zarr.create_array(
        str(path), shape=(len(elements), *shape), chunks=(1, 512, 512), dtype="u2"
    )
    array.attrs.update({"elements": elements, "pixel_size_um": 20.0})
    rng = np.random.default_rng(0)
    for number in range(len(elements)):
        array[number] = rng.poisson(3 + number, shape).astype("u2")


def times(scan: Path, repeats: int) -> dict[str, float]:
    """Seconds of both readings, and the medians of their ratios."""
    files = sorted(map(str, scan.iterdir()))

    def timed(read: Any, *given: Any) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        read(*given)
        return time.perf_counter() - wall, time.process_time() - cpu

    read_maps(scan)  # loads the modules that are imported late
    pairs = [(timed(tifffile.imread, files), timed(read_maps, scan)) for _ in range(repeats)]
    return {
        "imread_cpu_s": statistics.median(plain[1] for plain, _ in pairs),
        "read_maps_cpu_s": statistics.median(ours[1] for _, ours in pairs),
        "ratio": statistics.median(ours[0] / plain[0] for plain, ours in pairs),
        "cpu_ratio": statistics.median(ours[1] / plain[1] for plain, ours in pairs),
    }


def memory(scan: Path, small: Path, kind: str) -> dict[str, float]:
    """Peak memory of reading, and as a multiple of the cube."""
    run = subprocess.run(
        [sys.executable, "-c", _PEAK, str(scan), str(small), kind],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found | {"peak_in_cubes": found["peak_mb"] / found["cube_mb"]}


if __name__ == "__main__":
    main()
