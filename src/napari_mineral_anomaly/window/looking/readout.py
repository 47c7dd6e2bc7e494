"""The numbers of all elements under the cursor."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_mineral_anomaly.window.layers.links import linked_layers, unwrapped


@dataclass(frozen=True)
class Reading:
    """One element at one pixel.

    Attributes
    ----------
    element : str
    value : float
        In the units of the map.
    error : float or None
        Counting error (1 sigma) of counts; None for other quantities.
    sigmas : float or None
        What the element contributes to the score of the chosen detector, in background sigmas.
    """

    element: str
    value: float
    error: float | None
    sigmas: float | None

    @property
    def number(self) -> str:
        """The value with its error, in digits that the error leaves."""
        if self.error is None:
            return f"{self.value:,.5g}"
        return f"{self.value:,.0f} ± {self.error:.0f}"


def read_pixel(viewer: Any, scan_id: str, position: Any, run: Any) -> tuple[str, list[Reading]]:
    """The pixel under a place of the canvas, in words, and the numbers of all elements there.

    Empty where the place is outside the section, or where the maps are not in memory.
    """
    elements = list(linked_layers(viewer, scan_id, "element"))
    if not elements:
        return "", []
    first = elements[0][0]
    y, x = np.rint(first.world_to_data(position)[-2:]).astype(int)
    height, width = first.data.shape[-2:]
    if not (0 <= y < height and 0 <= x < width):
        return "", []
    result = None if run is None else run.result
    index = {} if result is None else {name: k for k, name in enumerate(result.elements)}
    readings = []
    for layer, link in elements:
        if not isinstance(layer.data, np.ndarray):
            return "", []
        element, value = link.element or layer.name, float(layer.data[y, x])
        error = math.sqrt(value) if link.quantity == "counts" and value >= 0 else None
        sigmas = None
        if result is not None and element in index:
            sigmas = float(result.contributions[index[element], y, x])
        readings.append(Reading(element, value, error, sigmas))
    return f"Column {x}, row {y}", readings


class CursorWatch:
    """Reports where the mouse is over the map.

    Parameters
    ----------
    viewer : napari.Viewer or ViewerModel
    on_move : callable
        Called with the position in the world.
    """

    def __init__(self, viewer: Any, on_move: Callable[[Any], None]) -> None:
        self._viewer, self._on_move = unwrapped(viewer), on_move
        self._is_on = False

    def start(self) -> None:
        """Report from now on."""
        if not self._is_on:
            self._viewer.mouse_move_callbacks.append(self._on_mouse)
            self._is_on = True

    def stop(self) -> None:
        """Report no more."""
        if self._is_on and self._on_mouse in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_mouse)
        self._is_on = False

    def _on_mouse(self, viewer: Any, event: Any) -> None:
        self._on_move(tuple(event.position))
