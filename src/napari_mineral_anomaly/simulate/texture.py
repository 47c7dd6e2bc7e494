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

from napari_mineral_anomaly.simulate.minerals import MINERALS
from napari_mineral_anomaly.simulate.scenes import Scene

Floats = NDArray[np.float64]

ELONGATION = 1.8  # long over short axis of a matrix grain: a moderate foliation
LARGE_SHARE = 0.02  # centres that become large grains
LARGE_RADIUS = 1.6  # in mean grain diameters: centres this close to a large grain are removed
BEND = 0.25  # amplitude of the bent boundaries in mean grain diameters
LAYER_UM = 2_500.0  # typical thickness of a compositional layer
ZONING = 0.5  # core-to-rim change, in standard deviations between grains


@dataclass(frozen=True, eq=False)
class _Waves:
    """A smooth random field of unit variance: a sum of plane waves with random phases."""

    vectors: Floats  # (n, 2) rad/µm
    phases: Floats  # (n,)

    @classmethod
    def draw(
        cls, rng: np.random.Generator, wavelength: float, n: int = 6, along: float | None = None
    ) -> _Waves:
        angles = rng.uniform(0, 2 * np.pi, n) if along is None else rng.normal(along, 0.15, n)
        numbers = 2 * np.pi / (wavelength * rng.uniform(0.6, 1.8, n))
        vectors = numbers[:, None] * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        return cls(vectors, rng.uniform(0, 2 * np.pi, n))

    def __call__(self, y: Floats, x: Floats) -> Floats:
        total = np.zeros(np.broadcast(y, x).shape)
        for (ky, kx), phase in zip(self.vectors, self.phases, strict=True):
            total += np.sin(ky * y + kx * x + phase)
        total *= np.sqrt(2.0 / len(self.phases))
        return total


@dataclass(frozen=True, eq=False)
class Texture:
    """A polycrystal: where each grain lies, its mineral and its composition.

    Attributes
    ----------
    mode : (n,) uint8
        Index of each grain's mineral in ``scene.modes``.
    share : (n,) float32
        Mean molar share of the mineral's second end member in each grain.
    """

    mode: NDArray[np.uint8]
    share: NDArray[np.float32]
    _spread: NDArray[np.float32]
    _tree: cKDTree
    _turn: Floats
    _bend: tuple[_Waves, _Waves]
    _grain_um: float

    def grain_at(self, y: Floats, x: Floats) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Grain index and distance to its centre (mean grain diameters) at positions in µm."""
        u, v = self._plane(y, x)
        distance, grain = map(np.asarray, self._tree.query(np.stack([u, v], axis=-1)))
        return grain.astype(np.intp), (distance / self._grain_um).astype(np.float32)

    def composition(
        self, grain: NDArray[np.intp], distance: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Molar share of the second end member, zoned from core to rim, between 0 and 1."""
        zoned = self.share[grain] + ZONING * self._spread[grain] * (4.0 * distance - 1.0)
        inside: NDArray[np.float32] = np.clip(zoned, 0.0, 1.0, dtype=np.float32)
        return inside

    def _plane(self, y: Floats, x: Floats) -> tuple[Floats, Floats]:
        """Positions in the bent plane whose first axis is shortened along the foliation."""
        amplitude = BEND * self._grain_um
        bent_y = y + amplitude * self._bend[0](y, x)
        bent_x = x + amplitude * self._bend[1](y, x)
        along = (self._turn[0] * bent_y + self._turn[1] * bent_x) / np.sqrt(ELONGATION)
        across = (self._turn[0] * bent_x - self._turn[1] * bent_y) * np.sqrt(ELONGATION)
        return along, across


def make_texture(scene: Scene, shape: tuple[int, int], rng: np.random.Generator) -> Texture:
    """Draw the matrix of a section of ``shape`` (H, W) pixels."""
    grain_um = scene.grain_um
    foliation = rng.uniform(0, np.pi)
    turn = np.array([np.sin(foliation), np.cos(foliation)])
    bend = (_Waves.draw(rng, 5 * grain_um), _Waves.draw(rng, 5 * grain_um))
    layers = _Waves.draw(rng, 2 * LAYER_UM, along=foliation + np.pi / 2)

    centres = _centres(scene, shape, turn, rng)
    along, across = centres[:, 0] * np.sqrt(ELONGATION), centres[:, 1] / np.sqrt(ELONGATION)
    y, x = turn[0] * along - turn[1] * across, turn[1] * along + turn[0] * across

    bands = np.array([mode.band for mode in scene.modes])
    chances = np.array([mode.share for mode in scene.modes]) * np.exp(bands * layers(y, x)[:, None])
    chances /= chances.sum(axis=1, keepdims=True)
    chosen = (rng.random((len(centres), 1)) > np.cumsum(chances, axis=1)).sum(axis=1)
    mode = np.minimum(chosen, len(scene.modes) - 1).astype(np.uint8)

    means, spreads = np.array([MINERALS[m.mineral].share for m in scene.modes]).T
    share = rng.normal(means[mode], spreads[mode]).clip(0.0, 1.0)
    return Texture(
        mode=mode,
        share=share.astype(np.float32),
        _spread=spreads[mode].astype(np.float32),
        _tree=cKDTree(centres),
        _turn=turn,
        _bend=bend,
        _grain_um=grain_um,
    )


def _centres(
    scene: Scene, shape: tuple[int, int], turn: Floats, rng: np.random.Generator
) -> Floats:
    """Grain centres (n, 2) in the stretched plane, covering the section and a margin."""
    height, width = shape[0] * scene.pixel_um, shape[1] * scene.pixel_um
    corners = np.array([[0.0, 0.0], [0.0, width], [height, 0.0], [height, width]])
    along = (corners @ turn) / np.sqrt(ELONGATION)
    across = (corners @ np.array([-turn[1], turn[0]])) * np.sqrt(ELONGATION)
    margin = 4 * scene.grain_um
    low = np.array([along.min(), across.min()]) - margin
    high = np.array([along.max(), across.max()]) + margin
    # The stretch does not change areas, so one centre per mean grain area gives the mean diameter.
    n = int(np.prod(high - low) / (np.pi / 4 * scene.grain_um**2))
    centres = rng.uniform(low, high, size=(n, 2))
    large = rng.choice(n, size=max(1, int(LARGE_SHARE * n)), replace=False)
    keep = np.ones(n, dtype=bool)
    for index, close in zip(
        large,
        cKDTree(centres).query_ball_point(centres[large], LARGE_RADIUS * scene.grain_um),
        strict=True,
    ):
        if keep[index]:
            keep[close] = False
            keep[index] = True
    return centres[keep]
