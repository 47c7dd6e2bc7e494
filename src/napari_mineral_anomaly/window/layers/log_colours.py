"""Colour maps that show numbers as their logarithm and survive zeros; the numbers stay."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.utils.colormaps import Colormap

# The colour at the share x of the contrast range is that of log(1 + STEEPNESS x) / log(1 +
# STEEPNESS): zeros keep the darkest colour, a hundredth of the range is seen at a fifth of it.
STEEPNESS = 200.0
_N_COLOURS = 256
_SUFFIX = ", logarithm"


@cache
def log_colours(name: str) -> Colormap:
    """The colour map of that name on a logarithmic scale; it is called "NAME, logarithm".

    Its colours are placed so that equal steps of the logarithm are equal steps of the colour map.
    """
    from napari.utils.colormaps import Colormap, ensure_colormap

    position = np.linspace(0.0, 1.0, _N_COLOURS)
    share = np.expm1(position * np.log1p(STEEPNESS)) / STEEPNESS
    share[-1] = 1.0
    colours = ensure_colormap(name).map(position)
    return Colormap(colours, controls=share, name=f"{name}{_SUFFIX}")


def colours_called(name: str) -> Colormap | str:
    """A colour map by the name that a layer's has, one on a logarithmic scale too."""
    return log_colours(name.removesuffix(_SUFFIX)) if name.endswith(_SUFFIX) else name
