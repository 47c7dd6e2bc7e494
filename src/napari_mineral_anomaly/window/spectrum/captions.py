"""Captions of the dock *Spectrum* for a pixel or region."""

from __future__ import annotations

from napari_mineral_anomaly.detectors.registry import detector_entry
from napari_mineral_anomaly.scan.looking.region import Region, RegionSpectrum
from napari_mineral_anomaly.window.spectrum.work import RegionSeen
from napari_mineral_anomaly.words import counted

_MOST_NAMED = 3


def place_text(region: Region) -> str:
    """Name of a pixel or region: "Pixel in row 12, column 30"."""
    if isinstance(region, tuple):
        return f"Pixel in row {region[0]}, column {region[1]}"
    return "Region"


def region_caption(region: Region, spectrum: RegionSpectrum | None) -> str:
    """Caption that explains the two curves."""
    if spectrum is None:
        return f"{place_text(region)}."
    total = counted(round(float(spectrum.counts.sum())), "count")
    size = "" if isinstance(region, tuple) else f" of {counted(spectrum.n_pixels, 'pixel')}"
    return (
        f"<b>{place_text(region)}{size}</b>: {total} (coloured). Grey: the whole scan, scaled to "
        "the same total."
    )


def expected_caption(seen: RegionSeen) -> str:
    """Caption with the largest differences between observed and expected values."""
    if seen.expected is None:
        return ""
    named = [
        f"{element} {_figure(observed)} (expected {_figure(expected)})"
        for element, observed, expected in seen.expected.departures()[:_MOST_NAMED]
    ]
    what = "Counts" if seen.expected.summed else "Mean values"
    return (
        f"{what} observed (bars; orange: more than expected) and expected by "
        f"{detector_entry(seen.detector).title} (marks). "
        f"Largest differences: {', '.join(named)}."
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"
