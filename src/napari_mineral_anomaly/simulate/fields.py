"""Smooth random fields: of the texture, and of what changes all elements together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.simulate.scenes import Scene

Floats = NDArray[np.float64]

# Detector background differs between elements by a log-normal factor of this standard deviation.
BACKGROUND_SPREAD = 0.7


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth random field of unit variance: a sum of plane waves with random phases."""

    vectors: Floats  # (n, 2) rad/µm
    phases: Floats  # (n,)

    @classmethod
    def draw(
        cls, rng: np.random.Generator, wavelength: float, n: int = 6, along: float | None = None
    ) -> Waves:
        """``n`` waves of about this length, in all directions or near the angle ``along``."""
        angles = rng.uniform(0, 2 * np.pi, n) if along is None else rng.normal(along, 0.15, n)
        numbers = 2 * np.pi / (wavelength * rng.uniform(0.6, 1.8, n))
        vectors = numbers[:, None] * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        return cls(vectors, rng.uniform(0, 2 * np.pi, n))

    def __call__(self, y: Floats, x: Floats) -> Floats:
        """The field at positions."""
        total = np.zeros(np.broadcast(y, x).shape)
        for (ky, kx), phase in zip(self.vectors, self.phases, strict=True):
            total += np.sin(ky * y + kx * x + phase)
        total *= np.sqrt(2.0 / len(self.phases))
        return total


@dataclass(frozen=True, eq=False)
class IntensityField:
    """Factor on the counts of all elements, and the counts that do not come from the section.

    Attributes
    ----------
    background : (C,) float64
        Counts per pixel.
    """

    background: Floats
    _scene: Scene
    _height: int
    _thickness: Waves
    _drift: Waves

    @classmethod
    def draw(cls, scene: Scene, height: int, rng: np.random.Generator) -> IntensityField:
        """The field of a section of ``height`` rows."""
        intensity = scene.intensity
        spread = rng.lognormal(0.0, BACKGROUND_SPREAD, len(scene.elements))
        return cls(
            background=intensity.background * spread,
            _scene=scene,
            _height=height,
            _thickness=Waves.draw(rng, intensity.thickness_um),
            _drift=Waves.draw(rng, 1.5, n=3, along=np.pi / 2),
        )

    def gain(self, rows: slice, width: int) -> Floats:
        """Factor (h, W) on the counts of some rows; 1 everywhere in an ideal measurement."""
        step, intensity = self._scene.pixel_um, self._scene.intensity
        y, x = np.mgrid[rows, 0:width].astype(np.float64)
        thickness = np.exp(intensity.thickness * self._thickness(y * step, x * step))
        drift = 1.0 + 0.5 * intensity.drift * self._drift(y / self._height, np.zeros_like(y))
        gain: Floats = thickness * drift
        return gain
