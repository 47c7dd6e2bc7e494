"""What napari's menus and its command palette call: the workbench, at one of its steps."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.state.model import DECIDE, FIND, HAND_OVER, LOOK, OPEN


def show_open() -> None:
    """Show the step *Open*."""
    _show(OPEN)


def show_look() -> None:
    """Show the step *Look*."""
    _show(LOOK)


def show_find() -> None:
    """Show the step *Find*."""
    _show(FIND)


def show_decide() -> None:
    """Show the step *Decide*."""
    _show(DECIDE)


def show_hand_over() -> None:
    """Show the step *Hand over*."""
    _show(HAND_OVER)


def show_workbench_soon(viewer: Any, step: str) -> None:
    """Show a step of the workbench as soon as napari has added what it is opening."""
    if getattr(viewer, "window", None) is None:
        return
    from qtpy.QtCore import QTimer

    from napari_mineral_anomaly.window.layers.active import active_of

    def fit() -> None:
        # The map that was just opened was fitted to the window without the dock.
        active_of(viewer).fit()

    def show() -> None:
        open_step(viewer, step)
        QTimer.singleShot(0, fit)

    QTimer.singleShot(0, show)


def _show(step: str) -> None:
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is not None:
        open_step(viewer, step)
