"""Colour maps that show numbers as their logarithm and survive zeros; the numbers stay.

The colour of a number n between the contrast limits is that of log(1 + n) on a scale from the lower
limit to the upper one, for counts. Numbers without such a unit, concentrations for example, take
log(1 + 200 x) of their share x of the range.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mineral_anomaly.window.layers.links import link_of

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.utils.colormaps import Colormap

# Of numbers that are no counts: a hundredth of the range is seen at a fifth of the colours.
STEEPNESS = 200.0
_N_COLOURS = 256
_NAME = re.compile(r"(.+), logarithm(?: over [\d.]+ counts)?")
# napari keeps every colour map that it was ever given. So counts are rounded to few numbers, by
# less than a colour shows.
_ROUNDED = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)
_MOST_DECADES = 9


def log_colours(name: str, counts: float | None = None) -> Colormap:
    """The colour map of that name on a logarithmic scale.

    Parameters
    ----------
    name : str
        Of a colour map of napari.
    counts : float, optional
        From the lower contrast limit to the upper one, in units of 1 + the lower one; None where
        the numbers are no counts.
    """
    return _made(name, None if counts is None else _rounded(counts))


@cache
def _made(name: str, counts: float | None) -> Colormap:
    from napari.utils.colormaps import Colormap, ensure_colormap

    steepness = STEEPNESS if counts is None else counts
    position = np.linspace(0.0, 1.0, _N_COLOURS)
    # Equal steps of the logarithm are equal steps of the colour map.
    share = np.expm1(position * np.log1p(steepness)) / steepness
    share[-1] = 1.0
    colours = ensure_colormap(name).map(position)
    over = "" if counts is None else f" over {counts:g} counts"
    return Colormap(colours, controls=share, name=f"{name}, logarithm{over}")


def show_logarithm(layer: Layer, name: str) -> None:
    """Show a layer in a colour map on a logarithmic scale, which follows its contrast limits."""
    layer.colormap = log_colours(name, _counts_of(layer))
    layer.events.contrast_limits.connect(_on_limits)


def colours_of(layer: Layer, name: str, *, logarithm: bool) -> Colormap:
    """The colours in which `show_logarithm` or napari shows a layer."""
    from napari.utils.colormaps import ensure_colormap

    return log_colours(name, _counts_of(layer)) if logarithm else ensure_colormap(name)


def show_colours(layer: Layer, name: str) -> None:
    """Show a layer in a colour map by the name that a layer's has, a logarithmic one too."""
    found = _NAME.fullmatch(name)
    if found is None:
        layer.colormap = name
    else:
        show_logarithm(layer, found[1])


def _on_limits(event: Any) -> None:
    layer = event.source
    found = _NAME.fullmatch(str(layer.colormap.name))
    if found is None:
        return
    wanted = log_colours(found[1], _counts_of(layer))
    if layer.colormap.name != wanted.name:
        layer.colormap = wanted


def _counts_of(layer: Layer) -> float | None:
    """What `log_colours` asks for; None for a layer of other numbers than counts."""
    link = link_of(layer)
    if link is None or link.quantity != "counts":
        return None
    low, high = map(float, layer.contrast_limits)
    return (high - low) / (1.0 + max(low, 0.0))


def _rounded(counts: float) -> float:
    decade = 10.0 ** min(max(math.floor(math.log10(max(counts, 0.1))), -1), _MOST_DECADES)
    return min(_ROUNDED, key=lambda one: abs(math.log(max(counts, 0.1) / (one * decade)))) * decade
