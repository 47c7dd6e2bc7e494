"""Measure the list of grains: are they whole, and is barren rock calm?

    python benchmarks/grain_list.py [whole barren] --scores FOLDER

- whole: simulated grains of at least nine pixels. A grain is *found* when the peak of a row of the
  list lies in it. Its row is *whole* when the area is within 20 % of the true area and the centroid
  within half a pixel of the true centre.
- barren: flagged and promised pixels, and rows above the threshold, on sections without odd
  grains.
  Those in or beside a mineral that fills less than 1 % of its section are counted apart.

Whether the list holds what is found is measured by `list_on_protocol.py`. Scores are kept in
FOLDER: a second start continues where the first stopped. ``--slow-seeds`` limits the sections on
which the slow detectors run, ``--quick`` takes two seeds and no slow detector. Each part writes its
page in docs/measured (not with --no-page).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly import ElementCube, detect
from napari_mineral_anomaly.detectors.results.threshold import flagged
from napari_mineral_anomaly.evaluation.benchmark.grain_recall import area_of_each
from napari_mineral_anomaly.grains.pixels.growing import GrownGrains, grow_grains
from napari_mineral_anomaly.grains.pixels.regions import label_grains
from napari_mineral_anomaly.grains.table import DEFAULT_ROWS, signatures_of
from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section
from napari_mineral_anomaly.simulate.scene_names import get_scene

SCENES = ("easy", "hard", "artefacts")
# Hardly any grain of these two scenes fills nine pixels, so they are also made with larger ones:
# median, spread, smallest and largest diameter in µm, and the share of the pixels.
LARGE = {"easy-large": "easy", "artefacts-large": "artefacts"}
LARGE_UM, LARGE_PREVALENCE = (90.0, 0.3, 68.0, 240.0), 4e-3
SHAPE, BARREN_SHAPE = (256, 320), (256, 256)
LEAST_PX, AREA_TOLERANCE, CENTROID_PX = 9, 0.2, 0.5
# A mineral of the rock that fills less than this share of a section is odd, planted or not; the
# beam carries it this far.
RARE_SHARE, RIM_PX = 0.01, 3
SLOW = ("msfa",)
PAGES = Path(__file__).parents[1] / "docs" / "measured"
PARTS = ("whole", "barren")


@dataclass(frozen=True, eq=False)
class Scored:
    """A scan with truth and the score of one detector.

    ``truth`` (H, W): 0 background, 1 anomaly, 255 left out; ``grains`` as
    `simulate.SimulatedSection` has them.
    """

    name: str
    cube: ElementCube
    truth: NDArray[np.uint8]
    grains: pd.DataFrame
    score: NDArray[np.float32]
    threshold: float
    promised: float

    def grow(self, n_rows: int) -> GrownGrains:
        """The grains of the list; their numbers are its first rows."""
        valid = self.cube.valid & np.isfinite(self.score)
        mask = flagged(self.score, self.threshold)
        return grow_grains(signatures_of(self.cube), self.score, mask, valid, n_rows=n_rows)


def scored(
    folder: Path, name: str, detector: str, scan: tuple[ElementCube, Any, pd.DataFrame]
) -> Scored:
    """The score of a detector on a scan, from the folder where it is there."""
    path = folder / f"{detector}_{name}.npz"
    if not path.exists():
        result = detect(scan[0], detector, seed=0)
        promised = result.info["promised_false_pixels"]
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, score=result.score, threshold=result.threshold, promised=promised)
        print(f"{detector} on {name}", flush=True)
    with np.load(path) as kept:
        return Scored(name, *scan, kept["score"], float(kept["threshold"]), float(kept["promised"]))


def section(
    scene: str, seed: int, shape: tuple[int, int]
) -> tuple[str, tuple[ElementCube, NDArray[np.uint8], pd.DataFrame]]:
    """Name and scan of one simulated section."""
    recipe = get_scene(LARGE.get(scene, scene))
    if scene in LARGE:
        recipe = replace(recipe, accessory_um=LARGE_UM, prevalence=LARGE_PREVALENCE)
    made = simulate_section(recipe, shape, seed)
    name = f"{scene}_{seed}_{shape[0]}x{shape[1]}"
    return name, (made.cube, made.truth_with_rim, made.grains)


def whole_grains(scan: Scored) -> list[dict[str, Any]]:
    """One row for each found grain of at least `LEAST_PX`: area over true area, centroid off by."""
    labels = scan.grow(DEFAULT_ROWS).labels
    areas = label_grains(scan.truth == 1)
    owner = area_of_each(areas, scan.grains)
    row_of = {}
    inside = np.flatnonzero(labels)
    for pixel in inside[np.argsort(-scan.score.flat[inside], kind="stable")]:
        number = labels.flat[pixel]
        if number not in row_of:
            row_of[number] = areas.flat[pixel]  # the first pixel of a row is its peak
    found = []
    for area, grain in zip(owner, scan.grains.to_dict("records"), strict=True):
        rows = [number for number, of in row_of.items() if of == area]
        if rows and grain["area_px"] >= LEAST_PX:
            y, x = (part.mean() for part in np.nonzero(labels == rows[0]))
            away = np.hypot(y - grain["centroid_y_px"], x - grain["centroid_x_px"])
            ratio = np.count_nonzero(labels == rows[0]) / grain["area_px"]
            found.append({"area": float(ratio), "away": float(away)})
    return found


def measure_whole(options: argparse.Namespace) -> str:
    """Table of the part ``whole``."""
    rows = []
    for scene in (*SCENES, *LARGE):
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in options.detectors}
        n_sections = dict.fromkeys(options.detectors, 0)
        for seed in options.numbers:
            name, scan = section(scene, seed, SHAPE)
            for detector in options.run_on(seed):
                found[detector] += whole_grains(scored(options.scores, name, detector, scan))
                n_sections[detector] += 1
        for detector, grains in found.items():
            area = np.array([one["area"] for one in grains])
            away = np.array([one["away"] for one in grains])
            right_area, right_place = np.abs(area - 1) <= AREA_TOLERANCE, away <= CENTROID_PX
            of = len(grains)
            right = (right_area, right_place, right_area & right_place)
            rows.append(
                [
                    scene,
                    detector,
                    n_sections[detector],
                    of,
                    *(share(one.sum(), of) for one in right),
                ]
            )
    head = ["scene", "detector", "sections", f"found of >= {LEAST_PX} px"]
    return table([*head, "area within 20 %", "centroid within 0.5 px", "both"], rows)


def beside_rare_minerals(scan: SimulatedSection) -> NDArray[np.bool_]:
    """Pixels (H, W) in or within `RIM_PX` of a mineral of the rock below `RARE_SHARE`."""
    n = np.bincount(scan.phases.ravel(), minlength=len(scan.minerals))
    rare = np.flatnonzero((n > 0) & (n < RARE_SHARE * scan.phases.size))
    square = np.ones((3, 3), dtype=bool)
    return ndimage.binary_dilation(np.isin(scan.phases, rare), square, iterations=RIM_PX)


def measure_barren(options: argparse.Namespace) -> str:
    """Table of the part ``barren``."""
    counted = []
    for seed in options.numbers:
        made = simulate_section("barren", BARREN_SHAPE, seed)
        name, scan = section("barren", seed, BARREN_SHAPE)
        rare = beside_rare_minerals(made)
        for detector in options.run_on(seed):
            one = scored(options.scores, name, detector, scan)
            mask = flagged(one.score, one.threshold)
            labels = one.grow(0).labels
            peaks = peak_pixels(labels, one.score)
            counted.append(
                {
                    "detector": detector,
                    "promised": one.promised,
                    "rare": np.count_nonzero(mask & rare),
                    "other": np.count_nonzero(mask & ~rare),
                    "rows_rare": np.count_nonzero(rare.flat[peaks]),
                    "rows": np.count_nonzero(~rare.flat[peaks]),
                }
            )
    frame = pd.DataFrame(counted)
    rows = [
        [
            detector, len(part), f"{part['promised'].sum():g}", part["other"].sum(),
            f"{part['rows'].mean():.2f}", part["rows"].max(), part["rare"].sum(),
            part["rows_rare"].sum(),
        ]
        for detector, part in frame.groupby("detector", sort=False)
    ]  # fmt: skip
    head = [
        "detector", "sections", "promised false pixels", "flagged pixels",
        "rows above the threshold, mean", "most", "flagged beside a mineral below 1 %",
        "rows there, all sections",
    ]  # fmt: skip
    return table(head, rows)


def peak_pixels(labels: NDArray[np.integer], score: NDArray[np.float32]) -> NDArray[np.intp]:
    """Flat index of the oddest pixel of each row."""
    inside = np.flatnonzero(labels)
    oddest_first = inside[np.argsort(-score.flat[inside], kind="stable")]
    _, first = np.unique(labels.flat[oddest_first], return_index=True)
    return oddest_first[first]


def share(part: int, whole: int) -> str:
    """Such as "19 of 20 (95 %)", or "none"."""
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main() -> None:
    """Measure the parts and write their pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--scores", type=Path, default=Path("grain_list_scores"))
    parser.add_argument("--detectors", nargs="+", default=["rx", "local-rx", "knn", "msfa"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--slow-seeds", type=int, default=2, help="sections with msfa")
    parser.add_argument("--quick", action="store_true", help="two seeds, no slow detector")
    parser.add_argument("--no-page", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.slow_seeds = 2, 0
    first = options.first_seed
    options.numbers = list(range(first, first + options.seeds))
    options.run_on = lambda seed: [
        name for name in options.detectors if name not in SLOW or seed < first + options.slow_seeds
    ]
    measures = {"whole": measure_whole, "barren": measure_barren}
    for part in options.parts:
        text = (
            f"Made by `benchmarks/grain_list.py`: seeds {first} to {options.numbers[-1]}, of the "
            f"slow detectors the first {options.slow_seeds}.\n\n{measures[part](options)}\n"
        )
        print(text, flush=True)
        if not options.no_page:
            (PAGES / f"grain_list_{part}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
