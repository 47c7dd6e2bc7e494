"""For people who look rather than read: overview.png and report.html."""

from __future__ import annotations

from napari_mineral_anomaly.runs.report.drawing import figure_png
from napari_mineral_anomaly.runs.report.overview import draw_loss_curve, draw_overview
from napari_mineral_anomaly.runs.report.page import render_report

__all__ = ["draw_loss_curve", "draw_overview", "figure_png", "render_report"]
