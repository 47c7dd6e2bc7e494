"""Clear the layers of a real window while another OpenGL context is current, and draw again.

For `test_window_clearing.py`, which starts it in a process of its own: without
`kit/docks/gl_context` the process ends with a segmentation fault. It writes whether the context of
the map is current when the layers are gone, and "drawn" at the end.
"""

from __future__ import annotations

import sys
import time

import napari
import numpy as np
from qtpy.QtGui import QOffscreenSurface, QOpenGLContext
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication

from napari_mineral_anomaly.window.kit.docks.dock import Dock


def tell(word: object) -> None:
    """Write a word for the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def draw(seconds: float = 0.5) -> None:
    """Let the event loop run, so that all is drawn."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def other_context(shown: QOpenGLContext) -> tuple[QOpenGLContext, QOffscreenSurface]:
    """A context that shares its objects with the map, as that of Qt's window does; made current."""
    context, surface = QOpenGLContext(), QOffscreenSurface()
    context.setShareContext(shown)
    context.setFormat(shown.format())
    assert context.create()
    surface.setFormat(context.format())
    surface.create()
    assert context.makeCurrent(surface)
    return context, surface


def main() -> None:
    """Do it."""
    viewer = napari.Viewer()
    window = viewer.window._qt_window
    window.resize(1200, 800)
    viewer.window.add_dock_widget(Dock(viewer), area="right")
    viewer.add_image(np.random.default_rng(1).random((64, 96)))
    draw()
    brushed = viewer.add_labels(np.zeros((64, 96), np.uint8))
    brushed.mode = "paint"
    draw()
    viewer.add_shapes([np.array([[0, 0], [0, 10], [10, 10]])], shape_type="polygon")
    draw()
    (shown,) = window.findChildren(QOpenGLWidget)
    kept = other_context(shown.context())
    viewer.layers.clear()
    tell(QOpenGLContext.currentContext() == shown.context())
    window.resize(1200, 700)
    draw()
    viewer.add_image(np.zeros((64, 96)))
    draw()
    tell("drawn")
    del kept  # until here, as that of a window
    viewer.close()


if __name__ == "__main__":
    main()
