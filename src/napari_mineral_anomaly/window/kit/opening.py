"""Showing our docks and the steps of the workbench, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

PLUGIN = "napari-mineral-anomaly"

# What napari adds to the name of a dock: for its menus and its command palette the name of the
# plugin for people, for `add_plugin_dock_widget` the name of the package.
SUFFIXES = (" (Mineral anomaly)", f" ({PLUGIN})")

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
    widget = _opened(window, dock)
    if widget is None:
        # Under the name that napari's menus use: they find this dock and open no second one.
        widget = _dock_class(dock)(viewer)
        place = window.add_dock_widget(widget, name=f"{dock}{SUFFIXES[0]}", tabify=True)
    else:
        place = widget.parentWidget()
    place.show()
    place.raise_()
    return widget


def _opened(window: Any, dock: str) -> QWidget | None:
    """The widget of a dock that is open, whoever opened it."""
    names = [f"{dock}{suffix}" for suffix in SUFFIXES]
    return next((window.dock_widgets[name] for name in names if name in window.dock_widgets), None)


def _dock_class(dock: str) -> Any:
    from npe2 import PluginManager

    for widget in PluginManager.instance().iter_widgets():
        if widget.plugin_name == PLUGIN and widget.display_name == dock:
            return widget.get_callable()
    raise LookupError(f"The manifest names no dock {dock!r}.")


def open_step(viewer: Any, step: str | None = None) -> Any | None:
    """Show the workbench, at a step (`window.state`) if it is given; None without a window."""
    workbench = open_dock(viewer, WORKBENCH)
    if workbench is not None and step is not None:
        workbench.go_to(step)
    return workbench
