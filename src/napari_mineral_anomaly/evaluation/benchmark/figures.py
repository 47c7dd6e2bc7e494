"""Figures that compare detectors on scenes with truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from napari_mineral_anomaly.evaluation.metrics import LEAVE_OUT, compared_pixels
from napari_mineral_anomaly.runs.report.drawing import draw_values, new_figure, shrunk
from napari_mineral_anomaly.runs.report.map_style import COLOUR_SPAN, OUTSIDE_COLOUR

BACKGROUND_COLOUR, ANOMALY_COLOUR = "#4c78a8", "#e45756"

# Pixels per side of a map panel: as many as a panel of `MAP_INCHES` can show.
MAP_SIDE = 320
MAP_INCHES = 2.6

_BOX_WIDTH = 0.34


@dataclass(frozen=True, eq=False)
class SceneScores:
    """The score maps of several detectors on one scene.

    Attributes
    ----------
    truth : (H, W) uint8
        0, 1 and 255 (leave out).
    scores : mapping of detector to (H, W) float32
        Background sigmas; NaN outside the valid area.
    thresholds : mapping of detector to float
    """

    truth: NDArray[np.uint8]
    scores: dict[str, NDArray[np.float32]]
    thresholds: dict[str, float]


def draw_roc(scenes: Mapping[str, SceneScores]) -> Figure:
    """ROC curves: a row per scene, linear and logarithmic false positive rate.

    The logarithmic axis begins at one background pixel; anomalies that are found before the first
    false pixel are drawn there.
    """
    figure = new_figure(9.0, 3.4 * len(scenes) + 0.4)
    panels = figure.subplots(len(scenes), 2, squeeze=False)
    for (name, scene), (linear, logarithmic) in zip(scenes.items(), panels, strict=True):
        colours = _palette(len(scene.scores))
        for (detector, score), colour in zip(scene.scores.items(), colours, strict=True):
            curve = compared_pixels(score, scene.truth).roc_curve()
            fpr, tpr = curve.false_positive_rate, curve.true_positive_rate
            label = f"{detector} ({curve.area():.3f})"
            linear.plot(fpr, tpr, color=colour, linewidth=1.2, label=label)
            first = 1.0 / max(int(np.count_nonzero(scene.truth == 0)), 2)
            logarithmic.plot(np.maximum(fpr, first), tpr, color=colour, linewidth=1.2)
            logarithmic.set_xlim(left=first, right=1.0)
        logarithmic.set_xscale("log")
        linear.set_xlim(0.0, 1.0)
        linear.set_title(name, loc="left", fontsize=10)
        linear.legend(frameon=False, fontsize=7, loc="lower right", title="detector (AUC)")
        for axes in (linear, logarithmic):
            axes.set_ylim(0.0, 1.02)
            axes.set_xlabel("Share of the background flagged")
            axes.spines[["top", "right"]].set_visible(False)
        linear.set_ylabel("Share of the anomalies found")
    return figure


def draw_separability(scenes: Mapping[str, SceneScores]) -> Figure:
    """Background and anomaly scores as boxes (10th to 90th percentile, median line).

    Scores are stretched to 0-1 over the compared pixels, as `ComparedPixels.separability` does.
    """
    widest = max(len(scene.scores) for scene in scenes.values())
    figure = new_figure(max(1.0 * widest + 1.5, 5.0), 2.8 * len(scenes) + 0.5)
    panels = figure.subplots(len(scenes), 1, squeeze=False)[:, 0]
    for (name, scene), axes in zip(scenes.items(), panels, strict=True):
        boxes = [
            compared_pixels(score, scene.truth).separability() for score in scene.scores.values()
        ]
        at = np.arange(len(boxes))
        _draw_boxes(axes, at - _BOX_WIDTH / 2, [b.background for b in boxes], BACKGROUND_COLOUR)
        _draw_boxes(axes, at + _BOX_WIDTH / 2, [b.anomaly for b in boxes], ANOMALY_COLOUR)
        axes.set_xticks(at, list(scene.scores))
        axes.set_ylim(0.0, 1.0)
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_ylabel("Score, stretched to 0-1")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(
        handles=[
            Patch(color=BACKGROUND_COLOUR, label="background"),
            Patch(color=ANOMALY_COLOUR, label="anomalies"),
        ],
        frameon=False,
        fontsize=8,
    )
    return figure


def draw_score_maps(scenes: Mapping[str, SceneScores]) -> Figure:
    """Truth and score maps, a row per scene.

    The colours span 0 to `overview.COLOUR_SPAN` thresholds for every detector and scene, so that
    the same colour means the same oddness.
    """
    n_columns = 1 + max(len(scene.scores) for scene in scenes.values())
    heights = [
        MAP_INCHES * min(max(scene.truth.shape[0] / scene.truth.shape[1], 0.4), 2.0)
        for scene in scenes.values()
    ]
    figure = new_figure(MAP_INCHES * n_columns + 1.0, sum(heights) + 0.35 * len(heights) + 0.6)
    panels = figure.subplots(len(scenes), n_columns, squeeze=False, height_ratios=heights)
    image: Any = None
    for (name, scene), row in zip(scenes.items(), panels, strict=True):
        for axes in row:
            axes.set_axis_off()
        _draw_truth(row[0], scene.truth)
        row[0].set_title(f"{name}: truth", loc="left", fontsize=9)
        for axes, (detector, score) in zip(row[1:], scene.scores.items(), strict=False):
            # In units of the threshold, so that one colour bar fits scans of every size.
            in_thresholds = score / max(scene.thresholds[detector], 1.0)
            small, extent = shrunk(in_thresholds, np.fmax, MAP_SIDE)
            image = draw_values(axes, small, extent, "inferno", (0.0, COLOUR_SPAN))
            axes.set_title(detector, loc="left", fontsize=9)
    bar = figure.colorbar(image, ax=panels, extend="both", shrink=0.6, pad=0.01)
    bar.set_label("Anomaly score / threshold")
    figure.supxlabel(
        "Truth: white = anomaly, grey = left out. Scores: grey = outside the valid area.",
        fontsize=8,
        x=0.01,
        ha="left",
    )
    return figure


def draw_grain_recall(table: pd.DataFrame) -> Figure:
    """Recall of simulated grains over the share that they fill of their fullest pixel.

    Parameters
    ----------
    table : DataFrame
        Columns detector, criterion, fraction_from, fraction_to, n_grains, recall, with the same
        bins for all; one panel per criterion, one line per detector. Bins without grains are not
        drawn.
    """
    table = table[table["n_grains"] > 0]
    # A detector with several seeds counts each grain several times; the smallest count is right.
    per_bin = table.groupby(["fraction_from", "fraction_to"])["n_grains"].min().reset_index()
    bins = [
        f"{row['fraction_from']:g} to {row['fraction_to']:g}\n(n = {row['n_grains']})"
        for row in per_bin.to_dict("records")
    ]
    criteria = table["criterion"].drop_duplicates().tolist()
    detectors = table["detector"].drop_duplicates().tolist()
    figure = new_figure(5.2 * len(criteria), 4.0)
    panels = figure.subplots(1, len(criteria), squeeze=False, sharey=True)[0]
    for criterion, axes in zip(criteria, panels, strict=True):
        for detector, colour in zip(detectors, _palette(len(detectors)), strict=True):
            part = table[(table["criterion"] == criterion) & (table["detector"] == detector)]
            axes.plot(
                np.arange(len(bins)),
                part["recall"],
                marker="o",
                markersize=4,
                linewidth=1.2,
                color=colour,
                label=detector,
            )
        axes.set_xticks(np.arange(len(bins)), bins, fontsize=8)
        axes.set_title(f"Threshold: {criterion}", loc="left", fontsize=10)
        axes.set_xlabel("Share of its fullest pixel that a grain fills")
        axes.set_ylim(-0.02, 1.02)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("Share of the grains found")
    panels[-1].legend(frameon=False, fontsize=8)
    return figure


def _draw_boxes(
    axes: Axes, at: NDArray[Any], boxes: list[tuple[float, float, float]], colour: str
) -> None:
    stats = [
        {"q1": low, "med": middle, "q3": high, "whislo": low, "whishi": high}
        for low, middle, high in boxes
    ]
    axes.bxp(
        stats,
        positions=at,
        widths=_BOX_WIDTH,
        patch_artist=True,
        showfliers=False,
        showcaps=False,
        manage_ticks=False,
        boxprops={"facecolor": colour, "linewidth": 0.5},
        medianprops={"color": "black"},
    )


def _draw_truth(axes: Axes, truth: NDArray[np.uint8]) -> None:
    # Anomalies are above left-out pixels, so that a block with both shows the anomaly.
    ranked = np.select([truth == 1, truth == LEAVE_OUT], [2.0, 1.0], 0.0).astype(np.float32)
    small, extent = shrunk(ranked, np.fmax, MAP_SIDE)
    colours = ListedColormap(["black", OUTSIDE_COLOUR, "white"])
    axes.imshow(small, cmap=colours, vmin=0, vmax=2, extent=extent, interpolation="nearest")


def _palette(n: int) -> list[Any]:
    colours = colormaps["tab20" if n > 10 else "tab10"]
    return [colours(k % colours.N) for k in range(n)]
