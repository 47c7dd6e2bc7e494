"""What to check as HTML, and sentences about counts and sizes."""

from __future__ import annotations

from html import escape

from napari_mineral_anomaly.scan.cube import ElementCube
from napari_mineral_anomaly.scan.report import IngestReport
from napari_mineral_anomaly.words import counted


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


def warnings_html(report: IngestReport) -> str:
    """What to check, as a list."""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in report.warnings)
    style = "margin: 0 0 0 12px; -qt-list-indent: 0"
    return f"<p style='margin: 2px 0'><b>Please check</b></p><ul style='{style}'>{items}</ul>"
