"""Pairs of points that a user marks on an image and on the map, in one layer of points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_mineral_anomaly.window.layers.links import Link, link_of
from napari_mineral_anomaly.window.layers.make import add, spatial_of

Floats = NDArray[np.float64]

# Free space between the map and the image beside it, as a share of the map's width.
_GAP = 0.06
# A click this far beside the map still means its edge, as a share of its longer side.
_EDGE = 0.02
_COLOUR = "#ffd21a"
_NUMBER = "pair"


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

    A point belongs to the image or to the map on which it lies. The first point on the image
    belongs to the first on the map, and so on; both show the same number. A point beside both
    shows a question mark and is not used.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    element : Layer
        A map of the section.
    image : Layer
        The image.
    on_change : callable
        Called when points were added, moved or removed.
    pairs : sequence of (float, float, float, float)
        Pairs that were marked earlier: row and column on the image, and on the map.
    """

    def __init__(
        self,
        viewer: Any,
        element: Any,
        image: Any,
        on_change: Callable[[], None],
        pairs: Sequence[Sequence[float]] = (),
    ) -> None:
        self._viewer, self.element, self.image = viewer, element, image
        self._on_change = on_change
        self.image.affine = self._beside()
        self.image.visible, self.image.opacity = True, 1.0
        link = link_of(element)
        known = self._as_points(pairs)
        kwargs = {
            "name": "registration points",
            "ndim": 2,
            "size": max(3.0, max(element.data.shape[-2:]) / 40),
            "face_color": "transparent",
            "border_color": _COLOUR,
            "border_width": 0.15,
            "symbol": "cross",
            "features": pd.DataFrame({_NUMBER: pd.Series([""] * len(known), dtype=object)}),
            "text": {
                "string": f"{{{_NUMBER}}}",
                "color": _COLOUR,
                "size": 12,
                "anchor": "upper_left",
                "translation": (0, 2),
            },
            "metadata": {} if link is None else Link(link.scan_id, "outline").metadata(),
            **spatial_of(element),
        }
        self.points = add(viewer, (known, kwargs, "points"))
        self._number()
        self.points.events.data.connect(self._on_data)
        self.resume()
        viewer.fit_to_view(layers=[element, image])

    @property
    def is_whole(self) -> bool:
        """Whether the image and its points are still in the layer list."""
        return self.image in self._viewer.layers and self.points in self._viewer.layers

    @property
    def n_beside(self) -> int:
        """How many points lie neither on the image nor on the map."""
        return sum(place is None for place in self._places()[0])

    def resume(self) -> None:
        """Let the mouse add points."""
        self._viewer.layers.selection.active = self.points
        self.points.selected_data = set()
        self.points.mode = "add"

    def undo(self) -> None:
        """Take the newest point away."""
        if len(self.points.data):
            self.points.selected_data = {len(self.points.data) - 1}
            self.points.remove_selected()

    def pairs(self) -> tuple[Floats, Floats]:
        """(N, 2) on the image and (N, 2) on the map: row and column of each complete pair."""
        on_image, on_map = self.points_on_both()
        n = min(len(on_image), len(on_map))
        return on_image[:n], on_map[:n]

    def points_on_both(self) -> tuple[Floats, Floats]:
        """All points on the image, and all on the map, in the order in which they were marked."""
        sides, seen, own = self._places()
        on = np.array([side == "image" for side in sides], dtype=bool)
        off = np.array([side == "map" for side in sides], dtype=bool)
        return seen[on], own[off]

    def end(self) -> None:
        """Take the points away."""
        self.points.events.data.disconnect(self._on_data)
        if self.points in self._viewer.layers:
            self._viewer.layers.remove(self.points)

    def _beside(self) -> Floats:
        """The image as high as the map, on its right."""
        height, width = self.element.data.shape[-2:]
        factor = height / self.image.data.shape[0]
        shift = np.array([[factor, 0, 0], [0, factor, width * (1 + _GAP)], [0, 0, 1.0]])
        return world_matrix(self.element) @ shift

    def _as_points(self, pairs: Sequence[Sequence[float]]) -> Floats:
        """(2 N, 2): the places of pairs in pixels of the map, image and map in turns."""
        points: list[Any] = []
        for row, column, y, x in pairs:
            world = self.image.data_to_world((row, column))
            points += [self.element.world_to_data(world)[-2:], (y, x)]
        return np.array(points, dtype=float).reshape(-1, 2)

    def _places(self) -> tuple[list[str | None], Floats, Floats]:
        """On what each point lies ("image", "map", None), and where it is on both."""
        points = np.asarray(self.points.data, dtype=float).reshape(-1, 2)
        world = [self.points.data_to_world(point) for point in points]
        seen = np.array([self.image.world_to_data(place)[-2:] for place in world]).reshape(-1, 2)
        own = np.array([self.element.world_to_data(place)[-2:] for place in world]).reshape(-1, 2)
        edge = _EDGE * max(self.element.data.shape[-2:])
        on_image = _is_inside(seen, self.image.data.shape[:2], 0.0)
        on_map = _is_inside(own, self.element.data.shape[-2:], edge)
        sides: list[str | None] = [
            "image" if a else "map" if b else None for a, b in zip(on_image, on_map, strict=True)
        ]
        return sides, seen, own

    def _on_data(self, event: Any) -> None:
        if not str(getattr(event, "action", "")).endswith("ing"):  # napari tells before and after
            self._number()
            self._on_change()

    def _number(self) -> None:
        """Show on each point the number of its pair."""
        counts: Counter[str] = Counter()
        numbers = []
        for side in self._places()[0]:
            if side is not None:
                counts[side] += 1
            numbers.append("?" if side is None else str(counts[side]))
        self.points.features = pd.DataFrame({_NUMBER: pd.Series(numbers, dtype=object)})


def _is_inside(places: Floats, shape: Sequence[int], edge: float) -> NDArray[np.bool_]:
    """Which (row, column) lie in an image of that shape, or up to ``edge`` pixels beside it."""
    last = np.array(shape) - 0.5 + edge
    return np.asarray(((places >= -0.5 - edge) & (places <= last)).all(axis=1))
