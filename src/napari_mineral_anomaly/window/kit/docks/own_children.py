"""What belongs to a window directly."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QMainWindow

T = TypeVar("T", bound=QObject)


def own_children(window: QMainWindow, kind: type[T]) -> list[T]:
    """The direct children of that kind: to look at all of its thousands of widgets takes long."""
    found: list[T] = window.findChildren(kind, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return found
