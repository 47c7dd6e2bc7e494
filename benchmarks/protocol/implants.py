"""Real scans with planted grains of minerals of known formula: `plant`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION
from napari_mineral_anomaly.simulate.rendering import blur_beam
from napari_mineral_anomaly.simulate.section import LEAVE_OUT, RIM_FRACTION
from planted_minerals import Recipe
from scan_model import ScanModel, mapped_share

MOST_KINDS = 5
# A planted mineral has at least this mass fraction of mapped elements, and differs from all but
# this share of the scan's pixels: in standard deviations of the noise, and relative to its own
# numbers (both stabilised). A mineral that the scan is full of is not odd.
MAPPED_SHARE, ALIKE_SHARE, CONTRAST_SIGMAS, CONTRAST_SHARE = 0.05, 1e-3, 6.0, 0.15
# Odd grains of the scan itself: pixels above this quantile of an element, where the quantile is
# this far above the next one.
RARE_QUANTILE, COMMON_QUANTILE, RARE_RATIO, RARE_SIGMAS = 0.9999, 0.99, 1.5, 5.0
SUBPIXELS = 7
TRIES = 500

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlantedScan:
    """A real scan with planted grains.

    Attributes
    ----------
    cube : ElementCube
    truth : (H, W) uint8
        1 where a grain fills at least `TRUTH_FRACTION` of the pixel. 255 (left out) where the beam
        only touches one, and where the scan has odd grains of its own. Else 0.
    share : (H, W) float64
        Share of the pixel that a planted grain fills, before the blur of the beam.
    grains : DataFrame
        mineral, y, x (centre in pixels), area_px, fill and n_pixels (in the truth) of each grain.
    beam_px : float
        Full width of the beam in pixels.
    """

    cube: ElementCube
    truth: NDArray[np.uint8]
    share: Floats
    grains: pd.DataFrame
    beam_px: float


def plant(
    cube: ElementCube, model: ScanModel, recipe: Recipe, rng: np.random.Generator
) -> PlantedScan:
    """Plant grains of a recipe into a scan."""
    maps = np.array(cube.maps, dtype=np.float64)
    own = odd_pixels(model.stabilised(maps), cube.valid)
    names = visible_minerals(maps[:, cube.valid], model, recipe, cube.elements)
    kinds = rng.permutation(names)[: int(rng.integers(2, MOST_KINDS + 1))].tolist()
    beam = float(rng.uniform(*recipe.beam_px))
    n = round(_log_uniform(rng, *recipe.n_grains))
    free = cube.valid & ~binary_dilation(own, iterations=2)
    total = np.zeros(cube.shape)
    rows = []
    for number in range(n):
        area = _log_uniform(rng, *recipe.area_px)
        fill = float(rng.uniform(*recipe.fill))
        placed = _place(crystal(area, rng), free, rng)
        if placed is None:  # no room is left
            break
        (top, left), outline = placed
        inside = np.s_[top : top + outline.shape[0], left : left + outline.shape[1]]
        share = np.zeros(cube.shape)
        share[inside] = fill * outline
        free &= ~binary_dilation(share > 0, iterations=2)
        total += share
        mineral = kinds[number % len(kinds)]
        _plant_grain(maps, model, model.pure(recipe.minerals[mineral]), share, beam, rng)
        y, x = (float(np.average(index, weights=share)) for index in np.indices(cube.shape))
        n_pixels = int(np.count_nonzero(share >= TRUTH_FRACTION))
        rows.append((mineral, y, x, float(outline.sum()), fill, n_pixels))
    truth = (total >= TRUTH_FRACTION).astype(np.uint8)
    touched = blur_beam(total.astype(np.float32), beam) >= RIM_FRACTION
    truth[(truth == 0) & (touched | own)] = LEAVE_OUT
    dtype = np.asarray(cube.maps).dtype
    planted = ElementCube(
        maps.astype(np.uint32 if dtype.kind in "ui" else np.float32),
        cube.elements,
        cube.pixel_size,
        valid=cube.valid,
        quantity=cube.quantity,
    )
    columns = ["mineral", "y", "x", "area_px", "fill", "n_pixels"]
    return PlantedScan(planted, truth, total, pd.DataFrame(rows, columns=columns), beam)


def visible_minerals(
    pixels: Floats, model: ScanModel, recipe: Recipe, elements: tuple[str, ...]
) -> list[str]:
    """Minerals of a recipe that are odd among the pixels (C, n) of a scan."""
    stabilised = model.stabilised(pixels)
    found = []
    for name, mineral in recipe.minerals.items():
        if mapped_share(mineral, elements) < MAPPED_SHARE:
            continue
        pure = model.stabilised(model.pure(mineral)[:, None])
        away = np.linalg.norm(stabilised - pure, axis=0)
        nearest = float(np.quantile(away, ALIKE_SHARE))
        if nearest >= max(CONTRAST_SIGMAS, CONTRAST_SHARE * float(np.linalg.norm(pure))):
            found.append(name)
    return found


def odd_pixels(stabilised: Floats, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rare bright pixels (H, W) of single elements: the scan's own odd grains.

    They are left out of the truth, because nobody knows which of them are anomalies.
    """
    odd = np.zeros(valid.shape, dtype=bool)
    for plane in stabilised:
        common, rare = np.quantile(plane[valid], (COMMON_QUANTILE, RARE_QUANTILE))
        if rare > RARE_RATIO * common and rare > common + RARE_SIGMAS:
            odd |= valid & (plane > 0.5 * (common + rare))
    return odd


def crystal(area: float, rng: np.random.Generator) -> Floats:
    """Share (h, w) of the pixels that an irregular crystal of this area covers; it fits the box."""
    radius = np.sqrt(area / np.pi)
    waves, phases = rng.uniform(0.0, 0.22, 3), rng.uniform(0.0, 2 * np.pi, 3)
    side = int(np.ceil(2 * 1.7 * radius)) + 3
    middle = 0.5 * (side - 1) + rng.uniform(-0.5, 0.5, 2)
    step = (np.arange(side * SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    y, x = step[:, None] - middle[0], step[None, :] - middle[1]
    angle = np.arctan2(y, x)
    bumps = sum(
        wave * np.cos(k * angle + phase)
        for k, (wave, phase) in enumerate(zip(waves, phases, strict=True), start=2)
    )
    reach = radius / np.sqrt(1.0 + 0.5 * np.sum(waves**2)) * (1.0 + bumps)
    inside = np.hypot(y, x) <= reach
    cover: Floats = inside.reshape(side, SUBPIXELS, side, SUBPIXELS).mean(axis=(1, 3))
    return cover


def _place(
    outline: Floats, free: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[tuple[int, int], Floats] | None:
    height, width = outline.shape
    if height > free.shape[0] or width > free.shape[1]:
        return None
    for _ in range(TRIES):
        top = int(rng.integers(free.shape[0] - height + 1))
        left = int(rng.integers(free.shape[1] - width + 1))
        if free[top : top + height, left : left + width][outline > 0].all():
            return (top, left), outline
    return None


def _plant_grain(
    maps: Floats,
    model: ScanModel,
    pure: Floats,
    share: Floats,
    beam: float,
    rng: np.random.Generator,
) -> None:
    """Plant one grain into ``maps`` (C, H, W), in place."""
    seen = np.clip(blur_beam(share.astype(np.float32), beam), 0.0, 1.0).astype(np.float64)
    at = np.nonzero(seen > 1e-6)
    maps[:, *at] = model.plant(maps[:, *at], seen[at], pure, rng)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
