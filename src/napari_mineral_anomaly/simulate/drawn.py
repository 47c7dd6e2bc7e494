"""A scene whose rock, texture and measurement are drawn at random: `draw_scene`.

The fixed scenes are a few points in the space of possible scans. A detector that was tuned on them
may fit only them. Each seed of a drawn scene is another point: another rock, texture, dwell time,
beam, thickness, drift and set of mapped elements.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.rendering import solid_solution
from napari_mineral_anomaly.simulate.rocks import ACCESSORY_POOL, ROCKS, VEIN_MINERALS
from napari_mineral_anomaly.simulate.scenes import MAPPABLE, Fabric, Intensity, Mode, Scene

FEWEST_ELEMENTS, MOST_ELEMENTS = 8, 20
FEWEST_MINERALS, MOST_MINERALS = 4, 12
# A main mineral has at least this many grains in a section of so many pixels. A mineral with one
# grain would be as odd as the anomalies, but not in the truth.
FEWEST_GRAINS, REFERENCE_PIXELS = 4, 256 * 256
# A pixel full of an anomalous mineral differs at least this much from every composition of every
# main mineral: in standard deviations of the counting noise, and relative to its own counts (both
# on square roots). Nobody could find the others.
CONTRAST_SIGMAS, CONTRAST_SHARE = 5.0, 0.15
TEXTURES = ("equigranular", "foliated", "porphyritic", "veined")

Floats = NDArray[np.float64]


def draw_scene(seed: int, name: str = "drawn", *, barren: bool = False) -> Scene:
    """Draw the recipe of a section.

    Parameters
    ----------
    seed : int
    name : str
        Name of the scene.
    barren : bool
        The same rock and measurement without anomalous grains.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7,)))
    texture = TEXTURES[rng.integers(len(TEXTURES))]
    rock = sorted(ROCKS)[rng.integers(len(ROCKS))]
    grain_px = _log_uniform(rng, 3.0, 28.0)
    pixel_um = round(_log_uniform(rng, 4.0, 50.0), 1)
    modes = _draw_modes(rock, grain_px, texture, rng)
    veins: tuple[tuple[str, float], ...] = ()
    if texture == "veined":
        modes, veins = _add_veins(modes, grain_px * pixel_um, rng)
    elements = _draw_elements(modes, rng)
    strongest = _mean_rates(modes, elements).max()
    counts = _log_uniform(rng, 1.0, 300.0)
    scene = Scene(
        name=name,
        summary=f"{texture} {rock}, {len(modes)} main minerals, {counts:.0f} counts in the "
        "strongest element",
        modes=modes,
        accessories=(),
        prevalence=0.0,
        accessory_um=_draw_sizes(pixel_um, rng),
        dwell_ms=counts / strongest,
        grain_um=grain_px * pixel_um,
        pixel_um=pixel_um,
        spot_um=pixel_um * rng.uniform(0.6, 2.2),
        n_grains=round(_log_uniform(rng, 3.0, 60.0)),
        elements=elements,
        fabric=_draw_fabric(texture, modes, veins, grain_px * pixel_um, rng),
        intensity=Intensity(
            thickness=_log_uniform(rng, 0.01, 0.25),
            thickness_um=pixel_um * _log_uniform(rng, 40.0, 500.0),
            drift=_log_uniform(rng, 0.005, 0.15),
            background=counts * _log_uniform(rng, 1e-4, 2e-2),
        ),
    )
    accessories = _draw_accessories(scene, rng)
    return scene if barren else replace(scene, accessories=accessories)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _draw_modes(
    rock: str, grain_px: float, texture: str, rng: np.random.Generator
) -> tuple[Mode, ...]:
    """Main minerals with their shares of the area."""
    minerals = ROCKS[rock]
    n = int(rng.integers(FEWEST_MINERALS, MOST_MINERALS + 1))
    weights = np.array([mineral.share for mineral in minerals[:n]])
    shares = rng.dirichlet(15.0 * weights / weights.sum())
    n_grains = REFERENCE_PIXELS / (np.pi / 4 * grain_px**2)
    keep = shares * n_grains >= FEWEST_GRAINS
    keep[np.argsort(-shares)[:FEWEST_MINERALS]] = True
    shares = np.maximum(shares, FEWEST_GRAINS / n_grains) * keep
    layered = 1.3 if texture == "foliated" else rng.uniform(0.0, 0.5)
    return tuple(
        Mode(mineral.mineral, float(share), layered * mineral.band)
        for mineral, share in zip(minerals, shares / shares.sum(), strict=False)
        if share > 0
    )


def _add_veins(
    modes: tuple[Mode, ...], grain_um: float, rng: np.random.Generator
) -> tuple[tuple[Mode, ...], tuple[tuple[str, float], ...]]:
    """Veins of one or two minerals; a mineral that the rock lacks joins its main minerals."""
    kinds = rng.choice(VEIN_MINERALS, size=int(rng.integers(1, 3)), replace=False).tolist()
    known = {mode.mineral for mode in modes}
    # Outside of its veins the new mineral has a small share, so that it is nowhere unique.
    added = tuple(Mode(kind, 0.02) for kind in kinds if kind not in known)
    total = 1.0 + sum(mode.share for mode in added)
    scaled = tuple(replace(mode, share=mode.share / total) for mode in (*modes, *added))
    n = int(rng.integers(1, 5))
    veins = tuple((kinds[k % len(kinds)], grain_um * rng.uniform(1.0, 4.0)) for k in range(n))
    return scaled, veins


def _draw_elements(modes: tuple[Mode, ...], rng: np.random.Generator) -> tuple[str, ...]:
    """The mapped elements: the strongest of the rock, and others."""
    n = int(rng.integers(FEWEST_ELEMENTS, MOST_ELEMENTS + 1))
    weight = dict.fromkeys(MAPPABLE, 0.0)
    for mode in modes:
        for element, fraction in MINERALS[mode.mineral].mass_fractions().items():
            if element in weight:
                weight[element] += mode.share * fraction
    main = sorted(MAPPABLE, key=lambda element: -weight[element])[:6]
    others = [element for element in MAPPABLE if element not in main]
    chosen = {*main, *rng.choice(others, size=n - len(main), replace=False).tolist()}
    return tuple(element for element in MAPPABLE if element in chosen)


def _draw_sizes(pixel_um: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Median, spread, smallest and largest diameter of the anomalous grains in µm."""
    median = _log_uniform(rng, 0.9, 4.0)
    return (median * pixel_um, rng.uniform(0.3, 0.7), 0.75 * pixel_um, 10.0 * pixel_um)


def _draw_fabric(
    texture: str,
    modes: tuple[Mode, ...],
    veins: tuple[tuple[str, float], ...],
    grain_um: float,
    rng: np.random.Generator,
) -> Fabric:
    fabric = Fabric(
        elongation=rng.uniform(1.0, 1.5),
        large_share=rng.uniform(0.0, 0.03),
        layer_um=grain_um * _log_uniform(rng, 3.0, 30.0),
        zoning=rng.uniform(0.0, 1.5),
        chemistry=_log_uniform(rng, 0.5, 2.5),
        trace=_log_uniform(rng, 1e-3, 5e-2),
        veins=veins,
    )
    if texture == "foliated":
        return replace(fabric, elongation=rng.uniform(2.0, 5.0))
    if texture == "porphyritic":
        names = [mode.mineral for mode in modes]
        large = rng.choice(names[:4], size=int(rng.integers(1, 3)), replace=False)
        return replace(
            fabric,
            large_share=rng.uniform(0.01, 0.03),
            large_radius=rng.uniform(2.5, 5.0),
            large_minerals=tuple(large.tolist()),
        )
    return fabric


def _draw_accessories(scene: Scene, rng: np.random.Generator) -> tuple[str, ...]:
    """One to six minerals that the counts of the section can tell from the matrix."""
    main = {mode.mineral for mode in scene.modes}
    matrix = np.concatenate([solid_solution(name, scene.elements) for name in sorted(main)])
    floor = scene.intensity.background
    ours = 2.0 * np.sqrt(matrix * scene.dwell_ms + floor)
    contrasts = {}
    for name in ACCESSORY_POOL:
        if name in main:
            continue
        pure = 2.0 * np.sqrt(
            solid_solution(name, scene.elements).mean(axis=0) * scene.dwell_ms + floor
        )
        sigmas = float(np.linalg.norm(ours - pure, axis=1).min())
        share = sigmas / float(np.linalg.norm(pure))
        contrasts[name] = min(sigmas / CONTRAST_SIGMAS, share / CONTRAST_SHARE)
    visible = [name for name, contrast in contrasts.items() if contrast >= 1.0]
    if not visible:
        visible = sorted(contrasts, key=lambda name: -contrasts[name])[:1]
    n = min(int(rng.integers(1, 7)), len(visible))
    return tuple(rng.choice(visible, size=n, replace=False).tolist())


def _mean_rates(modes: tuple[Mode, ...], elements: tuple[str, ...]) -> Floats:
    rates = [mode.share * solid_solution(mode.mineral, elements).mean(axis=0) for mode in modes]
    return np.asarray(np.sum(rates, axis=0), dtype=np.float64)
