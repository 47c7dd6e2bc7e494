"""The first rows of the grain list on every real scan: what is each, by a rule and to judge.

    MINERAL_ANOMALY_DATA=... python benchmarks/first_rows.py --scores FOLDER
                             [--detectors msfa rx] [--scans maps/semarkona_obj1 ...] [--rows 20]

Prints the rows, numbers and names only, and writes docs/measured/first_rows.md (not with
--no-page): how many of them are real, cut, artefacts or noise by the rule of `row_kinds.py`.
Scores are kept in FOLDER: a second start continues where the first stopped, and lists of two
versions of this package can be compared on the same scores. ``--kept-only`` runs no detector.
Seed 0, all settings at their defaults.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from napari_mineral_anomaly import AnomalyResult, ElementCube, detect, read_maps
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS, GRAIN
from napari_mineral_anomaly.grains.details import with_details
from napari_mineral_anomaly.grains.table import detail_grains, list_grains
from row_kinds import KINDS, kinds_of_rows

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


PAGE = Path(__file__).parents[1] / "docs" / "measured" / "first_rows.md"


def result_of(cube: ElementCube, detector: str, kept: Path) -> AnomalyResult:
    """The result of a detector, from a file where it is there."""
    if not kept.exists():
        result = detect(cube, detector, seed=0)
        kept.parent.mkdir(parents=True, exist_ok=True)
        found_by = np.zeros(0, np.uint8) if result.found_by is None else result.found_by
        np.savez_compressed(
            kept, score=result.score, threshold=result.threshold, found_by=found_by,
            contributions=np.asarray(result.contributions), labels=result.pseudo_labels,
            questions=json.dumps(result.info.details.get("questions")),
        )  # fmt: skip
    with np.load(kept) as file:
        found_by = file["found_by"] if "found_by" in file else np.zeros(0)
        return AnomalyResult(
            file["score"], float(file["threshold"]), file["contributions"], file["labels"],
            cube.elements, cube.pixel_size, found_by=found_by if found_by.size else None,
        ).with_info(questions=json.loads(str(file["questions"])))  # fmt: skip


def lines_of(table: pd.DataFrame, kinds: list[str]) -> list[str]:
    """One line for each row of the list."""
    lines = []
    for row, kind in zip(table.to_dict("records"), kinds, strict=True):
        drivers = " ".join(row[column] for column in DRIVER_COLUMNS[:N_DRIVERS])
        hint = row["mineral_hint"] or "-"
        if np.isfinite(row["mineral_distance"]):
            hint += f" {row['mineral_distance']:.2f}"
        if row["mineral_others"]:
            hint += f" ({row['mineral_others']})"
        line = "above" if row["above_threshold"] else "below"
        lines.append(
            f"{row['rank']:3d} {line} {row['kind'][:5]} {kind:8s} {row['peak_score']:6.1f} "
            f"{row['area_px']:5d} px  {row['centroid_y_px']:5.0f},{row['centroid_x_px']:4.0f}  "
            f"{drivers:28s} {hint}  {row['flags']}"
        )
    return lines


def counted(scan: str, detector: str, table: pd.DataFrame, kinds: list[str]) -> str:
    """A row of the page."""
    of = Counter(kinds)
    hinted = sum(
        kind in ("real", "edge") and bool(hint)
        for kind, hint in zip(kinds, table["mineral_hint"], strict=True)
    )
    n_above = int(table["above_threshold"].sum())
    name = scan.removesuffix("/tiff").split("/", 1)[1]
    numbers = " | ".join(str(of[kind]) for kind in KINDS)
    return f"| {name} | {detector} | {len(table)} | {n_above} | {numbers} | {hinted} |"


def main() -> None:
    """Print the rows of all scans and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--detectors", nargs="+", default=["msfa", "rx"])
    parser.add_argument("--scans", nargs="+", default=list(SCANS))
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--kept-only", action="store_true", help="run no detector")
    parser.add_argument("--no-page", action="store_true")
    options = parser.parse_args()
    page = []
    for scan in options.scans:
        cube = read_maps(Path(os.environ["MINERAL_ANOMALY_DATA"]) / scan)
        print(f"\n## {scan}: {cube.quantity}, {', '.join(cube.elements)}")
        for detector in options.detectors:
            kept = options.scores / f"{detector}_{scan.replace('/', '_')}.npz"
            if options.kept_only and not kept.exists():
                continue
            result = result_of(cube, detector, kept)
            grains = list_grains(result, cube=cube, n_rows=options.rows)
            details = detail_grains(cube, result, grains)
            kinds = kinds_of_rows(cube, result, grains, details)
            table = with_details(grains.table, grains.rows, details)
            n_above = int(table["above_threshold"].sum())
            print(f"\n### {detector}: threshold {result.threshold:.1f}, {n_above} above")
            print("\n".join(lines_of(table, kinds)[: options.rows + 3]), flush=True)
            grain = (table["kind"] == GRAIN).to_numpy()[: options.rows]
            first = table.head(options.rows)[grain]
            own = [kind for kind, use in zip(kinds, grain, strict=False) if use]
            page.append(counted(scan, detector, first, own))
    head = ["scan", "list of", "rows", "above the threshold", *KINDS, "real or edge, with a hint"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *page]
    print("\n" + "\n".join(lines))
    if not options.no_page:
        PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
