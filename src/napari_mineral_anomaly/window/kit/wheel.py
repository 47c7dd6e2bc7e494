"""The wheel over a form scrolls the form; it does not change the values in it.

Qt's spin boxes, lists and sliders take the wheel wherever the mouse happens to be. On a form that
is longer than the screen, scrolling would then change a parameter without a word.
"""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QScrollBar, QSlider, QWidget

_VALUES = (QAbstractSpinBox, QComboBox, QSlider)
_MARK = "mineral_anomaly_calm_wheel"


class _CalmWheel(QObject):
    """Passes the wheel on to the parent, unless the user is at work in the widget."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        event.ignore()  # an event that is taken and ignored goes to the parent
        return True


def calm_wheel(widget: QWidget) -> None:
    """Let the value widgets in ``widget`` ignore the wheel while they have no focus.

    Widgets that are added later need another call; a second call for the same widget does nothing.
    """
    for kind in _VALUES:
        for child in widget.findChildren(kind):
            if isinstance(child, QScrollBar) or child.property(_MARK):
                continue
            child.setProperty(_MARK, True)
            # With Qt's own policy the wheel would give the focus, and the next turn would count.
            child.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            child.installEventFilter(_CalmWheel(child))
