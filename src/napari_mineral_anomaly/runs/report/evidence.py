"""The evidence on the grains that matter, for a report: facts, maps with outlines, drivers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from napari_mineral_anomaly.grains.columns import COMMENT, STATUS, UNSEEN, minus_sign
from napari_mineral_anomaly.grains.evidence import Evidence, EvidenceSource, Thumbnail
from napari_mineral_anomaly.grains.minerals.hints import minerals_sentence
from napari_mineral_anomaly.grains.pixels.outline import pixel_outlines
from napari_mineral_anomaly.progress import SILENT, Task
from napari_mineral_anomaly.runs.report.blocks import Block, Grain, Heading, Picture, Text
from napari_mineral_anomaly.runs.report.drawing import as_it_is, figure_png, new_figure

# More than one reads; each is half a page.
MOST_GRAINS = 30
# Where nobody has decided yet.
_FIRST = 6
_MOST_BARS = 8
_OUTLINE = "#19d3f3"
_MORE, _LESS = "#c0392b", "#2f6fb3"
_SHOWN_STATUS = ("accept", "SEM-true", "undecided")


def evidence_blocks(
    source: EvidenceSource, table: pd.DataFrame, *, task: Task = SILENT
) -> list[Block]:
    """A page for each grain that was accepted or is undecided; before, for the oddest few.

    Parameters
    ----------
    source : EvidenceSource
    table : DataFrame
        Its grains, with details and verdicts.
    task : Task, optional
        Reports progress (phase "evidence") and can be cancelled.
    """
    chosen = table[table[STATUS].isin(_SHOWN_STATUS)]
    which = "Accepted and undecided grains, the oddest first."
    if chosen.empty:
        chosen = table[table[STATUS] == UNSEEN].head(_FIRST)
        which = "No grain is accepted yet; these are the oddest."
    if chosen.empty:
        return []
    if len(chosen) > MOST_GRAINS:
        which += f" The first {MOST_GRAINS} of {len(chosen)}."
    blocks: list[Block] = [Heading("Evidence", new_page=True), Text(which, "small")]
    shown = chosen.head(MOST_GRAINS).to_dict("records")
    for step, row in enumerate(shown):
        task.step("evidence", step, len(shown), f"grain {row['id']}")
        evidence = source.of(int(row["id"]))
        picture = Picture(_picture(evidence), f"Maps and elements of grain {row['id']}")
        heading = f"Rank {row['rank']}, grain {row['id']}: {row[STATUS]}"
        blocks.append(Grain(heading, tuple(_facts(row, evidence)), evidence.sentences, picture))
    return blocks


def _facts(row: dict[Any, Any], evidence: Evidence) -> Iterator[tuple[str, str]]:
    if row[COMMENT]:
        yield "Comment", str(row[COMMENT])
    if row["decided_by"] or row["decided_at"]:
        yield "Decided", f"{row['decided_by']} {row['decided_at']}".strip()
    yield "Score", minus_sign(f"{row['peak_score']:.1f} background sigmas at its peak")
    if row["area_um2"] == row["area_um2"]:
        size = f"{row['area_um2']:,.0f} µm², Ø {row['equivalent_diameter_um']:,.0f} µm"
        yield "Size", f"{size} ({row['area_px']} pixels)"
        yield (
            "Place on the map",
            minus_sign(
                f"{row['centroid_x_um']:,.0f} µm across, {row['centroid_y_um']:,.0f} µm down"
            ),
        )
    else:
        yield "Size", f"{row['area_px']} pixels"
        yield (
            "Place on the map",
            (f"{row['centroid_x_px']:.1f} across, {row['centroid_y_px']:.1f} down (pixels)"),
        )
    if row["sem_x_mm"] == row["sem_x_mm"]:
        place = f"x {row['sem_x_mm']:.3f}, y {row['sem_y_mm']:.3f} mm"
        yield "Place on the SEM", minus_sign(place)
    yield "Minerals", minerals_sentence(evidence.minerals)


def _picture(evidence: Evidence) -> bytes:
    """The maps of the driving elements with the outline of the grain, and its elements as bars."""
    n_maps = len(evidence.thumbnails)
    figure = new_figure(2.05 * n_maps + 3.0, 2.3)
    axes = figure.subplots(1, n_maps + 1, width_ratios=[*[1.0] * n_maps, 1.5], squeeze=False)[0]
    for thumbnail, place in zip(evidence.thumbnails, axes[:-1], strict=True):
        _draw_map(place, thumbnail)
    strongest = evidence.elements.head(_MOST_BARS).iloc[::-1]
    sigmas = strongest["ring_sigmas"].to_numpy()
    names = [as_it_is(str(name)) for name in strongest["element"]]
    bars = axes[-1]
    bars.barh(names, np.nan_to_num(sigmas), color=np.where(sigmas < 0, _LESS, _MORE), height=0.7)
    bars.axvline(0, color="#444", linewidth=0.8)
    bars.set_title("Against its surroundings (sigmas)", fontsize=8, loc="left")
    bars.tick_params(labelsize=8)
    bars.spines[["top", "right"]].set_visible(False)
    return figure_png(figure)


def _draw_map(axes: Any, thumbnail: Thumbnail) -> None:
    x_min, x_max, y_min, y_max = thumbnail.extent
    low, high = (0.0, 1.0)
    if np.isfinite(thumbnail.image).any():
        low, high = np.nanpercentile(thumbnail.image, (1.0, 99.8))
    axes.imshow(
        thumbnail.image,
        cmap="gray",
        vmin=low,
        vmax=high if high > low else low + 1.0,
        extent=(x_min, x_max, y_max, y_min),
        interpolation="nearest",
    )
    height, width = thumbnail.outline.shape
    step = np.array([(y_max - y_min) / height, (x_max - x_min) / width])
    for ring in pixel_outlines(thumbnail.outline):
        y, x = ((ring + 0.5) * step + (y_min, x_min)).T
        axes.plot(x, y, color=_OUTLINE, linewidth=1.0)
    sigmas = minus_sign(f"{thumbnail.sigmas:+.1f}")
    axes.set_title(as_it_is(f"{thumbnail.element} {sigmas}"), fontsize=9, loc="left")
    axes.tick_params(labelsize=6)
