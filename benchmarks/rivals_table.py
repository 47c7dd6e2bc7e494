"""Compare the detectors without a network on scenes with truth and write the table.

    python benchmarks/prepare_minerals.py MINERALS
    MINERAL_ANOMALY_DATA=... python benchmarks/rivals_table.py MINERALS [--rows ROWS.jsonl]

Runs the code of `mineral-anomaly benchmark`, one process at a time, and writes
docs/measured/rivals.md. Every finished run is added to ROWS.jsonl at once; a second start goes on
where the first stopped.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pandas as pd

from napari_mineral_anomaly.benchmarking import (
    ALL_FAMILIES,
    parse_scenes,
    plan_runs,
    run_benchmark,
    summarise,
)
from napari_mineral_anomaly.run_record import plain

AIRBORNE = ("abu-airport-1", "abu-beach-1", "abu-beach-4", "abu-urban-1", "hydice-urban")
MINERALS = ("AS14_1", "ME_17_1")
SIMULATED = ("easy:0", "hard:0", "artefacts:0")
DETECTORS = ("rx", "robust-rx", "local-rx", "pca", "knn", "iforest", "crd")
# Collaborative representation solves a system as large as the element list for every pixel: a
# minute or more per scene of two hundred bands, seconds with a dozen elements.
SKIPPED = {("crd", name) for name in AIRBORNE}
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "rivals.md"
METRICS = {"ap": "Average precision", "auc": "AUC (Pd, Pf)", "pauc_1e3": "Mean Pd up to Pf 0.001"}


def run_missing(scenes: list[str], rows_file: Path) -> list[dict]:
    """Rows of all runs: those in ``rows_file``, and the missing ones, which are added to it."""
    rows = []
    if rows_file.exists():
        lines = rows_file.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
    done = {(row["scene"], row["detector"]) for row in rows}
    planned = [
        run
        for detector in DETECTORS
        for run in plan_runs(parse_scenes(scenes), [detector], 1)
        if (run[0].name, detector) not in done and (detector, run[0].name) not in SKIPPED
    ]
    for run in run_benchmark(planned):
        row = plain(run.row)
        rows.append(row)
        with rows_file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        print(f"{row['scene']} {row['detector']}: {row['seconds']:.1f} s", flush=True)
    return rows


def markdown(table: pd.DataFrame, digits: dict[str, int]) -> list[str]:
    """A table in Markdown; empty cells for what is missing."""
    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * table.shape[1]]
    for row in table.to_dict("records"):
        cells = [
            ""
            if pd.isna(value)
            else f"{value:.{digits.get(name, 4)}f}"
            if isinstance(value, float)
            else str(value)
            for name, value in row.items()
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def page(rows: list[dict]) -> str:
    """The page, with a front matter that keeps Sphinx from asking for a place in the contents."""
    summary = summarise(rows).drop(columns=["auc_sd", "ap_sd"])
    table = pd.DataFrame(rows)
    order = [*table["family"].drop_duplicates().sort_values(), ALL_FAMILIES]
    lines: list[str] = []
    lines += [
        "Made by `benchmarks/rivals_table.py` with the defaults of every detector and seed 0, one "
        "process at a time on one core. Seconds are those of fit and score. Mean over the scenes "
        "of a family, then over the families (all); crd did not run on the airborne scenes and so "
        "has no mean over the families. Anomalous pixels: see the last table.",
    ]
    for family in order:
        part = summary[summary["family"] == family].drop(columns="family")
        lines += ["", f"### {family.capitalize()}", "", *markdown(part, {"seconds": 1})]
    for key, title in METRICS.items():
        wide = table.pivot(index="scene", columns="detector", values=key)
        wide = wide.loc[table["scene"].drop_duplicates(), table["detector"].drop_duplicates()]
        lines += ["", f"### {title} by scene", "", *markdown(wide.reset_index(), {})]
    wide = table.pivot(index="scene", columns="detector", values="n_flagged").astype(object)
    wide = wide.loc[table["scene"].drop_duplicates(), table["detector"].drop_duplicates()]
    truth = table.drop_duplicates("scene").set_index("scene")["n_anomaly"]
    wide.insert(0, "anomalous pixels", truth)
    lines += ["", "### Pixels at or above the default threshold, by scene", ""]
    lines += markdown(wide.reset_index(), dict.fromkeys(wide.columns, 0))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is missing, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minerals", type=Path, help="folder that prepare_minerals.py made")
    parser.add_argument("--rows", type=Path, default=Path("rivals_rows.jsonl"))
    arguments = parser.parse_args()
    data = os.environ.get("MINERAL_ANOMALY_DATA")
    if not data:
        raise SystemExit("MINERAL_ANOMALY_DATA is not set: it names the folder of the real scans.")
    scenes = [str(Path(data) / "hsi" / f"{name}.mat") for name in AIRBORNE]
    scenes += [str(arguments.minerals / name) for name in MINERALS]
    rows = run_missing([*scenes, *SIMULATED], arguments.rows)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(rows), encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
