"""The agreement of a scan's results as a layer, its colours and its legend."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from napari_mineral_anomaly.detectors.registry import detector_entry
from napari_mineral_anomaly.detectors.results.agreement import Agreement
from napari_mineral_anomaly.detectors.results.result import AnomalyResult
from napari_mineral_anomaly.window.layers.links import Link, first_layer, linked_layers
from napari_mineral_anomaly.window.layers.make import (
    add,
    agreement_layer,
    label_colours,
    spatial_of,
)
from napari_mineral_anomaly.window.layers.session import Session
from napari_mineral_anomaly.words import counted

if TYPE_CHECKING:
    from napari.layers import Layer

# From one detector (dim) to all of them (bright), in hues that a score map (magma) does not have.
# The darkest part is left out: it cannot be seen on a dark map.
_COLORMAP, _DIMMEST, _BRIGHTEST = "viridis", 0.4, 1.0


def results_of(session: Session, scan_id: str) -> dict[str, AnomalyResult]:
    """The current results of a scan by the name of their detector, oldest first."""
    return {run.fitted.name: run.result for run in session.runs_of_scan(scan_id)}


def agreement_colours(n_detectors: int) -> dict[int, str]:
    """A colour for every number of agreeing detectors, "#rrggbb"."""
    from napari.utils.colormaps import ensure_colormap

    step = (_BRIGHTEST - _DIMMEST) / max(1, n_detectors - 1)
    # "All detectors" is always the brightest colour, for any number of detectors.
    where = [_BRIGHTEST - step * (n_detectors - k) for k in range(1, n_detectors + 1)]
    rgb = ensure_colormap(_COLORMAP).map(where)[:, :3]
    codes = ["#" + "".join(f"{round(255 * float(part)):02x}" for part in colour) for colour in rgb]
    return dict(enumerate(codes, start=1))


def show_agreement(viewer: Any, scan_id: str, agreement: Agreement) -> Layer | None:
    """Make or update the agreement layer of a scan; None if its results were removed meanwhile."""
    found = next(linked_layers(viewer, scan_id, "score"), None)
    if found is None:
        return None
    score, link = found
    colours = agreement_colours(len(agreement.detectors))
    own = first_layer(viewer, "agreement", scan_id)
    if own is not None:
        own.data = agreement.counts
        own.colormap = label_colours(colours)
        return own
    return add(
        viewer,
        agreement_layer(
            agreement.counts,
            colours,
            title=link.scan,
            link=Link(scan_id, "agreement", scan=link.scan),
            spatial=spatial_of(score),
        ),
    )


def legend_html(agreement: Agreement, false_pixels: float) -> str:
    """What the colours mean, and how many pixels each detector flags."""
    n = len(agreement.detectors)
    lines = []
    for k, colour in sorted(agreement_colours(n).items(), reverse=True):
        who = f"all {n} detectors" if k == n else counted(k, "detector")
        pixels = counted(agreement.n_pixels(k), "pixel")
        lines.append(f"<span style='color: {colour}'>■</span> {who}: {pixels}")
    each = ", ".join(
        f"{escape(detector_entry(name).title)} {flagged:,}"
        for name, flagged in agreement.flagged.items()
    )
    pixel = "pixel" if false_pixels == 1 else "pixels"
    lines.append(f"Flagged by each, with {false_pixels:g} false {pixel} expected: {each}.")
    return "<br>".join(lines)
