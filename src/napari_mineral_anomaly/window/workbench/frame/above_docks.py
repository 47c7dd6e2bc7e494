"""The place of the header: above the workbench and the docks of the lab, its tabs."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

from napari_mineral_anomaly.window.kit.controls import column_of


class AboveDocks:
    """A dock without a menu entry; in a tab of the workbench the header would be out of sight."""

    def __init__(self, header: QWidget) -> None:
        self._header = header
        self._place: QDockWidget | None = None

    def show(self, window: QMainWindow, workbench: QDockWidget) -> None:
        """Put the header above the dock of the workbench, while that is in the window."""
        if self._place is None:
            if workbench.isFloating() or window.tabifiedDockWidgets(workbench):
                return  # Qt splits no place that has tabs
            self._place = QDockWidget("Mineral anomaly: section", window)
            self._place.setObjectName("mineral-anomaly section")
            self._place.setTitleBarWidget(QWidget())
            self._place.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
            self._place.setWidget(_AsHighAsNeeded(self._header))
            area = window.dockWidgetArea(workbench)
            window.addDockWidget(area, self._place)
            window.splitDockWidget(self._place, workbench, Qt.Orientation.Vertical)
        self._place.show()

    def hide(self) -> None:
        """Without a workbench there is no section to tell about."""
        if self._place is not None:
            self._place.hide()

    def remove(self) -> None:
        """Take the dock out of the window."""
        if self._place is not None:
            self._place.setParent(None)
            self._place.deleteLater()
            self._place = None


class _AsHighAsNeeded(QWidget):
    """Gives its content the height that its text needs at its width; a dock does not ask for it."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._column: QVBoxLayout = column_of(self)
        self._column.addWidget(content)

    def event(self, event: Any) -> bool:
        """Follow the content."""
        done = bool(super().event(event))
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize, QEvent.Type.Show):
            self._fit()
        return done

    def _fit(self) -> None:
        column = self._column
        height = column.sizeHint().height()
        if column.hasHeightForWidth():
            height = column.heightForWidth(self.width())
        if height != self.height():
            self.setFixedHeight(height)
