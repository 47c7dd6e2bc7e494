"""Showing our docks and the steps of the workbench, by name."""

from __future__ import annotations

from typing import Any

PLUGIN = "napari-mineral-anomaly"

# The dock of the five steps, as the manifest names it.
WORKBENCH = "Mineral anomaly"

# The docks for experiments, as the manifest names them.
SPECTRUM = "Lab: spectrum"
PSEUDO_LABELS = "Lab: pseudo-labels"
TRUTH = "Lab: ground truth"
JUDGING = "Lab: judging"
SAMPLED_TRUTH = "Lab: sampled truth"
AGREEMENT = "Lab: agreement"
SECTIONS = "Lab: sections"
BATCH = "Lab: batch"
LAB = (
    SPECTRUM,
    PSEUDO_LABELS,
    AGREEMENT,
    TRUTH,
    JUDGING,
    SECTIONS,
    BATCH,
    SAMPLED_TRUTH,
)


def open_dock(viewer: Any, dock: str) -> Any | None:
    """Show a dock of this plugin; opened once, it is only brought to the front.

    Returns
    -------
    QWidget or None
        The widget in the dock; None without a window.
    """
    window = getattr(viewer, "window", None)
    if window is None:
        return None
    place, widget = window.add_plugin_dock_widget(PLUGIN, dock, tabify=True)
    place.show()
    place.raise_()
    return widget


def open_step(viewer: Any, step: str | None = None) -> Any | None:
    """Show the workbench, at a step (`window.state`) if it is given; None without a window."""
    workbench = open_dock(viewer, WORKBENCH)
    if workbench is not None and step is not None:
        workbench.go_to(step)
    return workbench
