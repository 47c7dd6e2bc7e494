"""Pairs of points that a user marks on an image and on the map, in one layer of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.window.layers.links import Link, link_of
from napari_mineral_anomaly.window.layers.make import add, spatial_of

Floats = NDArray[np.float64]

# Free space between the map and the image beside it, as a share of the map's width.
_GAP = 0.06
_COLOUR = "#ffd21a"


def world_matrix(layer: Any) -> Floats:
    """(3, 3): from pixels of a layer to the world."""
    origin = np.asarray(layer.data_to_world((0.0, 0.0)), dtype=float)[-2:]
    down = np.asarray(layer.data_to_world((1.0, 0.0)), dtype=float)[-2:]
    right = np.asarray(layer.data_to_world((0.0, 1.0)), dtype=float)[-2:]
    matrix = np.eye(3)
    matrix[:2] = np.column_stack([down - origin, right - origin, origin])
    return matrix


class PairMarking:
    """Lays an image beside the map, and reads the points that are marked on both.

    A point on the image is one of its pixels; any other point is one of the map. The first point
    on the image belongs to the first on the map, and so on.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    element : Layer
        A map of the section.
    image : Layer
        The image.
    on_change : callable
        Called when points were added, moved or removed.
    """

    def __init__(
        self, viewer: Any, element: Any, image: Any, on_change: Callable[..., None]
    ) -> None:
        self._viewer, self.element, self.image = viewer, element, image
        self._on_change = on_change
        self.image.affine = self._beside()
        self.image.visible, self.image.opacity = True, 1.0
        link = link_of(element)
        kwargs = {
            "name": "registration points",
            "ndim": 2,
            "size": max(3.0, max(element.data.shape[-2:]) / 40),
            "face_color": "transparent",
            "border_color": _COLOUR,
            "border_width": 0.15,
            "symbol": "cross",
            "metadata": {} if link is None else Link(link.scan_id, "outline").metadata(),
            **spatial_of(element),
        }
        self.points = add(viewer, (np.empty((0, 2)), kwargs, "points"))
        self.points.mode = "add"
        self.points.events.data.connect(on_change)
        viewer.fit_to_view(layers=[element, image])

    def _beside(self) -> Floats:
        """The image as high as the map, on its right."""
        height, width = self.element.data.shape[-2:]
        factor = height / self.image.data.shape[0]
        shift = np.array([[factor, 0, 0], [0, factor, width * (1 + _GAP)], [0, 0, 1.0]])
        return world_matrix(self.element) @ shift

    def pairs(self) -> tuple[Floats, Floats]:
        """(N, 2) on the image and (N, 2) on the map: row and column of each complete pair."""
        on_image, on_map = self.points_on_both()
        n = min(len(on_image), len(on_map))
        return on_image[:n], on_map[:n]

    def points_on_both(self) -> tuple[Floats, Floats]:
        """All points on the image, and all others, in the order in which they were marked."""
        points = np.asarray(self.points.data, dtype=float).reshape(-1, 2)
        world = [self.points.data_to_world(point) for point in points]
        seen = np.array([self.image.world_to_data(place) for place in world]).reshape(-1, 2)
        own = np.array([self.element.world_to_data(place) for place in world]).reshape(-1, 2)
        limits = np.array(self.image.data.shape[:2]) - 0.5
        is_on = ((seen >= -0.5) & (seen <= limits)).all(axis=1)
        return seen[is_on], own[~is_on]

    def end(self) -> None:
        """Take the points away."""
        self.points.events.data.disconnect(self._on_change)
        if self.points in self._viewer.layers:
            self._viewer.layers.remove(self.points)
