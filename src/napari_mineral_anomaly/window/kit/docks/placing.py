"""Where wide docks lie in napari's window."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

# In a window with fewer lines, a dock below everything leaves napari's own docks too little room.
_LOW_WINDOW = 900


def put_below_the_map(window: QMainWindow, dock: QDockWidget) -> None:
    """Give a wide dock the place below the map.

    The docks on the right keep their corner: a step of the workbench needs the height. In a low
    window napari's docks on the left keep theirs too. Above a dock as wide as the window, the layer
    list would be two lines high and the window would grow beyond the screen.
    """
    window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    if window.height() < _LOW_WINDOW:
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
