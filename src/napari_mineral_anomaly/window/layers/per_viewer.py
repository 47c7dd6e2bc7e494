"""What each viewer has one of: its session, its projects, its list of grains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from napari_mineral_anomaly.window.layers.links import unwrapped

T = TypeVar("T")


class PerViewer(Generic[T]):
    """One object for each viewer, made when somebody first asks for it, gone with the viewer.

    Parameters
    ----------
    make : callable
        Makes the object from the viewer. The object may refer to the viewer only weakly: otherwise
        neither would ever be freed.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[Any, T] = WeakKeyDictionary()

    def of(self, viewer: Any) -> T:
        """The object of a viewer, also where napari gives its proxy."""
        viewer = unwrapped(viewer)
        if viewer not in self._made:
            self._made[viewer] = self._make(viewer)
        return self._made[viewer]
