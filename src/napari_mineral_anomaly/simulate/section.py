"""From a scene to counts and truth: `simulate_section`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.simulate.accessories import TRUTH_FRACTION, Grain, place_grains
from napari_mineral_anomaly.simulate.artefacts import (
    artefact_table,
    draw_spikes,
    no_artefacts,
    plan_artefacts,
)
from napari_mineral_anomaly.simulate.fields import IntensityField
from napari_mineral_anomaly.simulate.rendering import Renderer, blur_beam, draw_traces
from napari_mineral_anomaly.simulate.scene_names import get_scene
from napari_mineral_anomaly.simulate.scenes import Scene
from napari_mineral_anomaly.simulate.texture import make_texture

DEFAULT_SHAPE = (256, 320)
SMALLEST_SIDE = 32
# A pixel outside the truth is left out of evaluations if the beam brings at least this share of a
# grain into it: it contains real signal, so neither answer is wrong.
RIM_FRACTION = 0.01
LEAVE_OUT = 255
# Rows are rendered in blocks of about this many pixels: some 50 MB of working memory.
BLOCK_PIXELS = 100_000

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SimulatedSection:
    """A simulated scan with its exact truth.

    Attributes
    ----------
    scene : Scene
        The recipe.
    seed : int
    cube : ElementCube
        uint16 counts of ``scene.elements``, pixel size in µm.
    truth : (H, W) uint8
        1 where an anomalous grain fills at least `accessories.TRUTH_FRACTION` of the pixel (before
        the blur of the beam), else 0.
    fraction : (H, W) float32
        Share of the pixel that an anomalous grain fills.
    grains : DataFrame
        One row per anomalous grain: grain_id, mineral, centroid_y_px, centroid_x_px,
        centroid_y_um, centroid_x_um, diameter_um (of the circle of equal area), area_um2,
        area_px, fraction (of the fullest pixel), n_pixels (in the truth). (0, 0) is the centre
        of the first pixel.
    phases : (H, W) uint8
        Index in ``minerals`` of the mineral at the pixel's centre, or of an anomalous grain that
        fills more than half of the pixel.
    minerals : tuple of str
    artefacts : DataFrame
        Every artefact of the measurement (`artefacts.artefact_table`); no rows in clean scenes.
    artefact_map : (H, W) uint16
        ``artefact_id`` of each pixel, 0 = none.
    """

    scene: Scene
    seed: int
    cube: ElementCube
    truth: NDArray[np.uint8]
    fraction: Floats32
    grains: pd.DataFrame
    phases: NDArray[np.uint8]
    minerals: tuple[str, ...]
    artefacts: pd.DataFrame
    artefact_map: NDArray[np.uint16]

    @property
    def truth_with_rim(self) -> NDArray[np.uint8]:
        """(H, W) uint8: the truth with `LEAVE_OUT` (255) where the beam only touches a grain."""
        seen = blur_beam(self.fraction, self.scene.spot_um / self.scene.pixel_um)
        rim = (self.truth == 0) & (seen >= RIM_FRACTION)
        return np.where(rim, np.uint8(LEAVE_OUT), self.truth)


def simulate_section(
    scene: str | Scene = "easy",
    shape: tuple[int, int] = DEFAULT_SHAPE,
    seed: int = 0,
    *,
    task: Task = SILENT,
) -> SimulatedSection:
    """Simulate a micro-XRF scan of a thin section together with its exact truth.

    The same scene, shape and seed give the same arrays. Scenes with the same recipe of the matrix
    have the same matrix at the same shape and seed: ``barren`` is ``easy`` without its grains.

    Parameters
    ----------
    scene : {"easy", "hard", "barren", "artefacts", "drawn", "drawn-barren"} or Scene
        A name, or a recipe of your own. Of a drawn scene the seed chooses the recipe too.
    shape : (int, int)
        (H, W) in pixels, at least 32 x 32.
    seed : int
        Not negative.
    task : Task, optional
        Reports progress and can be cancelled.

    Raises
    ------
    InputError
        For an unknown scene, a section that is too small or a seed that is not a whole number.
    CancelledError
        When ``task`` was cancelled.
    """
    height, width = shape = _checked_shape(shape)
    seed = _checked_seed(seed)
    recipe = scene if isinstance(scene, Scene) else get_scene(scene, seed)
    elements = recipe.elements

    texture = make_texture(recipe, shape, _stream(seed, 0))
    plan = plan_artefacts(shape, _stream(seed, 1)) if recipe.artefacts else no_artefacts(shape)
    placed = place_grains(recipe, shape, plan.mineral, _stream(seed, 2))
    fraction = np.zeros(shape, dtype=np.float32)
    for grain in placed:
        fraction[grain.rows, grain.cols] = grain.fraction

    counts = np.empty((len(elements), height, width), dtype=np.uint16)
    phases = np.empty(shape, dtype=np.uint8)
    leaks = np.zeros(shape, dtype=np.uint16)
    field = IntensityField.draw(recipe, height, _stream(seed, 5))
    traces = draw_traces(recipe, _stream(seed, 6))
    renderer = Renderer(recipe, shape, texture, placed, plan, field, traces)
    for number, rows in enumerate(_blocks(shape)):
        task.step("simulating", rows.start, height)
        expected, phases[rows], leaks[rows] = renderer.render(rows)
        drawn = _stream(seed, 4, number).poisson(expected)
        counts[:, rows] = np.minimum(drawn, np.iinfo(np.uint16).max)
    spikes = None
    if recipe.artefacts:
        spikes = draw_spikes(plan, fraction, elements, _stream(seed, 3))
        at = (spikes.element, spikes.rows, spikes.cols)
        counts[at] = np.minimum(counts[at] + spikes.counts, np.iinfo(np.uint16).max)
    task.step("simulating", height, height)

    table, labels = artefact_table(plan, spikes, leaks, elements)
    cube = ElementCube(
        counts,
        elements,
        pixel_size=(recipe.pixel_um, recipe.pixel_um),
        quantity="counts",
        source=f"simulated section, scene {recipe.name}, seed {seed}",
    )
    return SimulatedSection(
        scene=recipe,
        seed=seed,
        cube=cube,
        truth=(fraction >= TRUTH_FRACTION).astype(np.uint8),
        fraction=fraction,
        grains=grain_table(placed, recipe.pixel_um),
        phases=phases,
        minerals=renderer.minerals,
        artefacts=table,
        artefact_map=labels,
    )


def _stream(seed: int, *key: int) -> np.random.Generator:
    """A separate random stream per purpose, so that one part never changes the draws of another."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _blocks(shape: tuple[int, int]) -> Iterator[slice]:
    height, width = shape
    step = max(16, BLOCK_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def grain_table(placed: list[Grain], pixel_um: float) -> pd.DataFrame:
    """The table `SimulatedSection.grains` of placed grains."""
    areas = np.array([grain.area for grain in placed])
    y, x = np.array([grain.centre for grain in placed]).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "grain_id": np.arange(1, len(placed) + 1),
            "mineral": pd.Series([grain.mineral for grain in placed], dtype=str),
            "centroid_y_px": y,
            "centroid_x_px": x,
            "centroid_y_um": y * pixel_um,
            "centroid_x_um": x * pixel_um,
            "diameter_um": 2 * np.sqrt(areas / np.pi) * pixel_um,
            "area_um2": areas * pixel_um**2,
            "area_px": areas,
            "fraction": [float(grain.fraction.max()) for grain in placed],
            "n_pixels": [grain.n_truth for grain in placed],
        }
    )


def _checked_shape(shape: Sequence[object]) -> tuple[int, int]:
    sides = [int(side) for side in shape if isinstance(side, Integral)]
    if len(sides) != 2 or len(shape) != 2:
        raise InputError(
            f"The size of a section is two whole numbers, rows and columns; got {shape}."
        )
    if min(sides) < SMALLEST_SIDE:
        raise InputError(
            f"A simulated section needs at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels; "
            f"{sides[0]} x {sides[1]} was asked for."
        )
    return sides[0], sides[1]


def _checked_seed(seed: object) -> int:
    if not isinstance(seed, Integral) or int(seed) < 0:
        raise InputError(f"The seed must be a whole number from 0 on; got {seed}.")
    return int(seed)
