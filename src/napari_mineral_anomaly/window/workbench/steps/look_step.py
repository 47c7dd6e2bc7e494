"""*Look*: the element maps of the section."""

from __future__ import annotations

from typing import Any

from napari_mineral_anomaly.window.jobs import Executor
from napari_mineral_anomaly.window.state.model import LOOK
from napari_mineral_anomaly.window.workbench.steps.step import Step


class LookStep(Step):
    """Show one element, three as colours, or two as a ratio."""

    NAME, TITLE = LOOK, "Look"
    TASK = "Click an element to see its map."

    def __init__(self, napari_viewer: Any, executor: Executor | None = None) -> None:
        super().__init__(napari_viewer, executor)
