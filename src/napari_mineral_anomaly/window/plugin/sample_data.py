"""napari sample data: simulated thin sections, made when they are opened."""

from __future__ import annotations

from typing import Any

from napari import current_viewer

from napari_mineral_anomaly.window.kit.opening import open_step
from napari_mineral_anomaly.window.layers.make import LayerData, new_scan_id
from napari_mineral_anomaly.window.loading.simulated import simulated_layers
from napari_mineral_anomaly.window.plugin.commands import show_workbench_soon
from napari_mineral_anomaly.window.state.model import LOOK, Activity


def easy_section() -> list[LayerData]:
    """A gneiss with small bright grains of gold, monazite, zircon, galena and chalcopyrite."""
    return _section("easy")


def hard_section() -> list[LayerData]:
    """A mica schist with few counts per pixel; odd grains of the same elements as the matrix."""
    return _section("hard")


def _section(scene: str) -> list[LayerData]:
    """The layers of a scene.

    napari refuses samples that come later, so they cannot be made in a worker here, as the step
    *Open* does it: the dock appears first and says what is going on.
    """
    workbench = None if current_viewer() is None else open_step(current_viewer())
    if workbench is None:
        return simulated_layers(scene, new_scan_id())
    _say_at_once(workbench, Activity("Simulating a thin section…"))
    try:
        return simulated_layers(scene, new_scan_id())
    finally:
        workbench.state.report(__name__, None)
        show_workbench_soon(current_viewer(), LOOK)


def _say_at_once(workbench: Any, activity: Activity) -> None:
    """Show in the header what goes on, before the window stands still."""
    from qtpy.QtCore import QCoreApplication, QEventLoop

    workbench.state.report(__name__, activity)
    flags = QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents
    QCoreApplication.processEvents(flags, 100)
