"""Pictures of maps: each map with a colour bar in its own units and a scale bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from napari_mineral_anomaly.runs.report.drawing import (
    as_it_is,
    draw_scale_bar,
    draw_values,
    new_figure,
    shrunk,
)
from napari_mineral_anomaly.runs.report.map_style import COLOUR_SPAN, SCORE_COLOURS, MapStyle

_COLUMNS = 4
_PANEL_WIDTH = 3.4  # inches
_SINGLE_WIDTH = 9.0
_MOST_PANEL_SIDE = 600  # pixels of a panel among several; a printed panel shows fewer
_CLASS_COLOURS = "tab20"
_MOST_IN_LEGEND = 20
_NOTHING_COLOUR = "#dcdcdc"


def draw_maps(
    planes: Any,
    names: Sequence[str],
    pixel_size: tuple[float, float] | None,
    style: MapStyle,
    *,
    title: str,
) -> Figure:
    """One panel per map, each with a scale bar; pixels are drawn in their true proportions.

    Parameters
    ----------
    planes : (C, H, W), numpy or lazy
        Large maps are reduced for drawing. Each block shows its largest value, so that a grain of
        one pixel stays visible.
    names : C titles
    pixel_size : (y, x) in µm, or None when unknown
    style : MapStyle
    title : str
        Of the figure.
    """
    count, height, width = (int(n) for n in planes.shape)
    pixel_y, pixel_x = pixel_size or (1.0, 1.0)
    ratio = min(max(height * pixel_y / (width * pixel_x), 0.1), 4.0)
    columns = min(count, _COLUMNS)
    rows = math.ceil(count / columns)
    panel = _SINGLE_WIDTH if count == 1 else _PANEL_WIDTH
    if count == 1 and ratio > 1:
        panel /= ratio
    figure = new_figure(columns * max(panel, 3.0) + 0.6, rows * (panel * ratio + 0.5) + 0.6)
    figure.suptitle(as_it_is(title), fontsize=12)
    for c in range(count):
        axes = figure.add_subplot(rows, columns, c + 1)
        plane = np.asarray(planes[c])
        _draw(axes, plane, style, None if count == 1 else _MOST_PANEL_SIDE)
        axes.set_aspect(pixel_y / pixel_x)
        axes.set_xticks([])
        axes.set_yticks([])
        if count > 1:
            axes.set_title(as_it_is(names[c]), fontsize=10, loc="left")
        draw_scale_bar(axes, (height, width), pixel_size)
    return figure


def _draw(axes: Axes, plane: NDArray[Any], style: MapStyle, max_side: int | None) -> None:
    if style.kind == "classes":
        _draw_classes(axes, plane, style, max_side)
        return
    values = plane.astype(np.float32)
    small, extent = shrunk(values, np.fmax, max_side)
    if style.kind == "signed":
        lowest, _ = shrunk(values, np.fmin, max_side)
        small = np.where(np.abs(lowest) > np.abs(small), lowest, small)
    low, high, colours = _limits(small, style)
    image = draw_values(axes, small, extent, colours, (low, high))
    bar = axes.figure.colorbar(image, ax=axes, extend="both", shrink=0.85, pad=0.02)
    bar.ax.tick_params(labelsize=8)
    if style.unit:
        bar.set_label(style.unit, fontsize=9)


def _limits(values: NDArray[Any], style: MapStyle) -> tuple[float, float, str]:
    finite = values[np.isfinite(values)]
    if style.kind == "score":
        # A threshold of 0 or below still needs a range of colours.
        return 0.0, COLOUR_SPAN * max(style.threshold or 1.0, 1.0), SCORE_COLOURS
    if finite.size == 0:
        return 0.0, 1.0, "gray"
    low, high = (float(q) for q in np.percentile(finite, (1.0, 99.8)))
    if style.kind == "signed":
        most = max(abs(low), abs(high), 1e-6)
        return -most, most, "RdBu_r"
    return low, high if high > low else low + 1.0, "gray"


def _draw_classes(axes: Axes, plane: NDArray[Any], style: MapStyle, max_side: int | None) -> None:
    step = math.ceil(max(plane.shape) / (max_side or 1600))
    small = plane[::step, ::step]
    present = [int(value) for value in np.unique(small)]
    if len(present) > _MOST_IN_LEGEND:
        # Nobody can distinguish so many classes: colours repeat, and there is no legend.
        axes.imshow(small % 20, cmap=_CLASS_COLOURS, interpolation="nearest")
        return
    extent = (-0.5, plane.shape[1] - 0.5, plane.shape[0] - 0.5, -0.5)
    # The ten strong colours of the palette first, then the ten pale ones.
    order = [2 * (i % 10) + i // 10 for i in range(len(present))]
    colours: list[Any] = [colormaps[_CLASS_COLOURS](i % 20) for i in order]
    if present[0] == 0:
        colours[0] = _NOTHING_COLOUR
    codes = np.searchsorted(present, small)
    axes.imshow(
        codes,
        cmap=ListedColormap(colours),
        vmin=-0.5,
        vmax=len(present) - 0.5,
        extent=extent,
        interpolation="nearest",
    )
    words = dict(style.classes)
    handles = [
        Patch(facecolor=colour, label=as_it_is(words.get(value, str(value))))
        for value, colour in zip(present, colours, strict=True)
    ]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=9)
