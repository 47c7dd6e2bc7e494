"""Grains on napari's canvas: outline, camera, clicks and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.window.layers.links import (
    Link,
    first_layer,
    layer_by_id,
    link_of,
    unwrapped,
)
from napari_mineral_anomaly.window.layers.make import add, spatial_of

if TYPE_CHECKING:
    from napari.layers import Layer

OUTLINE_COLOUR = "#ffeb3b"

# The view around a grain: this many pixels on each side, plus this share of its size.
_AROUND_PX = 20
_AROUND_SHARE = 1.5
# Line width in pixels of the scan; larger grains get thicker lines, as the view is wider.
_LINE_PX, _LINE_SHARE = 0.25, 0.015

Box = tuple[int, int, int, int]


def outline_layer(viewer: Any, score: Layer, title: str, scan_id: str) -> Layer:
    """The layer that outlines the chosen grain, on the grid of ``score``; made when missing."""
    score_id = str(score.unique_id)
    found = first_layer(viewer, "outline", score_id=score_id)
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
    # The user does not draw on this layer: the layer that was active stays active, with its keys.
    layer.editable = False
    if active is not None:
        viewer.layers.selection.active = active
    return layer


def bring_to_top(viewer: Any, layer: Layer) -> None:
    """Move a layer to the top: a truth mask that was made later would hide the outline."""
    last = len(viewer.layers) - 1
    at = viewer.layers.index(layer)
    if at != last:
        viewer.layers.move(at, last + 1)


def draw_outline(layer: Layer, rings: Sequence[NDArray[np.float64]]) -> None:
    """Show only these closed outlines (vertices (y, x) in pixels)."""
    layer.data = []
    if not rings:
        return
    span = max(float(np.ptp(ring, axis=0).max()) for ring in rings)
    width = max(_LINE_PX, _LINE_SHARE * span)
    layer.add([np.asarray(ring) for ring in rings], shape_type="path", edge_width=width)
    layer.selected_data = set()


def fly_to(viewer: Any, layer: Layer, box: Box) -> None:
    """Centre the camera on a box (first and last row, first and last column; pixels).

    The zoom changes only if the grain is too small to see or too large to fit. So the view stays
    calm when the user steps through neighbouring grains.
    """
    top, bottom, left, right = box
    centre = layer.data_to_world(((top + bottom) / 2, (left + right) / 2))
    size = max(bottom - top, right - left) + 1
    pixel = max(abs(float(factor)) for factor in layer.scale[-2:])
    wanted = size * (1 + 2 * _AROUND_SHARE) + 2 * _AROUND_PX
    closest = 3.0
    height, width = layer.data.shape[-2:]
    if wanted >= max(height, width):  # a small scan is shown as a whole
        wanted, closest = max(height, width), 1.0
        centre = layer.data_to_world(((height - 1) / 2, (width - 1) / 2))
    camera = viewer.scene.camera
    fitting = min(viewer.canvas.size) / (wanted * pixel)
    camera.center = (*camera.center[:-2], *centre[-2:])
    if not fitting / 1.5 <= camera.zoom <= closest * fitting:
        camera.zoom = fitting


class CanvasClicks:
    """Reports clicks on the layer ``layer_id`` as pixels (y, x), unless a layer tool is active."""

    def __init__(self, viewer: Any, on_pixel: Callable[[int, int], None]) -> None:
        self._viewer = unwrapped(viewer)
        self._on_pixel = on_pixel
        self.layer_id: str | None = None
        self._viewer.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Report no further clicks."""
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
    """Keys that work while the canvas has the focus (napari ignores the keys of a manifest).

    napari gives a key to the active layer first, where A, R or M select points, tools or labels.
    While one of our layers is active, these keys go before; a layer of the user keeps its own.
    They are bound at once; `close` restores the keys that were bound before, `bind` takes them
    again.
    """

    def __init__(self, viewer: Any, actions: dict[str, Callable[[], None]]) -> None:
        self._viewer = unwrapped(viewer)
        self._actions = {key: _key_action(action) for key, action in actions.items()}
        self._of_viewer: dict[str, Any] = {}
        self._layer: Layer | None = None
        self._of_layer: dict[str, Any] = {}
        self._active = self._viewer.layers.selection.events.active
        self.bind()

    def bind(self) -> None:
        """Take the keys, unless they are ours already."""
        if not self._of_viewer:
            self._of_viewer = _bind(self._viewer, self._actions)
            self._active.connect(self._on_active)
            self._on_active()

    def add(self, key: str, action: Callable[[], None]) -> None:
        """Take one more key, or give a key another action."""
        is_bound = bool(self._of_viewer)
        self.close()
        self._actions[key] = _key_action(action)
        if is_bound:
            self.bind()

    def close(self) -> None:
        """Restore the keys from before, if they are ours."""
        if self._of_viewer:
            self._active.disconnect(self._on_active)
            self._let_go()
            _bind(self._viewer, self._of_viewer)
            self._of_viewer = {}

    def _on_active(self, event: Any = None) -> None:
        self._let_go()
        layer = self._viewer.layers.selection.active
        if layer is not None and link_of(layer) is not None:
            self._layer, self._of_layer = layer, _bind(layer, self._actions)

    def _let_go(self) -> None:
        if self._layer is not None:
            _bind(self._layer, self._of_layer)
        self._layer = None


def _bind(owner: Any, actions: Mapping[str, Any]) -> dict[str, Any]:
    """Bind keys of the viewer or a layer; what was bound before, None for nothing."""
    return {key: owner.bind_key(key, act, overwrite=True) for key, act in actions.items()}


def _key_action(action: Callable[[], None]) -> Callable[[Any], None]:
    def act(owner: Any) -> None:
        action()

    return act
