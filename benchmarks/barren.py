"""Does barren look barren? Pixels flagged on simulated sections, against the promise.

    python benchmarks/barren.py [--detectors rx pca ...] [--seeds 10]

On `barren` sections every flagged pixel is false. On `easy` and `hard` sections only pixels
farther than three pixels from any grain count as false; the share of the grains' pixels that was
found stands beside them. Writes docs/measured/barren.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_mineral_anomaly import detect
from napari_mineral_anomaly.simulate import simulate_section

SHAPE = (500, 500)
FAR_PX = 3
SCENES = ("barren", "easy", "hard")
PAGE = Path(__file__).parents[1] / "docs" / "measured" / "barren.md"


def count(scene: str, seed: int, detectors: list[str]) -> dict[str, np.ndarray]:
    """For each detector: promised false pixels, false pixels, true pixels found, true pixels."""
    section = simulate_section(scene, SHAPE, seed)
    far = np.ones(SHAPE, dtype=bool)
    if section.truth.any():
        far = ndimage.distance_transform_edt(section.fraction <= 0) > FAR_PX
    out = {}
    for name in detectors:
        result = detect(section.cube, name)
        true = section.truth == 1
        numbers = (
            result.info["promised_false_pixels"],
            np.count_nonzero(result.mask & far),
            np.count_nonzero(result.mask & true),
            np.count_nonzero(true),
        )
        out[name] = np.array(numbers, dtype=float)
    return out


def main() -> None:
    """Run the sections and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detectors", nargs="+", default=["rx", "robust-rx", "pca", "local-rx"])
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    lines = [
        f"{arguments.seeds} sections of {SHAPE[0]} x {SHAPE[1]} pixels per scene.",
        "",
        "| scene | detector | promised false | false | grain pixels found |",
        "|---|---|---|---|---|",
    ]
    for scene in SCENES:
        total: dict[str, np.ndarray] = {name: np.zeros(4) for name in arguments.detectors}
        for seed in range(arguments.seeds):
            for name, numbers in count(scene, seed, arguments.detectors).items():
                total[name] += numbers
        for name, (promised, false, found, true) in total.items():
            share = f"{found:.0f} of {true:.0f}" if true else ""
            lines.append(f"| {scene} | {name} | {promised:g} | {false:.0f} | {share} |")
            print(lines[-1], flush=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
