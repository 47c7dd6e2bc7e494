"""The steps in their order."""

from __future__ import annotations

from napari_mineral_anomaly.window.workbench.steps.decide_step import DecideStep
from napari_mineral_anomaly.window.workbench.steps.find_step import FindStep
from napari_mineral_anomaly.window.workbench.steps.hand_over_step import HandOverStep
from napari_mineral_anomaly.window.workbench.steps.look_step import LookStep
from napari_mineral_anomaly.window.workbench.steps.open_step import OpenStep
from napari_mineral_anomaly.window.workbench.steps.step import Step

STEP_CLASSES: dict[str, type[Step]] = {
    step.NAME: step for step in (OpenStep, LookStep, FindStep, DecideStep, HandOverStep)
}
