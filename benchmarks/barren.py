"""Does barren look barren? Pixels flagged on simulated sections, against the promise.

    python benchmarks/barren.py --rows ROWS.jsonl [--detectors rx pca ...] [--seeds 10]

Every finished section is added to ROWS.jsonl at once; a second start goes on where the first
stopped, and the page shows all rows there are.

On `barren` sections every flagged pixel is false. On `easy` and `hard` sections only pixels
farther than three pixels from any grain count as false; the share of the grains' pixels that was
found stands beside them. Writes docs/measured/barren.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.simulate import simulate_section

SHAPE = (500, 500)
FAR_PX = 3
SCENES = ("barren", "easy", "hard")
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "barren.md"


def count(scene: str, seed: int, name: str) -> dict[str, object]:
    """Promised false pixels, false pixels, true pixels found and true pixels of one section."""
    section = simulate_section(scene, SHAPE, seed)
    far = np.ones(SHAPE, dtype=bool)
    if section.truth.any():
        far = ndimage.distance_transform_edt(section.fraction <= 0) > FAR_PX
    result = detect(section.cube, name)
    true = section.truth == 1
    return {
        "scene": scene,
        "seed": seed,
        "detector": name,
        "promised": result.info["promised_false_pixels"],
        "false": int(np.count_nonzero(result.mask & far)),
        "found": int(np.count_nonzero(result.mask & true)),
        "true": int(np.count_nonzero(true)),
    }


def read_rows(path: Path) -> list[dict[str, object]]:
    """Rows of earlier starts."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def page(rows: list[dict[str, object]]) -> str:
    """Sums over the sections of each scene and detector."""
    lines = [
        f"Made by `benchmarks/barren.py`: sections of {SHAPE[0]} x {SHAPE[1]} px, seeds from 0.",
        "",
        "| scene | detector | sections | promised false | false | grain pixels found |",
        "|---|---|---|---|---|---|",
    ]
    table = pd.DataFrame(rows).groupby(["scene", "detector"], sort=False)
    for (scene, name), part in table:
        found = f"{part['found'].sum()} of {part['true'].sum()}" if part["true"].any() else ""
        lines.append(
            f"| {scene} | {name} | {len(part)} | {part['promised'].sum():g} "
            f"| {part['false'].sum()} | {found} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the sections that are missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ["rx", "robust-rx", "pca", "local-rx", "msfa"]
    parser.add_argument("--detectors", nargs="+", default=default)
    parser.add_argument("--scenes", nargs="+", default=list(SCENES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=Path, default=Path("barren_rows.jsonl"))
    arguments = parser.parse_args()
    rows = read_rows(arguments.rows)
    done = {(row["scene"], row["seed"], row["detector"]) for row in rows}
    for scene in arguments.scenes:
        for seed in range(arguments.seeds):
            for name in arguments.detectors:
                if (scene, seed, name) in done:
                    continue
                rows.append(count(scene, seed, name))
                with arguments.rows.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(rows[-1]) + "\n")
                print(rows[-1], flush=True)
    PAGE.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
