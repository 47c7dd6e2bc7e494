"""How often is the mineral hint of a whole grain right? Measured on simulated sections.

    python benchmarks/mineral_hints.py [--seeds 100-119] [--scenes easy hard artefacts]
                                       [--from truth rx]

Grains of `SMALLEST_PX` and more pixels in the truth count. They are found by a detector, or, to be
independent of detectors, grown from the truth: the score is then the share of each pixel that an
odd grain fills, as the beam sees it. Seeds 0 to 9 served to choose the constants of
`grains.minerals.hints`, seeds from 100 on did not.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_mineral_anomaly import AnomalyResult, detect
from napari_mineral_anomaly.grains.table import detail_grains, list_grains
from napari_mineral_anomaly.simulate import SimulatedSection, simulate_section
from napari_mineral_anomaly.simulate.rendering import blur_beam

SMALLEST_PX = 4
TRUTH = "truth"
# A filled pixel has this score, and half a pixel the threshold.
FILLED_SCORE = 100.0
# Minerals of the simulator that have another name among the hints.
NAMES = {
    "kyanite": "kyanite, andalusite or sillimanite",
    "magnetite": "magnetite or hematite",
}


@dataclass(frozen=True)
class Hinted:
    """One grain: its mineral, and the hints it got, the best first."""

    mineral: str
    n_pixels: int
    hints: tuple[str, ...]

    @property
    def place(self) -> int:
        """1 for the first hint, 0 where the mineral is not among them."""
        name = NAMES.get(self.mineral, self.mineral)
        return self.hints.index(name) + 1 if name in self.hints else 0


def result_of(section: SimulatedSection, source: str) -> AnomalyResult:
    """The score by which grains are found: of a detector, or of the truth."""
    if source != TRUTH:
        return detect(section.cube, source)
    spot_px = section.scene.spot_um / section.scene.pixel_um
    score = FILLED_SCORE * blur_beam(section.fraction, spot_px)
    cube = section.cube
    return AnomalyResult(
        score.astype(np.float32),
        FILLED_SCORE / 2,
        np.zeros(cube.maps.shape, dtype=np.float32),
        np.full(cube.shape, 2, dtype=np.uint16),
        cube.elements,
        cube.pixel_size,
    )


def hinted_grains(section: SimulatedSection, source: str) -> Iterator[Hinted]:
    """The true grains that are listed, with their hints."""
    result = result_of(section, source)
    # All true grains, also those below the threshold of a detector.
    grains = list_grains(result, cube=section.cube, n_rows=2 * len(section.grains) + 20)
    details = detail_grains(section.cube, result, grains)
    areas, _ = ndimage.label(section.truth, np.ones((3, 3)))
    listed = grains.regions.labels
    for grain in section.grains.itertuples():
        if grain.n_pixels < SMALLEST_PX:
            continue
        at = tuple(np.round([grain.centroid_y_px, grain.centroid_x_px]).astype(int))
        own = listed[areas == areas[at]] if areas[at] else np.zeros(1, dtype=int)
        number = int(np.bincount(own).argmax())
        if number:
            hints = details.hints.of(number - 1)
            yield Hinted(grain.mineral, grain.n_pixels, tuple(hint.name for hint in hints))


def table_row(scene: str, seeds: range, source: str, hinted: list[Hinted]) -> str:
    """One row of the table."""
    places = Counter(grain.place for grain in hinted)
    n = len(hinted)
    first, three = places[1], places[1] + places[2] + places[3]
    return (
        f"| {scene} | {seeds[0]} to {seeds[-1]} | {source} | {n} "
        f"| {first} ({100 * first / max(n, 1):.1f} %) | {three} ({100 * three / max(n, 1):.1f} %) |"
    )


def main() -> None:
    """Print the table, and below it what was called what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="100-119", help="first-last")
    parser.add_argument("--scenes", nargs="+", default=["easy", "hard", "artefacts"])
    parser.add_argument("--from", dest="sources", nargs="+", default=[TRUTH, "rx"])
    arguments = parser.parse_args()
    start, stop = (int(part) for part in arguments.seeds.split("-"))
    seeds = range(start, stop + 1)
    wrong: Counter[tuple[str, str]] = Counter()
    print("| scene | seeds | grains from | grains | first place | among first three |")
    print("|---|---|---|---|---|---|", flush=True)
    for scene in arguments.scenes:
        hinted: dict[str, list[Hinted]] = {source: [] for source in arguments.sources}
        for seed in seeds:
            section = simulate_section(scene, seed=seed)
            for source in arguments.sources:
                hinted[source] += hinted_grains(section, source)
        for source, grains in hinted.items():
            print(table_row(scene, seeds, source, grains), flush=True)
            wrong.update(
                (g.mineral, ", ".join(g.hints) or "nothing") for g in grains if g.place != 1
            )
    print("\nNot at the first place:\n")
    for (mineral, hints), n in wrong.most_common():
        print(f"{n:4d}  {mineral}: {hints}")


if __name__ == "__main__":
    main()
