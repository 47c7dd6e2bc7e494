"""Remove several layers in one go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.window.layers.links import layers_of, unwrapped

if TYPE_CHECKING:
    from napari.layers import Layer


def remove_layers(viewer: Any, layers: Iterable[Layer]) -> None:
    """Remove layers, those that are there.

    napari collects the garbage of the whole program once for each layer that goes, which takes half
    a second; in a batch once for all.
    """
    there = [layer for layer in layers if any(layer is one for one in layers_of(viewer))]
    if not there:
        return
    own = unwrapped(viewer).layers
    with own.batched_update():
        for layer in there:
            own.remove(layer)
