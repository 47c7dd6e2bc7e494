"""Which layer a look in project.json belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.project.images import CONTEXT, REGISTERED
from napari_mineral_anomaly.window.layers.links import Link, linked_layers

if TYPE_CHECKING:
    from napari.layers import Layer

_BY_DETECTOR = ("score", "mask", "pseudo_labels")


def look_key(link: Link, truth_number: int | None = None) -> str | None:
    """The key of a layer: "element Fe", "score rx", "truth 1"; None for those that are not kept."""
    if link.role == "element" and link.element is not None:
        return f"element {link.element}"
    if link.role in _BY_DETECTOR and link.detector is not None:
        return f"{link.role} {link.detector}"
    if link.role == "truth" and truth_number is not None:
        return f"truth {truth_number}"
    if link.role == "context" and link.source is not None:
        return f"{CONTEXT if link.pairs is None else REGISTERED} {link.source}"
    return link.role if link.role in ("valid", "fiducials") else None


def kept_layers(
    viewer: Any, scan_id: str, truth_numbers: Mapping[str, int]
) -> Iterator[tuple[str, Layer, Link]]:
    """The layers of a scan that a project keeps, bottom first, with their keys and notes."""
    for layer, link in linked_layers(viewer, scan_id):
        key = look_key(link, truth_numbers.get(str(layer.unique_id)))
        if key is not None:
            yield key, layer, link
