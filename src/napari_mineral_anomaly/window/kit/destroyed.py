"""What happens when Qt destroys a widget."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
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


def cut(connections: list[tuple[Any, Callable[..., None]]]) -> None:
    """Disconnect (emitter, callback) pairs, and forget them."""
    for emitter, callback in connections:
        with suppress(RuntimeError):  # a Qt signal whose owner is gone
            emitter.disconnect(callback)
    connections.clear()
