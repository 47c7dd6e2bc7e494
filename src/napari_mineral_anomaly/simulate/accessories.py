"""Anomalous grains: ellipses far smaller than the matrix grains, with exact area per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.simulate.scenes import Scene

Floats = NDArray[np.float64]

# In the truth a pixel is anomalous if at least this share of it is filled. With a good dwell time
# the counts show about a tenth of a pixel of a bright mineral; a detector need not find less.
TRUTH_FRACTION = 0.1
MAX_AXIS_RATIO = 1.8


@dataclass(frozen=True, eq=False)
class Grain:
    """One elliptic grain; lengths in pixels, positions with (0, 0) at the first pixel's centre.

    ``rows``, ``cols``, ``fraction``: the pixels that the grain touches, and the share of each
    pixel that it fills; the fractions add up to its area.
    """

    mineral: str
    centre: tuple[float, float]
    semi_axes: tuple[float, float]
    angle: float
    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    fraction: NDArray[np.float32]

    @property
    def area(self) -> float:
        """Area in pixels."""
        return float(np.pi * self.semi_axes[0] * self.semi_axes[1])

    @property
    def n_truth(self) -> int:
        """Pixels filled to `TRUTH_FRACTION` or more."""
        return int(np.count_nonzero(self.fraction >= TRUTH_FRACTION))


def place_grains(
    scene: Scene, shape: tuple[int, int], allowed: NDArray[np.bool_], rng: np.random.Generator
) -> list[Grain]:
    """Place grains until the scene's number or prevalence is reached (at least one grain).

    Minerals are placed in turn, so that each of them occurs if there are enough grains. Grains lie
    completely inside ``allowed`` (H, W) and never share a pixel, so that the filled fraction of a
    pixel belongs to one grain.
    """
    if not scene.accessories:
        return []
    target = max(1.0, scene.prevalence * shape[0] * shape[1])
    free = allowed.copy()
    grains: list[Grain] = []
    marked = 0
    while len(grains) < scene.n_grains if scene.n_grains is not None else marked < target:
        mineral = scene.accessories[len(grains) % len(scene.accessories)]
        grain = _draw_grain(scene, mineral, free, rng)
        if grain is None:  # there is no room left: the section is full of grains or epoxy
            break
        grains.append(grain)
        marked += grain.n_truth
        # One free pixel around every grain keeps 8-connected truth grains apart.
        top, left = max(grain.rows.min() - 1, 0), max(grain.cols.min() - 1, 0)
        free[top : grain.rows.max() + 2, left : grain.cols.max() + 2] = False
    return grains


def _draw_grain(
    scene: Scene, mineral: str, free: NDArray[np.bool_], rng: np.random.Generator, tries: int = 200
) -> Grain | None:
    median, spread, smallest, largest = scene.accessory_um
    diameter = float(np.clip(median * np.exp(rng.normal(0.0, spread)), smallest, largest))
    ratio = rng.uniform(1.0, MAX_AXIS_RATIO)
    mean_axis = 0.5 * diameter / scene.pixel_um
    axes = (mean_axis * np.sqrt(ratio), mean_axis / np.sqrt(ratio))
    angle = float(rng.uniform(0.0, np.pi))
    height, width = free.shape
    reach = axes[0]
    for _ in range(tries):
        centre = (
            float(rng.uniform(reach - 0.5, height - 0.5 - reach)),
            float(rng.uniform(reach - 0.5, width - 0.5 - reach)),
        )
        rows, cols, fraction = ellipse_fractions(centre, axes, angle)
        if free[rows, cols].all():
            return Grain(mineral, centre, axes, angle, rows, cols, fraction)
    return None


def ellipse_fractions(
    centre: tuple[float, float], semi_axes: tuple[float, float], angle: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Pixels that an ellipse touches and the exact share of each that it covers.

    The ellipse is mapped onto the unit circle; a pixel then becomes a parallelogram. The area that
    the two share is a sum over the edges of the parallelogram: of the triangle (origin, edge), the
    part inside the circle.

    Parameters
    ----------
    centre : (float, float)
        (y, x) in pixels; pixel (r, c) covers r - 0.5 to r + 0.5.
    semi_axes : (float, float)
        Long and short, in pixels.
    angle : float
        Direction of the long axis from x towards y, in radians.
    """
    reach = max(semi_axes)
    r0, r1 = np.floor(centre[0] - reach + 0.5), np.floor(centre[0] + reach + 0.5)
    c0, c1 = np.floor(centre[1] - reach + 0.5), np.floor(centre[1] + reach + 0.5)
    box = np.mgrid[int(r0) : int(r1) + 1, int(c0) : int(c1) + 1]
    rows, cols = box.reshape(2, -1)
    y, x = rows - np.float64(centre[0]), cols - np.float64(centre[1])
    corners = [_to_unit_circle(y + dy, x + dx, semi_axes, angle) for dy, dx in _CORNERS]
    area = np.zeros(rows.size)
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        area += _sector_area(start, end)
    # The mapping shrinks areas by the product of the semi-axes.
    fraction = np.clip(np.abs(area) * semi_axes[0] * semi_axes[1], 0.0, 1.0)
    touched = fraction > 1e-9
    return rows[touched], cols[touched], fraction[touched].astype(np.float32)


_CORNERS = ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))


def _to_unit_circle(
    y: Floats, x: Floats, semi_axes: tuple[float, float], angle: float
) -> tuple[Floats, Floats]:
    cos, sin = np.cos(angle), np.sin(angle)
    return (-sin * x + cos * y) / semi_axes[1], (cos * x + sin * y) / semi_axes[0]


def _sector_area(start: tuple[Floats, Floats], end: tuple[Floats, Floats]) -> Floats:
    """Signed area of the triangle (origin, start, end) inside the unit circle.

    Between the two points where the edge crosses the circle it is a triangle, outside of them a
    circular sector.
    """
    (py, px), (qy, qx) = start, end
    dy, dx = qy - py, qx - px
    a, b, c = dy * dy + dx * dx, py * dy + px * dx, py * py + px * px - 1.0
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    first, second = np.clip((-b - root) / a, 0.0, 1.0), np.clip((-b + root) / a, 0.0, 1.0)
    ay, ax = py + first * dy, px + first * dx
    by, bx = py + second * dy, px + second * dx
    triangle = ax * by - ay * bx
    area: Floats = 0.5 * (_angle(py, px, ay, ax) + triangle + _angle(by, bx, qy, qx))
    return area


def _angle(py: Floats, px: Floats, qy: Floats, qx: Floats) -> Floats:
    return np.asarray(np.arctan2(px * qy - py * qx, py * qy + px * qx))
