"""Keeps the OpenGL context of the map current while napari removes layers from it.

When a layer goes, napari empties vispy's queue of OpenGL commands, `VispyCanvas
._clean_and_update_scenegraph`. These delete the shaders and buffers of the layer. They go to the
context that is current at that moment. That may be the one with which Qt puts its widgets together,
after a dock was drawn for example. The context of the map then draws on with shaders that are gone,
and the process ends with a segmentation fault.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from qtpy.QtCore import QObject
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QMainWindow

from napari_mineral_anomaly.window.kit.docks.own_children import own_children
from napari_mineral_anomaly.window.layers.links import unwrapped


class MapContext(QObject):
    """Makes the context of a window's map current before napari hears that layers are removed."""

    def __init__(self, window: QMainWindow, viewer: Any) -> None:
        super().__init__(window)
        self._maps = window.findChildren(QOpenGLWidget)
        events = unwrapped(viewer).layers.events
        events.removed.connect(self._make_current, position="first")
        events.end_batch.connect(self._make_current, position="first")

    def _make_current(self, event: Any = None) -> None:
        for one in self._maps:
            with suppress(RuntimeError):  # a window that is being closed
                if one.isValid():
                    one.makeCurrent()


def keep_map_context(window: QMainWindow, viewer: Any) -> None:
    """Let a window do so from now on."""
    if not own_children(window, MapContext):
        MapContext(window, viewer)
