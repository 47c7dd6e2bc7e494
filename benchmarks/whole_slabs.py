"""Time and memory of ``detect`` from small sections to whole slabs, stage by stage.

A simulated section is tiled to each size; each tile gets Poisson noise of its own. The maps go to a
Zarr store or to one TIFF per element, uint16, 20 elements. Each size runs in a process of its own,
whose resident memory is looked at every 20 ms; the seconds are those of the processor, so that
other programs do not count. The exponent is the slope of log(seconds), and of log(memory above an
empty run), over log(pixels).

Usage: python benchmarks/whole_slabs.py [--megapixels 0.12 1.2 12] [--detector rx] [--format zarr]
       [--slabs FOLDER]

Each run is kept in docs/measured/whole_slabs.csv, in place of an earlier one of the same detector,
format and size. The page and the plot beside it show all that is there; without sizes
(``--megapixels``), only they are made again.
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
DOCS = Path(__file__).parents[1] / "docs"
ROWS, PAGE = DOCS / "measured/whole_slabs.csv", DOCS / "measured/whole_slabs.md"
PLOT = DOCS / "images/whole_slabs.svg"
_RUN = ["detector", "format", "megapixels"]
QUICK = "msfa --quick"


def write_slab(folder: Path, megapixels: float, form: str) -> None:
    """Tile a simulated section to a slab of so many pixels, with new noise."""
    from napari_mineral_anomaly.simulate import simulate_section

    cube = simulate_section("easy", shape=_TILE, seed=3).cube
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    width = round(megapixels * 1e6 / height)
    rows, columns = -(-height // _TILE[0]), -(-width // _TILE[1])
    folder.mkdir(parents=True)
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


def run_watched(source: Path, out: Path, detector: str) -> list[dict[str, float | str]]:
    """Run the whole job here; processor seconds and peak memory (10^6 bytes) of each stage."""
    from napari_mineral_anomaly.detectors.registry import make_config
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
        name = "msfa" if detector == QUICK else detector
        config = make_config(name, **({"quick": True} if detector == QUICK else {}))
        scan_to_folder([source], out, name, config, task=Task(follow))
    finally:
        ended.set()
        watcher.join()
    return [{"stage": name, "seconds": seconds[name], "peak_mb": peaks[name]} for name in peaks]


def measure(detector: str, form: str, megapixels: float, kept: Path | None) -> pd.DataFrame:
    """Write a slab and run the job on it in a process of its own; a row per stage."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        slab = (kept or place) / f"{form}-{megapixels:g}"
        if not slab.exists():
            write_slab(slab, megapixels, form)
        source = slab / "slab.zarr" if form == "zarr" else slab
        command = [sys.executable, __file__, "--detector", detector, "--watched"]
        files = [source, place / "out", place / "stages.csv"]
        subprocess.run([*command, *map(str, files)], check=True)
        stages = pd.read_csv(place / "stages.csv").round(2)
    for column, value in zip(_RUN, (detector, form, megapixels), strict=True):
        stages.insert(_RUN.index(column), column, value)
    return stages


def keep(new: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of a run into the file, in place of those of an earlier one."""
    rows = new
    if ROWS.exists():
        known = pd.read_csv(ROWS)
        same = (known[_RUN] == new[_RUN].iloc[0]).all(axis=1)
        rows = pd.concat([known[~same], new]).sort_values(_RUN, kind="stable")
    rows.to_csv(ROWS, index=False)
    return rows


def exponent(pixels: pd.Series, values: pd.Series) -> float:
    """Slope of log(values) over log(pixels)."""
    return float(np.polyfit(np.log(pixels), np.log(values), 1)[0])


def phases(rows: pd.DataFrame) -> pd.DataFrame:
    """Seconds and memory of whole phases; what comes before the first is left out."""
    phase = rows["stage"].str.split().str[0]
    rows = rows.assign(stage=phase)[phase != "start"]
    return rows.groupby([*_RUN, "stage"], as_index=False, sort=False).agg(
        seconds=("seconds", "sum"), peak_mb=("peak_mb", "max")
    )


def write_page(rows: pd.DataFrame) -> None:
    """The tables of whole runs and of phases, and the plot."""
    empty = rows.loc[rows["stage"] == "start", "peak_mb"].min()
    parts = phases(rows)
    whole = parts.groupby(_RUN, as_index=False).agg(
        seconds=("seconds", "sum"), peak_mb=("peak_mb", "max")
    )
    lines = [
        "Made by `benchmarks/whole_slabs.py`: uint16 maps of 20 elements, processor seconds of one "
        f"core. A process without a scan takes {empty:.0f} MB.",
        "",
        "| detector | maps | megapixels | seconds | seconds per megapixel | largest memory, MB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {r.detector} | {r.format} | {r.megapixels:g} | {r.seconds:.1f} | "
            f"{r.seconds / r.megapixels:.1f} | {r.peak_mb:.0f} |"
            for r in whole.itertuples()
        ),
        "",
        "| detector | maps | megapixels | exponent of time | exponent of memory above that |",
        "|---|---|---|---|---|",
    ]
    for (detector, form), one in whole.groupby(_RUN[:2]):
        for n in sorted({len(one), 2} - {1}, reverse=True):
            some = one.nlargest(n, "megapixels").sort_values("megapixels")
            if len(some) == n:
                size = some["megapixels"]
                time_, memory = some["seconds"], some["peak_mb"] - empty
                lines.append(
                    f"| {detector} | {form} | {size.min():g} to {size.max():g} | "
                    f"{exponent(size, time_):.3f} | {exponent(size, memory):.3f} |"
                )
    lines += [
        "",
        "| detector | maps | phase | seconds per megapixel at | MB at |",
        "|---|---|---|---|---|",
    ]
    for (detector, form, phase), one in parts.groupby([*_RUN[:2], "stage"], sort=False):
        each = [f"{r.seconds / r.megapixels:.2f} ({r.megapixels:g})" for r in one.itertuples()]
        memory = [f"{r.peak_mb:.0f} ({r.megapixels:g})" for r in one.itertuples()]
        lines.append(f"| {detector} | {form} | {phase} | {', '.join(each)} | {', '.join(memory)} |")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    _draw(whole)


def _draw(whole: pd.DataFrame) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    titles = {"seconds": "processor seconds", "peak_mb": "largest memory, MB"}
    for axes, (column, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        for (detector, form), one in whole.groupby(_RUN[:2]):
            axes.loglog(one["megapixels"], one[column], "o-", label=f"{detector}, {form}")
        first = whole.sort_values("megapixels").iloc[0]
        sizes = np.array([whole["megapixels"].min(), whole["megapixels"].max()])
        if column == "seconds":
            line = first[column] * sizes / sizes[0]
            axes.loglog(sizes, line, ":", color="grey", label="as the pixels")
        else:
            axes.axhline(4000, ls=":", color="grey", label="4 GB")
        axes.set(xlabel="megapixels", ylabel=title)
        axes.legend(fontsize=8)
    figure.savefig(PLOT, metadata={"Date": None})


def main() -> None:
    """Run the sizes, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="*", default=[])
    parser.add_argument("--detector", default="rx", help=f"a detector, or {QUICK!r}")
    parser.add_argument("--format", choices=("zarr", "tiff"), default="zarr")
    parser.add_argument("--slabs", type=Path, help="keep the slabs in this folder for later runs")
    parser.add_argument("--watched", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watched:
        source, out, table = map(Path, options.watched)
        pd.DataFrame(run_watched(source, out, options.detector)).to_csv(table, index=False)
        return
    for megapixels in options.megapixels:
        new = keep(measure(options.detector, options.format, megapixels, options.slabs))
        print(new.to_string(index=False), flush=True)
    write_page(pd.read_csv(ROWS))


if __name__ == "__main__":
    main()
