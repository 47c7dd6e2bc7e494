"""Check three promises on simulated sections: false alarms, grains found, drivers named.

    python benchmarks/promises.py --rows ROWS.jsonl [--detectors rx pca ...] [--seeds 10]

On `barren` sections every flagged pixel is false. On `easy` and `hard` sections a flagged pixel is
false if it is farther than three pixels from any grain. The pages also list how many pixels of
grains were found, and for how many grains with a flagged pixel the drivers name the element that
truly distinguishes the grain from its host (see `drivers.py`).

Every finished section is added to ROWS.jsonl at once; a second start continues where the first
stopped. Writes docs/measured/barren.md and docs/measured/drivers.md from all rows.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from drivers import count_right_drivers
from napari_mineral_anomaly import detect
from napari_mineral_anomaly.simulate import simulate_section

SHAPE = (500, 500)
FAR_PX = 3
SCENES = ("barren", "easy", "hard")
PAGES = Path(__file__).parents[1] / "docs" / "measured"
MADE_BY = f"Made by `benchmarks/promises.py`: sections of {SHAPE[0]} x {SHAPE[1]} px, seeds from 0."


def count(scene: str, seed: int, name: str) -> dict[str, object]:
    """Promised and false pixels, true pixels and grains found, and grains with the right driver."""
    section = simulate_section(scene, SHAPE, seed)
    far = np.ones(SHAPE, dtype=bool)
    if section.truth.any():
        far = ndimage.distance_transform_edt(section.fraction <= 0) > FAR_PX
    result = detect(section.cube, name)
    true = section.truth == 1
    grains, first, third = count_right_drivers(section, result)
    return {
        "scene": scene,
        "seed": seed,
        "detector": name,
        "promised": result.info["promised_false_pixels"],
        "false": int(np.count_nonzero(result.mask & far)),
        "found": int(np.count_nonzero(result.mask & true)),
        "true": int(np.count_nonzero(true)),
        "grains": grains,
        "first": first,
        "third": third,
    }


def read_rows(path: Path) -> list[dict[str, object]]:
    """Rows of earlier runs."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def barren_page(table: pd.DataFrame) -> str:
    """Promised and flagged pixels, summed over the sections of each scene and detector."""
    lines = [
        MADE_BY,
        "",
        "| scene | detector | sections | promised false | false | grain pixels found |",
        "|---|---|---|---|---|---|",
    ]
    for (scene, name), part in table.groupby(["scene", "detector"], sort=False):
        found = f"{part['found'].sum()} of {part['true'].sum()}" if part["true"].any() else ""
        lines.append(
            f"| {scene} | {name} | {len(part)} | {part['promised'].sum():g} "
            f"| {part['false'].sum()} | {found} |"
        )
    return "\n".join(lines) + "\n"


def drivers_page(table: pd.DataFrame) -> str:
    """Grains whose drivers are right, summed over the sections of each scene and detector."""
    lines = [
        MADE_BY,
        "",
        "| scene | detector | sections | grains found | right first driver "
        "| among the first three |",
        "|---|---|---|---|---|---|",
    ]
    with_grains = table[table["grains"] > 0]
    for (scene, name), part in with_grains.groupby(["scene", "detector"], sort=False):
        grains, first, third = part[["grains", "first", "third"]].sum()
        lines.append(
            f"| {scene} | {name} | {len(part)} | {grains} | {first} ({100 * first / grains:.0f} %) "
            f"| {third} ({100 * third / grains:.0f} %) |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the sections that are missing and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ["rx", "robust-rx", "pca", "local-rx", "msfa"]
    parser.add_argument("--detectors", nargs="+", default=default)
    parser.add_argument("--scenes", nargs="+", default=list(SCENES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=Path, default=Path("promises_rows.jsonl"))
    parser.add_argument("--page", action="store_true", help="run nothing, write the pages")
    arguments = parser.parse_args()
    rows = read_rows(arguments.rows)
    done = {(row["scene"], row["seed"], row["detector"]) for row in rows}
    for scene in () if arguments.page else arguments.scenes:
        for seed in range(arguments.seeds):
            for name in arguments.detectors:
                if (scene, seed, name) in done:
                    continue
                rows.append(count(scene, seed, name))
                with arguments.rows.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(rows[-1]) + "\n")
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    # Sections may run in any order; the pages list them by scene.
    table = table.sort_values(
        "scene", key=lambda names: names.map(SCENES.index), kind="stable", ignore_index=True
    )
    (PAGES / "barren.md").write_text(barren_page(table), encoding="utf-8")
    (PAGES / "drivers.md").write_text(drivers_page(table), encoding="utf-8")


if __name__ == "__main__":
    main()
