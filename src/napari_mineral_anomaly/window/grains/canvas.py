"""Grains on napari's canvas: the outline, the flight of the camera, the click, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.window.layers.links import Link, layer_by_id, linked_layers, unwrapped
from napari_mineral_anomaly.window.layers.make import add, spatial_of

if TYPE_CHECKING:
    from napari.layers import Layer

OUTLINE_COLOUR = "#ffeb3b"

# A grain is shown with so many pixels around it, and with at least so much of its own size.
_AROUND_PX = 20
_AROUND_SHARE = 1.5
# Pixels of the scan; more for larger grains, which are seen from further away.
_LINE_PX, _LINE_SHARE = 0.25, 0.015

Box = tuple[int, int, int, int]


def outline_layer(viewer: Any, score: Layer, title: str, scan_id: str) -> Layer:
    """The layer that outlines the chosen grain, on the grid of ``score``; made when missing."""
    score_id = str(score.unique_id)
    found = next((one for one, _ in linked_layers(viewer, role="outline", score_id=score_id)), None)
    if found is not None:
        return found
    active = viewer.layers.selection.active
    kwargs = {
        "name": f"chosen grain {title}",
        "shape_type": "path",
        "ndim": 2,
        "edge_color": OUTLINE_COLOUR,
        "face_color": "transparent",
        "metadata": Link(scan_id, "outline", scan=title, score_id=score_id).metadata(),
        **spatial_of(score),
    }
    layer = add(viewer, ([], kwargs, "shapes"))
    # Not something to draw on: the layer that was in hand stays in hand, and so do its keys.
    layer.editable = False
    if active is not None:
        viewer.layers.selection.active = active
    return layer


def bring_to_top(viewer: Any, layer: Layer) -> None:
    """Above all other layers: a truth mask that was made later would hide the outline."""
    last = len(viewer.layers) - 1
    at = viewer.layers.index(layer)
    if at != last:
        viewer.layers.move(at, last + 1)


def draw_outline(layer: Layer, rings: Sequence[NDArray[np.float64]]) -> None:
    """Show these closed outlines (vertices (y, x) in pixels) and nothing else."""
    layer.data = []
    if not rings:
        return
    span = max(float(np.ptp(ring, axis=0).max()) for ring in rings)
    width = max(_LINE_PX, _LINE_SHARE * span)
    layer.add([np.asarray(ring) for ring in rings], shape_type="path", edge_width=width)
    layer.selected_data = set()


def fly_to(viewer: Any, layer: Layer, box: Box) -> None:
    """Centre the camera on a box (first and last row, first and last column; pixels).

    The zoom changes only where the grain would be too small to see or too large to fit: who
    steps through neighbouring grains keeps the overview.
    """
    top, bottom, left, right = box
    centre = layer.data_to_world(((top + bottom) / 2, (left + right) / 2))
    size = max(bottom - top, right - left) + 1
    pixel = max(abs(float(factor)) for factor in layer.scale[-2:])
    wanted = (size * (1 + 2 * _AROUND_SHARE) + 2 * _AROUND_PX) * pixel
    camera = viewer.scene.camera
    fitting = min(viewer.canvas.size) / wanted
    camera.center = (*camera.center[:-2], *centre[-2:])
    if not fitting / 1.5 <= camera.zoom <= 3 * fitting:
        camera.zoom = fitting


class CanvasClicks:
    """Tells the pixel of ``layer_id`` that was clicked, while no tool of a layer is in hand."""

    def __init__(self, viewer: Any, on_pixel: Callable[[int, int], None]) -> None:
        self._viewer = unwrapped(viewer)
        self._on_pixel = on_pixel
        self.layer_id: str | None = None
        self._viewer.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Hear of clicks no more."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        moved = False
        yield
        while event.type == "mouse_move":
            moved = True
            yield
        layer = layer_by_id(self._viewer, self.layer_id)
        active = viewer.layers.selection.active
        brushing = active is not None and str(active.mode) not in ("pan_zoom", "pick")
        if moved or brushing or layer is None or event.button != 1:
            return
        y, x = np.rint(layer.world_to_data(event.position)[-2:]).astype(int)
        height, width = layer.data.shape[-2:]
        if 0 <= y < height and 0 <= x < width:
            self._on_pixel(int(y), int(x))


class CanvasKeys:
    """Keys that work while the canvas is in hand (napari ignores those of a manifest).

    Keys that were bound before are bound again by `close`.
    """

    def __init__(self, viewer: Any, actions: dict[str, Callable[[], None]]) -> None:
        self._viewer = viewer = unwrapped(viewer)
        self._before: dict[Any, Any] = {}
        for key, action in actions.items():
            before = dict(viewer.keymap)
            viewer.bind_key(key, _key_action(action), overwrite=True)
            for bound in set(viewer.keymap) - set(before):
                self._before[bound] = None
            for bound, old in before.items():
                if viewer.keymap.get(bound) is not old:
                    self._before[bound] = old

    def close(self) -> None:
        """Give the keys back."""
        for bound, old in self._before.items():
            self._viewer.keymap.pop(bound, None)
            if old is not None:
                self._viewer.keymap[bound] = old
        self._before.clear()


def _key_action(action: Callable[[], None]) -> Callable[[Any], None]:
    def act(viewer: Any) -> None:
        action()

    return act
