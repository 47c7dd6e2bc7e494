"""Run the main job on real scans with three detectors and write what was found.

    MINERAL_ANOMALY_DATA=... python benchmarks/real_scans.py --runs FOLDER [--detectors rx ...]

Each run is `mineral-anomaly detect` in a process of its own, so time and peak memory are those that
a user sees. FOLDER keeps the runs: a second start continues where the first stopped. Every start
writes docs/measured/real_scans.md and the loss curves from all runs in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly import AnomalyResult, ElementCube, read_maps
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS
from napari_mineral_anomaly.grains.table import find_grains
from napari_mineral_anomaly.io.run_files import (
    CONTRIBUTIONS_FILE,
    GRAINS_FILE,
    LABELS_FILE,
    MASK_FILE,
    MODEL_FILES,
    MODEL_FOLDER,
    RUN_FILE,
    RUN_FILES,
    SCORE_FILE,
    WORLD_FILES,
)
from napari_mineral_anomaly.runs.report.drawing import figure_png, new_figure
from napari_mineral_anomaly.scan.robust import MAD_TO_SIGMA

SCANS = {
    "metapelite_arac01b": ["--pixel-size", "5"],
    "pixl_castle_geyser": [],
    "semarkona_obj1": [],
    "ironstone_muxrf": ["--pixel-size", "20"],
    "xminlearn/AS14_1/tiff": [],
    "chloritoid_epma": [],
}
DETECTORS = ("rx", "msfa", "msfa-paper")
CONTRACT = (
    *(name for name in RUN_FILES if name not in {MODEL_FOLDER, *WORLD_FILES}),
    *(f"{MODEL_FOLDER}/{name}" for name in MODEL_FILES),
)
# Scans whose first grains are listed, and those whose losses are drawn.
LISTED = ("metapelite_arac01b", "pixl_castle_geyser")
DRAWN = ("metapelite_arac01b", "pixl_castle_geyser", "ironstone_muxrf")
# Rare grains of the metapelite: areas where an element is this far above the median of the scan.
RARE_ELEMENTS = ("Zr", "P", "S")
RARE_SIGMAS = 6.0
TOP = 10
# The drawn loss is a median over this many steps, because tiles differ more than steps do.
SMOOTHED = 25
# Where the default threshold gives fewer than `TOP` grains, the pixels with the highest scores are
# listed instead: the smallest of these shares of all pixels that gives `TOP` grains.
FALLBACK_SHARES = (0.002, 0.005, 0.01, 0.02)
EIGHT = np.ones((3, 3), dtype=bool)
DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Found:
    """The results of one run: ``record`` is its run.json, ``grains`` its table."""

    name: str
    scan: Path
    detector: str
    record: dict[str, Any]
    grains: pd.DataFrame
    mask: NDArray[np.bool_]
    folder: Path


@cache
def cube_of(scan: Path) -> ElementCube:
    """The maps of a scan."""
    return read_maps(scan)


def run(scan: Path, detector: str, options: list[str], out: Path) -> None:
    """Run `mineral-anomaly detect` once, and check that it wrote every file of the contract."""
    command = [sys.executable, "-m", "napari_mineral_anomaly", "detect", str(scan)]
    command += ["-o", str(out), "--detector", detector, "--overwrite", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    absent = [name for name in CONTRACT if not (out / name).exists()]
    if absent:
        raise SystemExit(f"{scan.name}, {detector}: missing {', '.join(absent)}")


def read_run(name: str, scan: Path, detector: str, out: Path) -> Found:
    """The results in the folder of a finished run."""
    texts = dict.fromkeys((*DRIVER_COLUMNS, "mineral_hint", "flags"), str)
    return Found(
        name,
        scan,
        detector,
        json.loads((out / RUN_FILE).read_text(encoding="utf-8")),
        pd.read_csv(out / GRAINS_FILE, dtype=texts, keep_default_na=False),
        tifffile.imread(out / MASK_FILE) > 0,
        out,
    )


def with_more_grains(found: Found) -> tuple[float, pd.DataFrame, NDArray[np.bool_]]:
    """Share of the pixels that is listed, the grains and the mask; see `FALLBACK_SHARES`."""
    score = tifffile.imread(found.folder / SCORE_FILE)
    cube = cube_of(found.scan)
    for share in FALLBACK_SHARES:
        result = AnomalyResult(
            score=score,
            threshold=float(np.nanquantile(score, 1 - share)),
            contributions=tifffile.imread(found.folder / CONTRIBUTIONS_FILE),
            pseudo_labels=tifffile.imread(found.folder / LABELS_FILE),
            elements=cube.elements,
        )
        grains = find_grains(result, cube=cube)
        if len(grains) >= TOP:
            break
    return share, grains, result.mask


def rare_grains(scan: Path, element: str) -> tuple[NDArray[np.int32], int]:
    """Label the areas where an element's Anscombe counts exceed the median by `RARE_SIGMAS`.

    The scale is 1.4826 MAD, at least 1 (the counting noise of Anscombe-transformed counts).
    """
    cube = cube_of(scan)
    plane = cube.plane(cube.elements.index(element)).astype(np.float64)
    stabilised = 2.0 * np.sqrt(plane + 0.375)
    centre = np.median(stabilised)
    sigma = max(1.0, MAD_TO_SIGMA * float(np.median(np.abs(stabilised - centre))))
    return ndimage.label(stabilised - centre > RARE_SIGMAS * sigma, structure=EIGHT)


def top_grain_mask(mask: NDArray[np.bool_], grains: pd.DataFrame) -> NDArray[np.bool_]:
    """Pixels of the first `TOP` grains of the list."""
    labels, _ = ndimage.label(mask, structure=EIGHT)
    first = grains.head(TOP)
    rows = first["centroid_y_px"].round().astype(int)
    columns = first["centroid_x_px"].round().astype(int)
    # The centroid of a ring-shaped grain may lie outside it: take the nearest pixel of a grain.
    _, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    ids = {int(labels[tuple(nearest[:, y, x])]) for y, x in zip(rows, columns, strict=True)}
    return np.isin(labels, sorted(ids))


def first_grains(found: Found) -> list[str]:
    """The first ten grains of a run, and for the metapelite how many of its rare grains it has."""
    grains, mask = found.grains, found.mask
    how = "at the default threshold"
    if len(grains) < TOP:
        n_default = len(grains)
        share, grains, mask = with_more_grains(found)
        how = f"{n_default} at the default threshold, so the top {share:.1%} of the pixels"
    lines = ["", f"**{found.detector}**, first grains of {found.name} ({how}):", ""]
    lines += [
        "| rank | peak score | px | row, column | drivers | mineral that fits | flags |",
        "|---|---|---|---|---|---|---|",
    ]
    for _, grain in grains.head(TOP).iterrows():
        named = " ".join(str(grain[column]) for column in DRIVER_COLUMNS if grain[column])
        lines.append(
            f"| {grain['rank']} | {grain['peak_score']:.1f} | {grain['area_px']} "
            f"| {grain['centroid_y_px']:.0f}, {grain['centroid_x_px']:.0f} | {named} "
            f"| {grain['mineral_hint']} | {grain['flags']} |"
        )
    if found.name == "metapelite_arac01b":
        lines += ["", *rare_grains_found(found.scan, mask, grains)]
    return lines


def rare_grains_found(scan: Path, mask: NDArray[np.bool_], grains: pd.DataFrame) -> list[str]:
    """How many of the Zr, P and S grains of the metapelite are in a list of grains."""
    top = top_grain_mask(mask, grains)
    lines = []
    for element in RARE_ELEMENTS:
        labels, n = rare_grains(scan, element)
        listed = np.setdiff1d(np.unique(labels[mask]), 0).size
        first = np.setdiff1d(np.unique(labels[top]), 0).size
        lines.append(
            f"- {element}: {n} rare grains (more than {RARE_SIGMAS:g} sigmas above the scan); "
            f"{listed} are in the list, {first} among its first {TOP} grains."
        )
    return lines


def draw_losses(runs: list[Found]) -> bytes:
    """Training loss of msfa on the scans of `DRAWN`; a dotted line separates the two stages."""
    figure = new_figure(9.0, 2.8)
    for number, found in enumerate(runs, start=1):
        axes = figure.add_subplot(1, len(runs), number)
        curve = pd.DataFrame(found.record["loss_curve"])
        steps = np.arange(1, len(curve) + 1)
        axes.plot(steps, curve["loss"], linewidth=0.3, color="C0", label="each step")
        of_stage = curve.groupby("stage")["loss"]
        smooth = of_stage.transform(lambda loss: loss.rolling(SMOOTHED, min_periods=1).median())
        axes.plot(steps, smooth, color="C0", label=f"median of {SMOOTHED}")
        axes.axvline(1 + int((curve["stage"] == 1).sum()), color="grey", linewidth=0.8, ls=":")
        axes.set_yscale("log")
        axes.set_title(found.name, fontsize=9)
        axes.set_xlabel("step")
        if number == 1:
            axes.set_ylabel("loss")
            axes.legend(frameon=False, fontsize=8)
    return figure_png(figure)


def write_page(runs: list[Found]) -> None:
    """Write the page and the loss curves from all runs."""
    lines = [
        "| scan | detector | seconds | times rx | peak MB | flagged px | grains |",
        "|---|---|---|---|---|---|---|",
    ]
    reference: dict[Path, float] = {}
    for found in runs:
        record = found.record
        seconds = sum(record["timings"].values())
        if found.detector == "rx":
            reference[found.scan] = seconds
        ratio = f"{seconds / reference[found.scan]:.1f}" if found.scan in reference else ""
        lines.append(
            f"| {found.name} | {found.detector} | {seconds:.1f} | {ratio} "
            f"| {record['peak_memory_mb']:.0f} | {record['n_flagged']} of {record['n_valid']} "
            f"| {record['n_grains']} |"
        )
    drawn = [found for found in runs if found.detector == "msfa" and found.name in DRAWN]
    if drawn:
        (DOCS / "images" / "real_scans_loss.png").write_bytes(draw_losses(drawn))
        lines += ["", "![Loss of msfa on real scans](images/real_scans_loss.png)"]
    for found in runs:
        if found.name in LISTED:
            lines += first_grains(found)
    page = DOCS / "measured" / "real_scans.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written: {page}")


def main() -> None:
    """Run what is missing, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, required=True, help="folder that keeps the runs")
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS))
    parser.add_argument("--scans", nargs="+", default=list(SCANS))
    arguments = parser.parse_args()
    root = Path(os.environ["MINERAL_ANOMALY_DATA"]) / "maps"
    finished = []
    for name, options in SCANS.items():
        for detector in DETECTORS:
            out = arguments.runs / name.replace("/", "_") / detector
            wanted = name in arguments.scans and detector in arguments.detectors
            if wanted and not (out / RUN_FILE).exists():
                print(f"{detector} on {name}", flush=True)
                run(root / name, detector, options, out)
            if (out / RUN_FILE).exists():
                finished.append(read_run(name, root / name, detector, out))
    write_page(finished)


if __name__ == "__main__":
    main()
