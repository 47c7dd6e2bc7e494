"""Run the main job on real scans with every detector and write what was found.

    MINERAL_ANOMALY_DATA=... python benchmarks/real_scans.py [--detectors rx] [--scans NAME ...]

Each run is `mineral-anomaly detect` in a process of its own, so time and peak memory are those a
user sees. Writes docs/measured/real_scans.md; the runs themselves stay in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage

from napari_mineral_anomaly import AnomalyResult, read_maps
from napari_mineral_anomaly.grains import find_grains

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
    "anomaly_score.ome.tif",
    "anomaly_mask.tif",
    "pseudo_labels.tif",
    "element_contributions.ome.tif",
    "grains.csv",
    "overview.png",
    "report.html",
    "run.json",
    "ingest.json",
    "model/weights.safetensors",
    "model/model.json",
)
# Rare grains of the metapelite: areas whose element stands this far above the scan.
RARE_ELEMENTS = ("Zr", "P", "S")
RARE_SIGMAS = 6.0
TOP = 10
# Where the default threshold gives fewer grains than that, this share of the pixels is listed.
FALLBACK_SHARE = 0.002
EIGHT = np.ones((3, 3), dtype=bool)
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "real_scans.md"


def rare_grains(scan: Path, element: str) -> tuple[np.ndarray, int]:
    """Label the areas where an element's Anscombe counts exceed the median by `RARE_SIGMAS`.

    The scale is 1.4826 MAD, at least 1 (the counting noise of Anscombe-transformed counts).
    """
    cube = read_maps(scan)
    plane = cube.plane(cube.elements.index(element)).astype(np.float64)
    stabilised = 2.0 * np.sqrt(plane + 0.375)
    centre = np.median(stabilised)
    sigma = max(1.0, 1.4826 * float(np.median(np.abs(stabilised - centre))))
    return ndimage.label(stabilised - centre > RARE_SIGMAS * sigma, structure=EIGHT)


def run(scan: Path, detector: str, options: list[str], out: Path) -> dict:
    """One `mineral-anomaly detect`; returns run.json, the grains and the anomaly mask."""
    command = [sys.executable, "-m", "napari_mineral_anomaly", "detect", str(scan)]
    command += ["-o", str(out), "--detector", detector, "--overwrite", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    absent = [name for name in CONTRACT if not (out / name).exists()]
    if absent:
        raise SystemExit(f"{scan.name}, {detector}: missing {', '.join(absent)}")
    return {
        "record": json.loads((out / "run.json").read_text(encoding="utf-8")),
        "grains": pd.read_csv(out / "grains.csv"),
        "mask": tifffile.imread(out / "anomaly_mask.tif") > 0,
        "score": tifffile.imread(out / "anomaly_score.ome.tif"),
        "contributions": tifffile.imread(out / "element_contributions.ome.tif"),
    }


def top_share(found: dict) -> tuple[pd.DataFrame, np.ndarray]:
    """Grains and mask at the threshold that flags `FALLBACK_SHARE` of the pixels."""
    record, score = found["record"], found["score"]
    result = AnomalyResult(
        score=score,
        threshold=float(np.nanquantile(score, 1 - FALLBACK_SHARE)),
        contributions=found["contributions"],
        pseudo_labels=np.full(score.shape, 2, dtype=np.uint16),
        elements=tuple(record["elements"]),
        pixel_size=tuple(record["pixel_size_um"]),
    )
    return find_grains(result), result.mask


def top_grain_mask(mask: np.ndarray, grains: pd.DataFrame) -> np.ndarray:
    """Pixels of the first `TOP` grains of the list."""
    labels, _ = ndimage.label(mask, structure=EIGHT)
    first = grains.head(TOP)
    rows = first["centroid_y_px"].round().astype(int)
    columns = first["centroid_x_px"].round().astype(int)
    # A ring-shaped grain may not hold its own centroid: take the nearest grain pixel.
    _, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    ids = {int(labels[tuple(nearest[:, y, x])]) for y, x in zip(rows, columns, strict=True)}
    return np.isin(labels, sorted(ids))


def drivers(grain: pd.Series) -> str:
    """The driving elements of one grain, as in grains.csv."""
    values = (grain.get(f"driver_{k}") for k in range(1, 6))
    return " ".join(str(value) for value in values if isinstance(value, str))


def main() -> None:
    """Run the scans and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS))
    parser.add_argument("--scans", nargs="+", default=list(SCANS))
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    root = Path(os.environ["MINERAL_ANOMALY_DATA"]) / "maps"

    lines = [
        "| scan | detector | seconds | times rx | peak MB | flagged px | grains |",
        "|---|---|---|---|---|---|---|",
    ]
    details: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.scans:
            reference = None
            for detector in arguments.detectors:
                out = Path(work) / name.replace("/", "_") / detector
                found = run(root / name, detector, SCANS[name], out)
                record = found["record"]
                seconds = sum(record["timings"].values())
                reference = seconds if detector == "rx" else reference
                ratio = "" if reference is None else f"{seconds / reference:.1f}"
                lines.append(
                    f"| {name} | {detector} | {seconds:.1f} | {ratio} "
                    f"| {record['peak_memory_mb']:.0f} | {record['n_flagged']} of "
                    f"{record['n_valid']} | {record['n_grains']} |"
                )
                print(lines[-1], flush=True)
                if name == "metapelite_arac01b":
                    details += metapelite_details(root / name, detector, found)
    arguments.page.parent.mkdir(exist_ok=True)
    arguments.page.write_text("\n".join(lines + details) + "\n", encoding="utf-8")
    print(f"written: {arguments.page}")


def metapelite_details(scan: Path, detector: str, found: dict) -> list[str]:
    """The first ten grains, and which of the Zr, P and S grains the list holds."""
    grains, mask = found["grains"], found["mask"]
    how = "at the default threshold"
    if len(grains) < TOP:
        how = f"{len(grains)} grains at the default threshold, so the top {FALLBACK_SHARE:.1%}"
        grains, mask = top_share(found)
    out = ["", f"**{detector}**, first {TOP} grains of metapelite_arac01b ({how}):", ""]
    out += ["| rank | peak score | px | centroid y, x (µm) | drivers |", "|---|---|---|---|---|"]
    for _, grain in grains.head(TOP).iterrows():
        out.append(
            f"| {grain['rank']} | {grain['peak_score']:.1f} | {grain['area_px']} "
            f"| {grain['centroid_y_um']:.0f}, {grain['centroid_x_um']:.0f} | {drivers(grain)} |"
        )
    top = top_grain_mask(mask, grains)
    out.append("")
    for element in RARE_ELEMENTS:
        labels, n = rare_grains(scan, element)
        listed = np.setdiff1d(np.unique(labels[mask]), 0).size
        first = np.setdiff1d(np.unique(labels[top]), 0).size
        out.append(
            f"- {element}: {n} rare grains (more than {RARE_SIGMAS:g} sigmas above the scan); "
            f"{listed} are in the list, {first} among its first {TOP} grains."
        )
    return out


if __name__ == "__main__":
    main()
