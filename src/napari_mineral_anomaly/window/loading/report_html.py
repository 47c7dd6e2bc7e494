"""The ingest report as HTML, and sentences about counts and sizes."""

from __future__ import annotations

from html import escape

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.window.loading.report_rows import place_of
from napari_mineral_anomaly.words import counted

# Titles of columns, and the fields of `UsedMap` that they show.
_FLAWS = (
    ("zero", "zero"),
    ("missing", "nan"),
    ("negative", "negative"),
    ("saturated", "saturated"),
)


def headline(cube: ElementCube) -> str:
    """One line about the scan: "16 element maps, 342 × 258 pixels (rows × columns), uint16"."""
    height, width = cube.shape
    size = f"{height} × {width} pixels (rows × columns)"
    return f"{counted(cube.n_elements, 'element map')}, {size}, {cube.maps.dtype}"


def pixel_size_text(pixel_size: tuple[float, float] | None) -> str:
    """The pixel size as text: "20 µm", "5 × 10 µm (y × x)" or "unknown"."""
    if pixel_size is None:
        return "unknown"
    y, x = pixel_size
    return f"{x:g} µm" if y == x else f"{y:g} × {x:g} µm (y × x)"


def report_html(report: IngestReport) -> str:
    """What is to decide, warnings, the ignored files with reasons, then every map that was used."""
    parts = []
    if report.to_decide:
        rows = "".join(
            f"<tr><td><b>{escape(entry.file)}</b>&nbsp;&nbsp;</td><td>{escape(entry.why)}</td></tr>"
            for entry in report.to_decide
        )
        parts.append(_section("To decide: which element?", f"<table>{rows}</table>"))
    if report.warnings:
        items = "".join(f"<li>{escape(warning)}</li>" for warning in report.warnings)
        style = "margin: 0 0 0 12px; -qt-list-indent: 0"
        parts.append(_section("Please check", f"<ul style='{style}'>{items}</ul>"))
    if report.ignored:
        rows = "".join(
            f"<tr><td>{escape(entry.file)}&nbsp;&nbsp;</td><td>{escape(entry.reason)}</td></tr>"
            for entry in report.ignored
        )
        parts.append(_section("Ignored", f"<table cellspacing='2'>{rows}</table>"))
    parts.append(_section("Used", _used_table(report)))
    return "".join(parts)


def _section(title: str, body: str) -> str:
    return f"<p style='margin: 10px 0 2px 0'><b>{title}</b></p>{body}"


def _used_table(report: IngestReport) -> str:
    # Leave out columns that are zero for every map.
    flaws = [
        (title, key) for title, key in _FLAWS if any(getattr(entry, key) for entry in report.used)
    ]
    head = "".join(f"<th align='right'>&nbsp;{title}</th>" for title, _ in flaws)
    rows = []
    for entry in report.used:
        cells = "".join(f"<td align='right'>&nbsp;{getattr(entry, key):,}</td>" for _, key in flaws)
        rows.append(
            f"<tr><td><b>{escape(entry.element)}</b>&nbsp;</td>"
            f"<td>{escape(place_of(entry))}&nbsp;</td><td>{escape(entry.dtype)}</td>{cells}</tr>"
        )
    return (
        "<table cellspacing='2'><tr><th align='left'>map</th><th align='left'>file</th>"
        f"<th align='left'>numbers</th>{head}</tr>{''.join(rows)}</table>"
    )
