"""Does the list hold what detectors rank high? On the scenes of the protocol, from kept score maps.

    MINERAL_ANOMALY_DATA=... python benchmarks/list_on_protocol.py --part test --cache SCORES

``SCORES`` is what `protocol/run.py --cache` wrote; no detector runs here. A detector *ranks* a
grain when the grain's highest score comes before that of 100 background pixels. Counted are the
grains that the list's own detector ranks, and G, those that the best single detector ranks: how
many of n are in the first n + 20 rows. All odd grains that a real scan has itself count as
background. Score maps are kept as float16, so scores that differ by less than a five-hundredth
count as equal. Every scene is counted once: rows are added to --rows at once, and a second start
continues. Writes docs/measured/grain_list_protocol_PART.md (not with --no-page).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from grain_list import PAGES, Scored, share, table
from napari_mineral_anomaly.detectors.results.threshold import (
    default_threshold,
    promised_false_pixels,
)
from napari_mineral_anomaly.grains.pixels.regions import label_grains

sys.path.append(str(Path(__file__).resolve().parent / "protocol"))
from scenes import PARTS, PlannedScene, plan

FAMILIES = ("drawn", "simulated-old", "implanted")
BACKGROUND_PX, MORE_ROWS = 100, 20


def kept_scores(planned: PlannedScene, cache: Path, detectors: list[str]) -> dict[str, Scored]:
    """The scene with the score of each detector; empty where one is missing."""
    folder = cache / planned.name
    paths = {name: folder / f"{name}__0.npy" for name in detectors}
    if not all(path.exists() for path in paths.values()):
        return {}
    cube, truth = planned.load()
    n_valid = int(np.count_nonzero(cube.valid))
    return {
        name: Scored(
            planned.name, cube, truth, pd.DataFrame(), np.load(path).astype(np.float32),
            default_threshold(n_valid), promised_false_pixels(n_valid),
        )
        for name, path in paths.items()
    }  # fmt: skip


def ranked_grains(scan: Scored) -> set[int]:
    """Truth areas with a pixel that scores higher than `BACKGROUND_PX` background pixels do."""
    background = scan.score[(scan.truth == 0) & np.isfinite(scan.score)]
    last = np.sort(background)[-BACKGROUND_PX]
    areas = label_grains(scan.truth == 1)
    return set(np.unique(areas[scan.score > last]).tolist()) - {0}


def listed_grains(scan: Scored, n_rows: int) -> set[int]:
    """Truth areas of which a pixel is in one of the first ``n_rows`` rows."""
    labels = scan.grow(n_rows).labels
    areas = label_grains(scan.truth == 1)
    return set(np.unique(areas[(labels > 0) & (labels <= n_rows)]).tolist()) - {0}


def count(planned: PlannedScene, results: dict[str, Scored]) -> list[dict[str, object]]:
    """One row for the list of each detector."""
    ranked = {name: ranked_grains(one) for name, one in results.items()}
    best = max(ranked, key=lambda name: len(ranked[name]))
    kind = planned.name.rsplit("-", 1)[0]
    rows: list[dict[str, object]] = []
    for name, one in results.items():
        own, wanted = ranked[name], ranked[best]
        rows.append(
            {
                "scene": planned.name,
                "kind": kind,
                "detector": name,
                "best": best,
                "own": len(own),
                "own_held": len(own & listed_grains(one, len(own) + MORE_ROWS)),
                "wanted": len(wanted),
                "held": len(wanted & listed_grains(one, len(wanted) + MORE_ROWS)),
            }
        )
    return rows


def page(rows: pd.DataFrame, part: str) -> str:
    """The table of a part."""
    lines = []
    for (kind, detector), group in rows.groupby(["kind", "detector"], sort=False):
        best = ", ".join(f"{name} {n}" for name, n in group["best"].value_counts().items())
        own, own_held, wanted, held = group[["own", "own_held", "wanted", "held"]].sum()
        lines.append([kind, detector, len(group), share(own_held, own), best, share(held, wanted)])
    for detector, group in rows.groupby("detector", sort=False):
        own, own_held, wanted, held = group[["own", "own_held", "wanted", "held"]].sum()
        lines.append(["all", detector, len(group), share(own_held, own), "", share(held, wanted)])
    head = ["scenes", "list of", "n", "held of what it ranks itself", "best detector", "held of G"]
    return (
        f"Made by `benchmarks/list_on_protocol.py`: {part} part of the protocol, "
        f"{rows['scene'].nunique()} scenes.\n\n{table(head, lines)}\n"
    )


def main() -> None:
    """Count the scenes that are missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--rows", type=Path, default=Path("list_on_protocol.jsonl"))
    default = ["msfa", "rx", "local-rx", "knn"]
    parser.add_argument("--detectors", nargs="+", default=default)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--no-page", action="store_true")
    options = parser.parse_args()
    kept = options.rows.read_text(encoding="utf-8").splitlines() if options.rows.exists() else []
    rows = [json.loads(line) for line in kept]
    done = {row["scene"] for row in rows}
    for planned in plan(options.part):
        if planned.family not in options.families or planned.name in done:
            continue
        results = kept_scores(planned, options.cache, options.detectors)
        new = count(planned, results) if results else []
        with options.rows.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in new)
        rows += new
        print(
            planned.name,
            [(row["detector"], row["own_held"], row["own"]) for row in new],
            flush=True,
        )
    text = page(pd.DataFrame(rows), options.part)
    print(text)
    if not options.no_page:
        path = PAGES / f"grain_list_protocol_{options.part}.md"
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
