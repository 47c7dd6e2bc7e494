"""Put new element maps into the layers of their scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.window.layers.links import link_in, linked_layers
from napari_mineral_anomaly.window.layers.make import LayerData, spatial_of

if TYPE_CHECKING:
    from napari.layers import Layer


def put_maps(
    viewer: Any, scan_id: str, layers: Sequence[LayerData]
) -> tuple[list[LayerData], list[Layer]]:
    """Show these maps in the element layers of a scan.

    An element that already has a layer keeps it: place, name and colours stay, the numbers are
    new. Layers of other elements are obsolete, because they would stay part of the analysis.

    Returns
    -------
    new : list
        Layers to add, before the obsolete ones are removed: a scan that has no element layer for a
        moment would be forgotten.
    obsolete : list
        Layers to remove afterwards.
    """
    there = {link.element: layer for layer, link in linked_layers(viewer, scan_id, "element")}
    where = spatial_of(next(iter(there.values()))) if there else {}
    new, made = [], set()
    for data, kwargs, kind in layers:
        link = link_in(kwargs["metadata"])
        element = None if link is None else link.element
        made.add(element)
        layer = there.get(element)
        if layer is None:
            new.append((data, kwargs | where, kind))
            continue
        layer.data = data
        layer.contrast_limits = kwargs["contrast_limits"]
        layer.metadata.update(kwargs["metadata"])
    obsolete = [layer for element, layer in there.items() if element not in made]
    if new and len(obsolete) == len(there):
        new[0][1]["visible"] = True
    return new, obsolete
