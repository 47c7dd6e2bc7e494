"""The place below the map, for the list of a step."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_mineral_anomaly.window.kit.docks.placing import put_below_the_map


class BelowMap:
    """A dock without a menu entry: it comes and goes with its step."""

    def __init__(self) -> None:
        self._place: QDockWidget | None = None

    def show(self, window: QMainWindow, content: QWidget, title: str) -> None:
        """Show a widget below the map."""
        if self._place is None:
            self._place = QDockWidget(title, window)
            self._place.setObjectName(f"mineral-anomaly {title}")
            # No title bar, and so no button that closes it: every line is taken from the map.
            self._place.setTitleBarWidget(QWidget())
            put_below_the_map(window, self._place)
        if self._place.widget() is not content:
            self._place.setWidget(content)
            height = content.sizeHint().height()
            window.resizeDocks([self._place], [height], Qt.Orientation.Vertical)
        self._place.show()

    def hide(self) -> None:
        """Give the place back to the map."""
        if self._place is not None:
            self._place.hide()

    def remove(self) -> None:
        """Take the dock out of the window; its content shuts itself down."""
        if self._place is not None:
            content = self._place.widget()
            if content is not None:
                content.setParent(None)
            self._place.setParent(None)
            self._place.deleteLater()
            self._place = None
