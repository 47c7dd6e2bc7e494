"""What is visible of a section: some of its elements, or its score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mineral_anomaly.runs.report.map_style import OUTSIDE_COLOUR
from napari_mineral_anomaly.window.layers.links import (
    Link,
    first_layer,
    layer_by_id,
    link_of,
    linked_layers,
)
from napari_mineral_anomaly.window.layers.log_colours import show_logarithm
from napari_mineral_anomaly.window.layers.make import add, contrast_limits, spatial_of
from napari_mineral_anomaly.window.layers.session import mask_of

if TYPE_CHECKING:
    from napari.layers import Layer

# Perceptually uniform: equal steps of the number look like equal steps of the colour.
ONE_COLOUR = "viridis"
THREE_COLOURS = ("red", "green", "blue")

# What lies over the element maps of a section.
_OVER_ELEMENTS = ("score", "mask", "agreement", "pseudo_labels", "ratio", "verdicts")
_OVER_SCORE = ("element", "ratio", "agreement", "pseudo_labels")


def show_elements(
    viewer: Any, scan_id: str, elements: Sequence[str], *, logarithm: bool = False
) -> None:
    """Show one element in a uniform colour map, or up to three as red, green and blue.

    With ``logarithm`` the colours follow the logarithm of the numbers (`layers.log_colours`).

    The first of them is selected too, so that napari's controls change what is seen.
    """
    colours = (ONE_COLOUR,) if len(elements) == 1 else THREE_COLOURS
    for layer, link in linked_layers(viewer, scan_id):
        if link.role == "element":
            element = link.element or layer.name
            if element in elements:
                name = colours[list(elements).index(element)]
                _colour(layer, name, logarithm=logarithm)
                layer.blending = "translucent" if len(elements) == 1 else "additive"
                layer.gamma = 1.0
                if element == elements[0]:
                    viewer.layers.selection.active = layer
            _set_visible(layer, element in elements)
        elif link.role in _OVER_ELEMENTS:
            _set_visible(layer, False)


def show_ratio(viewer: Any, scan_id: str, name: str, ratio: NDArray[np.float32]) -> None:
    """Show a ratio of two elements; a section has one such layer."""
    element = first_layer(viewer, "element", scan_id)
    if element is None:
        return
    show_elements(viewer, scan_id, ())
    layer = first_layer(viewer, "ratio", scan_id)
    limits = contrast_limits(ratio)
    if layer is not None:
        layer.data, layer.name, layer.contrast_limits = ratio, name, limits
        layer.visible = True
        return
    kwargs = {
        "name": name,
        "colormap": _colours_of_ratios(),
        "contrast_limits": limits,
        "metadata": Link(scan_id, "ratio").metadata(),
        **spatial_of(element),
    }
    add(viewer, (ratio, kwargs, "image"))


def show_score(viewer: Any, score_id: str | None, *, alone: bool = False) -> None:
    """Show a score with its mask instead of the element maps of its section.

    Where the score is visible already, everything stays as the user arranged it; with ``alone``
    other scores of the section and their masks are hidden all the same.
    """
    score = layer_by_id(viewer, score_id)
    if score is None or (score.visible and not alone):
        return
    link = link_of(score)
    if link is None:
        return
    for layer, own in linked_layers(viewer, link.scan_id):
        other = own.role == "score" and layer is not score
        mask_of_other = own.role == "mask" and own.score_id != score_id
        if own.role in _OVER_SCORE or other or mask_of_other:
            _set_visible(layer, False)
    _set_visible(score, True)
    mask = mask_of(viewer, score)
    if mask is not None:
        _set_visible(mask, True)
    verdicts = first_layer(viewer, "verdicts", link.scan_id)
    if verdicts is not None:
        _set_visible(verdicts, True)


def _colours_of_ratios() -> Any:
    """Grey where nothing is divided by nothing: transparent looks like the largest on white."""
    from napari.utils.colormaps import Colormap, ensure_colormap

    colours = ensure_colormap(ONE_COLOUR)
    return Colormap(
        colours.colors, name=ONE_COLOUR, controls=colours.controls, nan_color=OUTSIDE_COLOUR
    )


def _colour(layer: Layer, name: str, *, logarithm: bool) -> None:
    if logarithm:
        show_logarithm(layer, name)
    elif layer.colormap.name != name:
        layer.colormap = name


def _set_visible(layer: Layer, visible: bool) -> None:
    # To set it again takes napari milliseconds.
    if bool(layer.visible) != visible:
        layer.visible = visible
