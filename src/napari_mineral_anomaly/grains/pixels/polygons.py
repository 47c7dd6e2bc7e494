"""Outlines of grains as valid polygons with holes, for programs that measure and draw shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mineral_anomaly.grains.pixels.outline import FloatArray, pixel_outlines


@dataclass(frozen=True, eq=False)
class Polygon:
    """One connected piece of a grain.

    Attributes
    ----------
    exterior : (n, 2) float64
        Vertices (y, x) in pixels, the first repeated at the end; the centre of the first pixel of
        the map is at 0, 0. The inside is on the right where y is drawn downwards.
    holes : tuple of (n, 2) float64
        The same, the other way round.
    """

    exterior: FloatArray
    holes: tuple[FloatArray, ...] = ()

    @property
    def area(self) -> float:
        """In pixels."""
        return signed_area(self.exterior) + sum(map(signed_area, self.holes))


def mask_polygons(mask: NDArray[Any], *, offset: tuple[float, float] = (0, 0)) -> list[Polygon]:
    """The pieces of a mask as polygons along the edges of its pixels.

    They are valid in the sense of the Simple Features standard (ISO 19125): no ring touches itself,
    and the inside of each is connected. So pixels that meet at a corner only are two pieces.

    Parameters
    ----------
    mask : (H, W), non-zero = inside
    offset : (y, x)
        Where the first pixel of the mask lies.
    """
    pieces, n_pieces = ndimage.label(np.asarray(mask) != 0)  # neighbours share an edge
    polygons = []
    for number in range(1, n_pieces + 1):
        outlines = pixel_outlines(pieces == number, offset=offset)
        rings = [ring for outline in outlines for ring in _simple_rings(outline)]
        # The inside is connected through edges, so exactly one ring goes around it.
        (exterior,) = (ring for ring in rings if signed_area(ring) > 0)
        holes = tuple(ring for ring in rings if signed_area(ring) < 0)
        polygons.append(Polygon(exterior, holes))
    return polygons


def signed_area(ring: FloatArray) -> float:
    """Area of a closed ring (shoelace formula); positive where the inside is on its right."""
    y, x = (ring - ring[0]).T
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def _simple_rings(ring: FloatArray) -> list[FloatArray]:
    """The rings into which an outline falls at the corners that it passes twice.

    Outlines pass a corner twice only where pixels meet at it, and they turn there; so the corner is
    among their vertices.
    """
    rings: list[FloatArray] = []
    path: list[tuple[float, float]] = []
    places: dict[tuple[float, float], int] = {}
    for y, x in ring.tolist():
        vertex = (y, x)
        if vertex in places:
            start = places[vertex]
            rings.append(np.array([*path[start:], vertex]))
            for passed in path[start + 1 :]:
                del places[passed]
            del path[start + 1 :]
        else:
            places[vertex] = len(path)
            path.append(vertex)
    return rings
