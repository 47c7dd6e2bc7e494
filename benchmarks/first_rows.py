"""Print the first rows of the grain list on every real scan, for a petrologist to judge.

    MINERAL_ANOMALY_DATA=... python benchmarks/first_rows.py --scores FOLDER
                             [--detectors rx msfa] [--scans semarkona_obj1 ...] [--rows 20]

Numbers and names only. Scores are kept in FOLDER, so that lists of two versions of this package can
be compared on the same scores. Seed 0, all settings at their defaults.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

from napari_mineral_anomaly import AnomalyResult, ElementCube, detect, read_maps
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS
from napari_mineral_anomaly.grains.table import find_grains

SCANS = (
    "maps/metapelite_arac01b",
    "maps/pixl_castle_geyser",
    "maps/ironstone_muxrf",
    "maps/semarkona_obj1",
    "maps/semarkona_standards",
    "maps/yellowstone_epma",
    "maps/chloritoid_epma",
    "maps/xminlearn/AS14_1/tiff",
    "maps/xminlearn/ME_17_1/tiff",
    "cubes/LagunaSalinas.rpl",
    "cubes/chevkinite_30x30.bcf",
)
N_DRIVERS = 3


def result_of(cube: ElementCube, detector: str, kept: Path) -> AnomalyResult:
    """The result of a detector, from a file where it is there."""
    if not kept.exists():
        result = detect(cube, detector, seed=0)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            kept, score=result.score, threshold=result.threshold,
            contributions=np.asarray(result.contributions), labels=result.pseudo_labels,
        )  # fmt: skip
    with np.load(kept) as file:
        return AnomalyResult(
            file["score"], float(file["threshold"]), file["contributions"], file["labels"],
            cube.elements, cube.pixel_size,
        )  # fmt: skip


def lines_of(table: pd.DataFrame) -> list[str]:
    """One line for each row of the list."""
    lines = []
    for row in table.to_dict("records"):
        drivers = " ".join(row[column] for column in DRIVER_COLUMNS[:N_DRIVERS])
        hint = row["mineral_hint"] or "-"
        if np.isfinite(row["mineral_distance"]):
            hint += f" {row['mineral_distance']:.2f}"
        if row["mineral_others"]:
            hint += f" ({row['mineral_others']})"
        line = "above" if row["above_threshold"] else "below"
        lines.append(
            f"{row['rank']:3d} {line} {row['kind'][:5]} {row['peak_score']:6.1f} "
            f"{row['area_px']:5d} px  {row['centroid_y_px']:5.0f},{row['centroid_x_px']:4.0f}  "
            f"{drivers:28s} {hint}  {row['flags']}"
        )
    return lines


def main() -> None:
    """Print the rows of all scans."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--detectors", nargs="+", default=["rx", "msfa"])
    parser.add_argument("--scans", nargs="+", default=list(SCANS))
    parser.add_argument("--rows", type=int, default=20)
    options = parser.parse_args()
    for scan in options.scans:
        cube = read_maps(Path(os.environ["MINERAL_ANOMALY_DATA"]) / scan)
        print(f"\n## {scan}: {cube.quantity}, {', '.join(cube.elements)}")
        for detector in options.detectors:
            kept = options.scores / f"{detector}_{scan.replace('/', '_')}.npz"
            result = result_of(cube, detector, kept)
            table = find_grains(result, cube=cube, n_rows=options.rows)
            n_above = int(table["above_threshold"].sum())
            print(f"\n### {detector}: threshold {result.threshold:.1f}, {n_above} above")
            print("\n".join(lines_of(table.head(options.rows + 3))), flush=True)


if __name__ == "__main__":
    main()
