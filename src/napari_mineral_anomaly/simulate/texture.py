"""The matrix of a section: a foliated, layered polycrystal, computed at any position.

Grains are the Voronoi cells of random centres in a stretched and slightly bent plane, because
random centres give realistic numbers of neighbours and straight to curved boundaries. Around some
centres the neighbours are removed, which leaves large grains (porphyroclasts) among small ones.
Nothing is stored per pixel, so that a section of any size is rendered in blocks of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_mineral_anomaly.simulate.fields import Waves
from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.scenes import Fabric, Scene

Floats = NDArray[np.float64]

# Traces differ between grains of a mineral by a log-normal factor of this standard deviation.
TRACE_SPREAD = 0.5
BEND = 0.25  # amplitude of the bent boundaries in mean grain diameters


@dataclass(frozen=True, eq=False)
class Texture:
    """A polycrystal: where each grain lies, its mineral and its composition.

    Attributes
    ----------
    mode : (n,) uint8
        Index of each grain's mineral in ``scene.modes``.
    share : (n,) float32
        Mean molar share of the mineral's second end member in each grain.
    trace : (n, C) float32 or None
        Factor on the traces of each element in each grain; None where the scene has no traces.
    """

    mode: NDArray[np.uint8]
    share: NDArray[np.float32]
    trace: NDArray[np.float32] | None
    _spread: NDArray[np.float32]
    _tree: cKDTree
    _turn: Floats
    _bend: tuple[Waves, Waves]
    _grain_um: float
    _fabric: Fabric

    def grain_at(self, y: Floats, x: Floats) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Grain index and distance to its centre (mean grain diameters) at positions in µm."""
        u, v = self._plane(y, x)
        distance, grain = map(np.asarray, self._tree.query(np.stack([u, v], axis=-1)))
        return grain.astype(np.intp), (distance / self._grain_um).astype(np.float32)

    def composition(
        self, grain: NDArray[np.intp], distance: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Molar share of the second end member, zoned from core to rim, between 0 and 1."""
        zoned = self.share[grain] + self._fabric.zoning * self._spread[grain] * (
            4.0 * distance - 1.0
        )
        inside: NDArray[np.float32] = np.clip(zoned, 0.0, 1.0, dtype=np.float32)
        return inside

    def _plane(self, y: Floats, x: Floats) -> tuple[Floats, Floats]:
        """Positions in the bent plane whose first axis is shortened along the foliation."""
        amplitude = BEND * self._grain_um
        bent_y = y + amplitude * self._bend[0](y, x)
        bent_x = x + amplitude * self._bend[1](y, x)
        stretch = np.sqrt(self._fabric.elongation)
        along = (self._turn[0] * bent_y + self._turn[1] * bent_x) / stretch
        across = (self._turn[0] * bent_x - self._turn[1] * bent_y) * stretch
        return along, across


def make_texture(scene: Scene, shape: tuple[int, int], rng: np.random.Generator) -> Texture:
    """Draw the matrix of a section of ``shape`` (H, W) pixels."""
    grain_um, fabric = scene.grain_um, scene.fabric
    foliation = rng.uniform(0, np.pi)
    turn = np.array([np.sin(foliation), np.cos(foliation)])
    bend = (Waves.draw(rng, 5 * grain_um), Waves.draw(rng, 5 * grain_um))
    layers = Waves.draw(rng, 2 * fabric.layer_um, along=foliation + np.pi / 2)

    centres, large = _centres(scene, shape, turn, rng)
    stretch = np.sqrt(fabric.elongation)
    along, across = centres[:, 0] * stretch, centres[:, 1] / stretch
    y, x = turn[0] * along - turn[1] * across, turn[1] * along + turn[0] * across

    bands = np.array([mode.band for mode in scene.modes])
    chances = np.array([mode.share for mode in scene.modes]) * np.exp(bands * layers(y, x)[:, None])
    chances /= chances.sum(axis=1, keepdims=True)
    chosen = (rng.random((len(centres), 1)) > np.cumsum(chances, axis=1)).sum(axis=1)
    mode = np.minimum(chosen, len(scene.modes) - 1).astype(np.uint8)

    names = [mode.mineral for mode in scene.modes]
    if fabric.large_minerals:
        wanted = np.array([names.index(name) for name in fabric.large_minerals])
        mode[large] = rng.choice(wanted, size=np.count_nonzero(large))
    for mineral, thickness in fabric.veins:
        mode[_in_vein(y, x, shape, scene.pixel_um, thickness, rng)] = names.index(mineral)

    means, spreads = np.array([MINERALS[m.mineral].share for m in scene.modes]).T
    spreads = fabric.chemistry * spreads
    share = rng.normal(means[mode], spreads[mode]).clip(0.0, 1.0)
    trace = None
    if fabric.trace > 0:
        size = (len(centres), len(scene.elements))
        trace = rng.lognormal(-0.5 * TRACE_SPREAD**2, TRACE_SPREAD, size).astype(np.float32)
    return Texture(
        mode=mode,
        share=share.astype(np.float32),
        trace=trace,
        _spread=spreads[mode].astype(np.float32),
        _tree=cKDTree(centres),
        _turn=turn,
        _bend=bend,
        _grain_um=grain_um,
        _fabric=fabric,
    )


def _in_vein(
    y: Floats,
    x: Floats,
    shape: tuple[int, int],
    pixel_um: float,
    thickness: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which centres (µm) lie in a straight vein through a random point of the section."""
    middle = rng.uniform(0.2, 0.8, 2) * np.array(shape) * pixel_um
    angle = rng.uniform(0, np.pi)
    away = np.cos(angle) * (y - middle[0]) - np.sin(angle) * (x - middle[1])
    inside: NDArray[np.bool_] = np.abs(away) < 0.5 * thickness
    return inside


def _centres(
    scene: Scene, shape: tuple[int, int], turn: Floats, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Grain centres (n, 2) in the stretched plane, and which of them are large (n,).

    They cover the section and a margin.
    """
    fabric = scene.fabric
    stretch = np.sqrt(fabric.elongation)
    height, width = shape[0] * scene.pixel_um, shape[1] * scene.pixel_um
    corners = np.array([[0.0, 0.0], [0.0, width], [height, 0.0], [height, width]])
    along = (corners @ turn) / stretch
    across = (corners @ np.array([-turn[1], turn[0]])) * stretch
    margin = 4 * scene.grain_um
    low = np.array([along.min(), across.min()]) - margin
    high = np.array([along.max(), across.max()]) + margin
    # The stretch does not change areas, so one centre per mean grain area gives the mean diameter.
    n = int(np.prod(high - low) / (np.pi / 4 * scene.grain_um**2))
    centres = rng.uniform(low, high, size=(n, 2))
    large = rng.choice(n, size=max(1, int(fabric.large_share * n)), replace=False)
    keep, is_large = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    for index, close in zip(
        large,
        cKDTree(centres).query_ball_point(centres[large], fabric.large_radius * scene.grain_um),
        strict=True,
    ):
        if keep[index]:
            keep[close] = False
            keep[index] = is_large[index] = True
    return centres[keep], is_large[keep]
