"""What a row of the grain list is: real, cut, artefact or noise. Used by `first_rows.py`.

The rule reads the element maps and the flags, never the score:

- *noise*: the eight pixels around the peak do not show what the peak itself shows. Their mean along
  Fisher's direction of the peak pixel alone, over its surroundings, is below `SHOWN_SIGMAS`. The
  direction is the peak's own noise where the peak is only noise, and its neighbours then know
  nothing of it; a grain, blurred by the beam, shows in them. No noise was used twice.
- *artefact*: a flag says that something else than a grain can have made it (`ARTEFACTS`).
- *cut*: beyond the outline it goes on: of the pixels two and three steps away that belong to no
  other row, more than `GOES_ON` hold half of its signature.
- *edge*: the scan or its valid area ends there.
- *real*: all others. Whether a real grain is rare or of the rock, the rule does not say.

    python benchmarks/row_kinds.py [--seeds 500-503]

checks the rule on simulated sections: rows on true grains should not be noise, rows of barren rock
should not be real.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly import AnomalyResult, ElementCube, detect
from napari_mineral_anomaly.grains.artefacts.flags import (
    BAD_LINE,
    DARK,
    LOW_COUNTS,
    MIXING,
    SCAN_EDGE,
    SPIKE,
    VALID_EDGE,
)
from napari_mineral_anomaly.grains.details import GrainDetails
from napari_mineral_anomaly.grains.pixels.extent import (
    EDGE,
    Background,
    find_surroundings,
    widened,
)
from napari_mineral_anomaly.grains.table import (
    DEFAULT_ROWS,
    GrainList,
    detail_grains,
    list_grains,
    signatures_of,
)
from napari_mineral_anomaly.simulate import simulate_section

KINDS = ("real", "edge", "cut", "artefact", "noise")
ARTEFACTS = (SPIKE, MIXING, BAD_LINE, LOW_COUNTS, DARK)
EDGES = (SCAN_EDGE, VALID_EDGE)
SHOWN_SIGMAS = 3.0
GOES_ON = 0.25
REACH_PX = 10


def kinds_of_rows(
    cube: ElementCube, result: AnomalyResult, grains: GrainList, details: GrainDetails
) -> list[str]:
    """The kind of each row of ``grains.table``."""
    planes = signatures_of(cube)
    kinds = []
    for number in grains.rows:
        flags = details.flags[number]
        beside, beyond = _departures(cube, result, grains, planes, int(number))
        if not beside >= SHOWN_SIGMAS:
            kinds.append("noise")
        elif any(flag.startswith(ARTEFACTS) for flag in flags):
            kinds.append("artefact")
        elif beyond > GOES_ON:
            kinds.append("cut")
        elif any(flag in EDGES for flag in flags):
            kinds.append("edge")
        else:
            kinds.append("real")
    return kinds


def _departures(
    cube: ElementCube, result: AnomalyResult, grains: GrainList, planes: object, number: int
) -> tuple[float, float]:
    """Sigmas of the peak's signature beside the peak, and the share of pixels where it goes on."""
    labels = grains.regions.labels
    own = grains.regions.pixels.of(number)
    peak = int(own[np.argmax(result.score.reshape(-1)[own])])
    height, width = labels.shape
    row_min, row_max, col_min, col_max = (int(b[number]) for b in grains.regions.bounds)
    window = (
        slice(max(row_min - REACH_PX, 0), min(row_max + REACH_PX + 1, height)),
        slice(max(col_min - REACH_PX, 0), min(col_max + REACH_PX + 1, width)),
    )
    grain = labels[window] == number + 1
    free = cube.valid[window] & (labels[window] == 0)
    values = planes.window(*window)  # type: ignore[attr-defined]
    known = np.isfinite(values).all(axis=1)
    values[~known] = 0.0
    free &= known.reshape(free.shape)
    around = find_surroundings(grain, free)
    if not around.any():
        return np.nan, 0.0
    background = Background.of(planes, values, around)  # type: ignore[arg-type]
    middle = np.zeros_like(grain)
    middle[peak // width - window[0].start, peak % width - window[1].start] = True
    beside = widened(middle, 1) & ~middle & cube.valid[window]
    signature = background.signature(middle)
    weights = background.inverse @ signature
    length = float(np.sqrt(max(signature @ weights, 1e-12)))
    along = (background.beside[beside.reshape(-1)] @ weights) / length
    share, _ = background.shares(grain)
    ring = widened(grain, 3) & ~widened(grain, 1) & free
    beyond = float((share[ring] >= EDGE).mean()) if ring.any() else 0.0
    return float(along.sum() / np.sqrt(max(along.size, 1))), beyond


def check(scene: str, seed: int, detector: str) -> Counter[tuple[bool, str]]:
    """Rows of one simulated section: whether each lies on a true grain, and its kind."""
    section = simulate_section(scene, (256, 320), seed)
    result = detect(section.cube, detector, seed=0)
    grains = list_grains(result, cube=section.cube, n_rows=DEFAULT_ROWS)
    details = detail_grains(section.cube, result, grains)
    kinds = kinds_of_rows(section.cube, result, grains, details)
    true: NDArray[np.bool_] = section.truth.reshape(-1) == 1
    on_grain = [bool(true[grains.regions.pixels.of(int(n))].any()) for n in grains.rows]
    return Counter(zip(on_grain, kinds, strict=True))


def main() -> None:
    """Print how often the rule is right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="500-503", help="first-last")
    parser.add_argument("--detectors", nargs="+", default=["rx", "local-rx"])
    options = parser.parse_args()
    first, last = (int(part) for part in options.seeds.split("-"))
    print("| scene | list of | rows on | " + " | ".join(KINDS) + " |")
    print("|---" * (3 + len(KINDS)) + "|")
    for scene in ("easy", "hard", "artefacts", "barren"):
        for detector in options.detectors:
            counted: Counter[tuple[bool, str]] = Counter()
            for seed in range(first, last + 1):
                counted += check(scene, seed, detector)
            for on_grain, name in ((True, "true grains"), (False, "other places")):
                numbers = [counted[on_grain, kind] for kind in KINDS]
                if sum(numbers):
                    print(f"| {scene} | {detector} | {name} | {' | '.join(map(str, numbers))} |")


if __name__ == "__main__":
    main()
