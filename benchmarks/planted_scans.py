"""Real scans with planted grains of minerals of known formula, for `grain_list.py`.

The counts of a mineral come from its formula (`simulate.sensitivity.count_rates`). The sensitivity
of the real instrument for each rock-forming element is set as if the mean of the scan were the mean
of the simulated gneiss; for all other elements it is the median of those. A pixel that a grain
fills to a share s keeps 1 - s of its counts (drawn from a binomial distribution) and gets the
mineral's (drawn from a Poisson distribution); the beam is as wide as a pixel.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly import ElementCube, read_maps
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION, place_grains
from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.rendering import blur_beam
from napari_mineral_anomaly.simulate.scene_names import get_scene
from napari_mineral_anomaly.simulate.scenes import GNEISS
from napari_mineral_anomaly.simulate.section import LEAVE_OUT, RIM_FRACTION, grain_table
from napari_mineral_anomaly.simulate.sensitivity import count_rates

PLANTED = {
    "metapelite": "metapelite_arac01b",
    "chloritoid schist": "chloritoid_epma",
    "garnet metapelite": "xminlearn/AS14_1/tiff",
    "chondrite": "semarkona_obj1",
    "ironstone": "ironstone_muxrf",
}
ROCK_FORMING = ("Na", "Mg", "Al", "Si", "K", "Ca", "Ti", "Mn", "Fe")
ACCESSORIES = ("zircon", "monazite", "barite", "chalcopyrite", "titanite", "epidote", "staurolite")
PREVALENCE = 1e-3


def plant(name: str, seed: int) -> tuple[ElementCube, NDArray[np.uint8], pd.DataFrame]:
    """Scan, truth (255 where the beam only touches a grain) and table of the planted grains."""
    cube = read_maps(Path(os.environ["MINERAL_ANOMALY_DATA"]) / "maps" / PLANTED[name])
    rng = np.random.default_rng(seed)
    recipe = replace(
        get_scene("easy"), accessories=ACCESSORIES, prevalence=PREVALENCE,
        accessory_um=(40.0, 0.35, 20.0, 100.0),
    )  # fmt: skip
    placed = place_grains(recipe, cube.shape, cube.valid, rng)
    maps = np.asarray(cube.maps).astype(np.int64)
    scale = _sensitivity(maps[:, cube.valid].mean(axis=1), cube.elements)
    fraction = np.zeros(cube.shape, dtype=np.float32)
    for grain in placed:
        own = np.zeros(cube.shape, dtype=np.float32)
        own[grain.rows, grain.cols] = grain.fraction
        fraction += own
        seen = np.clip(blur_beam(own, 1.0), 0.0, 1.0).astype(np.float64)
        rates = scale * count_rates(MINERALS[grain.mineral], cube.elements)
        at = np.nonzero(seen > 1e-6)
        kept = rng.binomial(maps[:, *at], 1.0 - seen[at])
        maps[:, *at] = kept + rng.poisson(rates[:, None] * seen[at])
    truth = (fraction >= TRUTH_FRACTION).astype(np.uint8)
    truth[(truth == 0) & (blur_beam(fraction, 1.0) >= RIM_FRACTION)] = LEAVE_OUT
    planted = ElementCube(
        maps.astype(np.uint32), cube.elements, cube.pixel_size, valid=cube.valid, quantity="counts"
    )
    return planted, truth, grain_table(placed, recipe.pixel_um)


def _sensitivity(means: NDArray[np.float64], elements: tuple[str, ...]) -> NDArray[np.float64]:
    """Counts (C,) of the scan per count that the simulator expects."""
    rock = sum(mode.share * count_rates(MINERALS[mode.mineral], elements) for mode in GNEISS)
    ratio = means / rock
    is_rock = np.isin(elements, ROCK_FORMING)
    return np.where(is_rock, ratio, np.median(ratio[is_rock]))
