"""The figures of a run, drawn without pyplot: they need no window and work in any thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.grains.columns import DRIVER_COLUMNS, split_driver
from napari_mineral_anomaly.runs.record import LossPoint
from napari_mineral_anomaly.runs.report.drawing import (
    MAP_TEXT,
    as_it_is,
    draw_scale_bar,
    draw_values,
    new_figure,
    shrunk,
)
from napari_mineral_anomaly.runs.report.map_style import COLOUR_SPAN, SCORE_COLOURS
from napari_mineral_anomaly.scan.cube import ElementCube

N_NUMBERED = 20
N_DRIVER_MAPS = 3

_OUTLINE = "#19d3f3"
_NARROWEST = 4.0  # inches; titles need room even above a scan that is a few pixels wide


def draw_overview(
    cube: ElementCube,
    result: AnomalyResult,
    grains: pd.DataFrame,
    labels: NDArray[np.unsignedinteger[Any]],
    *,
    title: str,
) -> Figure:
    """Score map with numbered grains, and the maps of the elements that drive them.

    Parameters
    ----------
    cube, result
        The scan and its result.
    grains : DataFrame
        As `grains.table.find_grains` gives it; the worst `N_NUMBERED` are numbered by rank.
    labels : (H, W)
        The pixels of these grains by their ids.
    title : str
        Name of the scan.
    """
    elements = leading_drivers(grains, cube.elements)
    height, width = cube.shape
    pixel_y, pixel_x = result.pixel_size or (1.0, 1.0)
    ratio = (height * pixel_y) / (width * pixel_x)
    figure, score_axes, driver_axes = _layout(ratio, len(elements))
    figure.suptitle(as_it_is(f"{title}: {_headline(result, grains)}"), fontsize=13)
    # The caption belongs to the figure, not to the panel: on a narrow scan it is wider than the
    # panel, and the layout would then make the panel vanish.
    caption = "Blue line of the scale: threshold. Grey: left out."
    if not grains.empty:
        caption += "\nOutlined: listed grains, dashed below the threshold. Numbers: rank."
    figure.supxlabel(caption, fontsize=9, x=0.01, ha="left")
    _draw_score(score_axes, result, grains, labels)
    for axes, element in zip(driver_axes, elements, strict=True):
        _draw_element(axes, cube, result, grains, element)
    for axes in (score_axes, *driver_axes):
        axes.set_aspect(pixel_y / pixel_x)
        axes.set_xticks([])
        axes.set_yticks([])
    draw_scale_bar(score_axes, cube.shape, result.pixel_size)
    return figure


def draw_loss_curve(points: Sequence[LossPoint]) -> Figure:
    """Training loss per epoch, one line per stage, one stage after the other.

    The axis is logarithmic unless a loss is not positive.
    """
    figure = new_figure(7.0, 2.8)
    axes = figure.add_subplot()
    losses = np.array([np.nan if p.loss is None else p.loss for p in points], dtype=float)
    stages = np.array([p.stage for p in points])
    steps = np.arange(1, losses.size + 1)
    for stage in dict.fromkeys(stages.tolist()):
        of_stage = stages == stage
        axes.plot(steps[of_stage], losses[of_stage], linewidth=1.2, label=f"Stage {stage}")
    if np.nanmin(losses, initial=np.inf) > 0:
        axes.set_yscale("log")
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Training loss")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def leading_drivers(grains: pd.DataFrame, elements: Sequence[str]) -> list[str]:
    """Elements to show, at most `N_DRIVER_MAPS`: the first drivers of the numbered grains.

    The most frequent first; among equals the one of the worse grain. Grains below the threshold
    count only where none is above it.
    """
    shown = grains.head(N_NUMBERED)
    if shown["above_threshold"].any():
        shown = shown[shown["above_threshold"]]
    first = [split_driver(text)[0] for text in shown[DRIVER_COLUMNS[0]] if text]
    counted = [element for element, _ in Counter(first).most_common()]
    return [element for element in counted if element in elements][:N_DRIVER_MAPS]


def _headline(result: AnomalyResult, grains: pd.DataFrame) -> str:
    detector = result.info.detector
    name = f" ({detector})" if detector else ""
    n_above = int(grains["above_threshold"].sum())
    if not n_above:
        return f"no grain reaches {result.threshold:.2f} background sigmas{name}"
    what = "grain" if n_above == 1 else "grains"
    return f"{n_above} {what} at or above {result.threshold:.2f} background sigmas{name}"


def _layout(ratio: float, n_drivers: int) -> tuple[Figure, Axes, list[Axes]]:
    """A score panel, with the driver maps beside it or, for wide scans, below it."""
    wide = ratio < 0.6
    if n_drivers == 0:
        figure = new_figure(9.0, min(max(9.0 * ratio, 3.0), 11.0) + 0.8)
        return figure, figure.add_subplot(), []
    if wide:
        score_height = max(11.0 * ratio, 2.2)
        figure = new_figure(12.0, score_height * (1 + 1.2 / n_drivers) + 1.4)
        grid = figure.add_gridspec(2, n_drivers, height_ratios=[1.0, 1.2 / n_drivers])
        score_axes = figure.add_subplot(grid[0, :])
        return figure, score_axes, [figure.add_subplot(grid[1, k]) for k in range(n_drivers)]
    score_height = min(max(8.0 * ratio, 5.0), 11.0)
    # Panels are as wide as their maps, plus room for the colour bar beside each.
    map_width = max(score_height / ratio, _NARROWEST)
    widths = [map_width + 1.1, map_width / N_DRIVER_MAPS + 1.1]
    figure = new_figure(sum(widths) + 0.3, score_height + 0.9)
    grid = figure.add_gridspec(N_DRIVER_MAPS, 2, width_ratios=widths)
    score_axes = figure.add_subplot(grid[:, 0])
    return figure, score_axes, [figure.add_subplot(grid[k, 1]) for k in range(n_drivers)]


def _draw_score(
    axes: Axes,
    result: AnomalyResult,
    grains: pd.DataFrame,
    labels: NDArray[np.unsignedinteger[Any]],
) -> None:
    score, extent = shrunk(result.score, np.fmax)
    # A threshold of 0 or below still needs a range of colours.
    limits = (0.0, COLOUR_SPAN * max(result.threshold, 1.0))
    image = draw_values(axes, score, extent, SCORE_COLOURS, limits)
    bar = axes.figure.colorbar(image, ax=axes, extend="both", shrink=0.8, pad=0.02)
    bar.set_label("Anomaly score (background sigmas)")
    bar.ax.axhline(result.threshold, color=_OUTLINE, linewidth=2)
    for is_above, style in ((True, "solid"), (False, "dashed")):
        ids = grains.loc[grains["above_threshold"] == is_above, "id"]
        if ids.empty:
            continue
        mask, _ = shrunk(np.isin(labels, ids).astype(np.float32), np.fmax)
        axes.contour(
            mask,
            levels=[0.5],
            extent=extent,
            origin="upper",
            colors=_OUTLINE,
            linewidths=0.7,
            linestyles=style,
        )
    _number_grains(axes, result.score.shape, grains)


def _draw_element(
    axes: Axes, cube: ElementCube, result: AnomalyResult, grains: pd.DataFrame, element: str
) -> None:
    plane = np.where(result.valid, cube.plane(cube.elements.index(element)), np.nan)
    small, extent = shrunk(plane.astype(np.float32), np.fmax)
    low, high = np.nanpercentile(small, (1.0, 99.8))
    limits = (low, high if high > low else low + 1.0)
    image = draw_values(axes, small, extent, "gray", limits)
    bar = axes.figure.colorbar(image, ax=axes, extend="both", pad=0.02)
    if cube.quantity in ("counts", "concentration"):
        bar.set_label(cube.quantity, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    shown = grains.head(N_NUMBERED)
    driven = shown[[split_driver(text)[0] == element for text in shown[DRIVER_COLUMNS[0]]]]
    axes.scatter(
        driven["centroid_x_px"],
        driven["centroid_y_px"],
        s=60,
        facecolors="none",
        edgecolors=_OUTLINE,
        linewidths=0.9,
    )
    ranks = ", ".join(str(rank) for rank in driven["rank"][:8])
    more = " ..." if len(driven) > 8 else ""
    axes.set_title(as_it_is(f"{element}: first driver of {ranks}{more}"), fontsize=9, loc="left")


def _number_grains(axes: Axes, shape: tuple[int, ...], grains: pd.DataFrame) -> None:
    height, width = shape
    for grain in grains.head(N_NUMBERED).itertuples():
        x, y = float(str(grain.centroid_x_px)), float(str(grain.centroid_y_px))
        # The number stands on the side of the grain that faces the middle, inside the map.
        right, below = x < 0.9 * width, y < 0.1 * height
        axes.annotate(
            str(grain.rank),
            (x, y),
            xytext=(6 if right else -6, -6 if below else 6),
            ha="left" if right else "right",
            va="top" if below else "bottom",
            fontsize=9,
            **MAP_TEXT,
        )
