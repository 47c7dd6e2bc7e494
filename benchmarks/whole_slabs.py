"""Time and memory of ``detect`` from small sections to whole slabs, stage by stage.

A simulated section is tiled to each size; each tile gets Poisson noise of its own. The maps go to a
Zarr store or to one TIFF per element, uint16, 20 elements. Each size runs in a process of its own,
whose resident memory is looked at every 20 ms; the seconds are those of the processor, so that
other programs do not count. The exponent is the slope of log(seconds), and of log(memory above an
empty run), over log(pixels).

Usage: python benchmarks/whole_slabs.py [--megapixels 0.12 1.2 12] [--detector rx] [--format zarr]
       [--csv FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import tifffile
import zarr

_TILE = (200, 300)


def write_slab(folder: Path, megapixels: float, form: str) -> Path:
    """Tile a simulated section to a slab of so many pixels, with new noise."""
    from napari_mineral_anomaly.simulate import simulate_section

    cube = simulate_section("easy", shape=_TILE, seed=3).cube
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    width = round(megapixels * 1e6 / height)
    rows, columns = -(-height // _TILE[0]), -(-width // _TILE[1])
    folder.mkdir()
    store = None
    if form == "zarr":
        store = zarr.create_array(
            folder / "slab.zarr",
            shape=(cube.n_elements, height, width),
            chunks=(1, 512, 512),
            dtype="uint16",
        )
        store.attrs["elements"] = list(cube.elements)
    for c, name in enumerate(cube.elements):
        rng = np.random.default_rng(c)
        plane = np.tile(cube.plane(c), (rows, columns))[:height, :width]
        for start in range(0, height, 256):
            plane[start : start + 256] = rng.poisson(plane[start : start + 256])
        if store is None:
            tifffile.imwrite(folder / f"{name}.tif", plane)
        else:
            store[c] = plane
    return folder / "slab.zarr" if form == "zarr" else folder


def run_watched(source: Path, out: Path, detector: str) -> list[dict[str, float | str]]:
    """Run the whole job here; processor seconds and peak memory (10^6 bytes) of each stage."""
    from napari_mineral_anomaly.progress import Task
    from napari_mineral_anomaly.runs.scan_to_folder import scan_to_folder

    process = psutil.Process()
    stage = "start"
    peaks: dict[str, float] = {}
    seconds: dict[str, float] = {}
    ended = threading.Event()

    def watch() -> None:
        last = time.process_time()
        while not ended.wait(0.02):
            now = time.process_time()
            peaks[stage] = max(peaks.get(stage, 0.0), process.memory_info().rss / 1e6)
            seconds[stage] = seconds.get(stage, 0.0) + now - last
            last = now

    def follow(event: object) -> None:
        nonlocal stage
        phase, message = event.phase, event.message  # type: ignore[attr-defined]
        stage = f"{phase} {message}".strip() if phase in ("writing", "grains") else phase

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        scan_to_folder([source], out, detector, task=Task(follow))
    finally:
        ended.set()
        watcher.join()
    return [{"stage": name, "seconds": seconds[name], "peak_mb": peaks[name]} for name in peaks]


def exponent(pixels: pd.Series, values: pd.Series) -> float:
    """Slope of log(values) over log(pixels)."""
    return float(np.polyfit(np.log(pixels), np.log(values), 1)[0])


def main() -> None:
    """Run the sizes, print stages, ratios and exponents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.12, 1.2, 12.0])
    parser.add_argument("--detector", default="rx")
    parser.add_argument("--format", choices=("zarr", "tiff"), default="zarr")
    parser.add_argument("--csv", type=Path, help="file for the table of stages")
    parser.add_argument("--watched", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watched:
        source, out, table = map(Path, options.watched)
        pd.DataFrame(run_watched(source, out, options.detector)).to_csv(table, index=False)
        return
    parts = []
    with tempfile.TemporaryDirectory() as scratch:
        for megapixels in options.megapixels:
            place = Path(scratch) / f"{megapixels:g}"
            source = write_slab(place, megapixels, options.format)
            command = [sys.executable, __file__, "--detector", options.detector, "--watched"]
            files = [source, place / "out", place / "stages.csv"]
            subprocess.run([*command, *map(str, files)], check=True)
            stages = pd.read_csv(place / "stages.csv")
            stages.insert(0, "megapixels", megapixels)
            parts.append(stages)
            print(stages.round(1).to_string(index=False), flush=True)
    table = pd.concat(parts)
    if options.csv is not None:
        table.round(2).to_csv(options.csv, index=False)
    whole = table.groupby("megapixels").agg(seconds=("seconds", "sum"), peak_mb=("peak_mb", "max"))
    whole["s_per_mpx"] = whole["seconds"] / whole.index
    base = table.loc[table["stage"] == "start", "peak_mb"].min()
    whole["b_per_value"] = (whole["peak_mb"] - base) / whole.index / 20
    print(whole.round(2).to_string())
    pixels = pd.Series(whole.index)
    print(f"exponent of time {exponent(pixels, whole['seconds']):.3f}")
    print(f"exponent of memory {exponent(pixels, whole['peak_mb'] - base):.3f}")


if __name__ == "__main__":
    main()
