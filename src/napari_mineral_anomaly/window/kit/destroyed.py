"""What happens when Qt destroys a widget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QWidget

# Python may collect a widget's own objects before Qt destroys it; PyQt then calls a slot that is
# gone, and the process ends. So slots are kept here until they were called.
_slots: set[Callable[..., None]] = set()


def when_destroyed(widget: QWidget, call: Callable[..., None], *values: Any) -> None:
    """Call a function with some values when Qt destroys a widget.

    Neither the function nor the values may belong to the widget, which is gone by then.
    """

    def slot(destroyed: Any = None) -> None:
        _slots.discard(slot)
        call(*values)

    _slots.add(slot)
    widget.destroyed.connect(slot)
